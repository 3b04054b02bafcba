"""A mailbox's human workday as a limit: outside its hours, at lunch, or with its day's or hour's mails done, it waits."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from domain.dispatch.blocks import Block, later
from domain.dispatch.days import LocalDay
from domain.dispatch.instants import HOUR, Instants, instant, micros
from domain.senders import WorkdayRanges
from domain.windows import local_day, next_midnight
from domain.workday import Shift, shift

_DAY = timedelta(days=1)


class Shifts:
    """The workday that the present lies in. Time only moves forward."""

    __slots__ = ("_ends", "_following", "_lunch", "_mailbox_id", "_ranges", "_shift", "_starts", "_until", "_zone")

    def __init__(self, mailbox_id: str, ranges: WorkdayRanges, zone: ZoneInfo) -> None:
        self._mailbox_id = mailbox_id
        self._ranges = ranges
        self._zone = zone
        self._until = self._starts = self._ends = self._following = 0
        self._lunch = (0, 0)
        self._shift: Shift | None = None

    def block(self, grants: Instants, day: LocalDay, now: int) -> Block | None:
        """What the workday has against a mail now, and until when."""
        today = self._turn(now)
        if now < self._starts:
            return Block("workday_off", self._starts)
        if now >= self._ends:
            return Block("workday_off", self._following)
        block = None
        begins, ends = self._lunch
        if begins <= now < ends:
            block = Block("workday_lunch", ends)
        frees = grants.frees_at(today.hourly, HOUR, now)
        if frees is not None:
            block = later(block, Block("workday_hour", frees))
        if today.target is not None and day.frees_at(grants, today.target, now) is not None:
            block = later(block, Block("workday_target", self._following))
        return block

    def target(self, now: int) -> int | None:
        """How many mails the day's plan has."""
        return self._turn(now).target

    def _turn(self, now: int) -> Shift:
        if self._shift is None or now >= self._until:
            at = instant(now)
            day = local_day(self._zone, at)
            today = self._shift = shift(self._mailbox_id, self._ranges, day, self._zone)
            following = shift(self._mailbox_id, self._ranges, day + _DAY, self._zone)
            self._until = micros(next_midnight(self._zone, at))
            self._starts, self._ends = micros(today.starts_at), micros(today.ends_at)
            self._following = micros(following.starts_at)
            self._lunch = (0, 0) if today.lunch is None else (micros(today.lunch[0]), micros(today.lunch[1]))
        return self._shift
