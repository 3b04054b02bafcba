"""A ledger on a database of the test's own, and grants to put into it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from domain.ids import enrollment_id, send_id
from domain.tokens import address_key
from schemas.sending import DueSend, Grant
from sinks.ports import Claim, GateResult, IntakeResult, Lease, Offer, Outcome, Verdict
from sinks.postgres.connect import LEDGER_PLAN, connect
from sinks.postgres.consent import Consents
from sinks.postgres.leases import PostgresGates, PostgresLeases
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.stops import PostgresStops

SECRET = b"a secret for the tests' keyed hash"
CAMPAIGN = "q1-brokers"
MAILBOX = "anna"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIRST_LEASE = Lease(0, 1)
_numbers = itertools.count(1)


def grant(lead: str = "zoe", *, epoch: int = 1, number: int | None = None, **more: Any) -> Grant:
    """A grant of `lead`'s first touch. Fields of the touch and of the grant can be given by name."""
    number = next(_numbers) if number is None else number
    campaign = more.pop("campaign_id", CAMPAIGN)
    entry = more.pop("entry_no", 1)
    step = more.pop("step_id", "intro")
    enrollment = enrollment_id(campaign, lead, entry)
    of_grant = {name: more.pop(name) for name in list(more) if name in Grant.model_fields}
    touch: dict[str, Any] = {
        "event_id": f"due-{number}",
        "send_id": send_id(enrollment, step),
        "enrollment_id": enrollment,
        "lead_id": lead,
        "campaign_id": campaign,
        "campaign_version": 1,
        "step_id": step,
        "entry_no": entry,
        "pool_id": "main",
        "ask_no": 1,
        "priority": 1,
        "due_at": AT,
        "at": AT,
        "email": f"{lead}@example.com",
        "domain": "example.com",
        "merge": {"first_name": lead.title(), "company": "Hôtel du Lac"},
    }
    wall = datetime.now(UTC)
    whole: dict[str, Any] = {
        "event_id": f"grant-{epoch}-{number}",
        "grant_id": f"{epoch}-{number:012}",
        "mailbox_id": MAILBOX,
        "pool_partition": 0,
        "pool_epoch": epoch,
        "granted_at": AT + timedelta(seconds=number),
        "granted_wall": wall,
        "expires_wall": wall + timedelta(seconds=30),
        "touch": DueSend(**(touch | more)),
    }
    return Grant(**(whole | of_grant))


def offer(given: Grant, lease: Lease = FIRST_LEASE, goal: str = "acquisition") -> Offer:
    """A grant as the sender offers it to the ledger."""
    message_id = f"<k1-{given.touch.send_id.hex}@sender.example>"
    return Offer(given, lease, message_id, goal, given.write().decode())


@dataclass(slots=True)
class World:
    """A migrated database with one owner of dispatch's and of the sender's partition 0, and an open campaign."""

    dsn: str
    pool: asyncpg.Pool
    owner: UUID = field(default_factory=uuid4)
    lease: Lease = FIRST_LEASE
    _gate_numbers: Any = field(default_factory=lambda: itertools.count(1))

    @property
    def ledger(self) -> PostgresLedger:
        return PostgresLedger(self.pool, SECRET)

    @property
    def stops(self) -> PostgresStops:
        return PostgresStops(self.pool, SECRET)

    @property
    def consents(self) -> Consents:
        return Consents(self.pool, SECRET)

    def key(self, address: str) -> bytes:
        return address_key(SECRET, address)

    @property
    def leases(self) -> PostgresLeases:
        return PostgresLeases(self.pool)

    @property
    def gates(self) -> PostgresGates:
        return PostgresGates(self.pool)

    async def intake(self, *grants: Grant, lease: Lease | None = None, goal: str = "acquisition") -> IntakeResult:
        return await self.ledger.intake([offer(given, lease or self.lease, goal) for given in grants])

    async def claim(self, *grants: Grant, lease: Lease | None = None, goal: str = "acquisition") -> list[Claim]:
        result = await self.intake(*grants, lease=lease, goal=goal)
        assert len(result.adopted) == len(grants), result
        return result.adopted

    async def gate(self, claims: Sequence[Claim], number: int | None = None) -> GateResult:
        return await self.ledger.gate(
            claims,
            mailbox_id=claims[0].grant.mailbox_id,
            gate_no=next(self._gate_numbers) if number is None else number,
            now=AT,
        )

    async def refusal(self, claim: Claim) -> str | None:
        """`outcome/code` of a claim that the gate refuses; None when it passes."""
        result = await self.gate([claim])
        assert not result.lost, "the claim is lost"
        return f"{result.refused[0].outcome}/{result.refused[0].code}" if result.refused else None

    async def finish(self, given: Grant, outcome: Outcome, *, used: bool = True) -> Claim:
        """Take a grant in, through the gate, to an outcome."""
        (claim,) = await self.claim(given)
        assert (await self.gate([claim])).passed == [claim]
        verdict = Verdict(claim, outcome, used=used, at=AT, code="code", detail="detail", subject="Hello")
        assert await self.ledger.record([verdict]) == [verdict]
        return claim

    async def row(self, given: Grant) -> asyncpg.Record:
        row = await self.pool.fetchrow("select * from sends where send_id = $1", given.touch.send_id)
        assert row is not None, "the touch is not in the ledger"
        return row

    async def new_sender(self) -> Lease:
        """Another process takes the sender's partition over."""
        generation = await self.pool.fetchval("select generation from partition_leases where scope = 'sender:0'")
        epoch = await self.leases.take("sender:0", uuid4(), generation + 1)
        assert epoch is not None
        return Lease(0, epoch)

    async def waiting(self) -> int:
        """How many statements of this database wait for a lock right now."""
        return await self.pool.fetchval(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )


@asynccontextmanager
async def opened(dsn: str) -> AsyncIterator[World]:
    """The world on a migrated database."""
    pool = await connect(dsn, name="test", plan=LEDGER_PLAN, min_size=1, max_size=12)
    try:
        world = World(dsn, pool)
        assert await world.leases.take("dispatch:0", world.owner, 1) == 1
        assert await world.leases.take("sender:0", world.owner, 1) == 1
        await world.gates.set_campaign_gate(CAMPAIGN, is_open=True)
        yield world
    finally:
        await pool.close()
