"""The one clock: campaign time for decisions, wall time for leases and timeouts (both aware, UTC)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


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
