"""Whatever the order of events, repeats and crashes, a lead keeps its promises."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.leads.effects import Ask, Effect, Tell, Withdraw
from domain.leads.state import MOVES, OPEN
from schemas.base import Message
from schemas.engagements import Engagement
from schemas.enrollments import Exit, Pause, Resume, UpdateLead
from schemas.sending import DueSend
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    Story,
    campaign,
    condition,
    disposition,
    email,
    enroll,
    hit,
    in_force,
    reply,
    result,
    task,
    wait,
)

FIRST = (
    email("intro", "pause"),
    wait("pause", "seen", 1),
    condition("seen", "yes", "no", of="intro", within=DAY),
    email("yes", "call"),
    email("no", "call"),
    task("call", "last", days=1),
    email("last"),
)
SECOND = (email("intro", "pause"), wait("pause", "last", 2), email("last"))
CAMPAIGNS = ("q1", "q2")
OUTCOMES = (
    "sent",
    "sent",
    "sent",
    "deferred",
    "failed",
    "ambiguous",
    "expired",
    "suppressed",
    "stopped",
    "paused",
    "stale",
)
DISPOSITIONS = ("INTERESTED", "NOT_INTERESTED", "OUT_OF_OFFICE", "AUTOMATED", "UNSUBSCRIBE", "BOUNCE", "COMPLAINT")
SPANS = (MINUTE, HOUR, DAY, 8 * DAY)


class LeadMachine(RuleBasedStateMachine):
    """Plays dispatch, the sender, the replies role and people around one lead."""

    @initialize(
        ambiguous=st.sampled_from(["hold", "assume_sent"]), after_reply=st.sampled_from(["hold", "resume", "end"])
    )
    def start(self, ambiguous: str, after_reply: str) -> None:
        self.campaigns = {
            "q1": campaign(FIRST, on_ambiguous=ambiguous, after_reply=after_reply),
            "q2": campaign(SECOND, "q2"),
        }
        self.story = Story(in_force(*self.campaigns.values()))
        self.number = 0
        self.asked: dict[tuple[UUID, int], DueSend] = {}
        self.live: dict[UUID, DueSend] = {}
        self.told: dict[str, Engagement] = {}
        self.status: dict[UUID, str] = {}
        self.past: list[tuple[str, Message, datetime]] = []
        self.uncommitted: list[tuple[str, Message, datetime]] = []
        self.committed: bytes | None = None
        self.has_crashed = False

    # -- what happens ----------------------------------------------------------------------------------------------

    def happens(self, topic: str, event: Message, at: datetime | None = None) -> None:
        instant = at or self.story.now
        self.past.append((topic, event, instant))
        self.uncommitted.append((topic, event, instant))
        self.check(self.story.event, event, instant)

    def check(self, decide: object, *arguments: object) -> None:
        before = self.story.lead
        effects: list[Effect] = decide(*arguments)  # type: ignore[operator]
        opened = {e.id_for(LEAD) for e in before.enrollments if e.is_open} if before else set()
        known = {e.id_for(LEAD) for e in before.enrollments} if before else set()
        for effect in effects:
            if isinstance(effect, Ask):
                due = effect.due
                assert due.enrollment_id in opened or due.enrollment_id not in known, "an ask after the end"
                same = self.asked.setdefault((due.send_id, due.ask_no), due)
                assert (same.step_id, same.email, same.variant) == (due.step_id, due.email, due.variant)
                if not self.has_crashed:
                    assert same is due, "one number for two asks"
                    assert all(no < due.ask_no for send, no in self.asked if send == due.send_id and no != due.ask_no)
                self.live[due.send_id] = due
            elif isinstance(effect, Withdraw):
                taken_back = effect.withdrawal
                if taken_back.send_id in self.live and self.live[taken_back.send_id].ask_no <= taken_back.ask_no:
                    del self.live[taken_back.send_id]
            elif isinstance(effect, Tell):
                self.hear(effect.fact)
        after = {e.id_for(LEAD): e for e in self.story.enrollments} if self.story.lead else {}
        for effect in effects:
            if isinstance(effect, Ask):
                e = after[effect.due.enrollment_id]
                if not e.is_open or e.holds:
                    assert effect.due.send_id not in self.live, "asked for although it stands still"

    def hear(self, fact: Engagement) -> None:
        if fact.event_id in self.told:
            return
        self.told[fact.event_id] = fact
        if fact.enrollment_id is None or fact.status is None:
            return
        if fact.previous_status is not None and fact.previous_status != fact.status:
            assert fact.status in MOVES[fact.previous_status], "an illegal move"
        if not self.has_crashed:
            assert self.status.get(fact.enrollment_id) == fact.previous_status, "the counters would not sum"
        self.status[fact.enrollment_id] = fact.status

    # -- rules -----------------------------------------------------------------------------------------------------

    def next_number(self) -> int:
        self.number += 1
        return self.number

    @rule(campaign_id=st.sampled_from(CAMPAIGNS), re_enter=st.booleans())
    def somebody_enrolls_the_lead(self, campaign_id: str, re_enter: bool) -> None:
        self.happens("enrollments", enroll(campaign_id, f"enroll-{self.next_number()}", re_enter=re_enter))

    @precondition(lambda self: self.live)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def a_touch_has_an_outcome(self, data: st.DataObject, outcome: str) -> None:
        send_id = data.draw(st.sampled_from(sorted(self.live, key=str)))
        ask = self.live.pop(send_id)
        code = data.draw(st.sampled_from(["550 5.1.1", "552 5.2.2", "550 5.7.1"])) if outcome == "failed" else None
        self.happens("send-results", result(ask, outcome, at=self.story.now, granted_at=self.story.now, code=code))

    @rule(
        campaign_id=st.sampled_from(CAMPAIGNS),
        step=st.sampled_from(["intro", "yes", "last"]),
        kind=st.sampled_from(["open", "click", "unsubscribe"]),
    )
    def somebody_looks(self, campaign_id: str, step: str, kind: str) -> None:
        scope = "campaign" if kind == "unsubscribe" else "all"
        event_id = f"hit-{self.next_number()}"
        self.happens("tracking-hits", hit(kind, step, self.story.now, event_id, campaign_id=campaign_id, scope=scope))

    @rule(campaign_id=st.sampled_from(CAMPAIGNS), number=st.integers(1, 4))
    def somebody_answers(self, campaign_id: str, number: int) -> None:
        self.happens("replies", reply("intro", number, campaign_id, self.story.now))

    @rule(
        name=st.sampled_from(DISPOSITIONS),
        campaign_id=st.sampled_from(CAMPAIGNS),
        number=st.integers(1, 4),
        days=st.integers(1, 9),
    )
    def an_answer_is_classified(self, name: str, campaign_id: str, number: int, days: int) -> None:
        bounce = ("soft", "4.2.2") if name == "BOUNCE" else None
        said = disposition(name, "intro", number, campaign_id, self.story.now, bounce, self.story.now + days * DAY)
        self.happens("dispositions", said)

    @rule(kind=st.sampled_from([Pause, Pause, Resume, Resume, Exit]), campaign_id=st.sampled_from([*CAMPAIGNS, None]))
    def somebody_asks(self, kind: type[Pause] | type[Resume] | type[Exit], campaign_id: str | None) -> None:
        self.happens("enrollments", kind(event_id=f"ask-{self.next_number()}", lead_id=LEAD, campaign_id=campaign_id))

    @rule()
    def facts_change(self) -> None:
        update = UpdateLead(event_id=f"update-{self.next_number()}", lead_id=LEAD, lead=enroll().lead)
        self.happens("enrollments", update)

    @rule(campaign_id=st.sampled_from(CAMPAIGNS), status=st.sampled_from(["active", "active", "paused", "completed"]))
    def a_campaign_changes(self, campaign_id: str, status: str) -> None:
        from dataclasses import replace

        self.campaigns[campaign_id] = replace(self.campaigns[campaign_id], status=status)
        self.check(self.story.define, *self.campaigns.values())

    @rule(span=st.sampled_from(SPANS))
    def time_passes(self, span: object) -> None:
        self.check(self.story.after, span)

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def something_is_delivered_again(self, data: st.DataObject) -> None:
        _, event, _ = data.draw(st.sampled_from(self.past))
        statuses = [e.status for e in self.story.enrollments] if self.story.lead else []
        self.check(self.story.event, event)
        if statuses and all(status not in OPEN for status in statuses):
            assert not any(e.is_open for e in self.story.enrollments[: len(statuses)]), "a repeat revived something"

    @rule()
    def a_batch_is_committed(self) -> None:
        self.committed, self.uncommitted = self.story.value, []

    @precondition(lambda self: self.uncommitted)
    @rule(random=st.randoms(use_true_random=False))
    def a_crash_takes_the_state_and_topics_are_read_again_in_another_order(self, random: object) -> None:
        self.has_crashed = True
        self.story.value = self.committed
        self.live.clear()
        queues: dict[str, list[tuple[Message, datetime]]] = {}
        for topic, event, at in self.uncommitted:
            queues.setdefault(topic, []).append((event, at))
        while queues:
            topic = random.choice(sorted(queues))  # type: ignore[attr-defined]
            event, at = queues[topic].pop(0)
            if not queues[topic]:
                del queues[topic]
            self.check(self.story.event, event, at)
        if self.story.lead is not None:
            self.check(self.story.wake)

    # -- invariants ------------------------------------------------------------------------------------------------

    @invariant()
    def an_end_is_an_end(self) -> None:
        if not hasattr(self, "story") or self.story.lead is None:
            return
        for e in self.story.enrollments:
            if not e.is_open:
                assert (e.step_id, e.wake_at, e.holds) == (None, None, ())
            assert (e.status == "paused") == bool(e.holds)
            if not self.has_crashed:
                assert self.status[e.id_for(LEAD)] == e.status

    @invariant()
    def at_most_one_touch_of_an_enrollment_is_out(self) -> None:
        if not hasattr(self, "story") or self.has_crashed:
            return
        out = [due.enrollment_id for due in self.live.values()]
        assert len(out) == len(set(out))

    @invariant()
    def what_can_move_has_something_to_wait_for(self) -> None:
        if not hasattr(self, "story") or self.story.lead is None:
            return
        for e in self.story.enrollments:
            if e.is_open and not e.holds:
                assert e.wake_at is not None, "it would stand for ever"


TestAnyOrder = LeadMachine.TestCase
TestAnyOrder.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
