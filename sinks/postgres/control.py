"""Definitions at every revision, who was asked for, which webhook calls were taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from domain.lifecycle import check_takes_leads
from schemas.definitions import Definition
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("control")
ASKS_AT_ONCE = 5_000


class Changes:
    """What may be done while holding the control lock. Each `store` is one transaction: all of it or nothing."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def heads(self) -> list[Definition]:
        """Every definition in force."""
        return [_definition(row) for row in await self._connection.fetch(SQL["heads"])]

    async def head(self, kind: str, definition_id: str) -> Definition | None:
        """The definition in force, or None."""
        row = await self._connection.fetchrow(SQL["head"], kind, definition_id)
        return _definition(row) if row else None

    async def asked(self, campaign_id: str) -> int:
        """How many leads the campaign was asked to take so far; nobody asks while the control lock is held."""
        return await self._connection.fetchval(SQL["asked"], campaign_id) or 0

    async def may_stand(self, campaign_id: str) -> bool:
        """Whether any lead can still move in the campaign, or is on its way into it."""
        return bool(await self._connection.fetchval(SQL["may_stand"], campaign_id))

    async def store(self, revisions: Sequence[Definition]) -> None:
        """Put new revisions in force."""
        async with self._connection.transaction():
            for new in revisions:
                await self._connection.execute(
                    SQL["insert_revision"],
                    new.kind,
                    new.id,
                    new.revision,
                    json.dumps(new.spec),
                    new.status,
                    new.launched_at,
                    new.job_id,
                    new.deleted,
                    new.at,
                )
                await self._connection.execute(SQL["set_head"], new.kind, new.id, new.revision, name_key(new))


class ControlStore:
    """The definitions store and the small tables around it. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        # Waiting for the lock holds a connection: at most one each a process, or waiters would starve the holder.
        self._changing = asyncio.Lock()
        self._publishing = asyncio.Lock()
        self._asking = asyncio.Lock()

    @asynccontextmanager
    async def changing(self) -> AsyncGenerator[Changes]:
        """Hold the control lock: whoever changes definitions or gates does it one after another."""
        with classified:
            async with self._changing, self._pool.acquire() as connection, _locked(connection, "control"):
                yield Changes(connection)

    @asynccontextmanager
    async def publishing(self) -> AsyncGenerator[list[Definition]]:
        """Hold the publishing lock: what the topic lacks, oldest first. Leaving without an error marks it published."""
        with classified:
            async with self._publishing, self._pool.acquire() as connection, _locked(connection, "publish"):
                pending = [_definition(row) for row in await connection.fetch(SQL["unpublished"])]
                yield pending
                if pending:
                    keys = [(new.kind, new.id, new.revision) for new in pending]
                    await connection.execute(SQL["mark_published"], *zip(*keys, strict=True))

    async def heads(self) -> list[Definition]:
        """Every definition in force."""
        with classified:
            return [_definition(row) for row in await self._pool.fetch(SQL["heads"])]

    async def head(self, kind: str, definition_id: str) -> Definition | None:
        """The definition in force, or None."""
        with classified:
            row = await self._pool.fetchrow(SQL["head"], kind, definition_id)
        return _definition(row) if row else None

    async def revisions(self, kind: str, definition_id: str) -> list[Definition]:
        """Every revision, oldest first."""
        with classified:
            return [_definition(row) for row in await self._pool.fetch(SQL["revisions"], kind, definition_id)]

    async def unpublished(self) -> int:
        """How many definitions in force the topic lacks."""
        with classified:
            return len(await self._pool.fetch(SQL["unpublished"]))

    async def ask(self, campaign_id: str, lead_ids: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Note that a campaign shall take these leads, all in one transaction, unless it is over by then.

        Returns (those asked for the first time, those the broker has not acknowledged yet). Raises ClosedError. No
        status changes between the look at it and the note: from then on the steward waits for these leads.
        """
        new: set[str] = set()
        unacked: set[str] = set()
        with classified:
            async with self._asking, self._pool.acquire() as connection, connection.transaction():
                await connection.execute(SQL["lock_shared"], "touchline.control")
                check_takes_leads(campaign_id, await connection.fetchval(SQL["status"], campaign_id))
                in_order = sorted(lead_ids)  # all of them: two calls that share leads lock them in one order
                for start in range(0, len(in_order), ASKS_AT_ONCE):
                    some = in_order[start : start + ASKS_AT_ONCE]
                    new.update(row[0] for row in await connection.fetch(SQL["ask_leads"], campaign_id, some))
                    unacked.update(row[0] for row in await connection.fetch(SQL["unacked_asks"], campaign_id, some))
                if new:
                    await connection.execute(SQL["count_asked"], campaign_id, len(new))
        return frozenset(new), frozenset(unacked)

    async def acked(self, campaign_id: str, lead_ids: Sequence[str]) -> None:
        """The broker has acknowledged the enrollments of these leads."""
        with classified:
            await self._pool.execute(SQL["ack_asks"], campaign_id, list(lead_ids))

    async def awaits_leads(self, campaign_id: str) -> bool:
        """Whether a lead that the campaign was asked to take has neither been enrolled nor refused."""
        with classified:
            return bool(await self._pool.fetchval(SQL["awaits_leads"], campaign_id))

    async def asked(self, campaign_id: str) -> int:
        """How many leads the campaign was asked to take so far."""
        with classified:
            return await self._pool.fetchval(SQL["asked"], campaign_id) or 0

    async def answers(self, campaign_id: str, lead_ids: Sequence[str]) -> dict[str, str | None]:
        """Those of the leads that leads has answered for -> None when it enrolled them, else why it refused them."""
        with classified:
            rows = await self._pool.fetch(SQL["answers"], campaign_id, list(lead_ids))
        return {row["lead_id"]: row["code"] for row in rows}

    async def take_call(self, provider: str, call_id: str) -> bool:
        """Note a webhook call; False when one with this id was taken before."""
        with classified:
            return not await self._pool.fetchval(SQL["take_call"], provider, call_id)

    async def call_taken(self, provider: str, call_id: str) -> None:
        """The call's mail is on the broker: it is refused from now on."""
        with classified:
            await self._pool.execute(SQL["call_taken"], provider, call_id)

    async def forget_calls(self) -> None:
        """Drop ids of calls whose signature is no longer accepted anyway."""
        with classified:
            await self._pool.execute(SQL["forget_calls"])


def name_key(definition: Definition) -> str | None:
    """What must be unique among campaigns: the name, whatever its case (docs/behaviour.md 1.1)."""
    if definition.kind != "campaign" or definition.deleted:
        return None
    return str(definition.spec.get("name", definition.id)).strip().casefold()


@asynccontextmanager
async def _locked(connection: Any, name: str) -> AsyncGenerator[None]:
    """A session lock: it outlives the transactions made while it is held, and dies with the connection."""
    await connection.execute(SQL["lock"], f"touchline.{name}")
    try:
        yield
    finally:
        try:
            await connection.execute(SQL["unlock"], f"touchline.{name}")
        except BaseException:
            connection.terminate()  # one that may still hold the lock never goes back to the pool
            raise


def _definition(row: Mapping[str, Any]) -> Definition:
    spec = row["spec"]
    return Definition(
        kind=row["kind"],
        id=row["id"],
        revision=row["revision"],
        spec=json.loads(spec) if isinstance(spec, str) else spec,
        status=row["status"],
        launched_at=row["launched_at"],
        job_id=row["job_id"],
        deleted=row["deleted"],
        at=row["at"],
    )
