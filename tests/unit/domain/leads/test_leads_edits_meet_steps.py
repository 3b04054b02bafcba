"""What an edit, a late tick or another enrollment does to steps: nothing happens twice, nothing is put off for ever."""

from typing import Any

import pytest

from domain.campaign import SmsStep
from domain.check_edits import changed_kind
from domain.leads.effects import Policy
from domain.predicates import Compares
from domain.sequence import Action, ActionStep
from domain.templates import compile_template
from schemas.definitions import CampaignDoc
from schemas.enrollments import LeadData, TaskDone, UpdateLead
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
    result,
    task,
    tasks,
    wait,
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
