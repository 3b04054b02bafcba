"""`touchline validate` and `touchline apply`: definition files, all or nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from api.commands.context import Json, command, console, must_stand, office, print_json, run

if TYPE_CHECKING:
    from api.control import Applied
    from api.documents import InvalidFiles
    from streams.settings import Settings

PROBE_S = 10.0
Files = Annotated[
    list[Path], typer.Argument(help="YAML files with documents (kind: Pool, Mailbox, Campaign, ReplyRule, Routing).")
]


@command
def validate(files: Files, as_json: Json = False) -> None:
    """Check files without touching anything; what they name must stand in the files themselves."""
    from api.documents import InvalidFiles, read_files

    try:
        drafts = read_files(files)
    except InvalidFiles as error:
        _refuse(error, as_json=as_json)
    if as_json:
        print_json([])
    else:
        console().print(f"{len(drafts)} documents, nothing wrong with them")


@command
def apply(files: Files, as_json: Json = False) -> None:
    """Put definitions into force: all of them, or nothing and every problem with its file and place."""
    must_stand(*files)
    run(_apply(files, as_json=as_json))


async def _apply(files: list[Path], *, as_json: bool) -> None:
    from api.documents import InvalidFiles, read_files

    async with office() as at:
        try:
            drafts = read_files(files, await at.store.heads())
        except InvalidFiles as error:
            _refuse(error, as_json=as_json)
        applied = await at.control.apply(drafts)
    if as_json:
        print_json(
            {
                "created": applied.created,
                "changed": applied.changed,
                "unchanged": applied.unchanged,
                "published": applied.published,
            }
        )
        return
    _say(applied, "" if applied.published else await _unpublished(at.settings))


async def _unpublished(settings: Settings) -> str:
    """Why the topic lacks what was applied, and what becomes of it."""
    from aiokafka.errors import KafkaError

    from streams.provision import verify_partitions
    from streams.settings import SettingsError

    why = "Kafka does not answer"
    try:
        async with asyncio.timeout(PROBE_S):
            await verify_partitions(settings)
    except SettingsError as refused:
        why = str(refused)
    except (KafkaError, OSError, TimeoutError):
        pass  # that is why
    return f"{why}\nWhat was applied is stored; the API publishes it as soon as it can"


def _say(applied: Applied, unpublished: str) -> None:
    out = console()
    for verb, names in (("created", applied.created), ("changed", applied.changed), ("unchanged", applied.unchanged)):
        for name in names:
            out.print(f"{verb:9} {name}", highlight=False)
    if unpublished:
        out.print(unpublished, highlight=False, markup=False, soft_wrap=True)


def _refuse(error: InvalidFiles, *, as_json: bool) -> NoReturn:
    """Machines get the list that people get as lines; then exit 2."""
    if as_json:
        print_json([item.as_json() for item in error.found])
    else:
        sys.stderr.write("\n".join([f"error: {error.message}", *(f"  {line}" for line in error.problems)]) + "\n")
    raise typer.Exit(error.exit_code)


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(validate)
    app.command()(apply)
