"""leads: the single writer of a lead.

Reads `enrollments`, `send-results`, `tracking-hits`, `replies`, `dispositions`, `drafts`, `lead-ticks`. Owns the table `leads`
(lead_id -> the lead with all of its enrollments; and which revision of a campaign a partition's leads have been shown).
Writes `due-sends` (asks and withdrawals), `engagements`, `tasks`, `draft-requests`, and in the ledger the stops, the releases
and the proofs that belong to its decisions, before anything that tells of them.

What happens is decided in `domain/leads/decide.py`; here it is read, carried out and written.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from agents import leads_metrics as metrics
from agents.leads_desk import Desk, ProofPort
from agents.leads_habits import Habits
from agents.leads_watch import Parking, Sweep, awakened, edited, note, returned, scores_differ, unseen
from domain.campaign import Definitions
from domain.leads import codec
from domain.leads.decide import decide, on_definition, on_timer
from domain.leads.effects import Policy
from schemas.sending import SendResult
from schemas.ticks import Tick
from sinks.ports import StopPort
from streams.clock import ClockLike
from streams.due_index import DueIndex
from streams.inbound import Inbound
from streams.tables import Table
from streams.work import Work

ROLE = "leads"
TOPICS = ("enrollments", "send-results", "tracking-hits", "replies", "dispositions", "drafts", "lead-ticks")
TICKS = "lead-ticks"

TIMERS_A_TICK = 500
PUT_OFF = timedelta(hours=1)
"""For how long (campaign time) a lead is left alone that a tick could not decide about."""
FOLLOW_UPS = 1_000
"""How many further timers of the same leads, that came to be inside the tick, it handles besides."""

NOTHING = Definitions({}, {})

log = logging.getLogger(__name__)


class Leads:
    """The role's handler. `definitions()` answers what is in force; a change is seen at the next tick."""

    def __init__(
        self,
        *,
        table: Table,
        stops: StopPort,
        proofs: ProofPort,
        definitions: Callable[[], Definitions],
        clock: ClockLike,
        policy: Policy,
    ) -> None:
        self._table = table
        self._stops = stops
        self._proofs = proofs
        self._source = definitions
        self._clock = clock
        self._habits = Habits()
        self._policy = replace(policy, habits=self._habits.hours)
        self._definitions = NOTHING
        self._timers = DueIndex()
        self._parking = Parking()
        self._sweeps: list[Sweep] = []
        self._news = 0
        self._noted: dict[int, int] = {}
        self._owned: frozenset[int] = frozenset()
        self._done_until: dict[int, datetime] = {}
        self._put_off: dict[bytes, tuple[int, datetime]] = {}

    async def start(self) -> None:
        """Nothing to prepare: definitions are read before a role starts."""

    async def stop(self) -> None:
        """Nothing is in flight between batches."""

    async def revoked(self, partitions: frozenset[int]) -> None:
        """Nothing is in flight between batches."""

    async def recovered(self, partitions: frozenset[int]) -> None:
        """Rebuild the timers from the first bytes of each lead, in slices that yield; find whom an edit has not reached."""
        self._parking.clear()
        self._done_until.clear()
        self._owned = partitions
        self._noted.clear()
        self._definitions = self._source()
        entries = self._table.entries()
        await self._timers.rebuild((partition, key, codec.wake_s(value)) for key, value, partition in entries)
        self._habits.follow(self._definitions.campaigns)
        await self._habits.rebuild(value for _, value, _ in self._table.entries())
        concerned = unseen(self._table, partitions, self._definitions.campaigns)
        self._sweeps = [Sweep(self._table, concerned)] if concerned and len(self._table) else []

    async def reset(self) -> None:
        """A batch was discarded: what it took from the timers is due again."""
        self._timers.rollback()
        self._put_off.clear()
        for sweep in self._sweeps:
            sweep.rollback()

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        """Decide a batch in order; commit what the ledger must know; then write."""
        desk = Desk(self._table, work)
        now = self._clock.now()
        floors: dict[int, datetime] = {}
        again: dict[int, Tick] = {}
        self._notice(batch)
        for event in batch:
            if type(event.body) is Tick:  # asked of every event: a quarter of isinstance's cost
                self._tick(desk, event.partition, event.body, floors, again)
                if self._noted.get(event.partition) != self._news:
                    self._note(work, event.partition)
            else:
                self._event(desk, event, now)
        await desk.commit(self._stops, self._proofs)
        desk.write()
        for partition, tick in again.items():
            work.emit(TICKS, tick, str(partition), partition=partition)
        work.after_commit(lambda: self._committed(desk, floors))

    # -- events ----------------------------------------------------------------------------------------------------

    def _event(self, desk: Desk, event: Inbound, now: datetime) -> None:
        body = event.body
        if type(body) is SendResult:
            now = body.at
        found = desk.open(event.key.encode(), event.partition)
        decision = decide(found.lead, event.key, body, now, self._definitions, self._policy, offset=event.offset)
        desk.take(found, event.topic, decision)

    # -- ticks -----------------------------------------------------------------------------------------------------

    def _tick(
        self, desk: Desk, partition: int, tick: Tick, floors: dict[int, datetime], again: dict[int, Tick]
    ) -> None:
        """Fire what is due in this partition: each at its own instant, nothing before the last tick's."""
        self._sweep(desk, tick.at)
        until = codec.seconds(tick.at)
        floor = min(floors.get(partition) or self._done_until.get(partition) or tick.at, tick.at)
        due = self._timers.pop_due(partition, until, TIMERS_A_TICK)
        further = FOLLOW_UPS
        if due:
            metrics.LATENESS.set(until - due[0][0])
        while due:
            at_s, key = heapq.heappop(due)
            wake_s = self._fire(desk, partition, key, max(floor, codec.instant(at_s)))
            if wake_s is not None and wake_s <= until and further > 0:
                further -= 1
                heapq.heappush(due, (wake_s, key))
        next_s = self._timers.next_at(partition)
        if (next_s is not None and next_s <= until) or further == 0:
            again[partition] = tick
        else:
            floors[partition] = max(floor, tick.at)
            again.pop(partition, None)

    def _fire(self, desk: Desk, partition: int, key: bytes, at: datetime) -> float | None:
        """Let happen what is due of a lead at an instant; answers when it has something due again."""
        try:
            found = desk.open(key, partition)
            if found.lead is None:
                return None
            decision = on_timer(found.lead, found.lead_id, at, self._definitions, self._policy)
            desk.take(found, "timer", decision)
        except Exception as error:  # noqa: BLE001 - one lead must not stop the timers of all others
            self._leave_alone(partition, key, at, error)
            return None
        return codec.seconds(decision.wake_at) if decision.wake_at is not None else None

    def _leave_alone(self, partition: int, key: bytes, at: datetime, error: Exception) -> None:
        """Whatever is wrong with one lead must not stop the ticks, and with them the timers of all others."""
        log.error("a tick could not decide about lead %r: put off for %s", key, PUT_OFF, exc_info=error)
        metrics.FAULTS.inc()
        self._put_off[key] = (partition, at + PUT_OFF)

    def _notice(self, batch: Sequence[Inbound]) -> None:
        """See what became of the definitions since the last tick: wake those parked, look for those concerned.

        Before the batch's first event, so that no batch is decided by two snapshots: whom an older one parked, or led to
        a step, in the very batch that sees the newer one, is in neither list yet.
        """
        at = next((event.body.at for event in batch if type(event.body) is Tick), None)
        new = self._source()
        old = self._definitions
        if at is None or new is old:
            return
        self._definitions = new
        self._habits.follow(new.campaigns)
        self._news += 1
        for partition, key in self._parking.take(awakened(old.campaigns, new.campaigns)):
            self._timers.push(partition, key, codec.seconds(at))
        concerned = {
            *edited(old.campaigns, new.campaigns),
            *returned(self._table, self._owned, old.campaigns, new.campaigns),
        }
        if concerned:
            self._sweeps.append(Sweep(self._table, concerned))

    def _sweep(self, desk: Desk, at: datetime) -> None:
        if not self._sweeps:
            return
        definitions, policy = self._definitions, self._policy
        differ: dict[tuple[int, str], bool] = {}
        for key, partition, campaign_id in self._sweeps[0].slice():
            campaign = definitions.campaigns.get(campaign_id)
            if campaign is not None and (partition, campaign_id) not in differ:
                differ[partition, campaign_id] = scores_differ(self._table, partition, campaign)
            rules_differ = differ.get((partition, campaign_id), False)
            try:
                found = desk.open(key, partition)
                lead, lead_id = found.lead, found.lead_id
                if lead is not None and (not lead.is_done or lead.tally.marks):
                    decision = on_definition(lead, lead_id, campaign_id, at, definitions, policy, rules_differ)
                    desk.take(found, "definition", decision)
            except Exception as error:  # noqa: BLE001 - as for a timer
                self._leave_alone(partition, key, at, error)

    def _note(self, work: Work, partition: int) -> None:
        """Write down which definitions a partition's leads have seen: all but those that a sweep is still showing them."""
        showing = {campaign_id for sweep in self._sweeps for campaign_id in sweep.campaign_ids}
        seen = [one for one in self._definitions.campaigns.values() if one.campaign_id not in showing]
        note(work, self._table, partition, seen)
        news = self._news
        work.after_commit(lambda: self._noted.update({partition: news}))

    # -- afterwards ------------------------------------------------------------------------------------------------

    def _committed(self, desk: Desk, floors: dict[int, datetime]) -> None:
        """The batch is on the broker: only now do timers, parking and sweeps move."""
        timers, parking = self._timers, self._parking
        timers.commit()
        for key, found in desk.leads.items():
            if not found.changed:
                continue
            if self._habits.is_wanted:
                self._habits.saw(found.value, found.lead)
            wake_at = found.wake_at
            timers.push(found.partition, key, codec.seconds(wake_at) if wake_at is not None else None)
            for campaign_id in found.parked_for:
                parking.add(campaign_id, found.partition, key)
        for key, (partition, until) in self._put_off.items():
            timers.push(partition, key, codec.seconds(until))
        self._put_off.clear()
        self._done_until.update(floors)
        for sweep in self._sweeps:
            sweep.commit()
        showing = [sweep for sweep in self._sweeps if not sweep.is_over]
        if len(showing) < len(self._sweeps):
            self._sweeps, self._news = showing, self._news + 1
        metrics.TIMERS.set(len(timers))
        nexts = (timers.next_at(partition) for partition in self._owned)
        metrics.NEXT.set(min((at for at in nexts if at is not None), default=0))
        metrics.PARKED.set(len(parking))
