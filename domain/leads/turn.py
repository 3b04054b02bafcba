"""One event's working copy of a lead: it is changed freely, then frozen into a decision."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from domain import ids
from domain.campaign import Campaign, Definitions
from domain.leads import asking, scores, wanting
from domain.leads.effects import Decision, Effect, Ignored, Policy, ReleaseIt, StopIt, Tell, Withdraw
from domain.leads.graph import possibly_out
from domain.leads.state import MOVES, OPEN, Answer, Enrollment, Hold, Lead, Parked, Status
from domain.lifecycle import CLOSED
from domain.windows import next_midnight, zone_of
from schemas.base import Scalar
from schemas.engagements import Engagement, EngagementType
from schemas.sending import WithdrawSend

_SAME = "same"
SEEN_AT_MOST = 32
"""How many pauses, resumes and dispositions a lead remembers against late repeats."""
_NOBODY = Lead()


class IllegalMove(Exception):
    """A decision tried to move an enrollment to a status that may not follow its present one."""


def digest(text: str) -> str:
    """Twelve hex digits that stand for an event in a lead's memory."""
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


class Turn:
    """What an event's handler works on. `now` is campaign time; nothing here reads a clock."""

    __slots__ = (
        "answers", "definitions", "disposition", "effects", "enrollments", "facts", "hours", "is_known", "lead_id", "noted",
        "now", "offset", "parked", "policy", "replies", "seen", "stops", "tally",
    )  # fmt: skip

    def __init__(
        self,
        lead: Lead | None,
        lead_id: str,
        now: datetime,
        definitions: Definitions,
        policy: Policy,
        *,
        offset: int = -1,
    ) -> None:
        self.is_known = lead is not None
        known = lead or _NOBODY
        self.lead_id = lead_id
        self.now = now
        self.definitions = definitions
        self.policy = policy
        self.offset = offset
        self.facts: Mapping[str, Scalar | list[Scalar]] = known.facts
        self.enrollments: list[Enrollment] = list(known.enrollments)
        self.seen: tuple[str, ...] = known.seen
        self.stops: tuple[str, ...] = known.stops
        self.parked: tuple[Parked, ...] = known.parked
        self.disposition: str | None = known.disposition
        self.tally = known.tally
        self.hours: tuple[int, ...] = known.hours
        self.answers: tuple[Answer, ...] = known.answers
        self.replies: tuple[str, ...] = known.replies
        self.noted: dict[tuple[str, int], str] = {}
        """Entries in which something was told that rules may ask for, and the last fact that told it."""
        self.effects: list[Effect] = []

    def decision(self) -> Decision:
        """Freeze what was decided. A lead with nothing left to do keeps no facts about the person."""
        if not self.enrollments and not self.parked:
            return Decision(None, tuple(self.effects))
        wake_at: datetime | None = None
        parked_for: list[str] = []
        is_done = not self.parked
        for e in self.enrollments:
            is_done = is_done and not e.is_open
            at = e.wake_at
            if at is None:
                continue
            if at <= self.now and self._stands(e):
                parked_for.append(e.campaign_id)
            elif wake_at is None or at < wake_at:
                wake_at = at
        for parked in self.parked:
            parked_for.append(parked.event.campaign_id)
            if wake_at is None or parked.until_at < wake_at:
                wake_at = parked.until_at
        for answer in self.answers:
            if wake_at is None or answer.due_at < wake_at:
                wake_at = answer.due_at
        lead = Lead(
            {} if is_done else self.facts,
            tuple(self.enrollments),
            self.seen,
            self.stops,
            self.parked,
            self.disposition,
            self.tally,
            self.hours,
            self.answers,
            self.replies,
        )
        return Decision(lead, tuple(self.effects), wake_at, tuple(parked_for))

    def _stands(self, e: Enrollment) -> bool:
        """Whether what is due of it can only happen when its campaign's definition changes.

        What is due in a campaign that may send is not parked: an event that came before the tick did not let it happen.
        """
        if e.holds:
            return False  # the end of a hold needs no campaign that may send
        campaign = self.campaign(e)
        return campaign is None or not (campaign.may_send or is_over(campaign, self.now))

    # -- finding ---------------------------------------------------------------------------------------------------

    def campaign(self, e: Enrollment) -> Campaign | None:
        """The enrollment's campaign as it is defined now."""
        return self.definitions.campaigns.get(e.campaign_id)

    def find(self, campaign_id: str, entry_no: int) -> Enrollment | None:
        """The lead's `entry_no`-th entry into a campaign."""
        for e in self.enrollments:
            if e.entry_no == entry_no and e.campaign_id == campaign_id:
                return e
        return None

    def find_by_id(self, campaign_id: str, enrollment_id: object) -> Enrollment | None:
        """The enrollment with this id."""
        for e in self.enrollments:
            if e.campaign_id == campaign_id and e.id_for(self.lead_id) == enrollment_id:
                return e
        return None

    @property
    def open_enrollments(self) -> list[Enrollment]:
        return [e for e in self.enrollments if e.is_open]

    # -- changing --------------------------------------------------------------------------------------------------

    def save(self, e: Enrollment) -> Enrollment:
        """Put an enrollment's new state in place of its old one."""
        for index, old in enumerate(self.enrollments):
            if old.entry_no == e.entry_no and old.campaign_id == e.campaign_id:
                if e.status in OPEN and old.status not in OPEN:
                    return old  # what has ended in this turn is not opened again by who does not know of it
                self.enrollments[index] = e
                return e
        self.enrollments.append(e)
        return e

    def remember(self, event: str) -> bool:
        """Note an event by its digest; False when it was noted before."""
        mark = digest(event)
        if mark in self.seen:
            return False
        self.seen = (*self.seen, mark)[-SEEN_AT_MOST:]
        return True

    def ignore(self, reason: str) -> None:
        """Nothing here is about what we know."""
        self.effects.append(Ignored(reason))

    def tell(
        self,
        e: Enrollment,
        kind: EngagementType,
        *cause: object,
        at: datetime | None = None,
        was: str | None = _SAME,
        step_id: str | None = None,
        code: str | None = None,
        first: bool | None = None,
        data: dict[str, Any] | None = None,
        next_at: datetime | None = None,
    ) -> None:
        """Publish a fact of an enrollment. `cause` is what makes it the same fact when it is told again.

        `was` is the status before it: unless given, the fact changes no status; None, there was none.
        """
        enrollment_id = e.id_for(self.lead_id)
        campaign = self.definitions.campaigns.get(e.campaign_id)
        fact = Engagement.trusted(
            type=kind,
            event_id=ids.event_id("engagement", kind, enrollment_id, *cause),
            lead_id=self.lead_id,
            campaign_id=e.campaign_id,
            campaign_version=campaign.revision if campaign else None,
            enrollment_id=enrollment_id,
            entry_no=e.entry_no,
            step_id=step_id,
            send_id=ids.send_id(enrollment_id, step_id) if step_id is not None else None,
            mailbox_id=e.mailbox_id,
            variant=asking.variant_of(campaign, e, step_id),
            status=e.status,
            previous_status=e.status if was == _SAME else was,
            next_at=next_at,
            code=code,
            first=first,
            data=data or {},
            at=at or self.now,
        )
        self.effects.append(Tell(fact))
        if kind in scores.LISTENED:
            scores.note(self, e, fact)

    # -- standing still --------------------------------------------------------------------------------------------

    def withdraw(self, e: Enrollment, reason: str) -> Enrollment:
        """Take back every touch that dispatch may have, flagged or not, under a number above all that were used."""
        campaign = self.campaign(e)
        steps = possibly_out(e, campaign) if campaign is not None else []
        if campaign is None or not steps:
            return e
        number = e.ask_no + 1
        enrollment_id = e.id_for(self.lead_id)
        for step_id in steps:
            send_id = ids.send_id(enrollment_id, step_id)
            withdrawal = WithdrawSend(
                event_id=ids.event_id("withdraw", send_id, number),
                send_id=send_id,
                lead_id=self.lead_id,
                campaign_id=e.campaign_id,
                pool_id=campaign.pool_id,
                ask_no=number,
                reason=reason,
                at=self.now,
            )
            self.effects.append(Withdraw(withdrawal))
        if e.phase == "out":
            return e._replace(ask_no=number, phase="retry", due_at=self.now, renewals=0, place_at=None)
        return e._replace(ask_no=number)

    def hold(self, e: Enrollment, hold: Hold, *, withdraw: bool = True) -> Enrollment:
        """Let it stand still for one more reason; its time stands still with it."""
        if withdraw:
            e = self.withdraw(e, hold.kind)
        held = e._replace(holds=(*e.holds, hold), frozen_at=e.frozen_at or self.now, status="paused")
        return self.save(arm(held, self.campaign(e)))

    def set_until(self, e: Enrollment, source_id: str, until: datetime) -> Enrollment:
        """Give a hold its end."""
        holds = tuple(h._replace(until=until) if h.source_id == source_id else h for h in e.holds)
        return self.save(arm(e._replace(holds=holds), self.campaign(e)))

    def free(self, e: Enrollment, source_id: str) -> Enrollment:
        """Take one reason to stand still away. With the last one gone, what was left of a wait begins to run."""
        holds = tuple(h for h in e.holds if h.source_id != source_id)
        if holds:
            return self.save(arm(e._replace(holds=holds), self.campaign(e)))
        frozen_at = e.frozen_at or self.now
        stood = self.now - frozen_at
        due_at, base_at, place_at = e.due_at, e.base_at, None
        if base_at is not None and base_at < self.now:
            base_at += self.now - max(frozen_at, base_at)
        if e.phase == "wait" and due_at is not None and due_at > frozen_at:
            due_at += stood
            place_at = e.place_at + stood if e.place_at is not None else None
        elif e.phase == "retry" and due_at is not None:
            due_at = max(due_at, self.now)
        status: Status = "active" if e.has_begun else "enrolled"
        freed = e._replace(holds=(), frozen_at=None, due_at=due_at, base_at=base_at, status=status, place_at=place_at)
        return self.save(arm(freed, self.campaign(e)))

    def release_lead_wide(self, source_id: str) -> None:
        """Release the stop that covers the whole lead, once nothing stands still because of it any more."""
        if any(h.source_id == source_id for e in self.enrollments for h in e.holds):
            return
        self.stops = tuple(known for known in self.stops if known != source_id)
        self.effects.append(ReleaseIt(None, source_id))

    # -- ending ----------------------------------------------------------------------------------------------------

    def finish(
        self, e: Enrollment, status: Status, kind: EngagementType, *cause: object, stop: str | None = None, **told: Any
    ) -> Enrollment:
        """End an enrollment: nothing of it may go out any more. `stop` is the source id of its row in the ledger.

        Raises IllegalMove. A status that it has already is told again, and changes nothing.
        """
        if status not in MOVES[e.status] and status != e.status:
            raise IllegalMove(f"{e.status} -> {status}")
        was = e.status
        if e.is_open:
            if stop is not None:
                self.effects.append(StopIt(e.id_for(self.lead_id), status, stop))
                e = self.withdraw(e, status)
            if e.draft is not None:
                wanting.over(self, e, "dropped", status)
            e = Enrollment(  # nothing is kept of where it stood, nor of its thread
                e.campaign_id, e.entry_no, e.cause, status, ask_no=e.ask_no, asked_variant=e.asked_variant,
                variant=e.variant, mailbox_id=e.mailbox_id, touches=e.touches,
            )  # fmt: skip
        else:
            e = e._replace(status=status)
        self.save(e)
        self.tell(e, kind, *cause, was=was, **told)
        return e

    def terminal_stop(self, e: Enrollment, status: str) -> str:
        """The source id of the stop that goes with a terminal status."""
        return f"{status}:{e.id_for(self.lead_id)}"


def ends_at(campaign: Campaign) -> datetime | None:
    """The instant after which nothing of the campaign is granted: the end of `end_date` in the campaign's zone."""
    if campaign.end_date is None:
        return None
    zone = zone_of(None, None, campaign.window.zone)
    noon = datetime.combine(campaign.end_date, datetime.min.time(), tzinfo=zone) + timedelta(hours=12)
    return next_midnight(zone, noon.astimezone(UTC))


def arm(e: Enrollment, campaign: Campaign | None) -> Enrollment:
    """Set when the enrollment must be looked at next: its step's time, a hold's end, or the campaign's end."""
    if not e.is_open:
        wake_at = None
    elif e.holds:
        wake_at = sooner(min((h.until for h in e.holds if h.until is not None), default=None), campaign)
    else:
        wake_at = sooner(e.due_at, campaign)
    return e if wake_at == e.wake_at else e._replace(wake_at=wake_at)


def sooner(at: datetime | None, campaign: Campaign | None) -> datetime | None:
    """`at`, or the campaign's end where that comes first."""
    if campaign is None or campaign.end_date is None:
        return at
    ends = ends_at(campaign)
    return ends if ends is not None and (at is None or ends < at) else at


def is_over(campaign: Campaign, now: datetime) -> bool:
    """Whether nothing of the campaign may be granted any more."""
    if campaign.status in CLOSED:
        return True
    ends = ends_at(campaign)
    return ends is not None and now >= ends
