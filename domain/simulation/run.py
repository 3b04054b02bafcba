"""A whole run: a campaign and its leads from the launch to the last touch, and the report of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from domain.campaign import Campaign, Definitions
from domain.dispatch.instants import instant, micros, span
from domain.ids import event_id
from domain.simulation.caps import day_cap, zones_of
from domain.simulation.people import Correspond
from domain.simulation.tally import Sent, Tally
from domain.simulation.world import TICK, World
from domain.windows import zone_of
from schemas.enrollments import Enroll, LeadData

STEPS_A_GLANCE = 500


@dataclass(frozen=True, slots=True)
class Glance:
    """How far a run is."""

    at: datetime
    open: int
    sends: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to. Days are the campaign's calendar; `finished_at` is None where leads were left when it was cut off.

    `caps` has each day's ceiling from the first to the last day (None: nothing caps it). `waiting_hours` are touch-hours;
    `backlog` is how many touches waited for each reason on the mean of a day.
    """

    campaign_id: str
    started_at: datetime
    finished_at: datetime | None
    until: datetime
    leads: int
    sends: Sequence[Sent]
    per_day: Mapping[date, int]
    caps: Mapping[date, int | None]
    waiting_hours: Mapping[str, float]
    mailboxes: Mapping[str, int]
    mailbox_days: Mapping[tuple[str, date], int]
    backlog: Mapping[date, Mapping[str, float]]
    statuses: Mapping[str, int]
    faults: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The figures by name: `sends` is how many, and instants are RFC 3339."""
        return {
            "sends": len(self.sends),
            "leads": self.leads,
            "finished_at": self.finished_at,
            "per_day": {day.isoformat(): count for day, count in self.per_day.items()},
            "waiting_hours": dict(self.waiting_hours),
            "mailboxes": dict(self.mailboxes),
            "started_at": self.started_at,
            "until": self.until,
            "statuses": dict(self.statuses),
            "faults": dict(self.faults),
        }


def launched(definitions: Definitions, campaign_id: str, start: datetime) -> Definitions:
    """The definitions as they are once the campaign is launched at `start`, and nothing is stopped by an operator."""
    campaign = replace(definitions.campaigns[campaign_id], status="active", launched_at=start)
    others = {one.campaign_id: one for one in definitions.campaigns.values() if one.campaign_id != campaign_id}
    return replace(definitions, campaigns={**others, campaign_id: campaign}, stopped=False)


class Run:
    """`for glance in run:` lets it happen, a glance every few hundred steps; then `report`.

    `leads` come in at `start`, all at once; `days` is how long it runs at most.
    """

    def __init__(
        self,
        definitions: Definitions,
        campaign_id: str,
        leads: Iterable[tuple[str, LeadData]],
        correspond: Correspond,
        *,
        start: datetime,
        days: int,
        grain: timedelta = TICK,
    ) -> None:
        self._definitions = launched(definitions, campaign_id, start)
        self._campaign = self._definitions.campaigns[campaign_id]
        self._leads = leads
        self._start = start
        self._until = micros(start) + span(timedelta(days=days))
        self._tally = Tally(zone_of(None, None, self._campaign.window.zone))
        self._zones: set[str | None] = set()
        self._world = World(self._definitions, self._tally, correspond, start=start, grain=grain)

    @property
    def campaign(self) -> Campaign:
        """The campaign as it runs: launched."""
        return self._campaign

    def __iter__(self) -> Iterator[Glance]:
        world = self._world
        for number, (lead_id, data) in enumerate(self._leads):
            if number % STEPS_A_GLANCE == 0:
                yield self._glance()
            self._zones.add(data.timezone)
            world.enroll(
                Enroll(
                    event_id=event_id("enroll", self._campaign.campaign_id, lead_id),
                    lead_id=lead_id,
                    campaign_id=self._campaign.campaign_id,
                    lead=data,
                )
            )
        world.begin()
        steps = 0
        while world.step(self._until):
            steps += 1
            if steps % STEPS_A_GLANCE == 0:
                yield self._glance()
        yield self._glance()

    def _glance(self) -> Glance:
        return Glance(instant(self._world.now), self._world.open, len(self._tally.sends))

    def report(self) -> Report:
        """What it came to."""
        world, tally = self._world, self._tally
        statuses = Counter(e.status for lead in world.leads.values() for e in lead.enrollments)
        faults: Counter[str] = Counter()
        for (kind, code), count in tally.facts.items():
            if kind in ("failed", "refused"):
                faults[code or kind] += count
        return Report(
            campaign_id=self._campaign.campaign_id,
            started_at=self._start,
            finished_at=instant(world.ended_at) if world.open == 0 and world.ended_at is not None else None,
            until=instant(world.now),
            leads=len(world.leads),
            sends=tally.sends,
            per_day=dict(sorted(tally.per_day.items())),
            caps=self._caps(),
            waiting_hours=tally.waiting_hours(),
            mailboxes={
                mailbox_id: tally.mailboxes[mailbox_id]
                for mailbox_id in dict.fromkeys((*self._campaign.mailbox_ids, *tally.mailboxes))
            },
            mailbox_days=dict(tally.mailbox_days),
            backlog={day: tally.mean_backlog(day) for day in sorted(tally.backlog)},
            statuses=dict(statuses.most_common()),
            faults=dict(faults.most_common()),
        )

    def _caps(self) -> dict[date, int | None]:
        """Each day's ceiling, as the mailboxes' warm-up stood on it."""
        days = self._tally.per_day
        if not days:
            return {}
        zones = zones_of(self._campaign, self._definitions, self._zones)
        sent_on: Counter[str] = Counter()
        caps: dict[date, int | None] = {}
        day, last = min(days), max(days)
        while day <= last:
            caps[day] = day_cap(self._campaign, self._definitions, zones, day, sent_on)
            sent_on.update({box for box in self._tally.mailboxes if (box, day) in self._tally.mailbox_days})
            day += timedelta(days=1)
        return caps
