"""Cards on their board: reading, moving with optimistic concurrency, handing over (docs/behaviour.md 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.cards import CardState, check_move
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

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
        with classified:
            row = await self._pool.fetchrow(SQL["move_card"], card_id, version, to_state, actor, at, card["state"])
        if row is None:
            raise CardChangedError(f"card {card_id} was moved meanwhile: read it again")
        return dict(row)

    async def assign(self, card_id: UUID, version: int, to: str) -> Mapping[str, Any]:
        """Hand a card to somebody. Raises CardChangedError."""
        with classified:
            row = await self._pool.fetchrow(SQL["assign_card"], card_id, version, to)
        if row is None:
            raise CardChangedError(f"card {card_id} was changed meanwhile: read it again")
        return dict(row)
