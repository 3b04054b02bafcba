"""What is kept about the ways in by HTTP, by several processes at once."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from api.http import webhooks
from api.http.inbound.calls import REMEMBERED_S
from api.http.inbound.standard import Standard, sign
from api.http.services import SERVICES
from api.publisher import Outgoing
from sinks.postgres.control import ControlStore
from sinks.postgres.inbound import InboundStore
from sinks.sns import NotSigned, SnsSigners
from streams.clock import ManualClock
from streams.errors import Retryable
from tests.support.control import AT
from tests.support.sns import CERTIFICATE_URL, amazon, notification
from tests.unit.sinks.test_sns_signers import signed

KEY = b"k" * 24


async def test_a_certificate_is_kept_once_for_all(pool: asyncpg.Pool) -> None:
    store = InboundStore(pool)
    assert await store.find("https://a") is None
    kept = await asyncio.gather(*(store.keep("https://a", pem) for pem in ("one", "two", "three")))
    assert len(set(kept)) == 1
    assert await store.find("https://a") == kept[0]


async def test_the_last_word_on_a_subscription_stands(pool: asyncpg.Pool) -> None:
    store = InboundStore(pool)
    await store.note_subscription("arn:1", "confirmed")
    await store.note_subscription("arn:2", "confirmed")
    await store.note_subscription("arn:1", "ended")
    assert await store.subscriptions() == {"arn:1": "ended", "arn:2": "confirmed"}


async def test_another_process_trusts_what_one_has_checked_and_visits_nothing(pool: asyncpg.Pool) -> None:
    fetching, roots = amazon(AT)
    await SnsSigners(fetching, InboundStore(pool), roots).check(signed(), AT.timestamp())
    alone, _ = amazon(AT)
    alone.away = True
    await SnsSigners(alone, InboundStore(pool), roots).check(signed(), AT.timestamp())
    with pytest.raises(NotSigned):
        await SnsSigners(alone, InboundStore(pool), roots).check(signed("stranger"), AT.timestamp())
    assert alone.visited == []
    assert notification("x", AT)["SigningCertURL"] == CERTIFICATE_URL


async def test_the_id_of_a_call_is_remembered_for_a_day(pool: asyncpg.Pool) -> None:
    store = ControlStore(pool)
    for call_id, age_s in (("young", REMEMBERED_S - 600), ("old", REMEMBERED_S + 600)):
        await store.take_call("mailgun", call_id)
        await store.call_taken("mailgun", call_id)
        age = "UPDATE webhook_calls SET received_wall = now() - make_interval(secs => $2) WHERE call_id = $1"
        await pool.execute(age, call_id, age_s)
    await store.forget_calls()
    assert [await store.take_call("mailgun", call_id) for call_id in ("young", "old")] == [False, True]


class Broker:
    """Takes what it is given, when it is there."""

    def __init__(self) -> None:
        self.away = True
        self.sent: list[Outgoing] = []

    async def publish(self, messages: list[Outgoing]) -> None:
        if self.away:
            raise Retryable("Kafka is away")
        self.sent += messages


class Part:
    """The part of Services that the webhooks use."""

    def __init__(self, pool: asyncpg.Pool, broker: Broker) -> None:
        self.store, self.publisher, self.clock = ControlStore(pool), broker, ManualClock(AT)
        self.inbound = {"standard": Standard([KEY])}


async def post(client: TestClient[Any, Any], call_id: str) -> int:
    body = json.dumps({"raw": "Message-ID: <a@b.example>\r\n\r\nYes"}).encode()
    stamp = str(int(AT.timestamp()))
    headers = {
        "webhook-id": call_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{sign(call_id, stamp, body, KEY)}",
    }
    answer = await client.post("/webhooks/inbound/standard", data=body, headers=headers)
    return answer.status


async def test_a_call_is_taken_once_by_several_processes_and_only_after_the_broker_has_it(pool: asyncpg.Pool) -> None:
    broker = Broker()
    clients: list[TestClient[Any, Any]] = []
    for _ in range(2):
        app = web.Application()
        services: Any = Part(pool, broker)
        app[SERVICES] = services
        app.add_routes(webhooks.routes())
        clients.append(TestClient(TestServer(app)))
    one, other = clients
    try:
        for client in clients:
            await client.start_server()
        assert [await post(one, "msg_1"), await post(other, "msg_1")] == [503, 503]
        assert await pool.fetchval("SELECT count(*) FROM webhook_calls WHERE taken_wall IS NOT NULL") == 0
        broker.away = False
        assert [await post(other, "msg_1"), await post(one, "msg_1")] == [200, 409]
        assert await post(one, "msg_2") == 200
    finally:
        for client in clients:
            await client.close()
    assert len({sent.key for sent in broker.sent}) == 1  # the same mail under two ids counts once
