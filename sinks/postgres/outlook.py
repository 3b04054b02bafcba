"""What Postgres knows of what waits: grants that count, where open leads stand, gates."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from domain.outlook import PAUSED_BY, STANDS_BY, Fact, Used
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("outlook")


class Outlook:
    """Reads only. Raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def used(self, pool_partition: int) -> list[Used]:
        """The grants of a pool partition's last 25 hours of campaign time that were used or are open."""
        with classified:
            rows = await self._pool.fetch(queries("ledger")["recent_grants"], pool_partition)
        return [
            Used(
                row["send_id"].bytes,
                row["mailbox_id"],
                row["campaign_id"],
                row["domain"],
                row["granted_at"],
                row["use"] == "open",
            )
            for row in rows
            if row["use"] != "unused"
        ]

    async def used_at(self, pool_partition: int, at: datetime) -> list[Used]:
        """The grants of a pool partition in the 25 hours up to an instant, without those that were not used.

        A touch that was granted again since counts as of then; recipient domains are forgotten after an hour.
        """
        with classified:
            rows = await self._pool.fetch(SQL["grants_before"], pool_partition, at)
        return [Used(row[0].bytes, row[1], row[2], row[3], row[4], is_open=False) for row in rows]

    async def standing(self, campaign_id: str, at_most: int) -> list[Fact]:
        """The last telling fact of up to `at_most` open enrollments."""
        with classified:
            rows = await self._pool.fetch(SQL["standing"], campaign_id, at_most, PAUSED_BY, STANDS_BY)
        return [Fact(*row) for row in rows]

    async def unpublished_asks(self, campaign_id: str) -> int:
        """Leads that were noted and, as far as is known, never published: an import was cut off."""
        with classified:
            return await self._pool.fetchval(SQL["unpublished_asks"], campaign_id)

    async def unanswered_asks(self, campaign_id: str) -> tuple[int, list[str]]:
        """Leads that were published a minute ago or more and have come to nothing yet: how many, and the first of them. The
        campaign does not complete by itself while there are any.
        """
        with classified:
            row = await self._pool.fetchrow(SQL["unanswered_asks"], campaign_id)
        return (row[0], list(row[1])) if row is not None else (0, [])

    async def closed_gates(self, campaign_id: str) -> list[str]:
        """Which of `everything` and `campaign` the gate holds back now. A campaign without a row is closed."""
        scopes = {"*": "everything", f"campaign:{campaign_id}": "campaign"}
        with classified:
            rows = await self._pool.fetch(SQL["gates"], list(scopes))
        is_open = {row["scope"]: row["is_open"] for row in rows}
        return [name for scope, name in scopes.items() if not is_open.get(scope, False)]
