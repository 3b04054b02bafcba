"""The board as people look at it: cards by queue, state and more, a page at a time; one card with its story (behaviour 8.3)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.answering_cards import payload_of
from domain.card_states import CLOSED, MOVES
from schemas.cards import CardState
from sinks.postgres.cards import UnknownCardError
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.threads import Threads, UnknownReplyError

SQL = queries("cards")
NOBODY_HAS_IT = ""
"""As `assigned_to` of a filter: cards that nobody has."""


class BadCursorError(ValueError):
    """What was given as the place to go on from is none that a page has named."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cards are meant: each that is given must hold."""

    queue: str | None = None
    states: Sequence[CardState] | None = None
    campaign_id: str | None = None
    assigned_to: str | None = None
    priority: str | None = None
    type: str | None = None
    lead_id: str | None = None
    reply_id: UUID | None = None
    due_before: datetime | None = None
    text: str | None = None


ALL = Filter()


class Board:
    """Reads the board. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._threads = Threads(pool)

    async def page(
        self, wanted: Filter = ALL, *, limit: int = 200, after: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Cards, newest first, and where the next page goes on (`after`), if there is one. Raises BadCursorError."""
        at, last = (None, None) if after is None else _read_cursor(after)
        with classified:
            rows = await self._pool.fetch(
                SQL["board"],
                wanted.queue,
                None if wanted.states is None else list(wanted.states),
                wanted.campaign_id,
                wanted.assigned_to,
                wanted.priority,
                wanted.type,
                wanted.lead_id,
                wanted.reply_id,
                wanted.due_before,
                wanted.text,
                at,
                last,
                limit + 1,
            )
        cards = [_card(row) for row in rows[:limit]]
        return cards, _cursor(cards[-1]) if len(rows) > limit else None

    async def counts(self, now: datetime, campaign_id: str | None = None) -> list[dict[str, Any]]:
        """`{queue, state, n, overdue}` for each queue and state in which a card stands."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["counts"], campaign_id, now)]

    async def card(self, card_id: UUID) -> dict[str, Any]:
        """One card: `history` (every change), `notes`, `moves` (where it may go now), and where a reply made it the
        `reply` and its `thread`; they are None where its words are not kept any more. Raises UnknownCardError.
        """
        with classified:
            row = await self._pool.fetchrow(SQL["card"], card_id)
            if row is None:
                raise UnknownCardError(f"no card {card_id}")
            history = await self._pool.fetch(SQL["card_history"], card_id)
            notes = await self._pool.fetch(SQL["notes"], card_id)
        card = _card(row)
        card |= {"history": [dict(move) for move in history], "notes": [dict(note) for note in notes]}
        card["moves"] = list(MOVES[row["state"]])
        return card | await self._answered(row["reply_id"])

    async def _answered(self, reply_id: UUID | None) -> dict[str, Any]:
        if reply_id is None:
            return {}
        try:
            return await self._threads.thread(reply_id)
        except UnknownReplyError:
            return {"reply": None, "thread": None}

    async def like(self, start: str) -> list[dict[str, Any]]:
        """Cards (five at most) whose id begins with `start`: hexadecimal digits and dashes."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["cards_like"], start)]


def overdue(card: dict[str, Any], now: datetime) -> bool:
    """Whether a card that is still open should have been done by now."""
    return card["due_at"] is not None and card["due_at"] < now and card["state"] not in CLOSED


def _card(row: Any) -> dict[str, Any]:
    return {**row, "action_payload": payload_of(row)}


def _cursor(card: dict[str, Any]) -> str:
    place = json.dumps([card["created_at"].isoformat(), str(card["card_id"])])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[datetime, UUID]:
    try:
        at, card_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return datetime.fromisoformat(at), UUID(card_id)
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise BadCursorError(f"{text[:80]!r} is no place that a page has named") from None
