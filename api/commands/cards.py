"""Cards: what people do with one, or with many at once (docs/behaviour.md 8). The board is in `api/commands/board.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.commands import board
from api.commands.card_desk import (
    By,
    Campaign,
    CardId,
    Queue,
    Type,
    Version,
    act,
    desk,
    find,
    instant,
    name_of,
    one_of,
    read_words,
    say,
    state_of,
    tell,
)  # fmt: skip
from api.commands.context import Json, command, print_json, run
from api.errors import UserError
from schemas.cards import CardState

if TYPE_CHECKING:
    from api.boarding import Approver
    from api.commands.context import Office
    from sinks.postgres.board import Filter

app = typer.Typer(no_args_is_help=True, help="Cards for people: the board, one card's story, moves, approvals, notes.")
closing = typer.Typer(
    no_args_is_help=True, help="One card: done, blocked, rejected. (`cards` does the same, and more.)"
)

board.register(app)


@app.command("move")
@command
def move_card(
    card_id: CardId,
    to: Annotated[str, typer.Argument(help="The state it moves to.")],
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Move a card: suggested, in_review, approved, executing, done; blocked; rejected."""
    state = state_of(to)
    act(card_id, lambda at, known: at.cards.move(known, version, state, name_of(by), at.clock.now()), as_json=as_json)


@app.command("approve")
@command
def approve(  # noqa: PLR0917 - options, which typer gives by name
    card_ids: Annotated[
        list[str] | None, typer.Argument(help="The cards, or a filter: --queue, --type, --campaign.")
    ] = None,
    queue: Queue = None,
    card_type: Type = None,
    campaign: Campaign = None,
    body: Annotated[
        Path | None, typer.Option(help="A file (- : standard input) with the words to send instead.")
    ] = None,
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Approve cards. What Claude drafted goes out: of many at once where the campaign's review is `bulk`."""
    named = card_ids or []
    if bool(named) == any((queue, card_type, campaign)):
        raise UserError("say either cards, or a filter: --queue, --type or --campaign")
    if (body is not None or version is not None) and len(named) != 1:
        raise UserError("--body and --version are about one card")
    if len(named) == 1:
        words = None if body is None else read_words(body)

        def one(at: Office, known: UUID) -> Awaitable[Mapping[str, Any]]:
            return _approver(at).approve(known, name_of(by), at.clock.now(), version, words)

        act(named[0], one, as_json=as_json)
        return
    from sinks.postgres.board import Filter

    wanted = Filter(queue=queue, type=card_type, campaign_id=campaign)
    told = run(_approve_many(named, wanted, name_of(by)))
    if as_json:
        print_json(told)
        return
    refused: dict[str, str] = told["refused"]
    say("\n".join([f"{len(told['approved'])} approved, {len(refused)} refused", *refused.values()]))


async def _approve_many(named: list[str], wanted: Filter, actor: str) -> dict[str, Any]:
    async with desk() as at:
        if named:
            done = await _approver(at).approve_these([await find(at, one) for one in named], actor, at.clock.now())
        else:
            done = await _approver(at).approve_all(wanted, actor, at.clock.now())
        await tell(at)
    approved = [
        {name: one.card[name] for name in ("card_id", "state", "version")} for one in done if one.card is not None
    ]
    return {
        "approved": approved,
        "refused": {str(one.card_id): one.refused for one in done if one.refused is not None},
    }


def _approver(at: Office) -> Approver:
    from api.boarding import Approver

    return Approver(at.cards, at.board, at.drafts)


@app.command("assign")
@command
def assign(
    card_id: CardId,
    to: Annotated[str, typer.Argument(help="Who is to have it.")],
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Hand a card to somebody."""
    who = name_of(to)
    act(card_id, lambda at, known: at.cards.assign(known, who, name_of(by), at.clock.now(), version), as_json=as_json)


@app.command("unassign")
@command
def unassign(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Let nobody have it."""
    act(card_id, lambda at, known: at.cards.assign(known, None, name_of(by), at.clock.now(), version), as_json=as_json)


@app.command("edit")
@command
def edit(  # noqa: PLR0917 - options, which typer gives by name
    card_id: CardId,
    queue: Annotated[str | None, typer.Option(help="Into this queue.")] = None,
    priority: Annotated[str | None, typer.Option(help="low, medium or high.")] = None,
    due: Annotated[str | None, typer.Option(help="By when: 2026-03-04T09:00:00Z.")] = None,
    body: Annotated[
        Path | None, typer.Option(help="A file (- : standard input) with other words for its answer.")
    ] = None,
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Another queue, priority or due date; other words for the answer that it holds."""
    from sinks.postgres.card_changes import Changes

    one_of(priority, ("low", "medium", "high"), "--priority")
    payload = None if body is None else {"draft_reply": read_words(body), "draft_faults": None}
    changes = Changes(
        queue=None if queue is None else name_of(queue, "--queue"),
        priority=priority,
        due_at=instant(due),
        payload=payload,
    )
    if not changes.fields:
        raise UserError("nothing to change: say --queue, --priority, --due or --body")
    act(card_id, lambda at, known: at.cards.edit(known, changes, name_of(by), at.clock.now(), version), as_json=as_json)


@app.command("note")
@command
def note(
    card_id: CardId,
    text: Annotated[str, typer.Argument(help="What to write on it.")],
    by: By = "operator",
    as_json: Json = False,
) -> None:
    """Write a note on a card."""
    if not text.strip() or len(text) > 10_000 or "\x00" in text:
        raise UserError("a note has 1 to 10,000 characters")

    async def written(at: Office, known: UUID) -> Mapping[str, Any]:
        from uuid import uuid4

        await at.cards.write_note(known, uuid4(), name_of(by), text, at.clock.now())
        return await at.board.card(known)

    act(card_id, written, as_json=as_json)


@app.command("done")
@closing.command("done")
@command
def done(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Its task is done: the sequence that waits for it goes on at once."""
    _close(card_id, "done", by, version, as_json=as_json)


@app.command("blocked")
@closing.command("blocked")
@command
def blocked(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Its task cannot be done now: the sequence waits for its deadline."""
    _close(card_id, "blocked", by, version, as_json=as_json)


@app.command("rejected")
@closing.command("rejected")
@command
def rejected(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Its task will not be done: the sequence goes on at once."""
    _close(card_id, "rejected", by, version, as_json=as_json)


def _close(card_id: str, state: CardState, by: str, version: int | None, *, as_json: bool) -> None:
    act(card_id, lambda at, known: at.cards.close(known, state, name_of(by), at.clock.now(), version), as_json=as_json)


def register(parent: typer.Typer) -> None:
    """Add these families."""
    parent.add_typer(app, name="cards")
    parent.add_typer(closing, name="card")
