"""Replies: list them, read one with its thread, match one by hand (docs/behaviour.md 7.2, 8.3)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run
from api.errors import ConflictError, NotFoundError

app = typer.Typer(no_args_is_help=True, help="Replies: list them, read a thread, match one by hand.")

ReplyId = Annotated[UUID, typer.Argument(help="The reply, as `replies list` prints it.")]


@app.command("list")
@command
def list_replies(  # noqa: PLR0917 - each is an option
    untracked: Annotated[bool, typer.Option("--untracked", help="Only those that answer nothing of ours.")] = False,
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    lead: Annotated[str | None, typer.Option(help="Only of this lead.")] = None,
    disposition: Annotated[str | None, typer.Option(help="Only these, such as INTERESTED.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """Replies, newest first."""
    run(_list(untracked, campaign, lead, disposition, limit, as_json=as_json))


async def _list(
    untracked: bool, campaign: str | None, lead: str | None, disposition: str | None, limit: int, *, as_json: bool
) -> None:
    async with office() as at:
        rows = await at.replies.replies(
            campaign_id=campaign, lead_id=lead, disposition=disposition, untracked=untracked, limit=limit
        )
    if as_json:
        print_json(rows)
        return
    columns = (
        "at",
        "from_email",
        "subject",
        "lead_id",
        "campaign_id",
        "disposition",
        "matched_by",
        "state",
        "reply_id",
    )
    console().print(grid("replies", columns, ([row[name] for name in columns] for row in rows)))


@app.command("show")
@command
def show(reply_id: ReplyId, as_json: Json = False) -> None:
    """A reply with what was made of it, and its thread: what was sent and what came back, in order."""
    found = run(_thread(reply_id))
    if as_json:
        print_json(found)
        return
    reply = found["reply"]
    out = console()
    verdict = reply["disposition"] or reply["state"]
    out.print(
        f"{verdict} ({reply['decided_by'] or 'not judged'}), lead {reply['lead_id'] or 'unknown'}", highlight=False
    )
    for item in found["thread"]:
        who = item["from_email"] if item["kind"] == "reply" else f"{item['mailbox_id']} ({item['step_id']})"
        out.print(f"\n{item['at']:%Y-%m-%d %H:%M} {item['kind']}: {who}", highlight=False, markup=False)
        out.print(f"{item['subject'] or ''}\n{(item['body'] or '').rstrip()}", highlight=False, markup=False)


async def _thread(reply_id: UUID) -> dict[str, Any]:
    from sinks.postgres.threads import UnknownReplyError

    async with office() as at:
        try:
            return await at.replies.thread(reply_id)
        except UnknownReplyError as error:
            raise NotFoundError(str(error)) from None


@app.command("match")
@command
def match(
    reply_id: ReplyId,
    send_id: Annotated[UUID, typer.Argument(help="The touch that it answers: its send_id.")],
    by: Annotated[str, typer.Option(help="Who says so.")] = "operator",
    as_json: Json = False,
) -> None:
    """Say which touch an untracked reply answers: its lead is stopped at once, and the reply is judged."""
    matched = run(_match(reply_id, send_id, by))
    if as_json:
        print_json(matched)
        return
    later = "" if matched["told"] else "; the sequence hears of it when Kafka answers"
    console().print(
        f"matched: lead {matched['lead_id']}, campaign {matched['campaign_id']}, step {matched['step_id']}{later}",
        highlight=False,
    )


async def _match(reply_id: UUID, send_id: UUID, by: str) -> dict[str, Any]:
    from api.telling import Telling
    from sinks.postgres.reply_desk import NoMatchError
    from sinks.postgres.threads import UnknownReplyError
    from streams.errors import Retryable

    async with office() as at:
        try:
            matched = await at.replies.match(reply_id, send_id, by)
        except UnknownReplyError as error:
            raise NotFoundError(str(error)) from None
        except NoMatchError as error:
            raise ConflictError(str(error)) from None
        told = True
        try:
            await Telling(at.notes, at.publisher).once()
        except Retryable:  # it is noted with the match: the API tells it when Kafka answers
            told = False
    return {**matched, "told": told}


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="replies")
