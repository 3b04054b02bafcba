"""What is kept about the ways in by HTTP: trusted certificates, subscriptions."""

from __future__ import annotations

from typing import Literal

import asyncpg

from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("inbound")

SubscriptionState = Literal["confirmed", "ended"]


class InboundStore:
    """Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def find(self, url: str) -> str | None:
        """The certificate (PEM, with its chain) that is kept for an address."""
        with classified:
            return await self._pool.fetchval(SQL["find_certificate"], url)

    async def keep(self, url: str, pem: str) -> str:
        """Keep it unless there is one; the one that is kept."""
        with classified:
            return await self._pool.fetchval(SQL["keep_certificate"], url, pem)

    async def note_subscription(self, topic: str, state: SubscriptionState) -> None:
        """A subscription was confirmed, or has ended."""
        with classified:
            await self._pool.execute(SQL["note_subscription"], topic, state)

    async def subscriptions(self) -> dict[str, SubscriptionState]:
        """What was said last about each topic."""
        with classified:
            return {row["topic"]: row["state"] for row in await self._pool.fetch(SQL["subscriptions"])}
