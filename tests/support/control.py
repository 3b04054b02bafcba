"""What people decide, on a real database and a broker that only remembers."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from api.control import Control, Draft
from api.enrolling import Enroller
from api.leads_file import LeadRow
from api.publisher import Outgoing
from api.steward import Steward
from domain.ids import enrollment_id
from domain.settling import TOPICS, Look
from schemas.engagements import Engagement
from schemas.enrollments import LeadData
from sinks.postgres.control import ControlStore
from sinks.postgres.leases import PostgresGates
from sinks.postgres.read_models import ReadModels
from streams.clock import ManualClock
from streams.errors import Retryable

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


class Broker:
    """Keeps what is published, and what the gates said at that moment; `away` refuses."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.away = False
        self.sent: list[Outgoing] = []
        self.gates: list[dict[str, bool]] = []
        self._pool = pool

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise Retryable("no broker")
        self.sent += messages
        rows = await self._pool.fetch("SELECT scope, is_open FROM campaign_gates")
        self.gates.append({row["scope"]: row["is_open"] for row in rows})

    def statuses(self) -> list[Any]:
        return [item.message.status for item in self.sent if getattr(item.message, "kind", "") == "campaign"]  # type: ignore[attr-defined]


class Everything:
    """The broker's answer to what is unread: `behind` says of which topic one record is; `away` refuses."""

    def __init__(self) -> None:
        self.behind = ""
        self.away = False
        self.looks = 0

    async def look(self) -> Look:
        self.looks += 1
        if self.away:
            raise Retryable("no broker")
        read = {topic: {0: 4 if topic == self.behind else 5} for topic in TOPICS}
        return Look(read, {topic: {0: 5} for topic in TOPICS})


class World:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.clock = ManualClock(AT)
        self.broker = Broker(pool)
        self.store = ControlStore(pool)
        self.models = ReadModels(pool)
        self.control = Control(self.store, PostgresGates(pool), self.broker, self.clock)
        self.enroller = Enroller(self.store, self.broker, self.clock)
        self.unread = Everything()
        self.steward = Steward(self.control, self.store, self.models, self.clock, self.unread)

    async def rounds(self, count: int = 4) -> None:
        """The steward goes round until a campaign that is finished would be completed."""
        for _ in range(count):
            await self.steward.once()


def campaign(campaign_id: str = "q1", name: str = "Q1 Brokers", **more: Any) -> Draft:
    return Draft(
        "campaign", campaign_id, {"kind": "Campaign", "id": campaign_id, "name": name, "pool": "main"} | more, "f"
    )


def rows(count: int) -> list[LeadRow]:
    return [LeadRow(n + 2, f"lead-{n}", LeadData(email=f"l{n}@x.example")) for n in range(count)]


def told(kind: str, lead: str, **more: Any) -> Engagement:
    facts: dict[str, Any] = {
        "type": kind,
        "event_id": f"{kind}-{lead}",
        "lead_id": lead,
        "campaign_id": "q1",
        "enrollment_id": enrollment_id("q1", lead),
        "at": AT,
    }
    return Engagement(**(facts | more))


def over(lead: str) -> list[Engagement]:
    return [
        told("enrolled", lead, status="enrolled"),
        told("completed", lead, status="completed", previous_status="enrolled"),
    ]
