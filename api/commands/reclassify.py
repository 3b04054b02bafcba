"""`touchline reclassify`: stored replies judged by today's rules and recognisers."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run
from api.errors import UserError

if TYPE_CHECKING:
    from agents.replying.ports import Model
    from api.commands.context import Office
    from api.reclassifying import Change, Reclassifier


@command
def reclassify(
    since: Annotated[str, typer.Option(help="From when on: a day (2026-03-01) or an instant (2026-03-01T09:00:00Z).")],
    campaign: Annotated[str | None, typer.Option(help="Only replies to this campaign.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and change nothing.")] = False,
    model: Annotated[bool, typer.Option("--model", help="Let Claude read again what no rule knows.")] = False,
    as_json: Json = False,
) -> None:
    """Judge stored replies anew. Sent mail and finished cards stay as they are; suppressions are only ever added."""
    changes, counts = run(_reclassify(_since(since), campaign, dry_run=dry_run, with_model=model))
    if as_json:
        print_json({"dry_run": dry_run, "counts": counts, "changes": [change.as_json() for change in changes]})
        return
    if changes:
        console().print(grid("would change" if dry_run else "changed", COLUMNS, map(_row, changes)))
    told = [f"{counts['looked_at']} replies looked at, {counts['changed']} {'would change' if dry_run else 'changed'}"]
    for name, text in NOTES.items():
        if counts.get(name):
            told.append(f"{counts[name]} {text}")
    console().print("\n".join(told), highlight=False)


COLUMNS = ("reply_id", "campaign_id", "lead_id", "was", "now", "by", "suppresses")
NOTES = {
    "unread": "need reading and keep their verdict (--model has Claude read them)",
    "no_answer": "got no answer from the model and keep their verdict",
    "overtaken": "were judged by somebody else at the same moment",
    "unfit": "came to no verdict that can be told and keep theirs: the log says why",
}


async def _reclassify(
    since: datetime, campaign: str | None, *, dry_run: bool, with_model: bool
) -> tuple[list[Change], dict[str, int]]:
    async with office("token_keys") as at, _reclassifier(at, dry_run=dry_run, with_model=with_model) as work:
        if campaign is not None:
            await at.control.campaign(campaign)
        changes = [change async for change in work.run(since, campaign)]
        if changes and not dry_run:
            await _tell(at)
    return changes, {name: work.counts[name] for name in ("looked_at", "changed", *NOTES)}


async def _tell(at: Office) -> None:
    """Tell what was noted. Where Kafka does not answer the API does it as soon as it does."""
    from api.telling import AT_ONCE, Telling
    from streams.errors import Retryable

    telling = Telling(at.notes, at.publisher)
    try:
        while await telling.once() == AT_ONCE:
            pass
    except Retryable as error:
        sys.stderr.write(f"{error}\nWhat was judged anew is stored; the API tells of it as soon as it can\n")


@asynccontextmanager
async def _reclassifier(at: Office, *, dry_run: bool, with_model: bool) -> AsyncGenerator[Reclassifier]:
    from api.bootstrap import dsn_of, keys_of
    from api.classifying import knowledge_of
    from api.logs import configure_logs
    from api.reclassifying import Reclassifier
    from sinks.postgres.connect import LEDGER_PLAN, connect
    from sinks.postgres.rejudging import Rejudging
    from sinks.postgres.stops import PostgresStops

    configure_logs(at.settings, "reclassify")  # to stderr: standard output is for the answer
    pool = await connect(dsn_of(at.settings), name="reclassify", plan=LEDGER_PLAN)
    client: Any = None
    try:
        client = _model(at, pool) if with_model else None
        reader: Model | None = client
        yield Reclassifier(
            Rejudging(pool),
            PostgresStops(pool, keys_of(at.settings).hash_secret),
            knowledge_of(await at.store.heads()),
            at.clock,
            reader,
            dry_run,
        )
    finally:
        if client is not None:
            await client.close()
        await pool.close()


def _model(at: Office, pool: Any) -> Any:
    from api.bootstrap import claude_of
    from sinks.postgres.claude_spend import ClaudeSpend

    client = claude_of(at.settings, ClaudeSpend(pool, at.settings.claude_daily_budget_usd))
    if client is None:
        raise UserError("--model: there is no key: set ANTHROPIC_API_KEY")
    return client


def _since(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"--since: {text!r} is no day and no instant; write 2026-03-01 or 2026-03-01T09:00:00Z"
        ) from None
    if at.tzinfo is None:
        if len(text) > len("2026-03-01"):
            raise UserError(f"--since: {text!r} has no offset; write 2026-03-01T09:00:00Z")
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC)


def _row(change: Change) -> list[Any]:
    was, now = change.as_json()["was"], change.as_json()["now"]
    by = now["rule_id"] or now["why"]
    return [
        str(change.now.reply_id),
        change.now.campaign_id,
        change.now.lead_id,
        _short(was),
        _short(now),
        f"{now['decided_by']}: {by}" if by else now["decided_by"],
        "yes" if change.suppresses else "",
    ]


def _short(said: dict[str, Any]) -> str:
    more = [str(said[name]) for name in ("category", "bounce") if said[name]]
    if said["return_at"] is not None:
        more.append(f"until {said['return_at'].date().isoformat()}")
    return " ".join([said["disposition"], *more])


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(reclassify)
