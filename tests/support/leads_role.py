"""The leads role's handler over a table and a ledger in memory, fed batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from agents.leads import Leads
from domain.campaign import Campaign
from domain.leads.effects import Policy
from schemas.base import Message
from schemas.registry import TOPIC_MODELS
from schemas.ticks import Tick
from sinks.ports import Stop, Suppression
from streams.clock import ManualClock
from streams.errors import Retryable
from streams.inbound import Inbound, Raw
from streams.tables import Table
from streams.work import Work
from tests.support.leads import T0, campaign, in_force


class Ledger:
    """Records what is committed, in order. `is_away` makes every call fail as a lost connection does."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Any]]] = []
        self.is_away = False

    def _take(self, what: str, rows: Sequence[Any]) -> None:
        if self.is_away:
            raise Retryable("postgres is away")
        self.calls.append((what, list(rows)))

    async def stop(self, stops: Sequence[Stop]) -> None:
        self._take("stop", stops)

    async def release(self, releases: Sequence[Any]) -> None:
        self._take("release", releases)

    async def suppress(self, suppressions: Sequence[Suppression]) -> None:
        self._take("suppress", suppressions)

    async def settle_ambiguous(self, send_ids: Sequence[UUID]) -> int:
        self._take("proof", send_ids)
        return len(send_ids)


class Role:
    """A handler over a table in memory, fed batch by batch; what it emits is read back from its bytes."""

    def __init__(self, *campaigns: Campaign) -> None:
        self.table = Table("leads")
        self.ledger = Ledger()
        self.clock = ManualClock(T0)
        self.definitions = in_force(*(campaigns or (campaign(),)))
        self.out: list[tuple[str, Any]] = []
        self.work = Work()
        self.owned = frozenset(range(8))
        self.fails = False
        """Whether batches are discarded instead of flushed."""

    async def start(self) -> Role:
        self.handler = Leads(
            table=self.table,
            stops=self.ledger,  # type: ignore[arg-type]
            proofs=self.ledger,
            definitions=lambda: self.definitions,
            clock=self.clock,
            policy=Policy(),
        )
        await self.handler.start()
        await self.handler.recovered(self.owned)
        return self

    async def batch(self, *events: Message | tuple[Message, int]) -> list[tuple[str, Any]]:
        self.work = Work()
        inbound = [event(*pair) if isinstance(pair, tuple) else event(pair) for pair in events]
        await self.handler.handle(self.work, inbound)
        if self.fails:
            await self.handler.reset()
            return []
        self.work.apply()
        out = [
            (r.topic, TOPIC_MODELS[r.topic].validate_json(r.value or b""))
            for r in self.work.outputs
            if r.topic != "dead-letters"
        ]
        self.out += out
        return out

    async def tick(self, at: datetime, partition: int = 0) -> list[tuple[str, Any]]:
        return await self.batch((Tick(at=at, wall=at), partition))


def event(body: Message, partition: int = 0) -> Inbound:
    key = str(partition) if isinstance(body, Tick) else body.lead_id  # type: ignore[attr-defined]
    return Inbound(body.TOPIC, partition, 7, key, body, Raw(body.TOPIC, partition, 7, key.encode(), body.write()))
