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
from streams.settings import SettingsError, env_name
from streams.topology import all_topics

if TYPE_CHECKING:
    from streams.settings import Settings


class TopologyError(Exception):
    """The broker's topics are not as declared. One line a problem."""


class PartitionsDiffer(SettingsError, TopologyError):
    """The topics have another number of partitions than the setting says: keys would be sought where they are not."""


async def ensure_topics(settings: Settings, timeout_s: float = 60.0) -> list[str]:
    """Create every missing topic, changelogs too; verify partitions and cleanup of all. Returns the names created.

    Raises PartitionsDiffer or TopologyError, before anything is created where what is there already tells, and
    KafkaError.
    """
    admin = AIOKafkaAdminClient(**kafka.connection(settings), request_timeout_ms=int(timeout_s * 1000))
    try:
        await connect(admin, settings)
        wanted = all_topics(settings)
        there = set(await admin.list_topics())
        existing = {name: configs for name, configs in wanted.items() if name in there}
        missing = {name: configs for name, configs in wanted.items() if name not in there}
        await _verify(admin, settings, existing, timeout_s)
        if missing:
            await _create(admin, settings, missing)
            await _verify(admin, settings, missing, timeout_s)
        return list(missing)
    finally:
        await admin.close()


async def verify_partitions(settings: Settings, timeout_s: float = 60.0) -> None:
    """Raise PartitionsDiffer where the topics that there are have another number of partitions than the settings say.

    Raises KafkaError or AccessRefused when no broker answers.
    """
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    try:
        await connect(admin, settings)
        existing = all_topics(settings).keys() & set(await admin.list_topics())
        async with asyncio.timeout(timeout_s):
            problems = _partition_problems(await _described(admin, sorted(existing)), settings)
        if problems:
            raise PartitionsDiffer(problems)
    finally:
        await admin.close()


async def _verify(
    admin: AIOKafkaAdminClient, settings: Settings, wanted: dict[str, dict[str, str]], timeout_s: float
) -> None:
    async with asyncio.timeout(timeout_s):
        described = await _described(admin, list(wanted))
    differ = _partition_problems(described, settings)
    problems = differ + await _cleanup_problems(admin, wanted)
    if problems:
        raise PartitionsDiffer(problems) if differ else TopologyError("\n".join(problems))


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
    while names:
        try:
            topics = {topic["topic"]: topic for topic in await admin.describe_topics(names)}
        except KafkaError:
            topics = {}
        if all(_ready(topics.get(name)) for name in names):
            return topics
        await asyncio.sleep(0.1)
    return {}


def _ready(topic: dict[str, Any] | None) -> bool:
    if topic is None or topic["error_code"]:
        return False
    return bool(topic["partitions"]) and all(partition["leader"] >= 0 for partition in topic["partitions"])


def _partition_problems(described: dict[str, Any], settings: Settings) -> list[str]:
    """A line a topic; one sentence when all of them agree among themselves, for then the setting is what is wrong."""
    counts = {topic: len(about["partitions"]) for topic, about in described.items()}
    if all(count == settings.partitions for count in counts.values()):
        return []
    name, said = env_name("partitions"), settings.partitions
    if len(counts) > 1 and len(set(counts.values())) == 1:
        (count,) = set(counts.values())
        remedy = f"set {name}={count}, or another {env_name('kafka_topic_prefix')} for topics of their own"
        fixed = "that is fixed once they exist (it says where each lead stands)"
        return [f"{name}: is {said}, but the topics have {count} partitions, and {fixed}: {remedy}"]
    return [f"{topic}: has {count} partitions, {name} says {said}" for topic, count in counts.items() if count != said]


async def _cleanup_problems(admin: AIOKafkaAdminClient, wanted: dict[str, dict[str, str]]) -> list[str]:
    if not wanted:
        return []
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
