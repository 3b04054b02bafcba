"""Replies that are judged anew: the old verdicts by pages, and a new one in place of an old one, with what tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from schemas.replies import Disposition
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.replies import StoredReply, stored_reply
from sinks.postgres.untold import Noted, note

SQL = queries("rejudging")
PAGE = 200


@dataclass(frozen=True, slots=True)
class Told:
    """A reply with the verdict that was told of it, of this revision."""

    reply: StoredReply
    event: Disposition
    revision: int


class Rejudging:
    """The table `replies`, for `touchline reclassify`. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def told_since(
        self, since: datetime, campaign_id: str | None = None, after: tuple[datetime, UUID] | None = None
    ) -> list[Told]:
        """A page of told replies, oldest first, from a campaign instant on. `after`: the last one of the page before."""
        at, reply_id = after or (None, None)
        with classified:
            rows = await self._pool.fetch(SQL["told_since"], since, campaign_id, at, reply_id, PAGE)
        found: list[Told] = []
        for row in rows:
            reply = stored_reply(row)
            if reply.event is not None:
                found.append(Told(reply, reply.event, row["revision"]))
        return found

    async def rejudge(self, told: Told, event: Disposition) -> bool:
        """Commit a new verdict with the event that tells of it. False: another one was faster, nothing is changed."""
        bounce = event.bounce
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(
                    SQL["rejudge"], event.reply_id, told.revision, event.disposition, event.category,
                    None if bounce is None else bounce.kind, None if bounce is None else bounce.code, event.decided_by,
                    event.rule_id, event.why, event.write().decode(),
                )  # fmt: skip
                if row is None:
                    return False
                await note(connection, [Noted(event.event_id, "dispositions", event.lead_id, event.write().decode())])
                return True
