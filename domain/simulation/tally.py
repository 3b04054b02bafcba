"""What a simulated run is asked about: sends by day and mailbox, what waited for what and how long, when it was over."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from domain.dispatch.instants import HOUR, instant, micros
from domain.windows import local_day, next_midnight
from schemas.engagements import Engagement


class Sent(NamedTuple):
    """One touch that left, at its grant's instant."""

    lead_id: str
    step_id: str
    variant: str
    mailbox_id: str
    at: datetime


class Tally:
    """Counts as the run goes on. Days are the calendar's of `zone`, the campaign's; touch-time is in microseconds."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.sends: list[Sent] = []
        self.per_day: Counter[date] = Counter()
        self.mailboxes: Counter[str] = Counter()
        self.mailbox_days: Counter[tuple[str, date]] = Counter()
        self.backlog: defaultdict[date, Counter[str]] = defaultdict(Counter)
        self.facts: Counter[tuple[str, str | None]] = Counter()
        self._zone = zone
        self._day = date.min
        self._day_starts = self._day_ends = 0

    def sent(self, touch: Sent) -> None:
        """Count a touch that left."""
        day = self._day_of(micros(touch.at))
        self.sends.append(touch)
        self.per_day[day] += 1
        self.mailboxes[touch.mailbox_id] += 1
        self.mailbox_days[touch.mailbox_id, day] += 1

    def told(self, fact: Engagement) -> None:
        """Count a fact of a lead's story; one that waits before it asks is waited for here."""
        self.facts[fact.type, fact.code] += 1
        if fact.type == "waiting" and fact.code is not None and fact.next_at is not None:
            self.passed(micros(fact.at), micros(fact.next_at), {fact.code: 1})

    def passed(self, since: int, to: int, waiting: Mapping[str, int]) -> None:
        """So many touches waited for each reason from `since` to `to`."""
        if not waiting:
            return
        while since < to:
            day = self._day_of(since)
            until = min(to, self._day_ends)
            known = self.backlog[day]
            for code, count in waiting.items():
                known[code] += count * (until - since)
            since = until

    def waiting_hours(self) -> dict[str, float]:
        """Touch-hours spent waiting, by reason, the largest first. (One touch for two hours is as much as two for one.)"""
        sums: Counter[str] = Counter()
        for day in self.backlog.values():
            sums.update(day)
        return {code: round(spent / HOUR, 2) for code, spent in sums.most_common()}

    def mean_backlog(self, day: date) -> dict[str, float]:
        """How many touches waited for each reason on the mean of a day."""
        length = 24 * HOUR
        return {code: spent / length for code, spent in self.backlog[day].most_common()} if day in self.backlog else {}

    def _day_of(self, at: int) -> date:
        """The local day of an instant; mostly that of the instant before."""
        if self._day_starts <= at < self._day_ends:
            return self._day
        moment = instant(at)
        self._day = local_day(self._zone, moment)
        self._day_ends = micros(next_midnight(self._zone, moment))
        before = next_midnight(self._zone, moment - timedelta(hours=27))
        while (following := next_midnight(self._zone, before)) <= moment:
            before = following
        self._day_starts = micros(before)
        return self._day
