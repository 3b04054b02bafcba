"""Dead letters: list, show, replay (design: every one can be inspected and put back)."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from api.commands.context import Json, command, console, grid, print_json, run, settings_for
from api.errors import ConflictError, NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from streams.dead_letters import DeadLetter
    from streams.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Dead letters: what could not be processed.")
Place = Annotated[str, typer.Argument(help="PARTITION:OFFSET, as `list` prints it.")]


@app.command("list")
@command
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only this reason.")] = None,
    topic: Annotated[str | None, typer.Option(help="Only from this topic.")] = None,
    as_json: Json = False,
) -> None:
    """Every dead letter that stands now."""
    found = run(_all(settings_for(), reason, topic))
    if as_json:
        print_json([_json(letter) for letter in found])
        return
    columns = ("at", "role", "topic", "reason", "detail", "place")
    rows = (
        (item.at, item.role, item.source_topic, item.reason, item.detail[:80], f"{item.partition}:{item.offset}")
        for item in found
    )
    console().print(grid(f"{len(found)} dead letters", columns, rows))


async def _all(settings: Settings, reason: str | None, topic: str | None) -> list[DeadLetter]:
    from streams.dead_letters import read
    from streams.provision import verify_partitions

    await verify_partitions(settings)
    return [
        letter
        async for letter in read(settings)
        if (reason is None or letter.reason == reason) and (topic is None or letter.source_topic == topic)
    ]


@app.command("show")
@command
def show(place: Place, as_json: Json = False) -> None:
    """One dead letter with its original value, which may hold personal data."""
    letter = run(_one(settings_for(), place))
    value = (letter.value or b"").decode("utf-8", "replace")
    if as_json:
        print_json({**_json(letter), "value": value})
        return
    out = console()
    for name, told in _json(letter).items():
        out.print(f"{name:16} {told}", highlight=False, markup=False)
    out.print(value, highlight=False, markup=False)


@app.command("replay")
@command
def put_back(
    place: Annotated[str | None, typer.Argument(help="PARTITION:OFFSET, as `list` prints it.")] = None,
    reason: Annotated[str | None, typer.Option(help="All with this reason.")] = None,
    as_json: Json = False,
) -> None:
    """Publish originals again on their own topic. Their event ids make a second replay change nothing."""
    if (place is None) == (reason is None):
        raise UserError("say either PARTITION:OFFSET or --reason")
    replayed = run(_replay(settings_for(), place, reason))
    if as_json:
        print_json(replayed)
    else:
        console().print(f"{len(replayed)} replayed")


async def _replay(settings: Settings, place: str | None, reason: str | None) -> list[dict[str, Any]]:
    from streams.dead_letters import ReplayRefused, replay

    letters = [await _one(settings, place)] if place is not None else await _all(settings, reason, None)
    replayed: list[dict[str, Any]] = []
    for letter in letters:
        try:
            partition, offset = await replay(settings, letter)
        except ReplayRefused as error:
            if place is not None:
                raise ConflictError(str(error)) from None
            continue
        replayed.append({"topic": letter.source_topic, "partition": partition, "offset": offset})
    return replayed


async def _one(settings: Settings, place: str) -> DeadLetter:
    from streams.dead_letters import read
    from streams.provision import verify_partitions

    partition, _, offset = place.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise UserError(f"{place!r} is not PARTITION:OFFSET")
    await verify_partitions(settings)
    found = read(settings, int(partition), int(offset))
    async with aclosing(cast("AsyncGenerator[DeadLetter]", found)) as letters:
        async for letter in letters:
            return letter
    raise NotFoundError(f"no dead letter stands at {place}")


def _json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "place": f"{letter.partition}:{letter.offset}",
        "at": letter.at,
        "role": letter.role,
        "reason": letter.reason,
        "detail": letter.detail,
        "topic": letter.source_topic,
        "partition": letter.source_partition,
        "offset": letter.source_offset,
        "key": letter.key.decode("utf-8", "replace") if letter.key else None,
        "truncated": letter.truncated,
    }


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="dlq")
