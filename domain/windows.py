"""Send windows, waits and local days in wall-clock time (docs/behaviour.md 1.5, 3.1, 3.3).

Daylight saving: local wall-clock time counts. A time that does not exist moves forward by the gap; one that exists
twice means its first. Every instant in and out is an aware UTC `datetime`; zones are `ZoneInfo`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo

from domain.campaign import WaitStep, Window

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_FRIDAY = 4
_LAST_DAY = date.max - _DAY
_UTC_ZONE = ZoneInfo("UTC")

ELAPSED_UNITS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
CALENDAR_UNITS = {"days": 1, "weeks": 7}


class NeverOpens(ValueError):
    """A window without a day or without an hour: nothing could ever be sent."""


@lru_cache(maxsize=4096)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=8192)
def zone_of(lead_zone: str | None, mailbox_zone: str | None, campaign_zone: str | None) -> ZoneInfo:
    """The lead's zone, else the mailbox's, else the campaign's, else UTC. An unknown name is passed over."""
    for name in (lead_zone, mailbox_zone, campaign_zone):
        zone = _zone(name) if name else None
        if zone is not None:
            return zone
    return _UTC_ZONE


def resolve(wall: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a naive wall-clock time: in a gap it moves forward by the gap, in a fold it is the first."""
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def first_at(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the zone's clock has reached `wall`: inside a gap, the end of the gap."""
    at = resolve(wall, zone)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    before, after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC), at
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def local_day(zone: ZoneInfo, at: datetime) -> date:
    """The date on the zone's calendar at `at`."""
    return at.astimezone(zone).date()


def next_midnight(zone: ZoneInfo, at: datetime) -> datetime:
    """The instant at which the local day after `at`'s begins: where daily counts turn."""
    today = at.astimezone(zone).date()
    if today >= _LAST_DAY:  # `9999-12-31` is how people write "never"
        return datetime.max.replace(tzinfo=UTC)
    tomorrow = today + _DAY
    return first_at(datetime.combine(tomorrow, datetime.min.time()), zone)


def _is_sending_day(window: Window, day: date) -> bool:
    return day.weekday() in window.days and day not in window.holidays


def is_open(window: Window, zone: ZoneInfo, at: datetime) -> bool:
    """Whether mail may leave at `at`: a sending day, no holiday, and the clock shows an hour in [start, end)."""
    local = at.astimezone(zone)
    return window.start_hour <= local.hour < window.end_hour and _is_sending_day(window, local.date())


def check_opens(window: Window) -> None:
    """Raise NeverOpens for a window that no day or no hour is in."""
    if not window.days:
        raise NeverOpens("no sending day")
    if window.start_hour >= window.end_hour:
        raise NeverOpens(f"the window ends at {window.end_hour}:00, before or when it starts ({window.start_hour}:00)")


def _hour(day: date, hour: int) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour)


def next_open(window: Window, zone: ZoneInfo, at: datetime) -> datetime:
    """The first instant from `at` on at which the window is open: `at` itself when it is. Raises NeverOpens."""
    if is_open(window, zone, at):
        return at
    check_opens(window)
    for day in _days_from(at.astimezone(zone).date(), window):
        if not _is_sending_day(window, day):
            continue
        opening = first_at(_hour(day, window.start_hour), zone)
        if opening >= at and is_open(window, zone, opening):
            return opening
    raise NeverOpens("every day the window could open on is a holiday")


def _days_from(day: date, window: Window) -> Iterator[date]:
    """As many days as can be needed: each holiday, and each gap that swallows a window, may cost a week."""
    for number in range(7 * (len(window.holidays) + 8)):
        yield day + timedelta(days=number)


def closes_at(window: Window, zone: ZoneInfo, at: datetime) -> datetime:
    """When the window that is open at `at` closes."""
    return first_at(_hour(at.astimezone(zone).date(), window.end_hour), zone)


def _business_days(day: date, window: Window) -> Iterator[date]:
    """The business days after `day`: Monday to Friday, without the campaign's holidays."""
    while True:
        day += _DAY
        if day.weekday() <= _FRIDAY and day not in window.holidays:
            yield day


def after_wait(step: WaitStep, window: Window, zone: ZoneInfo, from_at: datetime) -> datetime:
    """The instant a wait that began at `from_at` is over (docs/behaviour.md 1.5).

    Minutes and hours are elapsed time. Days, weeks and business days (Monday to Friday, without holidays) keep the
    local time of day, so that ten in the morning stays ten in the morning across a change of clocks. With
    `business_hours_only`, minutes and hours pass only while the window is open, and the longer units end no earlier
    than it next opens. Raises NeverOpens.
    """
    unit = ELAPSED_UNITS.get(step.unit)
    if unit is not None:
        length = step.duration * unit
        return _open_time(length, window, zone, from_at) if step.business_hours_only else from_at + length
    local = from_at.astimezone(zone)
    if step.duration == 0:
        until = from_at
    elif step.unit == "business_days":
        day = next(islice(_business_days(local.date(), window), step.duration - 1, None))
        until = resolve(datetime.combine(day, local.time()), zone)
    else:
        day = local.date() + timedelta(days=step.duration * CALENDAR_UNITS[step.unit])
        until = resolve(datetime.combine(day, local.time()), zone)
    return next_open(window, zone, until) if step.business_hours_only else until


def _open_time(length: timedelta, window: Window, zone: ZoneInfo, from_at: datetime) -> datetime:
    """`from_at` plus `length` of time in which the window is open."""
    at = next_open(window, zone, from_at)
    while True:
        closing = max(closes_at(window, zone, at), at + _SECOND)
        if at + length <= closing:
            return at + length
        length -= closing - at
        at = next_open(window, zone, closing)
