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
from api.http.services import Services
from api.publisher import Outgoing
from api.telling import Telling
from domain.cards import CardState, check_move, way_to
from domain.ids import enrollment_id, send_id
from domain.tokens import LinkToken, TokenKeys, link_token
from schemas.definitions import Definition
from sinks.ports import SendRow
from sinks.postgres.cards import CardChangedError, UnknownCardError
from sinks.postgres.untold import Noted
from streams.clock import ManualClock
from streams.errors import Retryable

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
    texts: dict[str, SendRow] = field(default_factory=dict)
    """The newest text to a number."""

    def _answer(self) -> None:
        if self.away:
            raise Retryable("Postgres is away")

    async def unsubscribe(self, suppressions: Sequence[Any], event: Noted) -> None:
        self._answer()
        self.suppressed += suppressions
        self.notes.waiting.append(event)

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


class FakeCards:
    """A board of one card. It stands as `state` at `version` says."""

    def __init__(self, postgres: FakePostgres) -> None:
        self._postgres = postgres
        self.card_id = UUID("7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77")
        self.state: CardState = "suggested"
        self.version = 1
        self.moves: list[tuple[str, str]] = []
        self.asked: dict[str, Any] = {}

    def _card(self, card_id: UUID) -> dict[str, Any]:
        self._postgres._answer()  # pyright: ignore[reportPrivateUsage]
        if card_id != self.card_id:
            raise UnknownCardError(f"no card {card_id}")
        row = {"card_id": card_id, "title": "Call Zoe", "state": self.state, "version": self.version}
        return {**row, "action_payload": '{"task_kind": "schedule_call"}', "created_at": AT}

    async def card(self, card_id: UUID) -> dict[str, Any]:
        return self._card(card_id)

    async def board(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked = asked
        return [self._card(self.card_id)]

    async def close(
        self, card_id: UUID, to_state: CardState, actor: str, at: datetime, version: int | None = None
    ) -> dict[str, Any]:
        self._card(card_id)
        if version is not None and version != self.version:
            raise CardChangedError(f"card {card_id} is at version {self.version}, not {version}: read it again")
        for state in way_to(self.state, to_state):
            self.state, self.version = state, self.version + 1
            self.moves.append((state, actor))
        return self._card(card_id)

    async def move(self, card_id: UUID, version: int, to_state: CardState, actor: str, at: datetime) -> dict[str, Any]:
        check_move(self.state, to_state)
        return await self.close(card_id, to_state, actor, at, version)


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
        cards=FakeCards(postgres),  # type: ignore[arg-type]
        telling=Telling(notes, kafka, every_s=0.05),
        stops=fake,
        drafts=fake,
        ready=lambda: None,
        api_token=TOKEN,
        webhook_secret=SECRET,
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
