"""Send windows, waits and days in wall-clock time, across the changes of clocks (behaviour 1.5, 3.1, 3.3)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import WaitStep, Window
from domain.windows import (
    NeverOpens,
    after_wait,
    check_opens,
    closes_at,
    is_open,
    local_day,
    next_midnight,
    next_open,
    resolve,
    zone_of,
)

PARIS = ZoneInfo("Europe/Paris")
NEW_YORK = ZoneInfo("America/New_York")
UTC_ZONE = ZoneInfo("UTC")
WEEK = frozenset(range(5))
OFFICE = Window(WEEK, 9, 17)
ZONES = ["UTC", "Europe/Paris", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"]
ZONES += ["Asia/Kathmandu", "America/Havana", "Asia/Beirut", "Pacific/Kiritimati", "America/St_Johns"]

zones = st.sampled_from([ZoneInfo(name) for name in ZONES])
instants = st.datetimes(datetime(2010, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))
windows = st.builds(
    lambda days, start, length, holidays: Window(days, start, min(24, start + length), holidays),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 23),
    st.integers(1, 24),
    st.frozensets(st.dates(date(2010, 1, 1), date(2034, 12, 31)), max_size=5),
)
waits = st.builds(
    lambda duration, unit, business: WaitStep("w", None, duration, unit, business),
    st.integers(0, 60),
    st.sampled_from(["minutes", "hours", "days", "weeks", "business_days"]),
    st.booleans(),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def wall(text: str, zone: ZoneInfo) -> datetime:
    return resolve(datetime.fromisoformat(text), zone)


def wait(duration: int, unit: str, *, business: bool = False) -> WaitStep:
    return WaitStep("w", None, duration, unit, business)


def test_the_leads_zone_counts_then_the_mailboxs_then_the_campaigns_then_utc() -> None:
    names = ("Asia/Tokyo", "Europe/Paris", "America/New_York")
    assert zone_of(*names).key == "Asia/Tokyo"
    assert zone_of(None, *names[1:]).key == "Europe/Paris"
    assert zone_of(None, None, names[2]).key == "America/New_York"
    assert zone_of(None, None, None).key == "UTC"


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "Europe", "../../etc/passwd", "/etc/passwd", "x" * 300, "a\x00b"])
def test_an_unknown_zone_is_passed_over(name: str) -> None:
    assert zone_of(name, "Europe/Paris", None) is ZoneInfo("Europe/Paris")


def test_a_window_is_open_from_its_first_to_before_its_last_hour() -> None:
    for at, expected in {"08:59:59": False, "09:00:00": True, "16:59:59": True, "17:00:00": False}.items():
        assert is_open(OFFICE, PARIS, wall(f"2026-03-06T{at}", PARIS)) is expected
    assert not is_open(OFFICE, PARIS, wall("2026-03-07T12:00", PARIS))
    assert not is_open(Window(WEEK, 9, 17, frozenset({date(2026, 3, 6)})), PARIS, wall("2026-03-06T12:00", PARIS))


def test_the_next_opening_skips_the_night_the_weekend_and_holidays() -> None:
    monday_off = Window(WEEK, 9, 17, frozenset({date(2026, 3, 9)}))
    assert next_open(OFFICE, PARIS, wall("2026-03-06T12:00", PARIS)) == wall("2026-03-06T12:00", PARIS)
    assert next_open(OFFICE, PARIS, wall("2026-03-06T06:00", PARIS)) == wall("2026-03-06T09:00", PARIS)
    assert next_open(OFFICE, PARIS, wall("2026-03-06T17:00", PARIS)) == wall("2026-03-09T09:00", PARIS)
    assert next_open(monday_off, PARIS, wall("2026-03-06T17:00", PARIS)) == wall("2026-03-10T09:00", PARIS)


def test_nine_in_the_morning_stays_nine_when_the_clocks_change() -> None:
    assert next_open(OFFICE, PARIS, utc("2026-03-27T20:00")) == utc("2026-03-30T07:00")
    assert next_open(OFFICE, PARIS, utc("2026-10-23T20:00")) == utc("2026-10-26T08:00")


def test_an_opening_that_does_not_exist_moves_forward() -> None:
    night = Window(frozenset({6}), 2, 5)
    assert next_open(night, PARIS, utc("2026-03-28T12:00")) == utc("2026-03-29T01:00")  # 03:00 summer time
    vanished = Window(frozenset({6}), 2, 3)
    assert next_open(vanished, PARIS, utc("2026-03-28T12:00")) == wall("2026-04-05T02:00", PARIS)


def test_an_opening_that_exists_twice_means_its_first() -> None:
    night = Window(frozenset({6}), 2, 5)
    assert next_open(night, PARIS, utc("2026-10-24T12:00")) == utc("2026-10-25T00:00")


@pytest.mark.parametrize("window", [Window(frozenset(), 9, 17), Window(WEEK, 17, 9), Window(WEEK, 9, 9)])
def test_a_window_that_never_opens_is_an_error(window: Window) -> None:
    with pytest.raises(NeverOpens):
        check_opens(window)
    with pytest.raises(NeverOpens):
        next_open(window, PARIS, utc("2026-03-06T12:00"))


def test_waits_of_minutes_and_hours_are_elapsed_time() -> None:
    before_the_change = wall("2026-03-28T22:00", PARIS)
    assert after_wait(wait(90, "minutes"), OFFICE, PARIS, before_the_change) == before_the_change + timedelta(
        minutes=90
    )
    assert after_wait(wait(24, "hours"), OFFICE, PARIS, before_the_change) == wall("2026-03-29T23:00", PARIS)


@pytest.mark.parametrize(
    ("duration", "unit", "start", "end"),
    [
        (1, "days", "2026-03-28T10:30", "2026-03-29T10:30"),
        (2, "weeks", "2026-03-20T10:30", "2026-04-03T10:30"),
        (1, "business_days", "2026-03-06T10:30", "2026-03-09T10:30"),
        (3, "business_days", "2026-03-05T10:30", "2026-03-10T10:30"),
        (1, "business_days", "2026-03-07T10:30", "2026-03-09T10:30"),
        (5, "business_days", "2026-10-23T10:30", "2026-10-30T10:30"),
        (0, "business_days", "2026-03-07T10:30", "2026-03-07T10:30"),
    ],
)
def test_longer_waits_keep_the_local_time_of_day(duration: int, unit: str, start: str, end: str) -> None:
    assert after_wait(wait(duration, unit), OFFICE, PARIS, wall(start, PARIS)) == wall(end, PARIS)


def test_a_wait_that_ends_at_a_time_that_does_not_exist_ends_later() -> None:
    assert after_wait(wait(1, "days"), OFFICE, PARIS, wall("2026-03-28T02:30", PARIS)) == wall(
        "2026-03-29T03:30", PARIS
    )


def test_business_days_skip_holidays() -> None:
    easter = Window(WEEK, 9, 17, frozenset({date(2026, 4, 6)}))
    assert after_wait(wait(1, "business_days"), easter, PARIS, wall("2026-04-03T10:00", PARIS)) == wall(
        "2026-04-07T10:00", PARIS
    )


def test_business_hours_pass_only_while_the_window_is_open() -> None:
    friday = wall("2026-03-06T16:00", PARIS)
    assert after_wait(wait(4, "hours", business=True), OFFICE, PARIS, friday) == wall("2026-03-09T12:00", PARIS)
    assert after_wait(wait(30, "minutes", business=True), OFFICE, PARIS, friday) == wall("2026-03-06T16:30", PARIS)
    assert after_wait(wait(1, "days", business=True), OFFICE, PARIS, friday) == wall("2026-03-09T09:00", PARIS)


def test_days_turn_at_local_midnight() -> None:
    assert local_day(NEW_YORK, utc("2026-03-07T03:00")) == date(2026, 3, 6)
    assert next_midnight(NEW_YORK, utc("2026-03-07T03:00")) == utc("2026-03-07T05:00")
    assert next_midnight(NEW_YORK, utc("2026-03-08T12:00")) == utc("2026-03-09T04:00")
    # Beirut loses its midnight hour, Samoa lost a whole day
    assert next_midnight(ZoneInfo("Asia/Beirut"), utc("2026-03-28T12:00")) == utc("2026-03-28T22:00")
    assert next_midnight(ZoneInfo("Pacific/Apia"), utc("2011-12-30T05:00")) == utc("2011-12-30T10:00")


@given(window=windows, zone=zones, at=instants)
def test_the_next_opening_is_open_and_never_before(window: Window, zone: ZoneInfo, at: datetime) -> None:
    try:
        opening = next_open(window, zone, at)
    except NeverOpens:
        pytest.fail("a window with a day and an hour opens some day")
    assert opening >= at
    assert is_open(window, zone, opening)
    assert opening.tzinfo is UTC


@given(window=windows, zone=zones, at=instants, share=st.floats(0, 1))
def test_nothing_between_now_and_the_next_opening_is_open(
    window: Window, zone: ZoneInfo, at: datetime, share: float
) -> None:
    opening = next_open(window, zone, at)
    between = at + (opening - at) * share
    if between < opening:
        assert not is_open(window, zone, between)
        assert next_open(window, zone, between) == opening


@given(window=windows, zone=zones, at=instants, later=st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_later_start_never_opens_earlier(window: Window, zone: ZoneInfo, at: datetime, later: timedelta) -> None:
    assert next_open(window, zone, at) <= next_open(window, zone, at + later)


@given(window=windows, zone=zones, at=instants)
def test_an_open_window_closes_later_and_is_closed_then(window: Window, zone: ZoneInfo, at: datetime) -> None:
    opening = next_open(window, zone, at)
    closing = closes_at(window, zone, opening)
    assert closing > opening
    assert window.end_hour == 24 or not is_open(window, zone, closing)


@given(step=waits, window=windows, zone=zones, at=instants)
def test_a_wait_ends_and_never_before_it_began(step: WaitStep, window: Window, zone: ZoneInfo, at: datetime) -> None:
    until = after_wait(step, window, zone, at)
    assert until >= at
    if step.business_hours_only and step.unit not in ("minutes", "hours"):
        assert is_open(window, zone, until)


@given(step=waits, window=windows, zone=zones, at=instants)
def test_a_longer_wait_never_ends_earlier(step: WaitStep, window: Window, zone: ZoneInfo, at: datetime) -> None:
    longer = WaitStep("w", None, step.duration + 1, step.unit, step.business_hours_only)
    assert after_wait(step, window, zone, at) <= after_wait(longer, window, zone, at)


@given(zone=zones, at=instants)
def test_midnight_comes_within_the_longest_day_and_begins_a_later_one(zone: ZoneInfo, at: datetime) -> None:
    midnight = next_midnight(zone, at)
    assert timedelta(0) < midnight - at <= timedelta(hours=25)
    assert local_day(zone, midnight) > local_day(zone, at)
    assert local_day(zone, midnight - timedelta(seconds=1)) == local_day(zone, at)
