"""Who owns a partition, and which gates are open: the rows that the ledger's gate locks first."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

EVERYTHING = "*"


class PostgresLeases:
    """`LeasePort` on Postgres."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def take(self, scope: str, owner: UUID, generation: int) -> int | None:
        """The epoch in force for this owner: kept while the owner stays, one higher when it changes.

        None when another owner holds the lease in this or a newer generation of the group and has renewed it within a
        day: a worker that the group has given up cannot take anything back. Waits for the gate transactions that hold the
        lease at that moment.
        """
        with classified:
            return await self._pool.fetchval(queries("leases")["take"], scope, owner, generation)

    async def renew(self, scopes: Sequence[str], owner: UUID) -> None:
        """Note that these are still held, where this is still their owner. Each waits for its gate transactions."""
        with classified:
            await self._pool.execute(queries("leases")["renew"], sorted(scopes), owner)


class PostgresGates:
    """`GatePort` on Postgres. When a call returns, every later gate transaction sees it and every earlier one is decided."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def set_campaign_gate(self, campaign_id: str, is_open: bool) -> None:
        """Open (`active`) or closed (any other status)."""
        await self._set(f"campaign:{campaign_id}", is_open)

    async def set_global_gate(self, is_open: bool) -> None:
        """`touchline stop --all`, and its release."""
        await self._set(EVERYTHING, is_open)

    async def _set(self, scope: str, is_open: bool) -> None:
        with classified:
            await self._pool.execute(queries("leases")["set_gate"], scope, is_open)
