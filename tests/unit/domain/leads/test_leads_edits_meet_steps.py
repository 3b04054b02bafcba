"""What an edit, a late tick or another enrollment does to steps: nothing happens twice, nothing is put off for ever."""

from dataclasses import replace
from typing import Any

import pytest

from domain.campaign import ConditionStep, SmsStep, WaitStep
from domain.check_edits import changed_kind
from domain.leads.effects import Policy
from domain.predicates import Compares
from domain.sequence import Action, ActionStep
from domain.templates import compile_template
from schemas.definitions import CampaignDoc
from schemas.enrollments import Exit, LeadData, TaskDone, UpdateLead
from tests.support.leads import (
    DAY,
    LEAD,
    Story,
    asks,
    campaign,
    condition,
    email,
    enroll,
    in_force,
    kinds,
    result,
    task,
    tasks,
    wait,
    withdrawals,
)


def test_a_call_that_an_edit_moved_behind_the_lead_is_not_made_again() -> None:
    before = [task("call", "intro"), email("intro", "pause"), wait("pause", "nudge"), email("nudge")]
    after = [email("intro", "pause"), wait("pause", "call"), task("call", "nudge"), email("nudge")]
    tale = Story(in_force(campaign(before)))
    tale.event(enroll())
    done = TaskDone(event_id="done-1", lead_id=LEAD, campaign_id="q1", step_id="call", outcome="done")
    ask = asks(tale.event(done))[0]
    tale.event(result(ask))
    tale.define(campaign(after, revision=2))
    effects = tale.after(3 * DAY)
    assert tasks(effects) == []
    assert [one.step_id for one in asks(effects)] == ["nudge"]


def test_what_a_text_that_could_not_go_used_up_is_not_the_next_emails() -> None:
    text = SmsStep("hi", "intro", compile_template("Hi {{ first_name }}"), frozenset({"first_name"}))
    tale = Story(in_force(campaign([text, email("intro")], sms_sender_id="texts")))
    lead = LeadData(email="jane@example.com", first_name="Jane", phone="+46701234567")
    ask = asks(tale.event(enroll(lead=lead)))[0]
    for _ in range(5):
        tale.event(result(ask, "deferred", at=tale.now, code="30001", channel="sms"), tale.now)
        ask = tale.next_ask()
    tale.event(result(ask, "deferred", at=tale.now, code="30001", channel="sms"), tale.now)
    tale.event(UpdateLead(event_id="u1", lead_id=LEAD, lead=LeadData(phone="none")))
    ask = tale.next_ask()
    assert (ask.step_id, ask.attempt, tale.enrollment().tries) == ("intro", 1, 0)


def test_habits_that_change_while_a_touch_waits_for_its_hour_never_put_it_off_again() -> None:
    hours = [9, 8]
    looks = iter(range(1000))
    policy = Policy(habits=lambda campaign_id: (hours[next(looks) % 2],))
    tale = Story(in_force(campaign([email("intro")], smart_send_time=True)), policy)
    tale.event(enroll())
    for _ in range(3):
        if not asks(tale.effects):
            assert tale.last is not None
            assert tale.last.wake_at is not None
            tale.until(tale.last.wake_at)
    assert asks(tale.effects)


def test_what_one_enrollments_timer_does_fires_the_condition_of_another() -> None:
    hot = Compares("tags", "contains", "hot")
    waiting = campaign([condition("seen", "a", "b", when=hot, within=20 * DAY), email("a"), email("b")], "c1")
    tagging = ActionStep("act", "later", (Action("tag", {"tag": "hot"}),))
    tale = Story(in_force(waiting, campaign([wait("w", "act", 1), tagging, wait("later", None, 30)], "c2")))
    tale.event(enroll("c1", "e1"))
    tale.event(enroll("c2", "e2"))
    assert {one.step_id for one in asks(tale.after(2 * DAY))} == {"a"}


def document(*steps: dict[str, Any]) -> CampaignDoc:
    return CampaignDoc.model_validate(
        {"kind": "Campaign", "id": "q1", "name": "Q1", "pool": "main", "mailboxes": ["anna"], "steps": list(steps)}
    )


@pytest.mark.parametrize(("kind", "changed"), [("wait", ()), ("call", ("x",))])
def test_a_step_that_becomes_another_kind_under_its_id_is_noticed(kind: str, changed: tuple[str, ...]) -> None:
    intro = {"id": "intro", "kind": "email", "subject": "Hello", "body": "Hi"}
    x = {"id": "x", "kind": kind} | ({"duration": 2} if kind == "wait" else {"title": "Call"})
    assert changed_kind(document(intro, {"id": "x", "kind": "wait", "duration": 1}), document(intro, x)) == changed


OFF = (email("intro", "pause", is_active=False), wait("pause", "nudge"), email("nudge", subject=None))


def test_a_step_that_an_edit_switches_off_is_taken_back_and_skipped_though_it_was_asked_for() -> None:
    tale = Story(in_force(campaign()))
    (ask,) = asks(tale.event(enroll()))
    effects = tale.define(campaign(OFF, revision=2))
    assert (ask.send_id, ask.ask_no + 1) in {(taken.send_id, taken.ask_no) for taken in withdrawals(effects)}
    assert kinds(effects) == ["step_skipped"]
    assert tale.enrollment().step_id == "pause"
    assert tale.next_ask().step_id == "nudge"


def test_a_step_that_an_edit_switches_off_is_not_tried_again() -> None:
    tale = Story(in_force(campaign()))
    (ask,) = asks(tale.event(enroll()))
    tale.event(result(ask, "deferred", code="451"))
    assert kinds(tale.define(campaign(OFF, revision=2))) == ["step_skipped"]
    ask = tale.next_ask()
    assert (ask.step_id, ask.attempt) == ("nudge", 1)


def test_what_left_before_its_step_was_switched_off_is_told_and_moves_nothing() -> None:
    tale = Story(in_force(campaign()))
    (ask,) = asks(tale.event(enroll()))
    tale.define(campaign(OFF, revision=2))
    effects = tale.event(result(ask))
    assert (kinds(effects), asks(effects), tale.enrollment().step_id) == (["sent"], [], "pause")


@pytest.mark.parametrize(
    "step", [wait("rest", "nudge", 20), condition("rest", "nudge", "nudge", of="intro", within=20 * DAY)]
)
def test_a_wait_that_an_edit_switches_off_is_over(step: WaitStep | ConditionStep) -> None:
    tale = Story(in_force(campaign([email("intro", "rest"), step, email("nudge")])))
    tale.event(result(asks(tale.event(enroll()))[0]))
    off = [email("intro", "rest"), replace(step, is_active=False), email("nudge")]
    assert [ask.step_id for ask in asks(tale.define(campaign(off, revision=2)))] == ["nudge"]


def test_a_stop_takes_back_a_touch_whose_step_was_switched_off_since() -> None:
    tale = Story(in_force(campaign()))
    (ask,) = asks(tale.event(enroll()))
    tale.definitions = in_force(campaign(OFF, revision=2))  # the lead has not been shown it yet
    assert ask.send_id in {taken.send_id for taken in withdrawals(tale.event(Exit(event_id="x1", lead_id=LEAD)))}
