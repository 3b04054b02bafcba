"""Creating what the topology declares, and refusing to start on a broker that has it otherwise.

The broker's auto-creation is off and Faust declares nothing: a changelog with another partition count than its source
fails on its first write and loses the event.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError, KafkaError, TopicAlreadyExistsError, for_code

from streams import kafka
from streams.access import connect
from streams.settings import env_name
from streams.topology import all_topics

if TYPE_CHECKING:
    from streams.settings import Settings


class TopologyError(Exception):
    """The broker's topics are not as declared. One line a problem."""


async def ensure_topics(settings: Settings, timeout_s: float = 60.0) -> list[str]:
    """Create every missing topic, changelogs too; verify partitions and cleanup of all. Returns the names created."""
    admin = AIOKafkaAdminClient(**kafka.connection(settings), request_timeout_ms=int(timeout_s * 1000))
    try:
        await connect(admin, settings)
        wanted = all_topics(settings)
        existing = set(await admin.list_topics())
        missing = [name for name in wanted if name not in existing]
        if missing:
            await _create(admin, settings, {name: wanted[name] for name in missing})
        async with asyncio.timeout(timeout_s):
            described = await _described(admin, list(wanted))
        problems = _partition_problems(described, settings) + await _cleanup_problems(admin, wanted)
        if problems:
            raise TopologyError("\n".join(problems))
        return missing
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, settings: Settings, topics: dict[str, dict[str, str]]) -> None:
    response = await admin.create_topics(
        [
            NewTopic(name, settings.partitions, settings.kafka_replication_factor, topic_configs=configs)
            for name, configs in topics.items()
        ]
    )
    errors: list[Any] = list(getattr(response, "topic_errors", []))
    for name, code, *rest in errors:
        error = for_code(code)
        if not code or error is TopicAlreadyExistsError:
            continue
        told = " ".join(map(str, filter(None, rest))) or error.description
        if error is InvalidReplicationFactorError:
            setting = env_name("kafka_replication_factor")
            told = f"{setting} is {settings.kafka_replication_factor}, which this cluster cannot hold ({told})"
        raise TopologyError(f"{name}: could not be created: {error.__name__}: {told}")


async def _described(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, Any]:
    """Topic -> its metadata, once the broker knows all of them with their leaders."""
    while True:
        try:
            topics = {topic["topic"]: topic for topic in await admin.describe_topics(names)}
        except KafkaError:
            topics = {}
        if all(_ready(topics.get(name)) for name in names):
            return topics
        await asyncio.sleep(0.1)


def _ready(topic: dict[str, Any] | None) -> bool:
    if topic is None or topic["error_code"]:
        return False
    return bool(topic["partitions"]) and all(partition["leader"] >= 0 for partition in topic["partitions"])


def _partition_problems(described: dict[str, Any], settings: Settings) -> list[str]:
    return [
        f"{name}: has {len(topic['partitions'])} partitions, TOUCHLINE_PARTITIONS says {settings.partitions}"
        for name, topic in described.items()
        if len(topic["partitions"]) != settings.partitions
    ]


async def _cleanup_problems(admin: AIOKafkaAdminClient, wanted: dict[str, dict[str, str]]) -> list[str]:
    responses = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, name, configs={"cleanup.policy": ""}) for name in wanted]
    )
    problems: list[str] = []
    answers: list[Any] = list(responses)
    for answer in answers:
        for resource in answer.resources:
            name, entries = resource[3], resource[4]
            actual = {entry[0]: entry[1] for entry in entries}.get("cleanup.policy")
            if actual != wanted[name]["cleanup.policy"]:
                problems.append(f"{name}: cleanup.policy is {actual}, must be {wanted[name]['cleanup.policy']}")
    return problems
