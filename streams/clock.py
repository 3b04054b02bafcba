"""The one clock: campaign time for decisions, wall time for leases and timeouts (both aware, UTC)."""

from __future__ import annotations

import mmap
import struct
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANT = struct.Struct("<q")


class ClockLike(Protocol):
    """What everybody takes: `now()` is campaign time, `wall()` is real time."""

    def now(self) -> datetime: ...
    def wall(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Clock:
    """An anchor plus the monotonic clock: it never steps back, whatever happens to the system's clock.

    `rate` is campaign seconds a wall second. Processes that share both anchors and a rate agree on the campaign instant.
    """

    rate: float = 1.0
    wall_anchor: datetime = field(default_factory=lambda: datetime.now(UTC))
    campaign_anchor: datetime | None = None
    _started_wall: datetime = field(default_factory=lambda: datetime.now(UTC), repr=False)
    _started_mono: float = field(default_factory=time.monotonic, repr=False)

    def wall(self) -> datetime:
        """The real instant."""
        return self._started_wall + timedelta(seconds=time.monotonic() - self._started_mono)

    def now(self) -> datetime:
        """The campaign instant."""
        anchor = self.campaign_anchor or self.wall_anchor
        return anchor + (self.wall() - self.wall_anchor) * self.rate


class FileClock:
    """Campaign time as a file says, which all processes of a machine map: it stands until somebody moves it.

    Tests that need exact instants move it in lockstep (tests/support/lockstep.py). Wall time goes on by itself. The file is
    eight bytes: microseconds since 1970, little-endian. Raises OSError or ValueError where there is no such file.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _INSTANT.size, access=mmap.ACCESS_READ)
        self._real = Clock()

    def wall(self) -> datetime:
        """The real instant."""
        return self._real.wall()

    def now(self) -> datetime:
        """The campaign instant."""
        return _EPOCH + timedelta(microseconds=_INSTANT.unpack_from(self._map)[0])


def write_instant(path: Path, at: datetime) -> None:
    """Move the clock of that file to `at`; make the file where it is missing. One writer only; it never goes back."""
    known = path.read_bytes() if path.exists() else b""
    moved = _INSTANT.pack((at - _EPOCH) // timedelta(microseconds=1))
    if len(known) == _INSTANT.size:
        if _INSTANT.unpack(moved) < _INSTANT.unpack(known):
            raise ValueError("a clock never goes back")
        with path.open("r+b") as file:
            file.write(moved)  # eight aligned bytes at once: a reader sees the old instant or the new one
    else:
        path.write_bytes(moved)


class ManualClock:
    """A clock that stands until it is told to move: for tests that advance in lockstep."""

    def __init__(self, now: datetime, wall: datetime | None = None) -> None:
        self._now = now
        self._wall = wall or now

    def now(self) -> datetime:
        return self._now

    def wall(self) -> datetime:
        return self._wall

    def advance(self, by: timedelta) -> datetime:
        """Move both forward (never back) and return the new campaign instant."""
        if by < timedelta(0):
            raise ValueError("a clock never goes back")
        self._now += by
        self._wall += by
        return self._now
