"""A role's tables as the broker has them: a changelog, one partition of it or all, read to the end.

The broker is the truth, so this asks no worker: it answers while every role is down, and needs no port of theirs. It
costs a read of what is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import kafka
from streams.access import connect
from streams.settings import Settings
from streams.tables import Table, WindowTable
from streams.topology import changelog_name, table_spec

POLL_MS = 200


async def read_table(settings: Settings, role: str, name: str, partition: int) -> Table:
    """One partition of a keyed table. Raises KafkaError, AccessRefused."""
    table = Table(name)
    for key, value in (await _read(settings, changelog_name(settings, role, name), [partition])).items():
        table.apply(key, value, partition)
    return table


async def read_windows(settings: Settings, role: str, name: str, partition: int) -> WindowTable:
    """One partition of a windowed table. Raises KafkaError, AccessRefused."""
    table = WindowTable(name, table_spec(role, name).window_s or 0)
    for key, value in (await _read(settings, changelog_name(settings, role, name), [partition])).items():
        text, (start, _) = json.loads(key)
        table.apply(table.window(text, int(start)), value, partition)
    return table


async def read_value(settings: Settings, role: str, name: str, partition: int, key: bytes) -> bytes | None:
    """One key of a table. Raises KafkaError, AccessRefused."""
    return (await _read(settings, changelog_name(settings, role, name), [partition], key)).get(key)


async def read_values(settings: Settings, role: str, name: str) -> dict[bytes, bytes]:
    """All of a table. Raises KafkaError, AccessRefused."""
    return await _read(settings, changelog_name(settings, role, name), range(settings.partitions))


async def _read(
    settings: Settings, topic: str, partitions: Iterable[int], only: bytes | None = None
) -> dict[bytes, bytes]:
    tps = [TopicPartition(topic, number) for number in partitions]
    consumer = AIOKafkaConsumer(**kafka.connection(settings), enable_auto_commit=False)
    found: dict[bytes, bytes] = {}
    try:
        await connect(consumer, settings)
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    key: bytes = record.key or b""
                    if only is not None and key != only:
                        continue
                    if record.value is None:
                        found.pop(key, None)
                    else:
                        found[key] = record.value
    finally:
        await consumer.stop()
    return found
