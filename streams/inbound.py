"""A record as a handler gets it, and as it stood on the broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Headers = Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Raw:
    """A record before it is decoded. `topic` is the logical name, without the prefix."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: float = 0.0


@dataclass(slots=True)
class Inbound:
    """A decoded record: `body` is the topic's model, `timestamp` the record's own (seconds since the epoch)."""

    topic: str
    partition: int
    offset: int
    key: str
    body: Any
    raw: Raw

    @property
    def headers(self) -> Headers:
        """The record's headers."""
        return self.raw.headers

    @property
    def timestamp(self) -> float:
        """The record's own instant, seconds since the epoch."""
        return self.raw.timestamp
