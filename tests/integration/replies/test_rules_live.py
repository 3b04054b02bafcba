"""A user's rule is in force within a minute of its publication, on the real broadcast (docs/behaviour.md 7.6)."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from agents.replying.knowledge import Knowledge
from schemas.definitions import Definition
from streams.definitions import Definitions
from streams.provision import ensure_topics
from streams.settings import Settings
from streams.topology import topic_name
from tests.support.replying import AT
from tests.support.waiting import wait_for

LIVE_S = 60.0


@pytest.fixture
async def settings(kafka_bootstrap: str, topic_prefix: str) -> Settings:
    known = {"kafka_bootstrap_servers": kafka_bootstrap, "kafka_topic_prefix": topic_prefix, "partitions": 2}
    settings = Settings.model_validate(known)
    await ensure_topics(settings)
    return settings


def rule(name: str, revision: int, **more: Any) -> Definition:
    spec = {
        "kind": "ReplyRule",
        "id": name,
        "match": "subject_regex",
        "value": "(?i)order",
        "disposition": "INTERESTED",
    }
    deleted = more.pop("deleted", False)
    return Definition(kind="reply_rule", id=name, revision=revision, spec=spec | more, deleted=deleted, at=AT)


async def publish(settings: Settings, *rules: Definition) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers)
    await producer.start()
    for one in rules:
        await producer.send_and_wait(
            topic_name(settings, "definitions"), one.write(), key=f"reply_rule:{one.id}".encode()
        )
    await producer.stop()


async def test_a_rule_is_in_force_changed_and_gone_within_a_minute_and_a_bad_one_costs_no_other(
    settings: Settings,
) -> None:
    await publish(settings, rule("first", 1))
    knowledge, definitions = Knowledge(), Definitions(settings)
    definitions.on_change(knowledge.take)
    await definitions.start()
    try:
        await asyncio.wait_for(definitions.wait_read(), 30)
        assert [one.rule_id for one in knowledge.rules] == ["first"]
        started = time.monotonic()
        await publish(settings, rule("second", 1, priority=1), rule("bad", 1, value="(?<=a)b", priority=0))
        await wait_for(lambda: [one.rule_id for one in knowledge.rules] == ["second", "first"], LIVE_S)
        await publish(settings, rule("first", 2, priority=0), rule("second", 2, deleted=True))
        await wait_for(lambda: [(one.rule_id, one.priority) for one in knowledge.rules] == [("first", 0)], LIVE_S)
        assert time.monotonic() - started < LIVE_S
    finally:
        await definitions.stop()
