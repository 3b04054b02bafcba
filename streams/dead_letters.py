"""What could not be processed: how it is set aside, listed, shown and replayed.

A dead letter's value is the original record's bytes, its key the original key. The story is in headers: `dl-role`,
`dl-reason`, `dl-detail`, `dl-topic`, `dl-partition`, `dl-offset`, `dl-at`, `dl-truncated`; the original headers follow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams import kafka
from streams.access import connect
from streams.inbound import Headers, Raw
from streams.partitioning import partition_of
from streams.topology import TOPICS, topic_name

if TYPE_CHECKING:
    from streams.settings import Settings

TOPIC = "dead-letters"
MAX_DETAIL = 2_000
STUB_BYTES = 64 * 1024
_OURS = "dl-"


@dataclass(frozen=True, slots=True)
class Letter:
    """The record that stands in `dead-letters`."""

    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter as people see it. `partition` and `offset` say where it stands in `dead-letters`."""

    partition: int
    offset: int
    role: str
    reason: str
    detail: str
    source_topic: str
    source_partition: int
    source_offset: int
    at: str
    truncated: bool
    key: bytes | None
    value: bytes | None
    headers: Headers
    """The original record's headers."""


class ReplayRefused(Exception):
    """The letter cannot be put back: the message says why."""


def letter(raw: Raw, role: str, reason: str, detail: str, at: datetime) -> Letter:
    """The dead letter of a record. A value that `dead-letters` itself could not take is cut to a stub that says so."""
    too_large = raw.value is not None and len(raw.value) > TOPICS[TOPIC].max_value
    value = raw.value[:STUB_BYTES] if raw.value is not None and too_large else raw.value
    headers: list[tuple[str, bytes]] = [
        ("dl-role", role.encode()),
        ("dl-reason", reason.encode()),
        ("dl-detail", detail[:MAX_DETAIL].encode(errors="replace")),
        ("dl-topic", raw.topic.encode()),
        ("dl-partition", str(raw.partition).encode()),
        ("dl-offset", str(raw.offset).encode()),
        ("dl-at", at.isoformat().encode()),
    ]
    if too_large:
        headers.append(("dl-truncated", f"{len(raw.value or b'')}".encode()))
    headers += [(name, content) for name, content in raw.headers if not name.startswith(_OURS)]
    return Letter(raw.key, value, headers)


async def read(
    settings: Settings, partition: int | None = None, offset: int | None = None
) -> AsyncIterator[DeadLetter]:
    """All dead letters that stand now, by partition and offset; or the one at `partition` and `offset`."""
    partitions = [number for number in range(settings.partitions) if partition in (None, number)]
    if not partitions:
        return
    consumer = AIOKafkaConsumer(**kafka.connection(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        await connect(consumer, settings)
        topic = topic_name(settings, TOPIC)
        for number in partitions:
            async for found in _partition(consumer, TopicPartition(topic, number), offset):
                yield found
    finally:
        await consumer.stop()


async def _partition(consumer: AIOKafkaConsumer, tp: TopicPartition, only: int | None) -> AsyncIterator[DeadLetter]:
    consumer.assign([tp])
    end = (await consumer.end_offsets([tp]))[tp]
    start = (await consumer.beginning_offsets([tp]))[tp]
    if only is not None:
        start, end = max(start, only), min(end, only + 1)  # nothing to wait for where it does not stand
    consumer.seek(tp, start)
    while await consumer.position(tp) < end:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            for record in records:
                if record.offset < end and (only is None or record.offset == only):
                    yield _parse(record.partition, record.offset, record.key, record.value, record.headers)


def _parse(partition: int, offset: int, key: bytes | None, value: bytes | None, headers: Headers) -> DeadLetter:
    story = {name: content.decode(errors="replace") for name, content in headers if name.startswith(_OURS)}
    return DeadLetter(
        partition,
        offset,
        story.get("dl-role", ""),
        story.get("dl-reason", ""),
        story.get("dl-detail", ""),
        story.get("dl-topic", ""),
        int(story.get("dl-partition", -1)),
        int(story.get("dl-offset", -1)),
        story.get("dl-at", ""),
        "dl-truncated" in story,
        key,
        value,
        [(name, content) for name, content in headers if not name.startswith(_OURS)],
    )


async def replay(settings: Settings, found: DeadLetter) -> tuple[int, int]:
    """Publish the original record again on its own topic; answers its new partition and offset.

    Raises ReplayRefused for a stub and for a topic that is not on the map. Replaying twice publishes twice: the
    deterministic event ids make the second one a repeat that changes nothing.
    """
    if found.truncated:
        raise ReplayRefused("only the first part of this record was kept: publish the original again")
    if found.source_topic not in TOPICS or found.source_topic == TOPIC:
        raise ReplayRefused(f"{found.source_topic!r} is not a topic that records can be replayed to")
    partition = found.source_partition if found.key is None else partition_of(found.key, settings.partitions)
    producer = AIOKafkaProducer(
        **kafka.connection(settings), acks="all", enable_idempotence=True, max_request_size=16 * 1024 * 1024
    )
    try:
        await connect(producer, settings)
        sent = await producer.send_and_wait(
            topic_name(settings, found.source_topic),
            found.value,
            found.key,
            partition=partition,
            headers=list(found.headers),
        )
    finally:
        await producer.stop()
    return sent.partition, sent.offset
