"""The unit of work of one batch: nothing is visible or sent until it is flushed, and then in three acknowledged stages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple, Protocol

from streams import dead_letters
from streams.errors import Poison
from streams.inbound import Inbound, Raw
from streams.partitioning import partition_of
from streams.tables import Table, WindowKey, WindowTable
from streams.topology import MAX_TABLE_VALUE, TOPICS


class Stage(IntEnum):
    """What the broker must have acknowledged before what: limits taken, then outputs, then the state that says done."""

    LIMITS = 0
    OUTPUTS = 1
    STATE = 2


class Record(NamedTuple):
    """One record on its way out. `topic` is the name on the broker."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Publishable(Protocol):
    """A message of the contract (`schemas.base.Message`)."""

    def write(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Routing:
    """Where this process writes, and how it names itself in headers."""

    role: str = "test"
    prefix: str = ""
    partitions: int = 8
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)


DEFAULT_ROUTING = Routing()
_MISSING: tuple[bytes | None, int] = (None, -1)
_NO_HEADERS: list[tuple[str, bytes]] = []
_CONTENT_TYPE = ("content-type", b"application/json")
_SPECVERSION = ("ce_specversion", b"1.0")


class Work:
    """Reads see the batch's own writes. Discard it and nothing happened."""

    __slots__ = ("_callbacks", "_dead", "_outputs", "_routing", "_tables", "_windows", "size")

    def __init__(self, routing: Routing = DEFAULT_ROUTING) -> None:
        self._routing = routing
        self._tables: dict[Table, dict[bytes, tuple[bytes | None, int]]] = {}
        self._windows: dict[WindowTable, dict[WindowKey, tuple[bytes | None, int]]] = {}
        self._outputs: list[Record] = []
        self._dead: list[tuple[str, str]] = []
        self._callbacks: list[Callable[[], None]] = []
        self.size = 0

    def get(self, table: Table, key: bytes) -> bytes | None:
        """The value of `key`, with this batch's own writes."""
        writes = self._tables.get(table)
        if writes is not None:
            written = writes.get(key, _MISSING)
            if written is not _MISSING:
                return written[0]
        return table.get(key)

    def put(self, table: Table, key: bytes, value: bytes | None, partition: int) -> None:
        """Set `key` in `partition` of the table, or delete it (None). Raises Poison when the value is too large."""
        _check_value(table.name, value)
        writes = self._tables.get(table)
        if writes is None:
            writes = self._tables[table] = {}
        writes[key] = (value, partition)

    def get_window(self, table: WindowTable, key: str, start_s: int) -> bytes | None:
        """The value of the window of `key` that starts at `start_s`, with this batch's own writes."""
        window = table.window(key, start_s)
        writes = self._windows.get(table)
        if writes is not None:
            written = writes.get(window, _MISSING)
            if written is not _MISSING:
                return written[0]
        return table.get_raw(window)

    def put_window(self, table: WindowTable, key: str, start_s: int, value: bytes | None, partition: int) -> None:
        """Set the window of `key` that starts at `start_s`, or delete it (None)."""
        _check_value(table.name, value)
        writes = self._windows.get(table)
        if writes is None:
            writes = self._windows[table] = {}
        writes[table.window(key, start_s)] = (value, partition)

    def emit(self, topic: str, message: Publishable, key: str, *, partition: int | None = None) -> None:
        """Publish `message` when the batch is flushed. `partition` None is murmur2(key) modulo the count.

        Raises Poison when the value is larger than the topic takes.
        """
        spec = TOPICS[topic]
        value = message.write()
        if len(value) > spec.max_value:
            raise Poison("output_too_large", f"{len(value)} bytes for {topic}, at most {spec.max_value}")
        raw_key = key.encode()
        if partition is None:
            partition = partition_of(raw_key, self._routing.partitions)
        headers = cloud_event(topic, message, self._routing.role) if spec.public else _NO_HEADERS
        self._outputs.append(Record(self._routing.prefix + topic, partition, raw_key, value, headers))
        self.size += len(value)

    def republish(self, raw: Raw, partition: int) -> None:
        """The record as it is, to another partition of its own topic."""
        self._outputs.append(Record(self._routing.prefix + raw.topic, partition, raw.key, raw.value, list(raw.headers)))

    def dead_letter(self, source: Inbound | Raw, reason: str, detail: str = "") -> None:
        """Set an event aside, with its original bytes and the reason."""
        raw = source.raw if isinstance(source, Inbound) else source
        routing = self._routing
        letter = dead_letters.letter(raw, routing.role, reason, detail, routing.wall())
        partition = raw.partition % routing.partitions
        self._outputs.append(
            Record(routing.prefix + "dead-letters", partition, letter.key, letter.value, list(letter.headers))
        )
        self._dead.append((raw.topic, reason))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run when everything is on the broker: in-memory indexes move only then. It must not raise."""
        self._callbacks.append(callback)

    @property
    def dead(self) -> list[tuple[str, str]]:
        """(topic, reason) of each dead letter of this batch."""
        return self._dead

    @property
    def outputs(self) -> list[Record]:
        """What goes out in the outputs stage, in order."""
        return self._outputs

    def records(self, stage: Stage) -> list[Record]:
        """The stage's records in the order they go out."""
        if stage is Stage.OUTPUTS:
            return self._outputs
        source: dict[Any, dict[Any, tuple[bytes | None, int]]]
        source = self._windows if stage is Stage.LIMITS else self._tables  # pyright: ignore[reportAssignmentType]
        return [
            Record(table.changelog, partition, table.encode_key(key), value, _NO_HEADERS)
            for table, writes in source.items()
            for key, (value, partition) in writes.items()
        ]

    def writes_tables(self) -> bool:
        """Whether it writes tables, which only the worker that owns their partitions may."""
        return bool(self._tables or self._windows)

    def apply(self) -> None:
        """Make the writes visible and run the callbacks. Called when every stage is on the broker."""
        for table, writes in self._tables.items():
            for key, (value, partition) in writes.items():
                table.apply(key, value, partition)
        for table, windows in self._windows.items():
            for window, (value, partition) in windows.items():
                table.apply(window, value, partition)
        callbacks, self._callbacks = self._callbacks, []  # they hold what holds this work: a whole batch in a cycle
        for callback in callbacks:
            callback()


def _check_value(table: str, value: bytes | None) -> None:
    if value is None:
        return
    if type(value) is not bytes or not value:
        raise TypeError(f"a value of {table} must be non-empty bytes")
    if len(value) > MAX_TABLE_VALUE:
        raise Poison("state_too_large", f"{len(value)} bytes for table {table}, at most {MAX_TABLE_VALUE}")


def cloud_event(topic: str, message: Any, role: str) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 attributes as Kafka headers (Kafka protocol binding 1.0, binary content mode)."""
    at: datetime | None = getattr(message, "at", None)
    headers = [
        _SPECVERSION,
        ("ce_id", str(message.event_id).encode()),
        *_named(topic, getattr(message, "type", None), role),
        _CONTENT_TYPE,
    ]
    if at is not None:
        headers.append(("ce_time", at.isoformat().replace("+00:00", "Z").encode()))
    return headers


@cache
def _named(topic: str, kind: str | None, role: str) -> tuple[tuple[str, bytes], tuple[str, bytes]]:
    """Source and type: the same for all messages of a topic and kind."""
    name = f"touchline.{topic}.{kind}" if kind else f"touchline.{topic}"
    return ("ce_source", f"/touchline/{role}".encode()), ("ce_type", name.encode())
