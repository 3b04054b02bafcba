"""Consumer lag, read from the broker itself (docs/behaviour.md 9.6): no role has to answer for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    GroupCoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from streams import kafka
from streams.access import connect
from streams.settings import Settings
from streams.topology import ROLES, app_id, topic_name


@dataclass(frozen=True, slots=True)
class Lag:
    """What a group has not read of one partition. `committed` is None where it never committed."""

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int

    def as_json(self) -> dict[str, Any]:
        """All of it by name."""
        return asdict(self)


async def read_lag(settings: Settings, roles: tuple[str, ...] = tuple(ROLES)) -> list[Lag]:
    """Every group's lag by topic and partition. Raises KafkaError or AccessRefused when there is no answer."""
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    consumer = AIOKafkaConsumer(**kafka.connection(settings), enable_auto_commit=False)
    try:
        await connect(admin, settings)
        await connect(consumer, settings)
        wanted = {
            role: [
                TopicPartition(topic_name(settings, topic), number)
                for topic in ROLES[role]
                for number in range(settings.partitions)
            ]
            for role in roles
        }
        every = sorted({tp for tps in wanted.values() for tp in tps})
        ends = await consumer.end_offsets(every)
        starts = await consumer.beginning_offsets(every)
        found: list[Lag] = []
        for role, tps in wanted.items():
            group = app_id(settings, role)
            offsets = await _offsets(admin, group)
            for tp in tps:
                known = offsets.get(tp)
                committed = known.offset if known is not None and known.offset >= 0 else None
                behind = ends[tp] - (committed if committed is not None else starts[tp])
                topic = tp.topic.removeprefix(settings.kafka_topic_prefix)
                found.append(Lag(group, topic, tp.partition, committed, ends[tp], max(0, behind)))
        return found
    finally:
        await consumer.stop()
        await admin.close()


async def _offsets(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, Any]:
    """A group's committed offsets. A fresh broker first has to make its table of groups, which takes a moment."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(
            (GroupCoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorForGroupError)
        ),
        stop=stop_after_delay(15),
        wait=wait_fixed(0.2),
        reraise=True,
    ):
        with attempt:
            return await admin.list_consumer_group_offsets(group)
    raise AssertionError("unreachable: the last attempt raises")
