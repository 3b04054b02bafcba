"""Running stream workers as child processes, and looking at what they left on the broker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams import kafka
from streams.partitioning import partition_of
from streams.settings import Settings
from streams.topology import topic_name
from tests.support.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SESSION_S = 3.0


def settings_for(bootstrap: str, prefix: str, data_dir: Path, **more: Any) -> Settings:
    """Settings of a test: four partitions, a short session."""
    values: dict[str, Any] = {
        "kafka_bootstrap_servers": bootstrap,
        "kafka_topic_prefix": prefix,
        "partitions": 4,
        "session_timeout_s": SESSION_S,
        "data_dir": data_dir,
    }
    return Settings(**(values | more))


class Worker:
    """A child process that reports JSON lines on stdout."""

    def __init__(
        self,
        settings: Settings,
        module: str = "tests.support.stream_worker",
        options: dict[str, Any] | None = None,
        **env: str,
    ) -> None:
        names = ("kafka_bootstrap_servers", "kafka_topic_prefix", "partitions", "session_timeout_s", "data_dir")
        plain = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
        given = {f"TOUCHLINE_{name.upper()}": str(getattr(settings, name)) for name in names}
        self.lines: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=plain | given | {"WORKER_OPTIONS": json.dumps(options or {})} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._readers = [
            threading.Thread(target=self._read_lines, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_lines(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)

    def events(self, name: str) -> list[dict[str, Any]]:
        """What it reported under that name so far."""
        return [line for line in list(self.lines) if line["event"] == name]

    def done(self) -> set[str]:
        """Ids of the events it has put on the broker."""
        return {event_id for line in self.events("done") for event_id in line["ids"]}

    async def reported(self, name: str, count: int = 1, deadline_s: float = 30.0) -> list[dict[str, Any]]:
        """Wait until it has reported `name` so often."""

        def enough() -> list[dict[str, Any]]:
            found = self.events(name)
            if len(found) < count and self.process.poll() is not None:
                raise AssertionError(f"exited with {self.process.returncode}: {''.join(self.errors)[-3000:]}")
            return found if len(found) >= count else []

        try:
            return await wait_for(enough, deadline_s, what=f"{count} x {name}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.lines[-5:]}\n{''.join(self.errors)[-6000:]}") from error

    async def handled(self, ids: Iterable[str], deadline_s: float = 30.0) -> None:
        """Wait until these events are on the broker."""
        wanted = set(ids)
        await wait_for(lambda: wanted <= self.done(), deadline_s, what="all events handled")

    async def exit_code(self, deadline_s: float = 30.0) -> int:
        """Wait for its end."""
        await wait_for(lambda: self.process.poll() is not None, deadline_s, what="the end of the worker")
        return self.process.returncode

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        """End it, however it stands."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


@asynccontextmanager
async def producing(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    """A plain producer, as a stranger would use one."""
    producer = AIOKafkaProducer(**kafka.connection(settings), acks="all", max_request_size=16_000_000)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def enrollment(number: int, lead: str | None = None, **more: Any) -> tuple[bytes, bytes]:
    """Key and value of an enrollment with event id `e<number>`."""
    lead_id = lead or f"lead-{number}"
    body: dict[str, Any] = {"type": "enroll", "event_id": f"e{number}", "lead_id": lead_id, "campaign_id": "c"}
    return lead_id.encode(), json.dumps(body | {"lead": {}} | more).encode()


async def publish(
    settings: Settings,
    records: Sequence[tuple[bytes | None, bytes | None]],
    topic: str = "enrollments",
    partition: int | None = None,
) -> None:
    """Publish records, each to its key's partition or to the given one."""
    async with producing(settings) as producer:
        name = topic_name(settings, topic)
        sent = []
        for key, value in records:
            place = partition_of(key, settings.partitions) if partition is None and key is not None else partition
            sent.append(await producer.send(name, value, key, partition=place or 0))
        await asyncio.gather(*sent)


@dataclass(frozen=True, slots=True)
class Stored:
    """A record on the broker."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, str]


async def stored(settings: Settings, topic: str) -> list[Stored]:
    """Everything in a topic (logical name, or a changelog's own name), by partition and offset."""
    name = topic if topic.endswith("-changelog") else topic_name(settings, topic)
    consumer = AIOKafkaConsumer(**kafka.connection(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    found: list[Stored] = []
    try:
        places = [TopicPartition(name, number) for number in range(settings.partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        await consumer.seek_to_beginning(*places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [
                    Stored(r.partition, r.offset, r.key, r.value, {n: c.decode() for n, c in r.headers})
                    for r in records
                ]
    finally:
        await consumer.stop()
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def engaged(settings: Settings) -> list[str]:
    """Event ids in `engagements`, repeats included."""
    return [json.loads(record.value or b"{}")["event_id"] for record in await stored(settings, "engagements")]


async def committed(settings: Settings, group: str, topic: str) -> int:
    """How many records of a topic the group has committed, over all partitions."""
    consumer = AIOKafkaConsumer(**kafka.connection(settings), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        name = topic_name(settings, topic)
        offsets = [await consumer.committed(TopicPartition(name, n)) for n in range(settings.partitions)]
    finally:
        await consumer.stop()
    return sum(offset or 0 for offset in offsets)
