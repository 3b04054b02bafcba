"""Virtual time: from event to event through the production decisions.

At each instant everything happens that is due: grants that became free, timers of leads, what people do, and the
grants that follow. Between two instants nothing can happen, so nothing is looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import Any

from domain.campaign import Definitions, EmailStep
from domain.dispatch.asks import Ask as Queued
from domain.dispatch.asks import Withdrawn
from domain.dispatch.instants import NEVER, instant, micros, span
from domain.dispatch.partition import Granted, PoolPartition
from domain.leads.decide import decide, on_timer
from domain.leads.effects import Ask, AskWriter, Decision, Policy, ReleaseIt, StopIt, SuppressIt, Tell, Withdraw
from domain.leads.state import Lead
from domain.simulation import events
from domain.simulation.gate import Gate
from domain.simulation.people import REVIEWED_AFTER, Act, Correspond
from domain.simulation.tally import Sent, Tally
from schemas.base import Message
from schemas.drafts import DraftWanted
from schemas.enrollments import Enroll
from schemas.sending import DueSend, SendResult

TICK = timedelta(seconds=1)
"""How fine time is: the roles' clock ticks once a second."""
POLICY = Policy(silence=timedelta(days=3660))
"""Every grant is answered here, so that nothing has to be asked for again: the last net under a lost answer stays away."""
HOURS_KEPT = 500
"""Opens of a campaign that tell at which hour a lead that never opened is written to (docs/behaviour.md 3.4)."""


class _Shelf:
    """What waits at dispatch, in memory."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[bytes, Queued | Withdrawn] = {}

    def get(self, send_id: bytes) -> Queued | Withdrawn | None:
        """The entry of a touch."""
        return self._entries.get(send_id)

    def put(self, send_id: bytes, entry: Queued | Withdrawn) -> None:
        """Set it."""
        self._entries[send_id] = entry

    def remove(self, send_id: bytes) -> None:
        """Take it out."""
        self._entries.pop(send_id, None)


class World:
    """Leads, one partition of dispatch, a gate and correspondents, at one instant.

    `definitions` must hold the campaign as active. `grain` rounds every instant up (0: exact to the microsecond).
    """

    def __init__(
        self,
        definitions: Definitions,
        tally: Tally,
        correspond: Correspond,
        *,
        start: datetime,
        grain: timedelta = TICK,
        policy: Policy | None = None,
    ) -> None:
        self.now = micros(start)
        self.open = 0
        """Leads whose sequence can still move."""
        self.ended_at: int | None = None
        """When the last of them ended, once none is left."""
        self.tally = tally
        self.leads: dict[str, Lead] = {}
        self._start = self.now
        self._grain = span(grain)
        self._suits = frozenset(one.campaign_id for one in definitions.campaigns.values() if one.smart_send_time)
        self._hours: dict[str, deque[int]] = {campaign_id: deque(maxlen=HOURS_KEPT) for campaign_id in self._suits}
        self._policy = replace(policy or POLICY, habits=lambda campaign_id: tuple(self._hours.get(campaign_id, ())))
        self._definitions = definitions
        self._correspond = correspond
        self._gate = Gate()
        self._touches: dict[bytes, DueSend] = {}
        self._partition = PoolPartition(_Shelf())
        self._partition.define(definitions)
        self._wake: dict[str, int] = {}
        self._timers: list[tuple[int, str]] = []
        self._acts: list[tuple[int, int, str, Callable[[], Iterable[Message]]]] = []
        self._acted = 0

    # -- time --------------------------------------------------------------------------------------------------------

    def enroll(self, asked: Enroll) -> None:
        """A lead comes in, now."""
        self._event(asked.lead_id, asked)

    def begin(self) -> None:
        """Everybody who starts at once is in: grant what may go now."""
        self._settle()

    def step(self, until: int) -> bool:
        """On to the next instant at which something happens; False: nothing is left to happen, or not before `until`."""
        at = min(self._next_timer(), self._acts[0][0] if self._acts else NEVER, self._partition.next_at)
        if self.open == 0:
            return False
        at = max(self.now, self._rounded(at))
        if at > until:
            self.tally.passed(self.now, until, self._waiting())
            self.now = until
            return False
        self.tally.passed(self.now, at, self._waiting())
        since, self.now = self.now, at
        self._settle()
        while (due := self._next_timer()) <= at:
            lead_id = heappop(self._timers)[1]
            del self._wake[lead_id]
            moment = instant(max(since, due))
            self._take(lead_id, on_timer(self.leads[lead_id], lead_id, moment, self._definitions, self._policy))
        self._settle()
        while self._acts and self._acts[0][0] <= at:
            _, _, lead_id, make = heappop(self._acts)
            for event in make():
                self._event(lead_id, event)
        self._settle()
        return True

    def _rounded(self, at: int) -> int:
        return at if not self._grain else self._start - (self._start - at) // self._grain * self._grain

    def _next_timer(self) -> int:
        timers, wake = self._timers, self._wake
        while timers:
            at, lead_id = timers[0]
            if wake.get(lead_id) == at:
                return at
            heappop(timers)
        return NEVER

    def _waiting(self) -> dict[str, int]:
        if not self._partition.waiting:
            return {}
        counts: dict[str, int] = {}
        for (_, code), count in self._partition.by_reason().items():
            counts[code] = counts.get(code, 0) + count
        return counts

    # -- leads -------------------------------------------------------------------------------------------------------

    def _event(self, lead_id: str, event: Message, at: datetime | None = None) -> None:
        now = at or instant(self.now)
        self._take(lead_id, decide(self.leads.get(lead_id), lead_id, event, now, self._definitions, self._policy))

    def _take(self, lead_id: str, decision: Decision) -> None:
        known, lead = self.leads.get(lead_id), decision.lead
        if lead is not None:
            self.leads[lead_id] = lead
            if self._suits and lead.hours and (known is None or known.hours != lead.hours):
                for campaign_id in {e.campaign_id for e in lead.enrollments} & self._suits:
                    self._hours[campaign_id].append(lead.hours[-1])
            self.open += (not lead.is_done) - (known is not None and not known.is_done)
            if self.open == 0:
                self.ended_at = self.now
            if decision.wake_at is None:
                self._wake.pop(lead_id, None)
            elif self._wake.get(lead_id) != (wake := micros(decision.wake_at)):
                self._wake[lead_id] = wake
                heappush(self._timers, (wake, lead_id))
        for effect in decision.effects:
            handler = _EFFECTS.get(type(effect))
            if handler is not None:
                handler(self, effect)

    def _ask(self, effect: Ask) -> None:
        touch = effect.due
        self._touches[touch.send_id.bytes] = touch
        self._partition.offer(Queued.of(touch, b""))

    def _withdraw(self, effect: Withdraw) -> None:
        taken = effect.withdrawal
        self._partition.withdraw(taken.send_id.bytes, taken.ask_no, micros(taken.at))

    def _tell(self, effect: Tell) -> None:
        self.tally.told(effect.fact)

    # -- dispatch and what leaves ------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Grant and send until nothing more may go at this instant."""
        while granted := self._partition.advance(self.now):
            for one in granted:
                self._deliver(one)

    def _deliver(self, granted: Granted) -> None:
        slot = granted.slot
        touch = self._touches.pop(slot.send_id)
        campaign, sender = self._definitions.campaigns.get(touch.campaign_id), self._definitions.sender(slot.mailbox_id)
        passed = self._gate.judge(touch, campaign, sender)
        was_sent = passed.outcome == "sent"
        self._partition.answer(slot.grant_id, used=was_sent)
        granted_at = instant(slot.at)
        result = SendResult.trusted(
            event_id=slot.grant_id,
            send_id=touch.send_id,
            enrollment_id=touch.enrollment_id,
            lead_id=touch.lead_id,
            campaign_id=touch.campaign_id,
            campaign_version=touch.campaign_version,
            step_id=touch.step_id,
            channel=touch.channel,
            ask_no=touch.ask_no,
            attempt=touch.attempt,
            grant_id=slot.grant_id,
            mailbox_id=slot.mailbox_id,
            variant=touch.variant,
            outcome=passed.outcome,
            granted_at=granted_at,
            at=instant(self.now),
            message_id=f"<{touch.send_id}@simulated.invalid>" if was_sent else None,
            code=passed.code,
            subject=passed.subject,
        )
        if was_sent:
            self.tally.sent(Sent(touch.lead_id, touch.step_id, touch.variant, slot.mailbox_id, granted_at))
            for act in self._correspond(touch):
                self._later(slot.at + span(act.after), touch.lead_id, partial(self._acted_on, act, result))
        self._event(touch.lead_id, result)

    # -- people ------------------------------------------------------------------------------------------------------

    def _later(self, at: int, lead_id: str, make: Callable[[], Iterable[Message]]) -> None:
        """Events of a lead that are made, and happen, when their time comes."""
        self._acted += 1
        heappush(self._acts, (at, self._acted, lead_id, make))

    def _ask_writer(self, effect: AskWriter) -> None:
        """Words are approved: at once where the campaign approves by itself, else when a person has had time for it."""
        wanted = effect.request
        if not isinstance(wanted, DraftWanted):
            return
        campaign = self._definitions.campaigns.get(wanted.campaign_id)
        step = campaign.steps.get(wanted.step_id) if campaign is not None else None
        by_itself = isinstance(step, EmailStep) and step.writing is not None and step.writing.review == "auto_approve"
        at = self.now if by_itself else self.now + span(REVIEWED_AFTER)
        self._later(at, wanted.lead_id, lambda: (events.approved(wanted, instant(self.now)),))

    def _acted_on(self, act: Act, sent: SendResult) -> Iterable[Message]:
        """What comes in of an act, now."""
        entries = (
            e.entry_no for e in self.leads[sent.lead_id].enrollments if e.id_for(sent.lead_id) == sent.enrollment_id
        )
        return events.events_of(act, sent, next(entries, 1), instant(self.now))


_EFFECTS: Mapping[type[Any], Callable[[World, Any], None]] = {
    Ask: World._ask,
    Withdraw: World._withdraw,
    Tell: World._tell,
    AskWriter: World._ask_writer,
    StopIt: lambda world, stop: world._gate.stop(stop.enrollment_id, stop.source_id),
    ReleaseIt: lambda world, release: world._gate.release(release.enrollment_id, release.source_id),
    SuppressIt: lambda world, suppressed: world._gate.suppress(suppressed.email),
}
"""What a decision asks for, and where it goes here. Cards, proofs and dead letters go nowhere: a task waits for its deadline."""
