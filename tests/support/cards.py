"""Cards as tests read them from a real database."""

from typing import Any
from uuid import UUID

import asyncpg

from schemas.cards import CardEvent
from sinks.postgres.board import Board, Filter


async def cards_of(pool: asyncpg.Pool, **wanted: Any) -> list[dict[str, Any]]:
    """The cards that a filter finds, newest first."""
    cards, following = await Board(pool).page(Filter(**wanted), limit=1_000)
    assert following is None
    return cards


async def card_of(pool: asyncpg.Pool, card_id: UUID) -> dict[str, Any]:
    """One card with its story."""
    return await Board(pool).card(card_id)


async def untold(pool: asyncpg.Pool, topic: str) -> list[str]:
    """What is noted for a topic and not told yet, in its order."""
    rows = await pool.fetch("select value from untold_events where topic = $1 order by seq", topic)
    return [row["value"] for row in rows]


async def card_events(pool: asyncpg.Pool) -> list[CardEvent]:
    """What is noted for `card-events`, in its order."""
    return [CardEvent.model_validate_json(value) for value in await untold(pool, "card-events")]
