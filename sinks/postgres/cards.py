"""Cards on their board: reading, moving with optimistic concurrency, handing over (docs/behaviour.md 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.cards import CardState, ClosedCard, check_move, told_of, way_to
from domain.drafting import draft_on
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted, note

SQL = queries("cards")


class CardChangedError(Exception):
    """Somebody else moved the card since it was read."""


class UnknownCardError(Exception):
    """There is no such card."""


class Cards:
    """The board. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def card(self, card_id: UUID) -> dict[str, Any]:
        """One card with its history. Raises UnknownCardError."""
        with classified:
            row = await self._pool.fetchrow(SQL["card"], card_id)
            if row is None:
                raise UnknownCardError(f"no card {card_id}")
            history = await self._pool.fetch(SQL["card_history"], card_id)
        return {**row, "history": [dict(move) for move in history]}

    async def board(
        self,
        *,
        queue: str | None = None,
        state: CardState | None = None,
        campaign_id: str | None = None,
        limit: int = 200,
    ) -> list[dict[str, Any]]:
        """Cards, newest first; each filter that is given must hold."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["board"], queue, state, campaign_id, limit)]

    async def queues(self, campaign_id: str | None = None) -> dict[str, int]:
        """Queue -> number of cards in it, whatever their state."""
        with classified:
            return {row["queue"]: row["n"] for row in await self._pool.fetch(SQL["queues"], campaign_id)}

    async def move(
        self, card_id: UUID, version: int, to_state: CardState, actor: str, at: datetime
    ) -> Mapping[str, Any]:
        """Move a card that its mover saw at `version`. Returns the card after the move.

        Raises IllegalCardMoveError, CardChangedError when it has another version by now, UnknownCardError.
        """
        card = await self.card(card_id)
        if card["version"] != version:
            raise CardChangedError(f"card {card_id} is at version {card['version']}, not {version}: read it again")
        check_move(card["state"], to_state)
        return await self._walk(card, (to_state,), actor, at)

    async def close(
        self, card_id: UUID, to_state: CardState, actor: str, at: datetime, version: int | None = None
    ) -> Mapping[str, Any]:
        """Bring a card to `done`, `blocked` or `rejected` by the legal moves that lead there, all at once. One that is
        there already stays as it is.

        Raises IllegalCardMoveError, CardChangedError, UnknownCardError.
        """
        card = await self.card(card_id)
        if version is not None and card["version"] != version:
            raise CardChangedError(f"card {card_id} is at version {card['version']}, not {version}: read it again")
        return await self._walk(card, way_to(card["state"], to_state), actor, at)

    async def _walk(
        self, card: Mapping[str, Any], states: Sequence[CardState], actor: str, at: datetime
    ) -> Mapping[str, Any]:
        """Move a card from state to state in one transaction, with what is to be told of it (`sinks.postgres.untold`)."""
        draft_id = draft_on(card["action_payload"])
        if draft_id is not None and any(state != "in_review" for state in states):
            raise CardChangedError(
                f"card {card['card_id']} holds a draft, which decides about it: touchline drafts approve|reject {draft_id}"
            )
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                if card["reply_id"] is not None and states:
                    await connection.execute(SQL["lock_cards_of_reply"], card["reply_id"])
                for to_state in states:
                    row = await connection.fetchrow(
                        SQL["move_card"], card["card_id"], card["version"], to_state, actor, at, card["state"]
                    )
                    if row is None:
                        raise CardChangedError(f"card {card['card_id']} was moved meanwhile: read it again")
                    card = dict(row)
                if states:
                    await note(connection, await _told(connection, card, at))
        return {name: value for name, value in card.items() if name != "history"}

    async def assign(self, card_id: UUID, version: int, to: str) -> Mapping[str, Any]:
        """Hand a card to somebody. Raises CardChangedError."""
        with classified:
            row = await self._pool.fetchrow(SQL["assign_card"], card_id, version, to)
        if row is None:
            raise CardChangedError(f"card {card_id} was changed meanwhile: read it again")
        return dict(row)


async def _told(connection: Any, card: Mapping[str, Any], at: datetime) -> list[Noted]:
    """What leads must hear of a card that came to this state."""
    is_last = True
    if card["reply_id"] is not None:
        is_last = not await connection.fetchval(SQL["open_cards_of_reply"], card["reply_id"])
    event = told_of(
        ClosedCard(
            card["card_id"], card["version"], card["state"], card["lead_id"], card["campaign_id"], card["enrollment_id"],
            card["step_id"], card["reply_id"],
        ),
        at,
        is_last=is_last,
    )  # fmt: skip
    return [] if event is None else [Noted(event.event_id, "enrollments", event.lead_id, event.write().decode())]
