"""Replies by REST: what is asked for, and what is said of what cannot be (docs/behaviour.md 7.2, 8.3)."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.http.app import make_app
from sinks.postgres.reply_desk import NoMatchError
from sinks.postgres.threads import UnknownReplyError
from tests.unit.api.conftest import TOKEN, Api

KNOWN, SEND = UUID(int=1), UUID(int=2)


class Desk:
    """Replies in memory: one is known, and answers one touch."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    async def replies(self, **asked: Any) -> list[dict[str, Any]]:
        self.asked = asked
        return [{"reply_id": KNOWN}]

    async def thread(self, reply_id: UUID) -> dict[str, Any]:
        if reply_id != KNOWN:
            raise UnknownReplyError(f"no reply {reply_id}")
        return {"reply": {"reply_id": reply_id}, "thread": []}

    async def match(self, reply_id: UUID, send_id: UUID, by: str) -> dict[str, Any]:
        await self.thread(reply_id)
        if send_id != SEND:
            raise NoMatchError(f"no touch {send_id}")
        return {"lead_id": "lead-1", "by": by}


@pytest.fixture
async def desk(api: Api) -> Any:
    desk = Desk()
    services = replace(api.services, replies=desk)  # type: ignore[arg-type]
    client = TestClient(TestServer(make_app(services)))
    await client.start_server()
    yield desk, client
    await client.close()


HEADERS = {"Authorization": f"Bearer {TOKEN}"}


async def test_replies_are_listed_by_what_is_asked_for(desk: Any) -> None:
    known, client = desk
    async with client.get("/api/replies?untracked=true&lead_id=a&limit=5", headers=HEADERS) as said:
        assert (await said.json())["replies"] == [{"reply_id": str(KNOWN)}]
    assert (known.asked["untracked"], known.asked["lead_id"], known.asked["limit"]) == (True, "a", 5)


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "untracked=maybe"])
async def test_a_question_that_makes_no_sense_is_refused(desk: Any, query: str) -> None:
    async with desk[1].get(f"/api/replies?{query}", headers=HEADERS) as said:
        assert said.status == 400
        assert query.partition("=")[0] in await said.text()


async def test_a_thread_is_read_and_an_unknown_one_is_not_found(desk: Any) -> None:
    for name, status in ((str(KNOWN), 200), (str(uuid4()), 404), ("x", 404)):
        async with desk[1].get(f"/api/replies/{name}", headers=HEADERS) as said:
            assert said.status == status


@pytest.mark.parametrize(
    ("reply_id", "body", "status"),
    [
        (KNOWN, {"send_id": str(SEND), "by": "kim"}, 200),
        (KNOWN, {"send_id": str(KNOWN)}, 409),
        (SEND, {"send_id": str(SEND)}, 404),
        (KNOWN, {"send_id": "x"}, 400),
        (KNOWN, {}, 400),
        (KNOWN, {"send_id": str(SEND), "more": 1}, 400),
    ],
)
async def test_a_match_by_hand_says_what_was_wrong_with_it(
    desk: Any, reply_id: UUID, body: dict[str, str], status: int
) -> None:
    async with desk[1].post(f"/api/replies/{reply_id}/match", json=body, headers=HEADERS) as said:
        assert said.status == status, await said.text()


async def test_nobody_reads_replies_without_the_token(desk: Any) -> None:
    async with desk[1].get("/api/replies") as said:
        assert said.status == 401
