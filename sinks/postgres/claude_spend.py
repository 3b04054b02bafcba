"""What Claude costs a day, counted in Postgres by all processes together: a budget that outlives any of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import asyncpg

from domain.claude_prices import Usage
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("claude_spend")


class ClaudeSpend:
    """The days' sums. `budget_usd` None: only counted. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool, budget_usd: float | None) -> None:
        self._pool = pool
        self._budget_usd = budget_usd

    async def reserve(self, usd: float) -> date | None:
        """Set aside what a call may cost at most: the day (UTC) it counts for, or None where the budget does not allow it.

        A process that dies with a call under way leaves it counted: the API may have charged it.
        """
        with classified:
            return await self._pool.fetchval(SQL["reserve"], usd, self._budget_usd)

    async def settle(self, day: date, reserved: float, usage: Usage, usd: float) -> None:
        """Put what a call did cost in place of what was set aside for it."""
        with classified:
            await self._pool.execute(SQL["settle"], day, reserved, usd, *usage)

    async def spent(self, days: int = 31) -> list[dict[str, Any]]:
        """The latest days, newest first."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["spent"], days)]
