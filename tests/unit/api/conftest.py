"""The API on fakes: no broker, no database, a clock that stands."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.enrolling import Enroller
from api.http.app import make_app
from api.http.hits import HitBuffer
from api.http.inbound.generic import Generic
from api.http.services import Services
from api.publisher import Outgoing
from api.telling import Telling
from domain.ids import enrollment_id, send_id
from domain.tokens import LinkToken, TokenKeys, link_token
from schemas.definitions import Definition
from sinks.ports import SendRow
from sinks.postgres.consent import Choice, Written
from sinks.postgres.untold import Noted
from streams.clock import ManualClock
from streams.errors import Retryable
from tests.support.fake_board import FakeBoard

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECRET = b"webhook-secret"
TOKEN = "operator"


class FakePublisher:
    """Keeps what was published; `away` refuses."""

    def __init__(self) -> None:
        self.away = False
        self.sent: list[Outgoing] = []

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        if self.away:
            raise Retryable("Kafka is away")
        self.sent += messages


@dataclass
class FakeNotes:
    """What is noted to be told; `away` refuses."""

    away: bool = False
    waiting: list[Noted] = field(default_factory=list)

    async def note(self, events: Sequence[Noted]) -> None:
        if self.away:
            raise Retryable("Postgres is away")
        self.waiting += events

    @asynccontextmanager
    async def telling(self, at_most: int = 500) -> AsyncGenerator[list[Noted]]:
        some = self.waiting[:at_most]
        yield some
        del self.waiting[: len(some)]


@dataclass
class FakePostgres:
    """Stands for every store; `away` refuses."""

    away: bool = False
    suppressed: list[Any] = field(default_factory=list)
    notes: FakeNotes = field(default_factory=FakeNotes)
    calls: dict[tuple[str, str], bool] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    known: frozenset[str] = frozenset()
    campaigns: dict[str, Definition] = field(default_factory=dict)
    addresses: dict[UUID, bytes] = field(default_factory=dict)
    goal: str = "brand_awareness"
    chosen: list[Choice] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    in_force: frozenset[str] = frozenset()
    texts: dict[str, SendRow] = field(default_factory=dict)
    """The newest text to a number."""

    def _answer(self) -> None:
        if self.away:
            raise Retryable("Postgres is away")

    async def unsubscribe(self, suppressions: Sequence[Any], event: Noted) -> None:
        self._answer()
        self.suppressed += suppressions
        self.notes.waiting.append(event)

    async def written(self, send_id: UUID) -> Written | None:
        self._answer()
        return Written(self.addresses[send_id], self.goal) if send_id in self.addresses else None

    async def choices(self, lead_id: str, written: Written | None) -> list[Choice]:
        self._answer()
        return self.chosen

    async def take_back(self, lead_id: str, written: Written | None, sources: Sequence[str]) -> frozenset[str]:
        self._answer()
        self.taken_back += sources
        return self.in_force

    async def resolve(self, send_ids: Sequence[UUID]) -> dict[UUID, Any]:
        self._answer()
        texts: dict[UUID, Any] = {row.send_id: row for row in self.texts.values() if row.send_id in send_ids}
        return texts | {sid: Row(self.addresses[sid]) for sid in send_ids if sid in self.addresses}

    async def resolve_number(self, number: str, sender_id: str) -> SendRow | None:
        self._answer()
        return self.texts.get(number)

    async def suppress(self, suppressions: Sequence[Any]) -> None:
        self._answer()
        self.suppressed += suppressions

    async def head(self, kind: str, definition_id: str) -> Definition | None:
        self._answer()
        return self.campaigns.get(definition_id)

    async def ask(self, campaign_id: str, lead_ids: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
        self._answer()
        new = frozenset(lead_ids) - self.asked
        self.asked |= new
        return new, frozenset(lead_ids) - self.acknowledged

    async def acked(self, campaign_id: str, lead_ids: Sequence[str]) -> None:
        self.acknowledged |= set(lead_ids)

    async def take_call(self, provider: str, call_id: str) -> bool:
        self._answer()
        return not self.calls.setdefault((provider, call_id), False)

    async def call_taken(self, provider: str, call_id: str) -> None:
        self.calls[provider, call_id] = True

    async def known_leads(self, lead_ids: Sequence[str]) -> frozenset[str]:
        self._answer()
        return self.known & frozenset(lead_ids)

    async def progress(self, campaign_id: str) -> dict[str, Any]:
        self._answer()
        return {"campaign_id": campaign_id, "enrolled": 0}

    async def steps(self, campaign_id: str) -> list[dict[str, Any]]:
        return []


@dataclass
class Row:
    address_key: bytes


class FakeControl:
    """The part of Control that the routes call."""

    def __init__(self, postgres: FakePostgres) -> None:
        self._postgres = postgres
        self.moves: list[tuple[str, str]] = []

    async def campaign(self, campaign_id: str) -> Definition:
        return self._postgres.campaigns[campaign_id]

    async def pause(self, campaign_id: str) -> Definition:
        self._postgres._answer()
        self.moves.append(("pause", campaign_id))
        return self._postgres.campaigns[campaign_id].model_copy(update={"status": "paused"})


@dataclass
class Api:
    """A running application and what stands behind it."""

    client: TestClient[Any, Any]
    services: Services
    kafka: FakePublisher
    postgres: FakePostgres
    control: FakeControl
    keys: TokenKeys
    notes: FakeNotes

    def token(self, kind: Any, **more: Any) -> str:
        facts: dict[str, Any] = {"lead_id": "lead-1", "campaign_id": "q1", "step_id": "intro"}
        return link_token(self.keys, LinkToken(kind, **(facts | more)))

    @property
    def send_id(self) -> UUID:
        return send_id(enrollment_id("q1", "lead-1"), "intro")


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    keys = TokenKeys.parse("k1:" + "A" * 43 + "=")
    kafka, postgres = FakePublisher(), FakePostgres()
    step = {"id": "intro", "kind": "email", "subject": "Hello", "body": "Hello"}
    spec = {"kind": "Campaign", "id": "q1", "name": "Q1", "goal": "brand_awareness", "steps": [step]}
    postgres.campaigns["q1"] = Definition(kind="campaign", id="q1", revision=1, spec=spec, status="active", at=AT)
    control = FakeControl(postgres)
    clock = ManualClock(AT)
    fake: Any = postgres
    notes = postgres.notes
    board = FakeBoard(postgres._answer)  # pyright: ignore[reportPrivateUsage]
    services = Services(
        keys=keys,
        clock=clock,
        hits=HitBuffer(kafka, capacity=1000),
        publisher=kafka,
        ledger=fake,
        store=fake,
        control=control,  # type: ignore[arg-type]
        enroller=Enroller(fake, kafka, clock),
        models=fake,
        cards=board,  # type: ignore[arg-type]
        board=board,  # type: ignore[arg-type]
        telling=Telling(notes, kafka, every_s=0.05),
        stops=fake,
        consents=fake,
        drafts=fake,
        replies=fake,
        ready=lambda: None,
        api_token=TOKEN,
        inbound={"generic": Generic([SECRET])},
    )
    client = TestClient(TestServer(make_app(services)))
    await client.start_server()
    services.hits.start()
    telling = [asyncio.create_task(services.telling.run())]
    yield Api(client, services, kafka, postgres, control, keys, notes)
    for task in telling:
        task.cancel()
    await asyncio.gather(*telling, return_exceptions=True)
    await client.close()
    await services.hits.stop(0.1)
