"""A sender without a broker: definitions, a stream that keeps what is published, a ledger and couriers in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from agents.sender import Sender
from agents.sending.book import Book
from domain.tokens import TokenKeys
from schemas.definitions import Definition
from schemas.sending import Grant, GrantOutcome, MailboxPaused, SendResult
from sinks.ports import (
    Claim,
    Finished,
    GateResult,
    IntakeResult,
    Lease,
    Offer,
    Refusal,
    Suppression,
    TakeOver,
    Verdict,
)
from sinks.smtp_answers import Delivery
from streams.errors import Retryable
from streams.inbound import Inbound, Raw
from streams.work import Work
from tests.support.ledger import AT, CAMPAIGN, MAILBOX

KEYS = TokenKeys.parse("k1:" + "A" * 86 + "==")
PUBLIC_URL = "https://t.example.com"


def campaign_definition(revision: int = 1, **more: Any) -> Definition:
    """A campaign of one email, open all the time."""
    step = {
        "id": "intro",
        "kind": "email",
        "subject": "Question about {{ company }}",
        "body": "Hi {{ first_name }}, see https://sender.example/offer",
    }
    spec: dict[str, Any] = {
        "kind": "Campaign",
        "id": CAMPAIGN,
        "name": "Q1",
        "pool": "main",
        "mailboxes": [MAILBOX],
        "limits": "off",
        "steps": [step],
    }
    return Definition(kind="campaign", id=CAMPAIGN, revision=revision, spec=spec | more, status="active", at=AT)


def mailbox_definition(port: int = 25, mailbox_id: str = MAILBOX, **more: Any) -> Definition:
    """A mailbox at a server on this machine."""
    spec: dict[str, Any] = {
        "kind": "Mailbox",
        "id": mailbox_id,
        "pool": "main",
        "from": f"{mailbox_id.title()} Berg <{mailbox_id}@sender.example>",
        "postal_address": "Storgatan 1, 111 22 Stockholm",
        "smtp": {"host": "127.0.0.1", "port": port, "security": "none"},
        "gap_seconds": 0,
    }
    return Definition(kind="mailbox", id=mailbox_id, revision=1, spec=spec | more, at=AT)


def book_of(*definitions: Definition) -> Book:
    book = Book()
    for definition in definitions:
        book.learn((definition.kind, definition.id), definition)
    return book


def inbound(given: Grant, partition: int = 0) -> Inbound:
    raw = Raw("sends", partition, 0, given.mailbox_id.encode(), given.write())
    return Inbound("sends", partition, 0, given.mailbox_id, given, raw)


class FakeStream:
    """Keeps what is published; `away` makes it refuse."""

    def __init__(self) -> None:
        self.epochs: dict[int, int] = {0: 1}
        self.away = False
        self._outputs: list[tuple[str, bytes]] = []

    def work(self) -> Work:
        return Work()

    async def publish(self, work: Work) -> None:
        if self.away:
            raise Retryable("the broker is away")
        await asyncio.sleep(0)
        self.keep(work)

    def keep(self, work: Work) -> None:
        """What a batch's flush does with its outputs."""
        self._outputs += [(record.topic, record.value or b"") for record in work.outputs]

    @property
    def results(self) -> list[SendResult]:
        return [SendResult.read(value) for topic, value in self._outputs if topic == "send-results"]

    @property
    def answers(self) -> list[GrantOutcome]:
        return [GrantOutcome.read(v) for t, v in self._outputs if t == "grant-outcomes" and b'"outcome"' in v[:40]]

    @property
    def pauses(self) -> list[MailboxPaused]:
        return [
            MailboxPaused.read(v) for t, v in self._outputs if t == "grant-outcomes" and b"mailbox_paused" in v[:60]
        ]


@dataclass
class MemoryLedger:
    """The ledger's port on two dictionaries. `refuse` names leads and what the gate says of them."""

    refuse: dict[str, tuple[Any, str]] = field(default_factory=dict)
    outcomes: dict[UUID, Verdict] = field(default_factory=dict)
    gates: list[list[str]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    found: list[TakeOver] = field(default_factory=list)
    faults: dict[str, list[Exception]] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    settled: list[datetime] = field(default_factory=list)
    gate_numbers: list[int] = field(default_factory=list)

    def _fail(self, where: str) -> None:
        if self.faults.get(where):
            raise self.faults[where].pop(0)

    async def intake(self, offers: Sequence[Offer]) -> IntakeResult:
        self._fail("intake")
        now = datetime.now(UTC)
        return IntakeResult([Claim(o.grant, o.lease, b"l", b"a", o.message_id, now) for o in offers])

    async def gate(self, claims: Sequence[Claim], *, mailbox_id: str, gate_no: int, now: datetime) -> GateResult:
        self.gate_numbers.append(gate_no)
        self._fail("gate")
        leads = [claim.grant.touch.lead_id for claim in claims]
        self.gates.append(leads)
        self.log.append(f"gate {mailbox_id}")
        return GateResult(
            [c for c in claims if c.grant.touch.lead_id not in self.refuse | dict.fromkeys(self.lost)],
            [Refusal(c, *self.refuse[c.grant.touch.lead_id]) for c in claims if c.grant.touch.lead_id in self.refuse],
            [c for c in claims if c.grant.touch.lead_id in self.lost],
        )

    async def record(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        self._fail("record")
        self.log.append(f"record {len(verdicts)}")
        self.outcomes |= {verdict.claim.grant.touch.send_id: verdict for verdict in verdicts}
        return list(verdicts)

    async def take_over(self, lease: Lease, held: frozenset[UUID], now: datetime) -> TakeOver:
        self._fail("take_over")
        return self.found.pop(0) if self.found else TakeOver([], [])

    async def settle(self, lease: Lease, settled_at: datetime) -> None:
        self.settled.append(settled_at)

    async def forget(self, lease: Lease) -> int:
        return 0

    def outcome_of(self, given: Grant) -> str | None:
        verdict = self.outcomes.get(given.touch.send_id)
        return f"{verdict.outcome}/{verdict.code}" if verdict else None


@dataclass
class MemoryStops:
    """Keeps suppressions, in the same log as the ledger's."""

    log: list[str]
    suppressions: list[Suppression] = field(default_factory=list)

    async def stop(self, stops: Any) -> None: ...

    async def release(self, releases: Any) -> None: ...

    async def colleagues(self, said: Any) -> None: ...

    async def suppress(self, suppressions: Sequence[Suppression]) -> None:
        self.log.append("suppress")
        self.suppressions += suppressions

    async def suppressed(self, email: str) -> frozenset[str]:
        return frozenset()


SENT = Delivery("sent", "body", 250, "2.0.0")


class MemoryCourier:
    """A way out that answers what `answers` says for a recipient; `gates_open` cleared keeps everything in the air."""

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self.sent: list[tuple[str, bytes]] = []
        self.answers: dict[str, Delivery | Exception] = {}
        self.in_the_air = 0
        self.most = 0
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.closed = False

    async def send(self, envelope_from: str, rcpt: str, data: bytes, check: Callable[[], None]) -> Delivery:
        check()
        self.in_the_air += 1
        self.most = max(self.most, self.in_the_air)
        try:
            await asyncio.sleep(0)
            await self.let_go.wait()
            check()
        finally:
            self.in_the_air -= 1
        answer = self.answers.get(rcpt, SENT)
        if isinstance(answer, Exception):
            raise answer
        if answer.outcome == "sent":
            self.sent.append((rcpt, data))
        return answer

    async def aclose(self) -> None:
        self.closed = True


class MovableClock:
    """Wall and campaign time, moved by the test."""

    def __init__(self) -> None:
        self.wall_at = datetime.now(UTC)
        self.now_at = AT

    def now(self) -> datetime:
        return self.now_at

    def wall(self) -> datetime:
        return self.wall_at

    def advance(self, seconds: float) -> None:
        self.wall_at += timedelta(seconds=seconds)
        self.now_at += timedelta(seconds=seconds)


class Office:
    """A whole sender role with what it works on, for a test to look at."""

    def __init__(
        self,
        *definitions: Definition,
        ledger: Any = None,
        stops: Any = None,
        courier: Callable[[Any], Any] | None = None,
        clock: Any = None,
        clock_rate: float = 1.0,
        sweep_s: float = 3600.0,
    ) -> None:
        self.stream = FakeStream()
        self.ledger = ledger or MemoryLedger()
        self.stops = stops or MemoryStops(self.ledger.log)
        self.couriers: dict[str, MemoryCourier] = {}
        self.clock = clock or MovableClock()
        self.check: Callable[[], None] = lambda: None
        self.book = book_of(*(definitions or (campaign_definition(), mailbox_definition())))
        self.sender = Sender(
            stream=self.stream,
            check=self._check,
            ledger=self.ledger,
            stops=self.stops,
            book=self.book,
            keys=KEYS,
            clock=self.clock,
            public_url=PUBLIC_URL,
            courier=courier or self._courier,
            clock_rate=clock_rate,
            sweep_s=sweep_s,
        )

    def _check(self) -> None:
        self.check()

    def _courier(self, mailbox: Any) -> MemoryCourier:
        return self.couriers.setdefault(mailbox.mailbox_id, MemoryCourier())

    @property
    def courier(self) -> MemoryCourier:
        return self.couriers.setdefault(MAILBOX, MemoryCourier())

    async def open(self, partitions: frozenset[int] = frozenset({0})) -> None:
        await self.sender.start()
        await self.sender.recovered(partitions)

    async def take(self, *grants: Grant) -> None:
        """One batch, handled and flushed."""
        work = self.stream.work()
        await self.sender.handle(work, [inbound(given) for given in grants])
        self.stream.keep(work)

    async def close(self) -> None:
        await self.sender.stop()

    async def __aenter__(self) -> Office:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def outcomes(self) -> list[str]:
        """`lead outcome` of every result told, in order."""
        return [f"{result.lead_id} {result.outcome}" for result in self.stream.results]


def again(claim: Claim, **more: Any) -> Finished:
    """What the ledger remembers of a claim that was sent."""
    touch = claim.grant.touch
    facts: dict[str, Any] = {
        "send_id": touch.send_id,
        "enrollment_id": touch.enrollment_id,
        "lead_id": touch.lead_id,
        "campaign_id": touch.campaign_id,
        "campaign_version": touch.campaign_version,
        "step_id": touch.step_id,
        "pool_id": touch.pool_id,
        "mailbox_id": claim.grant.mailbox_id,
        "variant": touch.variant,
        "ask_no": touch.ask_no,
        "attempt": touch.attempt,
        "grant_id": claim.grant.grant_id,
        "granted_at": claim.grant.granted_at,
        "outcome": "sent",
        "used": True,
        "outcome_at": AT,
        "message_id": claim.message_id,
        "code": "250 2.0.0",
        "detail": None,
        "subject": "Question about Hôtel du Lac",
        "claimed_at": claim.claimed_at,
    }
    return Finished(**(facts | more))
