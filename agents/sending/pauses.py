"""When a mailbox sends nothing for a while, by what its server answers (docs/behaviour.md 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sinks.smtp_answers import Delivery
from streams.clock import ClockLike

UNREACHABLE_S = (5.0, 300.0)
"""Wall seconds without grants after a server could not be reached: the first time, and at most. Waiting for a server is
wall time, so that a fast clock does not use up every try of a touch meanwhile."""
STALE_GRANTS_S = 10.0
"""Grants made less than this after a pause without end were made before dispatch heard of it; a later one means that
somebody has resumed the mailbox."""


@dataclass(frozen=True, slots=True)
class Pause:
    """`until` is a campaign instant, None until somebody resumes the mailbox."""

    reason: str
    until: datetime | None
    until_wall: datetime


class Pauses:
    """The pauses of one mailbox, one at a time."""

    def __init__(self, clock: ClockLike, clock_rate: float) -> None:
        self._clock = clock
        self._rate = clock_rate
        self._pause: Pause | None = None
        self._unreached = 0

    @property
    def current(self) -> Pause | None:
        """The pause in force."""
        if self._pause is not None and self._clock.wall() >= self._pause.until_wall:
            self._pause = None
        return self._pause

    def consider(self, delivery: Delivery) -> Pause | None:
        """The pause that begins with this attempt, to be told; None when none does, or one of its kind is in force."""
        if delivery.outcome == "sent":
            self._unreached = 0
        if delivery.pause is not None:
            return self._begin(delivery.pause.reason, delivery.pause.for_s)
        if delivery.outcome != "deferred" or delivery.phase != "connect" or self.current is not None:
            return None
        first, longest = UNREACHABLE_S
        seconds = min(first * 2**self._unreached, longest)
        self._unreached = min(self._unreached + 1, 10)
        return self._begin("unreachable", seconds * self._rate)

    def _begin(self, reason: str, campaign_s: float | None) -> Pause | None:
        if self.current is not None and self.current.reason == reason:
            return None
        local_s = STALE_GRANTS_S if campaign_s is None else campaign_s / self._rate
        self._pause = Pause(
            reason,
            None if campaign_s is None else self._clock.now() + timedelta(seconds=campaign_s),
            self._clock.wall() + timedelta(seconds=local_s),
        )
        return self._pause
