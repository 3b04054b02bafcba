"""Every change of a card, in the transaction of whoever makes it: the row, its history, and what `card-events` is to tell.

Nothing else writes the table `cards`. Callers hold the transaction; the cards that they change are locked by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.card_events import NOBODY, change_of, note_of
from domain.card_states import CLOSED, TO_REJECTED, ClosedCard, Path, told_of
from domain.cards import Card, CardOfReply, cards_of_disposition, replacing
from schemas.cards import CardEvent
from schemas.replies import Disposition
from sinks.postgres.fact_rows import card_columns, columns
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted, note

SQL = queries("cards")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a card says from now on; None leaves a thing as it is. `payload` is laid over its `action_payload`."""

    type: str | None = None
    queue: str | None = None
    priority: str | None = None
    title: str | None = None
    description: str | None = None
    rationale: str | None = None
    due_at: datetime | None = None
    payload: Mapping[str, object] | None = None

    @property
    def fields(self) -> list[str]:
        """The names of what changes."""
        names = ("type", "queue", "priority", "title", "description", "rationale", "due_at")
        return [*(name for name in names if getattr(self, name) is not None), *(self.payload or {})]


async def lock(connection: Any, card_id: UUID) -> list[Row]:
    """A card, locked, and after it the other cards of its reply; nothing where there is none."""
    rows = await connection.fetch(SQL["lock_card"], card_id)
    return sorted(rows, key=lambda row: row["card_id"] != card_id)


async def put_up(connection: Any, cards: Sequence[Card]) -> None:
    """Put cards up; those that are there already stay as they are, and are told of no second time."""
    if cards:
        rows = await connection.fetch(SQL["insert_cards"], *card_columns(cards))
        await note(connection, [_noted(change_of(row, "created", NOBODY, row["created_at"])) for row in rows])


async def move_cards(  # noqa: PLR0917 - each is one fact of a move
    connection: Any, card_ids: Sequence[UUID], path: Path, actor: str, at: datetime, code: str | None = None
) -> dict[UUID, Row]:
    """Move cards along a legal path from wherever each stands; one that the path does not know stays. Returns those that
    moved, as they stand then.
    """
    if not card_ids:
        return {}
    rows = await connection.fetch(SQL["move_cards"], list(card_ids), *columns(_moves(path)), actor, at, code)
    events = [
        change_of(
            row, "moved", actor, at, version=row["move_version"], state=row["to_state"], previous=row["from_state"], code=code
        )
        for row in rows
    ]  # fmt: skip
    await note(connection, [_noted(event) for event in events])
    beside = {"move_version", "from_state", "to_state"}
    return {row["card_id"]: {name: value for name, value in row.items() if name not in beside} for row in rows}


def _moves(path: Path) -> list[tuple[str, int, str, str]]:
    """Every move of a path: the state it starts in, its number from 1, and what it leads from and to."""
    return [
        (start, number, before, after)
        for start, states in path.items()
        for number, (before, after) in enumerate(zip((start, *states[:-1]), states, strict=True), 1)
    ]


async def assign(connection: Any, card: Row, to: str | None, actor: str, at: datetime) -> Row:
    """Hand a locked card to somebody, or to nobody. Returns it as it stands then."""
    return await _change(connection, card, "assigned", to, Changes(), ["assigned_to"], actor, at)


async def edit(connection: Any, card: Row, changes: Changes, actor: str, at: datetime) -> Row:
    """Change what a locked card says. Returns it as it stands then."""
    return await _change(connection, card, "edited", card["assigned_to"], changes, changes.fields, actor, at)


async def _change(  # noqa: PLR0917 - each is one fact of a change
    connection: Any, card: Row, kind: Any, to: str | None, new: Changes, fields: list[str], actor: str, at: datetime
) -> Row:
    row = await connection.fetchrow(
        SQL["change_card"], card["card_id"], to, new.type, new.queue, new.priority, new.title, new.description, new.rationale,
        new.due_at, None if new.payload is None else json.dumps(new.payload, default=str), kind, fields, actor, at,
    )  # fmt: skip
    await note(connection, [_noted(change_of(row, kind, actor, at))])
    return dict(row)


async def write_note(connection: Any, card: Row, note_id: UUID, *, author: str, body: str, at: datetime) -> None:
    """Write a note on a card. The card's version stays: a note is in nobody's way."""
    await connection.execute(SQL["write_note"], note_id, card["card_id"], author, body, at)
    await note(connection, [_noted(note_of(card, note_id, author, at))])


async def tell_leads(connection: Any, card: Row, others: Sequence[Row], at: datetime) -> None:
    """Note what leads must hear of a card that came to this state. `others`: the other cards of its reply, locked too."""
    event = told_of(
        ClosedCard(
            card["card_id"], card["version"], card["state"], card["lead_id"], card["campaign_id"], card["enrollment_id"],
            card["step_id"], card["reply_id"],
        ),
        at,
        is_last=all(other["state"] in CLOSED for other in others),
    )  # fmt: skip
    if event is not None:
        await note(connection, [Noted(event.event_id, "enrollments", event.lead_id, event.write().decode())])


async def put_up_judged(connection: Any, said: Sequence[Disposition]) -> None:
    """The cards of replies that were judged, for the first time or (`revision`) anew."""
    await put_up(connection, [card for one in said if not one.revision for card in cards_of_disposition(one)])
    for one in said:
        if one.revision:
            await _replace(connection, one)


async def _replace(connection: Any, said: Disposition) -> None:
    """Let a reply's cards follow what it is judged to be now. What leads do then the disposition itself has told them."""
    rows = {row["card_id"]: row for row in await connection.fetch(SQL["lock_cards_of_reply"], said.reply_id)}
    standing = [CardOfReply(row["card_id"], row["type"], row["state"]) for row in rows.values()]
    new = replacing(standing, cards_of_disposition(said))
    await move_cards(connection, new.take_down, TO_REJECTED, NOBODY, said.at, "judged_anew")
    for card in new.rewrite:
        await edit(connection, rows[card.card_id], _words_of(card), NOBODY, said.at)
    await put_up(connection, new.put_up)


def _words_of(card: Card) -> Changes:
    return Changes(
        card.type, card.queue, card.priority, card.title, card.description, card.rationale, card.due_at,
        {"draft_reply": None, "draft_faults": None, "category": None, "entities": None, **card.action_payload},
    )  # fmt: skip


def _noted(event: CardEvent) -> Noted:
    return Noted(event.event_id, "card-events", str(event.card_id), event.write().decode())
