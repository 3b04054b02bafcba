"""Texts, calls and manual touches in a sequence, and conditions across them (docs/behaviour.md 4.4)."""

from typing import Any
from uuid import uuid5

import pytest

from domain import ids
from domain.campaign import SmsStep
from domain.leads.effects import Effect
from domain.predicates import Compares
from domain.templates import compile_template
from domain.texts import text_id
from schemas.enrollments import Enroll, LeadData, Pause, ReplyHandled, Resume, TaskDone
from schemas.sending import DueSend, SendResult
from schemas.tracking import Hit
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    T0,
    Story,
    asks,
    campaign,
    condition,
    disposition,
    email,
    enroll,
    enrollment_id,
    facts,
    hit,
    in_force,
    kinds,
    proofs,
    releases,
    reply,
    result,
    task,
    tasks,
    wait,
    withdrawals,
)

NUMBER = "+46701234567"


def text(step_id: str, next_id: str | None = None, **more: Any) -> SmsStep:
    return SmsStep(step_id, next_id, compile_template("Hi {{ first_name }}"), frozenset({"first_name"}), **more)


def person(phone: str | None = "+46 70-123 45 67", campaign_id: str = "q1") -> Enroll:
    lead = LeadData(email="jane@example.com", first_name="Jane", last_name="Doe", phone=phone)
    return enroll(campaign_id, lead=lead)


def story_of(*steps: Any, sender: str | None = "texts", **more: Any) -> Story:
    return Story(in_force(campaign(steps, sms_sender_id=sender, **more)))


def sent(ask: DueSend, outcome: str = "sent", **more: Any) -> SendResult:
    if outcome in ("sent", "ambiguous"):
        more = {"message_id": text_id(ask.send_id), "subject": None} | more
    return result(ask, outcome, channel="sms", **more)


def done(step_id: str, outcome: Any = "done", event_id: str = "done-1", campaign_id: str = "q1") -> TaskDone:
    return TaskDone(
        event_id=event_id,
        lead_id=LEAD,
        campaign_id=campaign_id,
        step_id=step_id,
        enrollment_id=enrollment_id(campaign_id),
        outcome=outcome,
    )


def notice(kind: str, step_id: str = "ping", **more: Any) -> Hit:
    return hit(kind, step_id, event_id=f"notice-{kind}", **more)


# -- texts -------------------------------------------------------------------------------------------------------------


def test_a_text_is_asked_for_from_the_campaigns_number_to_the_leads() -> None:
    story = story_of(text("ping"))
    (ask,) = asks(story.event(person()))
    assert (ask.channel, ask.email, ask.domain, ask.mailbox_id) == ("sms", NUMBER, "sms", "texts")
    assert (ask.merge, ask.thread, ask.variant) == ({"first_name": "Jane"}, None, "a")


def test_a_text_counts_as_sent_and_settles_no_mailbox_and_no_thread() -> None:
    story = story_of(
        email("intro", "ping"), text("ping", "pause"), wait("pause", "nudge"), email("nudge", subject=None)
    )
    (first,) = asks(story.event(person()))
    (ask,) = asks(story.event(result(first)))
    effects = story.event(sent(ask, at=T0 + MINUTE, granted_at=T0 + MINUTE))
    (fact,) = [f for f in facts(effects) if f.type == "sent"]
    assert (fact.mailbox_id, fact.data, fact.variant) == ("texts", {"channel": "sms"}, None)
    assert story.enrollment().mailbox_id == "anna"
    nudge = story.next_ask()
    assert (nudge.mailbox_id, nudge.channel, nudge.priority) == ("anna", None, 0)
    assert nudge.thread is not None
    assert nudge.thread.message_ids == ["<intro@sender.example>"]
    assert nudge.at == T0 + MINUTE + 3 * DAY


@pytest.mark.parametrize(
    ("phone", "code"),
    [(None, "missing_variable:phone"), ("  ", "missing_variable:phone"), ("070-1234567", "invalid_number")],
)
def test_a_lead_without_a_number_is_passed_over_with_the_reason(phone: str | None, code: str) -> None:
    story = story_of(text("ping", "call"), task("call"))
    effects = story.event(person(phone))
    assert [(f.type, f.code) for f in facts(effects) if f.type == "failed"] == [("failed", code)]
    assert asks(effects) == []
    assert [due.step_id for due in tasks(effects)] == ["call"]
    assert story.enrollment().status == "active"


def test_a_campaign_without_a_number_passes_its_texts_over() -> None:
    story = story_of(text("ping", "call"), task("call"), sender=None)
    assert ("failed", "no_sms_sender") in [(f.type, f.code) for f in facts(story.event(person()))]


@pytest.mark.parametrize(
    ("outcome", "code"), [("failed", "sms:21211"), ("failed", "missing_variable:x"), ("suppressed", "suppressed")]
)
def test_a_text_that_fails_fails_alone_and_the_sequence_goes_on(outcome: str, code: str) -> None:
    story = story_of(text("ping", "call"), task("call"))
    (ask,) = asks(story.event(person()))
    effects = story.event(sent(ask, outcome, code=code))
    assert ("failed", code, {"channel": "sms"}) in [(f.type, f.code, f.data) for f in facts(effects)]
    assert story.enrollment().step_id == "call"
    assert story.event(sent(ask, outcome, code=code)) == []


def test_a_text_that_is_deferred_too_often_fails_alone() -> None:
    story = story_of(text("ping", "call"), task("call"))
    (ask,) = asks(story.event(person()))
    told: list[str] = []
    for _ in range(10):
        effects = story.event(sent(ask, "deferred", code="sms:http_503", at=story.now))
        told += kinds(effects)
        if tasks(effects):
            break
        ask = story.next_ask()
    assert told.count("failed") == 1
    assert story.enrollment().step_id == "call"


def test_a_text_without_an_answer_is_asked_for_again() -> None:
    story = story_of(text("ping"))
    (ask,) = asks(story.event(person()))
    again = story.next_ask()
    assert (again.send_id, again.channel, again.ask_no) == (ask.send_id, "sms", 2)


def test_a_reply_withdraws_a_text_that_is_out_and_ends_the_sequence_as_replied() -> None:
    story = story_of(email("intro", "ping"), text("ping", "call"), task("call"))
    (first,) = asks(story.event(person()))
    (ask,) = asks(story.event(result(first)))
    assert [w.send_id for w in withdrawals(story.event(reply()))] == [ask.send_id]
    story.event(disposition("INTERESTED"))
    assert story.enrollment().status == "replied"


def test_an_answer_to_a_text_is_told_as_one() -> None:
    story = story_of(text("ping", "call"), task("call"))
    (ask,) = asks(story.event(person()))
    story.event(sent(ask))
    story.event(reply("ping"))
    effects = story.event(disposition("INTERESTED", "ping"))
    (fact,) = [f for f in facts(effects) if f.type == "replied"]
    assert fact.data["channel"] == "sms"
    assert fact.status == "replied"


def test_an_undelivered_text_is_a_bounce_a_condition_may_wait_for_and_the_sequence_goes_on() -> None:
    story = story_of(
        text("ping", "seen"),
        condition("seen", "call", "nudge", "bounced", within=2 * DAY, of="ping"),
        email("nudge"),
        task("call"),
    )
    (ask,) = asks(story.event(person()))
    story.event(sent(ask))
    effects = story.event(notice("undelivered", code="sms:30005"))
    (fact,) = [f for f in facts(effects) if f.type == "bounced"]
    assert (fact.code, fact.first, fact.data, fact.status) == ("sms:30005", True, {"channel": "sms"}, "active")
    assert [due.step_id for due in tasks(effects)] == ["call"]
    again = [f for f in facts(story.event(notice("undelivered", code="sms:30005"))) if f.type == "bounced"]
    assert [f.first for f in again] == [False]


@pytest.mark.parametrize("kind", ["delivered", "undelivered"])
def test_a_notice_settles_an_ambiguous_text_whichever_comes_first(kind: str) -> None:
    late = story_of(text("ping", "call"), task("call"))
    (ask,) = asks(late.event(person()))
    late.event(sent(ask, "ambiguous"))
    assert proofs(late.event(notice(kind))) == [ask.send_id]

    early = story_of(text("ping", "call"), task("call"))
    (ask,) = asks(early.event(person()))
    early.event(notice(kind))
    effects = early.event(sent(ask, "ambiguous"))
    assert proofs(effects) == [ask.send_id]
    assert "ambiguous" not in kinds(effects)


def test_a_notice_about_what_was_never_sent_changes_nothing() -> None:
    story = story_of(text("ping"))
    story.event(person())
    before = story.value
    story.event(notice("undelivered", "ping", send_id=ids.send_id(enrollment_id(), "other")))
    story.event(notice("delivered", campaign_id="q9"))
    assert story.value == before


def test_a_text_that_an_edit_moved_behind_itself_is_not_sent_twice() -> None:
    story = story_of(text("ping", "pause"), wait("pause", None))
    (ask,) = asks(story.event(person()))
    story.event(sent(ask))
    moved = campaign((wait("pause", "ping"), text("ping")), sms_sender_id="texts", revision=2)
    story.define(moved)
    assert asks(story.after(10 * DAY)) == []
    assert story.enrollment().status == "completed"


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_a_task_that_is_done_lets_the_sequence_go_on_at_once_and_the_next_wait_counts_from_then() -> None:
    story = story_of(task("linkedin", "pause", days=5), wait("pause", "nudge", 2), email("nudge"))
    story.event(person())
    story.until(T0 + DAY)
    effects = story.event(done("linkedin"))
    (fact,) = facts(effects)
    assert (fact.type, fact.code, fact.data) == ("task_done", "done", {"task_kind": "schedule_call"})
    assert story.next_ask().at == T0 + 3 * DAY


def test_done_told_again_or_too_late_moves_nothing_twice() -> None:
    story = story_of(task("linkedin", "nudge", days=1), email("nudge", "call"), task("call"))
    story.event(person())
    (ask,) = asks(story.after(DAY + MINUTE))
    assert ask.step_id == "nudge"
    late = story.event(done("linkedin"))
    assert kinds(late) == ["task_done"]
    assert asks(late) == []
    assert story.enrollment().step_id == "nudge"
    before = story.value
    assert facts(story.event(done("linkedin", event_id="done-2"))) == []
    assert story.value == before


def test_a_task_nobody_does_goes_on_at_its_deadline() -> None:
    story = story_of(task("linkedin", "nudge", days=2), email("nudge"))
    story.event(person())
    assert story.next_ask().at == T0 + 2 * DAY


def test_a_rejected_task_goes_on_and_a_blocked_one_waits_for_its_deadline() -> None:
    story = story_of(task("linkedin", "nudge", days=2), email("nudge"))
    story.event(person())
    effects = story.event(done("linkedin", "blocked"))
    assert [(f.type, f.code, f.next_at) for f in facts(effects)] == [("waiting", "task_blocked", T0 + 2 * DAY)]
    assert asks(effects) == []
    (ask,) = asks(story.event(done("linkedin", "rejected", "done-2")))
    assert ask.step_id == "nudge"


def test_a_task_done_while_the_lead_is_paused_lets_it_go_on_when_it_is_resumed() -> None:
    story = story_of(task("linkedin", "pause", days=5), wait("pause", "nudge", 2), email("nudge"))
    story.event(person())
    story.event(Pause(event_id="p", lead_id=LEAD), T0 + HOUR)
    story.until(T0 + DAY)
    effects = story.event(done("linkedin"))
    assert kinds(effects) == ["task_done"]
    story.until(T0 + 3 * DAY)
    story.event(Resume(event_id="r", lead_id=LEAD))
    assert story.next_ask().at == T0 + 5 * DAY


def test_done_about_an_unknown_task_or_a_step_that_is_none_changes_nothing() -> None:
    story = story_of(email("intro", "call"), task("call"))
    story.event(person())
    before = story.value
    for step_id in ("intro", "call", "gone"):
        assert facts(story.event(done(step_id))) == []
    assert facts(story.event(done("call", campaign_id="q9"))) == []
    assert story.value == before


def test_done_without_an_enrollment_is_about_the_newest_entry() -> None:
    story = story_of(task("call", "nudge"), email("nudge"))
    story.event(person())
    effects = story.event(TaskDone(event_id="crm-1", lead_id=LEAD, campaign_id="q1", step_id="call"))
    assert "task_done" in kinds(effects)


def test_conditions_run_across_channels() -> None:
    def start() -> Story:
        story = story_of(
            email("intro", "linkedin"),
            task("linkedin", "connected", days=3),
            condition("connected", "ping", "call", "done", of="linkedin"),
            text("ping"),
            task("call"),
        )
        (ask,) = asks(story.event(person()))
        story.event(result(ask))
        return story

    did, nobody = start(), start()
    (ask,) = asks(did.event(done("linkedin")))
    assert ask.channel == "sms"
    effects: list[Effect] = nobody.after(4 * DAY)
    assert asks(effects) == []
    assert [due.step_id for due in tasks(effects)] == ["call"]


# -- replies that people have handled ------------------------------------------------------------------------------------


def test_a_handled_reply_frees_the_other_sequences_that_it_held() -> None:
    story = Story(in_force(campaign(), campaign(campaign_id="q2")))
    asked = asks(story.event(person())) + asks(story.event(enroll("q2", "enroll-2")))
    for ask in asked:
        story.event(result(ask))
    story.event(reply())
    story.event(disposition("INTERESTED"))
    assert [story.enrollment("q2").status, story.enrollment("q1").status] == ["paused", "replied"]
    handled = ReplyHandled(event_id="h", lead_id=LEAD, reply_id=uuid5(ids.NAMESPACE, "reply 1"))
    effects = story.event(handled)
    assert ("released", "reply_handled") in [(f.type, f.code) for f in facts(effects)]
    assert [r.enrollment_id for r in releases(effects)] == [None]
    assert story.enrollment("q2").status == "active"
    assert facts(story.event(handled)) == []


@pytest.mark.parametrize(("field", "way"), [("email_bounced", "nudge"), ("email_delivered", "nudge")])
def test_what_became_of_a_text_became_of_no_email(field: str, way: str) -> None:
    test = Compares(field, "equals", value=True)
    story = story_of(
        text("ping", "pause"), wait("pause", "how"), condition("how", "call", "nudge", when=test), email("nudge"),
        task("call"),
    )  # fmt: skip
    story.event(sent(asks(story.event(person()))[0]))
    if field == "email_bounced":
        story.event(notice("undelivered", code="sms:30005"))
    assert story.next_ask().step_id == way
