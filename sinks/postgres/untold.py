"""What Postgres has decided and no topic has heard of yet: noted in the transaction of the change, told until the broker has it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import asyncpg

from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("untold")


class Noted(NamedTuple):
    """One message: its event id, its topic's name on the map, its key, its value as it goes on the wire."""

    event_id: str
    topic: str
    key: str
    value: str


async def note(connection: Any, events: Sequence[Noted]) -> None:
    """Note these in the transaction that the connection is in."""
    if events:
        await connection.execute(SQL["note"], *map(list, zip(*events, strict=True)))


class NotedEvents:
    """The table. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def note(self, events: Sequence[Noted]) -> None:
        """Commit these: whatever happens to this process then, `telling` finds them."""
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                await note(connection, events)

    @asynccontextmanager
    async def telling(self, at_most: int) -> AsyncGenerator[list[Noted]]:
        """What is still to be told, oldest first; leaving without an error forgets it. Several processes may tell at
        once: each takes others.
        """
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                rows = [Noted(*row) for row in await connection.fetch(SQL["untold"], at_most)]
                yield rows
                if rows:
                    await connection.execute(SQL["told"], [row.event_id for row in rows])
