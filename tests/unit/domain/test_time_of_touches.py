"""Waits, windows, zones and changes of clocks together: the decisions of leads and of dispatch on one pretended clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.campaign import Campaign, Definitions, Mailbox, WaitStep, Window
from domain.dispatch.asks import Ask
from domain.dispatch.instants import instant, micros
from domain.dispatch.partition import Granted, PoolPartition
from domain.windows import after_wait, is_open, zone_of
from schemas.enrollments import LeadData
from tests.support import leads
from tests.support.dispatching import Waiting, mailbox

ZONES = [
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Beirut",
    "America/Havana",
    "Asia/Tokyo",
]
zones = st.none() | st.sampled_from(ZONES)
clock_changes = st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"])
starts = st.builds(
    lambda day, before: datetime.fromisoformat(day).replace(tzinfo=UTC) - before,
    clock_changes,
    st.timedeltas(timedelta(0), timedelta(days=9)),
)
windows = st.builds(
    lambda days, start, length, holidays, zone: Window(days, start, min(24, start + length), holidays, zone),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.integers(0, 23),
    st.integers(1, 24),
    st.frozensets(st.dates(date(2026, 3, 1), date(2026, 11, 30)), max_size=4),
    zones,
)
waits = st.builds(
    lambda length, unit, business: WaitStep("w", "two", length, unit, business),
    st.integers(0, 30),
    st.sampled_from(["minutes", "hours", "days", "business_days"]),
    st.booleans(),
)
ONE, TWO = leads.email("one", "w"), leads.email("two")
delays = st.timedeltas(timedelta(0), timedelta(days=3))


class Day:
    """One lead and its pool, decided by events in the order of their instants."""

    def __init__(self, campaign: Campaign, box: Mailbox, lead_zone: str | None, start: datetime) -> None:
        known = Definitions({campaign.campaign_id: campaign}, {box.mailbox_id: box}, frozenset({"main"}))
        self.story = leads.Story(known, now=start)
        self.pool = PoolPartition(Waiting())
        self.pool.define(known)
        self.pool.advance(micros(start))
        self.zone = lead_zone
        self.granted: list[Granted] = []
        self.ready: list[Granted] = []

    def enroll(self) -> None:
        person = LeadData(email="jane@example.com", first_name="Jane", timezone=self.zone)
        self._pass_on(self.story.event(leads.enroll(lead=person)))

    def _pass_on(self, effects) -> None:
        for due in leads.asks(effects):
            self.ready += self.pool.advance(micros(self.story.now))  # as the role does: time passes, then asks come
            self.pool.offer(Ask.of(due, b""))
            self.due = due

    def run(self, late: timedelta, end: datetime) -> None:
        """Grant and answer, the server taking `late` for each mail, until nothing is left to do or `end`."""
        story = self.story
        while story.now < end and any(e.is_open for e in story.enrollments):
            self.ready += self.pool.advance(micros(story.now))
            ready, self.ready = self.ready, []
            for one in ready:
                if any(one.ask.send_id == known.ask.send_id for known in self.granted):
                    self.pool.answer(one.slot.grant_id, used=False)  # as the ledger does: a touch leaves once
                    continue
                self.granted.append(one)
                at = instant(one.slot.at)
                story.now = max(story.now, at + late)
                self.pool.answer(one.slot.grant_id, used=True)
                self._pass_on(story.event(leads.result(self.due, granted_at=at, at=story.now)))
            wake = story.last.wake_at if story.last is not None else None
            nexts = [micros(end), self.pool.next_at, *([micros(wake)] if wake is not None else [])]
            self._pass_on(story.until(instant(min(at for at in nexts if at > micros(story.now)))))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(windows, waits, zones, zones, starts, delays, st.none() | st.timedeltas(timedelta(0), timedelta(days=5)))
def test_a_touch_leaves_inside_the_window_and_never_before_its_wait_is_over_and_late_ones_shift_the_rest(
    window: Window,
    step: WaitStep,
    lead_zone: str | None,
    mailbox_zone: str | None,
    start: datetime,
    late: timedelta,
    opens_in: timedelta | None,
):
    steps = (ONE, step, TWO)
    start_at = None if opens_in is None else start + opens_in
    box = replace(mailbox(zone=mailbox_zone), gap_s=(0.0, 0.0))
    day = Day(leads.campaign(steps, window=window, start_at=start_at, mailbox_ids=("anna",)), box, lead_zone, start)
    day.enroll()
    day.run(late, start + timedelta(days=300))  # thirty hours of a window of one a week, and more
    assert [one.ask.send_id for one in day.granted] != []
    assert day.story.enrollment().status == "completed", "everything ends"
    first, second = (instant(one.slot.at) for one in day.granted)
    zone: ZoneInfo = zone_of(lead_zone, mailbox_zone, window.zone)
    assert is_open(window, zone, first)
    assert is_open(window, zone, second)
    assert first >= max(start, start_at or start)
    assert second >= after_wait(step, window, zone, first)
    assert second >= first + (late if step.duration == 0 else timedelta(0))
