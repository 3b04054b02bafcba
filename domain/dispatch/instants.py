"""Instants as whole microseconds since 1970 (UTC), and the sorted instants of a scope's grants."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
KEPT = 26 * HOUR
"""How long a grant's instant counts: a local day has at most 25 hours."""
NEVER = 1 << 62
"""Later than every instant: freed by an event, not by time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """An aware datetime -> microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def instant(us: int) -> datetime:
    """Microseconds since 1970 -> an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=us)


def span(length: timedelta) -> int:
    """A duration in microseconds."""
    return length // timedelta(microseconds=1)


class Instants:
    """The instants at which a scope's grants were made, sorted: every rolling and daily count is read from them.

    What is older than `kept` microseconds is dropped when it is cheap to.
    """

    __slots__ = ("_at", "_kept")

    def __init__(self, kept: int = KEPT) -> None:
        self._at: list[int] = []
        self._kept = kept

    def add(self, at: int) -> None:
        """Count a grant made at `at`."""
        known = self._at
        if not known or at >= known[-1]:
            known.append(at)
            if at - known[0] > self._kept + HOUR:
                del known[: bisect_left(known, at - self._kept)]
        else:
            insort(known, at)

    def remove(self, at: int) -> bool:
        """Stop counting one grant made at `at`. False where none was counted."""
        place = bisect_left(self._at, at)
        if place == len(self._at) or self._at[place] != at:
            return False
        del self._at[place]
        return True

    def frees_at(self, cap: int | None, length: int, now: int) -> int | None:
        """When one more grant fits into `cap` over a rolling `length` (microseconds): None for now.

        A grant exactly `length` old no longer counts (docs/behaviour.md 3.1).
        """
        if cap is None or len(self._at) < cap:
            return None
        frees = self._at[-cap] + length
        return frees if frees > now else None

    def since(self, start: int) -> int:
        """How many grants were made at `start` or later."""
        return len(self._at) - bisect_left(self._at, start)

    def after(self, start: int) -> int:
        """How many grants were made later than `start`."""
        return len(self._at) - bisect_right(self._at, start)

    @property
    def last(self) -> int:
        """The newest instant (-1 for none)."""
        return self._at[-1] if self._at else -1

    def __len__(self) -> int:
        return len(self._at)
