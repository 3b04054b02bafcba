"""Broadcast definitions: every process reads the whole compacted topic, with no group, and then follows it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.definitions import Definition
from streams import kafka
from streams.access import connect
from streams.codec import decode
from streams.errors import Poison
from streams.inbound import Raw
from streams.settings import SettingsError
from streams.topology import topic_name

if TYPE_CHECKING:
    from streams.settings import Settings

log = logging.getLogger(__name__)

TOPIC = "definitions"
Key = tuple[str, str]
OnChange = Callable[[Key, Definition | None], None]


class Definitions:
    """(kind, id) -> the definition of the highest revision. A tombstone or `deleted` takes it out; a bad one is logged
    and skipped. A lower revision than the one in force changes nothing: two publishers may overtake each other.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._current: dict[Key, Definition] = {}
        self._revisions: dict[Key, int] = {}
        self._callbacks: list[OnChange] = []
        self._read = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._positions: dict[TopicPartition, int] = {}

    def __getitem__(self, key: Key) -> Definition:
        return self._current[key]

    def get(self, kind: str, definition_id: str) -> Definition | None:
        """The definition in force, if there is one."""
        return self._current.get((kind, definition_id))

    def all(self) -> dict[Key, Definition]:
        """A copy of everything in force."""
        return dict(self._current)

    def __len__(self) -> int:
        return len(self._current)

    @property
    def is_read(self) -> bool:
        """Whether the topic was read to the end that it had at the start."""
        return self._read.is_set()

    async def wait_read(self) -> None:
        """Return when everything that stood at the start is here."""
        await self._read.wait()

    def on_change(self, callback: OnChange) -> None:
        """Call for every definition that is read, also while catching up (None: it was deleted)."""
        self._callbacks.append(callback)

    async def start(self) -> None:
        """Begin to read. Brokers that are away are waited for."""
        self._task = asyncio.create_task(self._follow(), name="definitions")

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        delay = 0.1
        while True:
            try:
                await self._read_on()
            except (KafkaError, OSError, SettingsError) as error:  # the role was let in at its start: it may be again
                log.warning("definitions cannot be read, trying again: %r", error)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)

    async def _read_on(self) -> None:
        """From where the last connection ended, until this one does."""
        consumer = AIOKafkaConsumer(**kafka.connection(self._settings), enable_auto_commit=False)
        try:
            await connect(consumer, self._settings)
            await self._consume(consumer)
        finally:
            await consumer.stop()

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        topic = topic_name(self._settings, TOPIC)
        tps = [TopicPartition(topic, number) for number in range(self._settings.partitions)]
        consumer.assign(tps)
        starts = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
        for tp in tps:
            consumer.seek(tp, max(self._positions.get(tp, 0), starts[tp]))
        while True:
            if not self._read.is_set():
                positions = [(await consumer.position(tp), ends[tp]) for tp in tps]
                if all(position >= end for position, end in positions):
                    self._read.set()
            for tp, records in (await consumer.getmany(timeout_ms=500)).items():
                for record in records:
                    self._take(record)
                    self._positions[tp] = record.offset + 1

    def _take(self, record: Any) -> None:
        kind, _, definition_id = (record.key or b"").decode(errors="replace").partition(":")
        key = (kind, definition_id)
        definition: Definition | None = None
        if record.value is not None:
            try:
                definition = decode(Raw(TOPIC, record.partition, record.offset, record.key, record.value)).body
            except Poison as poison:
                log.error("definition at %s/%s is skipped: %s", record.partition, record.offset, poison)
                return
            assert definition is not None
            if (definition.kind, definition.id) != key:
                log.error("definition at %s/%s is skipped: its key is not kind:id", record.partition, record.offset)
                return
        if definition is None:
            self._revisions.pop(key, None)
        elif definition.revision < self._revisions.get(key, 0):
            log.warning("%s:%s: revision %d comes after a newer one: ignored", *key, definition.revision)
            return
        else:
            self._revisions[key] = definition.revision
        if definition is None or definition.deleted:
            self._current.pop(key, None)
            definition = None
        else:
            self._current[key] = definition
        for callback in self._callbacks:
            try:
                callback(key, definition)
            except Exception:
                log.exception("a listener of definitions failed on %s:%s", kind, definition_id)
