"""Which stretch of time a tick covers, and how far a worker's own clock may be followed between ticks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

OUTAGE = timedelta(seconds=10)
"""After so long without a decision (wall time) nothing is granted as of the time that was missed."""
MAX_AHEAD = timedelta(seconds=60)
"""Ticks are checked against Postgres's clock; a worker's own is followed only this near (wall time) to the last."""


@dataclass(slots=True)
class Coverage:
    """One partition's ticks. Before the first, time does not pass: whatever waits is granted at the first one."""

    outage: timedelta = OUTAGE
    _tick_at: datetime | None = None
    _tick_wall: datetime | None = None
    _decided_wall: datetime | None = None

    def tick(self, at: datetime, wall: datetime) -> None:
        """A tick was read."""
        if self._tick_at is None or at > self._tick_at:
            self._tick_at, self._tick_wall = at, wall

    def forget(self) -> None:
        """The queues were rebuilt: what was decided before is done, and nothing is granted as of then."""
        self._decided_wall = None

    def decide(self, now: datetime, wall: datetime) -> tuple[datetime, bool] | None:
        """Until when to decide at (`now`, `wall`) of the worker's clock, and whether the time before was missed.

        None before the first tick.
        """
        if self._tick_at is None or self._tick_wall is None:
            return None
        until = self._tick_at
        if wall - self._tick_wall <= MAX_AHEAD:
            until = max(until, now)
        missed = self._decided_wall is None or wall - self._decided_wall > self.outage
        self._decided_wall = wall
        return until, missed
