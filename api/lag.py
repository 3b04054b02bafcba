"""Consumer lag, read from the broker itself (docs/behaviour.md 9.6): no role has to answer for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CoordinatorLoadInProgressError,
    GroupCoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorForGroupError,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from domain.settling import TOPICS, Look
from streams import kafka
from streams.access import connect
from streams.errors import Retryable
from streams.provision import verify_partitions
from streams.settings import Settings, SettingsError
from streams.topology import ROLES, app_id, topic_name

READINGS: tuple[tuple[str, str], ...] = tuple((role, topic) for role, topics in ROLES.items() for topic in topics)
"""(role, topic) of everything that is read in a group."""

AGES_S = 5.0
LOOK_S = 10.0
_READERS = {"enrollments": "leads", "engagements": "projector"}


@dataclass(frozen=True, slots=True)
class Lag:
    """What a group has not read of one partition. `committed` is None where it never committed.

    `oldest_age_s` is how long ago, in wall seconds, the oldest unread record was written: None where nothing is unread,
    or where that was not asked for.
    """

    group: str
    topic: str
    partition: int
    committed: int | None
    end: int
    lag: int
    oldest_age_s: float | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it by name."""
        return asdict(self)


class Total(NamedTuple):
    """What a group has not read of a topic, all partitions together."""

    group: str
    topic: str
    lag: int
    oldest_age_s: float | None


def totals(found: Iterable[Lag]) -> list[Total]:
    """A line for each group and topic, in their order."""
    sums: dict[tuple[str, str], list[Lag]] = {}
    for item in found:
        sums.setdefault((item.group, item.topic), []).append(item)
    return [
        Total(
            *key,
            sum(item.lag for item in items),
            max((item.oldest_age_s for item in items if item.oldest_age_s is not None), default=None),
        )
        for key, items in sums.items()
    ]


async def read_lag(
    settings: Settings, readings: Sequence[tuple[str, str]] = READINGS, *, ages: bool = False, markers: bool = True
) -> list[Lag]:
    """The lag of these (role, topic), by partition; with `ages`, how old the oldest unread record of each is.

    A group's offsets are read before the topics' ends. Raises KafkaError, AccessRefused or PartitionsDiffer.
    """
    async with _clients(settings) as (admin, consumer):
        wanted = {
            reading: [TopicPartition(topic_name(settings, reading[1]), n) for n in range(settings.partitions)]
            for reading in readings
        }
        groups = {role: await _offsets(admin, app_id(settings, role)) for role in dict(readings)}
        every = sorted({tp for tps in wanted.values() for tp in tps})
        starts = await consumer.beginning_offsets(every)
        ends = await consumer.end_offsets(every)
        found: list[Lag] = []
        for (role, topic), tps in wanted.items():
            for tp in tps:
                known = groups[role].get(tp)
                committed = known.offset if known is not None and known.offset >= 0 else None
                behind = ends[tp] - (committed if committed is not None else starts[tp])
                found.append(Lag(app_id(settings, role), topic, tp.partition, committed, ends[tp], max(0, int(behind))))
        if not markers:
            found = await _without_markers(settings, consumer, found)
        return await _with_ages(settings, consumer, found) if ages else found


class Unread:
    """`api.steward.UnreadPort` on the broker: one look a call, over connections of its own."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def look(self) -> Look:
        """How far the topics between a producer and the figures are read. Raises Retryable when Kafka is away."""
        try:
            async with asyncio.timeout(LOOK_S):
                found = await read_lag(self._settings, [(_READERS[topic], topic) for topic in TOPICS], markers=False)
        except (KafkaError, OSError, TimeoutError, SettingsError) as error:
            raise Retryable(f"the broker does not tell what is unread: {error!r}") from error
        read: dict[str, dict[int, int]] = {topic: {} for topic in TOPICS}
        ends: dict[str, dict[int, int]] = {topic: {} for topic in TOPICS}
        for item in found:
            read[item.topic][item.partition] = item.end - item.lag
            ends[item.topic][item.partition] = item.end
        return Look(read, ends)


@asynccontextmanager
async def _clients(settings: Settings) -> AsyncGenerator[tuple[AIOKafkaAdminClient, AIOKafkaConsumer]]:
    await verify_partitions(settings)
    admin = AIOKafkaAdminClient(**kafka.connection(settings))
    consumer = AIOKafkaConsumer(
        **kafka.connection(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",  # as the roles read: what a producer took back is nobody's to read
        max_partition_fetch_bytes=64 * 1024,
        fetch_max_wait_ms=50,
    )
    try:
        await connect(admin, settings)
        await connect(consumer, settings)
        yield admin, consumer
    finally:
        await consumer.stop()
        await admin.close()


async def _with_ages(settings: Settings, consumer: AIOKafkaConsumer, found: list[Lag]) -> list[Lag]:
    """The same with the ages of what is unread, as far as they could be read within five seconds a group."""

    def place(item: Lag) -> tuple[TopicPartition, int]:
        return TopicPartition(topic_name(settings, item.topic), item.partition), item.end - item.lag

    written: dict[tuple[TopicPartition, int], int] = {}
    for group in {item.group for item in found if item.lag}:
        written |= await _written(consumer, dict(place(item) for item in found if item.lag and item.group == group))
    now_ms = time.time() * 1000

    def aged(item: Lag) -> Lag:
        at_ms = written.get(place(item)) if item.lag else None
        return item if at_ms is None else replace(item, oldest_age_s=round(max(0.0, now_ms - at_ms) / 1000, 1))

    return [aged(item) for item in found]


async def _without_markers(settings: Settings, consumer: AIOKafkaConsumer, found: list[Lag]) -> list[Lag]:
    """The same without the lag of partitions of which only transactions' markers are unread: no reader ever gets one, so
    no reader commits past the last.
    """
    left = {TopicPartition(topic_name(settings, item.topic), item.partition): item for item in found if item.lag}
    consumer.assign(list(left))
    for tp, item in left.items():
        consumer.seek(tp, item.end - item.lag)
    empty: list[Lag] = []
    until = time.monotonic() + AGES_S
    while left and time.monotonic() < until:
        for tp, records in (await consumer.getmany(*left, timeout_ms=200, max_records=1)).items():
            if records:
                left.pop(tp, None)
        for tp, item in list(left.items()):
            if await consumer.position(tp) >= item.end:
                empty.append(left.pop(tp))
    return [replace(item, lag=0) if item in empty else item for item in found]


async def _written(
    consumer: AIOKafkaConsumer, places: Mapping[TopicPartition, int]
) -> dict[tuple[TopicPartition, int], int]:
    """(partition, offset) -> when the first record from there on was written, in ms since 1970."""
    written: dict[tuple[TopicPartition, int], int] = {}
    left = dict(places)
    consumer.assign(list(left))
    for tp, offset in left.items():
        consumer.seek(tp, offset)
    until = time.monotonic() + AGES_S
    while left and time.monotonic() < until:
        for tp, records in (await consumer.getmany(*left, timeout_ms=500)).items():
            if records and tp in left:
                written[tp, left.pop(tp)] = records[0].timestamp
    return written


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
