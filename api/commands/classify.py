"""`touchline classify`: what a mail would be taken for, without a broker, a database or (unless there is one) a key."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.context import Json, command, console, grid, print_json, run, settings_for
from api.errors import BAD_INPUT, UserError

if TYPE_CHECKING:
    from api.classifying import Desk, Item, Judged

Files = Annotated[list[Path], typer.Argument(help="Mails (.eml) or mailboxes (mbox); - is standard input.")]


@command
def classify(  # noqa: PLR0917 - options, which typer gives by name
    files: Files,
    rules: Annotated[
        list[Path] | None,
        typer.Option(help="A YAML file with ReplyRule and Routing documents; may be given several times."),
    ] = None,
    model: Annotated[bool, typer.Option(help="Let Claude read what no rule knows (needs ANTHROPIC_API_KEY).")] = True,
    zone: Annotated[str, typer.Option(help="Where the writers live: return dates are read there.")] = "UTC",
    received_at: Annotated[
        str | None, typer.Option(help="When the mails came (2026-03-02T09:00:00Z); else what their Date header says.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Judge mails from files: rules, recognisers, then Claude. Nothing is stored, sent or stopped."""
    if run(_classify(files, rules or [], model, zone, received_at, as_json=as_json)):
        raise typer.Exit(BAD_INPUT)


async def _classify(
    files: list[Path], rules: list[Path], with_model: bool, zone: str, received_at: str | None, *, as_json: bool
) -> bool:
    """Whether anything could not be read."""
    from api.classifying import BadFile, items_of

    failed = False
    async with _desk(rules, with_model, zone, received_at) as desk:
        items: list[Item] = []
        for path in files:
            try:
                items += items_of(path)
            except BadFile as error:
                failed = True
                sys.stderr.write(f"error: {path} {error}\n")
        rows: list[Judged] = []
        async for judged in desk.judge(items):
            if judged.error is not None:
                failed = True
                sys.stderr.write(f"error: {judged.item.file} cannot be parsed: {judged.error}\n")
            if as_json:
                print_json(judged.as_json())
                sys.stdout.flush()
            else:
                rows.append(judged)
    if rows:
        _show(rows)
    return failed


@asynccontextmanager
async def _desk(rules: list[Path], with_model: bool, zone: str, received_at: str | None) -> AsyncGenerator[Desk]:
    from api.bootstrap import claude_of, keys_of
    from api.classifying import Desk, knowledge_of
    from api.documents import read_files
    from api.logs import configure_logs
    from domain.tokens import read_mail_token
    from schemas.definitions import Definition

    settings = settings_for()
    configure_logs(settings, "classify")  # to stderr: standard output is for the answer
    at = _instant(received_at)
    drafts = read_files(rules) if rules else []
    now = datetime.now(UTC)
    definitions = [Definition(kind=draft.kind, id=draft.id, revision=1, spec=draft.spec, at=now) for draft in drafts]
    if rules and not any(draft.kind in {"reply_rule", "routing"} for draft in drafts):
        raise UserError("--rules: no ReplyRule and no Routing document in " + ", ".join(map(str, rules)))
    client = claude_of(settings) if with_model else None  # no budget here: that stands in Postgres
    try:
        yield Desk(
            knowledge_of(definitions),
            client,
            "no_key" if with_model else "model_off",
            partial(read_mail_token, keys_of(settings)) if settings.token_keys is not None else None,
            _zone(zone),
            at,
        )
    finally:
        if client is not None:
            await client.close()


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UserError(f"--zone: there is no time zone {name!r}; use a name such as Europe/Stockholm") from None


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise UserError(f"--received-at: {text!r} is no instant; write it such as 2026-03-02T09:00:00Z")
    return at


def _show(rows: list[Judged]) -> None:
    columns = ("file", "disposition", "category", "sure", "by", "match", "return", "effect", "text")
    table = [_row(judged) for judged in rows]
    console().print(grid(f"{len(rows)} messages", columns, table))


def _row(judged: Judged) -> list[Any]:
    name = Path(judged.item.file).name + (f" #{judged.item.number}" if judged.item.number > 1 else "")
    verdict = judged.verdict
    if verdict is None or judged.mail is None:
        return [name, "-", None, None, None, None, None, None, judged.error]
    by = (
        verdict.decided_by
        if verdict.decided_by == "model"
        else f"{verdict.decided_by}: {verdict.rule_id or verdict.why}"
    )
    effect = [
        *(["suppresses"] if verdict.suppresses else []),
        *(["stops"] if verdict.stops else []),
        *([f"{verdict.bounce} {verdict.bounce_code or ''}".strip()] if verdict.bounce else []),
    ]
    return [
        name,
        verdict.own_disposition or verdict.disposition,
        verdict.own_category or verdict.category,
        f"{verdict.confidence:.2f}",
        by,
        judged.matched_by,
        judged.return_date,
        ", ".join(effect),
        " ".join(judged.mail.text.split())[:40],
    ]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(classify)
