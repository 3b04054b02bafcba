"""A mailbox's day as a person might work it: drawn once a mailbox and local day, so that it can be shown beforehand and
never changes under way (docs/behaviour.md 3.2). It only lowers or delays: the send window and every cap stay in force.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.ids import draw
from domain.senders import WorkdayRanges
from domain.windows import first_at

_LAST_MINUTE = 24 * 60 - 1

Span = tuple[int, int]


class Workday(NamedTuple):
    """One local day: minutes since its midnight by the wall clock, mails on the day, mails in a rolling hour (None: no cap)."""

    start: int
    finish: int
    lunch: Span | None
    target: int | None
    hourly: int | None


class Shift(NamedTuple):
    """A workday as instants. `lunch` is [from, until)."""

    starts_at: datetime
    ends_at: datetime
    lunch: tuple[datetime, datetime] | None
    target: int | None
    hourly: int | None


def plan(mailbox_id: str, ranges: WorkdayRanges, day: date) -> Workday:
    """The mailbox's plan for a day: the same whenever and wherever it is asked for.

    A day has at least a minute, and a lunch break lies inside it or is left out.
    """

    def drawn(what: str, span: Span) -> int:
        low, high = sorted(span)
        return low + int((high - low + 1) * draw(mailbox_id, f"workday {day.isoformat()} {what}"))

    start = min(drawn("start", ranges.start), _LAST_MINUTE)
    finish = max(drawn("finish", ranges.finish), start + 1)
    lunch = None
    if ranges.lunch_start is not None:
        begins = drawn("lunch", ranges.lunch_start)
        ends = min(begins + drawn("lunch minutes", ranges.lunch_minutes), finish - 1)
        lunch = (begins, ends) if start < begins < ends else None
    return Workday(
        start,
        finish,
        lunch,
        drawn("target", ranges.daily_target) if ranges.daily_target is not None else None,
        drawn("hourly", ranges.hourly_ceiling) if ranges.hourly_ceiling is not None else None,
    )


def shift(mailbox_id: str, ranges: WorkdayRanges, day: date, zone: ZoneInfo) -> Shift:
    """The plan as instants: each the first at which the zone's clock has come to its minute."""
    workday = plan(mailbox_id, ranges, day)
    midnight = datetime.combine(day, datetime.min.time())

    def at(minute: int) -> datetime:
        return first_at(midnight + timedelta(minutes=minute), zone)

    lunch = None if workday.lunch is None else (at(workday.lunch[0]), at(workday.lunch[1]))
    return Shift(at(workday.start), at(workday.finish), lunch, workday.target, workday.hourly)


def as_text(day: date, workday: Workday) -> dict[str, str | int | None]:
    """A day's plan as people read it: `HH:MM` of the mailbox's clock, `HH:MM-HH:MM` for lunch."""
    lunch = None if workday.lunch is None else f"{_clock(workday.lunch[0])}-{_clock(workday.lunch[1])}"
    return {
        "date": day.isoformat(),
        "start": _clock(workday.start),
        "finish": _clock(workday.finish),
        "lunch": lunch,
        "daily_target": workday.target,
        "hourly_ceiling": workday.hourly,
    }


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
