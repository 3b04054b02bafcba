"""Drafts by REST: what is asked reaches the store whole, and what it refuses comes back with its reason."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.http.app import make_app
from domain.drafting import DraftRefusedError
from sinks.postgres.draft_reviews import BadWordsError, Decided, UnknownDraftError
from streams.errors import Retryable

SEND = UUID("7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77")
TOKEN = {"Authorization": "Bearer secret"}


@dataclass
class Reviews:
    """Notes what it is asked. `fails` is raised by every call."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fails: Exception | None = None

    def _take(self, act: str, **more: Any) -> None:
        self.asked.append((act, more))
        if self.fails is not None:
            raise self.fails

    async def drafts(self, **filters: Any) -> list[dict[str, Any]]:
        self._take("drafts", **filters)
        return [{"send_id": SEND, "state": "review"}]

    async def draft(self, send_id: UUID) -> dict[str, Any]:
        self._take("draft", send_id=send_id)
        return {"send_id": send_id, "state": "review", "person": {}}

    async def approve(self, send_id: UUID, by: str, at: datetime, *, seen: int | None = None) -> Decided:
        self._take("approve", send_id=send_id, by=by, seen=seen)
        return Decided(send_id, "approved", 3)

    async def reject(self, send_id: UUID, by: str, at: datetime, **more: Any) -> Decided:
        self._take("reject", send_id=send_id, by=by, **more)
        return Decided(send_id, "rejected", 3)

    async def edit(
        self, send_id: UUID, subject: str | None, body: str, by: str, at: datetime, *, seen: int | None = None
    ) -> Decided:
        self._take("edit", send_id=send_id, subject=subject, body=body, by=by, seen=seen)
        return Decided(send_id, "review", 3)

    async def retry(self, send_id: UUID, by: str, at: datetime, *, seen: int | None = None) -> Decided:
        self._take("retry", send_id=send_id, by=by, seen=seen)
        return Decided(send_id, "wanted", 3)

    async def approve_all(self, campaign_id: str, step_id: str | None, by: str, at: datetime) -> list[Decided]:
        self._take("approve_all", campaign_id=campaign_id, step_id=step_id, by=by)
        return [Decided(SEND, "approved", 3), Decided(SEND, "dropped", 2, changed=False, refused="it is dropped")]


@dataclass
class Room:
    """The API, with reviews that note what they are asked."""

    client: TestClient[Any, Any]
    reviews: Reviews

    async def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        response = await self.client.post(path, json=body or None, headers=await self._headers())
        return response.status, await response.json(content_type=None)

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        response = await self.client.get(path, headers=await self._headers())
        return response.status, await response.json(content_type=None)

    async def _headers(self) -> dict[str, str]:
        return TOKEN


@pytest.fixture
async def room(api: Any) -> AsyncIterator[Room]:
    reviews = Reviews()
    services = replace(api.services, drafts=reviews, api_token="secret")
    client = TestClient(TestServer(make_app(services)))
    await client.start_server()
    yield Room(client, reviews)
    await client.close()


async def test_drafts_are_listed_by_what_is_asked_for(room: Room) -> None:
    status, told = await room.get("/api/drafts?campaign_id=q1&state=review&state=held&limit=5")
    assert (status, told) == (200, {"drafts": [{"send_id": str(SEND), "state": "review"}]})
    ((_, asked),) = room.reviews.asked
    assert asked == {
        "campaign_id": "q1", "step_id": None, "lead_id": None, "states": ["review", "held"], "limit": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("act", "body", "asked"),
    [
        ("approve", {}, {"by": "api", "seen": None}),
        ("approve", {"by": "ada", "version": 2}, {"by": "ada", "seen": 2}),
        ("retry", {"by": "ada"}, {"by": "ada", "seen": None}),
        (
            "reject",
            {"by": "ada", "instead": "template", "reason": "too long"},
            {"by": "ada", "instead": "template", "reason": "too long", "seen": None},
        ),
        (
            "edit",
            {"by": "ada", "subject": "Hi", "body": "Words.", "version": 2},
            {"by": "ada", "subject": "Hi", "body": "Words.", "seen": 2},
        ),
    ],
)
async def test_a_decision_reaches_the_store_whole(
    room: Room, act: str, body: dict[str, Any], asked: dict[str, Any]
) -> None:
    status, told = await room.post(f"/api/drafts/{SEND}/{act}", **body)
    assert status == 200
    assert (told["send_id"], told["changed"]) == (str(SEND), True)
    assert room.reviews.asked == [(act, {"send_id": SEND} | asked)]


async def test_bulk_says_how_many_and_what_was_refused(room: Room) -> None:
    status, told = await room.post("/api/campaigns/q1/drafts/approve", by="ada", step_id="intro")
    assert (status, told) == (200, {"approved": 1, "refused": {str(SEND): "it is dropped"}})
    assert room.reviews.asked == [("approve_all", {"campaign_id": "q1", "step_id": "intro", "by": "ada"})]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (UnknownDraftError("no draft"), 404, "no draft"),
        (DraftRefusedError("it was sent at noon"), 409, "it was sent at noon"),
        (BadWordsError(["empty_body"]), 400, "these words cannot go out"),
        (Retryable("away"), 503, "try again"),
    ],
)
async def test_what_cannot_be_done_says_why(room: Room, error: Exception, status: int, words: str) -> None:
    room.reviews.fails = error
    answered, told = await room.post(f"/api/drafts/{SEND}/edit", body="Words.")
    assert answered == status
    assert words in told["title"]
    if isinstance(error, BadWordsError):
        assert told["problems"] == ["empty_body"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/drafts/nobody/approve", {}, 404),
        (f"/api/drafts/{SEND}/approve", {"version": 0}, 400),
        (f"/api/drafts/{SEND}/reject", {"instead": "shout"}, 400),
        (f"/api/drafts/{SEND}/edit", {"subject": "Hi"}, 400),
        (f"/api/drafts/{SEND}/edit", {"body": "Hi", "to": "x@y.example"}, 400),
    ],
)
async def test_a_body_that_cannot_be_used_changes_nothing(
    room: Room, path: str, body: dict[str, Any], status: int
) -> None:
    answered, _ = await room.post(path, **body)
    assert answered == status
    assert room.reviews.asked == []


async def test_without_a_token_nobody_reads_drafts(room: Room) -> None:
    response = await room.client.get("/api/drafts")
    assert response.status == 401
