"""Stops and suppressions (docs/behaviour.md 5.3, 7.3): a row for the story, a flag where the gate looks under its locks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg

from domain.tokens import address_key, lead_key
from sinks.ports import Colleagues, Stop, Suppression
from sinks.postgres.companies import settle_colleagues, stop_with_colleagues
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted, note


class PostgresStops:
    """`StopPort` on Postgres. `hash_secret` is `TokenKeys.hash_secret`."""

    def __init__(self, pool: asyncpg.Pool, hash_secret: bytes) -> None:
        self._pool = pool
        self._secret = hash_secret

    async def stop(self, stops: Sequence[Stop]) -> None:
        """Commit stops. One that is there already, in force or released, stays as it is."""
        if not stops:
            return
        keys = [lead_key(self._secret, stop.lead_id) for stop in stops]
        if any(stop.campaign_id is not None for stop in stops) and await stop_with_colleagues(self._pool, stops, keys):
            return
        await self._with_rows(
            "stop",
            keys,
            [stop.enrollment_id for stop in stops],
            [stop.source_id for stop in stops],
            [stop.reason for stop in stops],
        )

    async def release(self, releases: Sequence[tuple[str, UUID | None, str]]) -> None:
        """End exactly these stops: (lead_id, enrollment_id, source_id). One that never was, or has ended, changes nothing."""
        if not releases:
            return
        keys = [lead_key(self._secret, lead_id) for lead_id, _, _ in releases]
        with classified:
            await self._pool.execute(
                queries("stops")["release"],
                keys,
                [enrollment_id for _, enrollment_id, _ in releases],
                [source_id for _, _, source_id in releases],
            )

    async def colleagues(self, said: Sequence[Colleagues]) -> None:
        """Settle what answers mean for colleagues, and note what their own leads are to hear of it."""
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                for one in said:
                    await settle_colleagues(connection, one)

    async def suppress(self, suppressions: Sequence[Suppression]) -> None:
        """Commit suppressions. One of the same source that is there already, in force or lifted, stays as it is."""
        rows = [(key, item) for item in suppressions for key in self._keys(item)]
        if not rows:
            return
        await self._with_rows("suppress", *_suppress_columns(rows))

    async def unsubscribe(self, suppressions: Sequence[Suppression], event: Noted) -> None:
        """Commit suppressions and, in the same transaction, what is to tell of them: whatever happens to this process then,
        `NotedEvents.telling` finds it.
        """
        rows = [(key, item) for item in suppressions for key in self._keys(item)]
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                await flag(connection, "suppress", *_suppress_columns(rows))
                await note(connection, [event])

    async def suppressed(self, email: str) -> frozenset[str]:
        """The scopes in which an address is suppressed now."""
        with classified:
            scopes = await self._pool.fetchval(queries("stops")["suppressed"], address_key(self._secret, email))
        return frozenset(scopes or ())

    def _keys(self, item: Suppression) -> list[bytes]:
        keys = [item.address_key] if item.address_key is not None else []
        if item.email is not None:
            keys.append(address_key(self._secret, item.email))
        if item.lead_id is not None:
            keys.append(lead_key(self._secret, item.lead_id))
        if not keys:
            raise ValueError("a suppression needs an address, its key, or a lead")
        return keys

    async def _with_rows(self, statement: str, keys: list[bytes], *columns: Sequence[object]) -> None:
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                await flag(connection, statement, keys, *columns)


async def flag(connection: Any, statement: str, keys: list[bytes], *columns: Sequence[object]) -> None:
    """Run a statement that flags consent rows, in a transaction that first makes sure they are there.

    Two statements, because a row that another transaction inserts while the first one waits for it is not in that
    one's snapshot; it is in the second one's.
    """
    await connection.execute(queries("stops")["ensure"], keys)
    await connection.execute(queries("stops")[statement], keys, *columns)


def _suppress_columns(rows: Sequence[tuple[bytes, Suppression]]) -> tuple[list[bytes], *tuple[list[Any], ...]]:
    """What `suppress` takes: keys, scopes, reasons, sources, ways."""
    return (
        [key for key, _ in rows],
        [item.scope for _, item in rows],
        [item.reason for _, item in rows],
        [item.source_id for _, item in rows],
        [item.via for _, item in rows],
    )
