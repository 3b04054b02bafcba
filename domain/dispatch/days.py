"""The local day that the present lies in: where daily counts turn (docs/behaviour.md 3.1)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from domain.dispatch.instants import KEPT, Instants, instant, micros
from domain.windows import local_day, next_midnight


class LocalDay:
    """The local day that `now` lies in, and how many grants it has had. Time only moves forward."""

    __slots__ = ("_ends", "_number", "_starts", "_zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._starts = self._ends = 0
        self._number = 0

    def frees_at(self, grants: Instants, cap: int | None, now: int) -> int | None:
        """Local midnight when the day's grants reach `cap`, else None."""
        if cap is None or len(grants) < cap:
            return None
        self._turn(now)
        return self._ends if grants.since(self._starts) >= cap else None

    def left(self, grants: Instants, cap: int, now: int) -> int:
        """How many more grants the day may have."""
        self._turn(now)
        return cap - grants.since(self._starts)

    def number(self, at: int) -> int:
        """The local day of an instant, as an ordinal. Cheap for the day that was asked for last, and for later ones."""
        if at >= self._ends:
            self._turn(at)
        if at >= self._starts:
            return self._number
        return local_day(self._zone, instant(at)).toordinal()

    def _turn(self, now: int) -> None:
        if now < self._ends:
            return
        at = instant(now)
        self._number = local_day(self._zone, at).toordinal()
        self._ends = micros(next_midnight(self._zone, at))
        starts = next_midnight(self._zone, instant(now - KEPT))
        while (following := next_midnight(self._zone, starts)) <= at:
            starts = following
        self._starts = micros(starts)
