"""Stages: rules move a lead on, once a visit, and what is done then is done once."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from domain.campaign import Action, ActionStep, Campaign, ConditionStep, ProgressionRule
from domain.cards import card_of_task
from domain.compile_sequence import DEFAULT_SCORING
from domain.leads import codec
from domain.leads.effects import Effect
from domain.predicates import Answered, Compares, Happened, Predicate
from domain.templates import compile_template
from schemas.engagements import Engagement
from schemas.enrollments import LeadData, UpdateLead
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    T0,
    Story,
    asks,
    campaign,
    disposition,
    email,
    enroll,
    facts,
    hit,
    in_force,
    result,
    tasks,
)

PERSON = LeadData(email="a@b.example", first_name="Ana", last_name="Bo")


def over(points: int) -> Predicate:
    return Compares("score", "greater_than", points)


def action(kind: str, **params: Any) -> Action:
    words = {name: compile_template(params[name]) for name in ("title", "message") if name in params}
    return Action(kind, params, words)


def rule(name: str, come: str | None, go: str, *tests: Predicate, actions: tuple[Action, ...] = ()) -> ProgressionRule:
    return ProgressionRule(name, come, go, tests or (Happened("clicked"),), actions)


def piped(*rules: ProgressionRule, **more: Any) -> Campaign:
    steps = more.pop("steps", (email("intro", "nudge"), email("nudge")))
    return campaign(steps, scoring=DEFAULT_SCORING, progression=rules, **more)


def begun(*rules: ProgressionRule, lead: LeadData = PERSON, **more: Any) -> Story:
    story = Story(in_force(piped(*rules, **more)))
    (ask,) = asks(story.event(enroll(lead=lead)))
    story.event(result(ask))
    story.now = T0 + HOUR
    return story


def moves(effects: Iterable[Effect]) -> list[Engagement]:
    return [fact for fact in facts(effects) if fact.type == "progressed"]


def stages(effects: Iterable[Effect]) -> list[str]:
    return [fact.data["to"] for fact in moves(effects)]


def stage(story: Story) -> str | None:
    assert story.lead is not None
    return story.lead.tally.stage


HOT = rule("hot", "nouveau", "qualifie", over(14), actions=(action("create_task", title="Call {{ full_name }}"),))


def test_a_lead_moves_on_when_all_conditions_hold_and_its_task_is_given() -> None:
    story = begun(HOT)
    assert moves(story.event(hit("open"))) == []
    effects = story.event(hit("click", event_id="hit-2"))
    (moved,) = moves(effects)
    assert (moved.data["rule_id"], moved.data["from"], moved.data["to"]) == ("hot", "nouveau", "qualifie")
    assert [task.title for task in tasks(effects) if task.task_kind != "follow_up"] == ["Call Ana Bo"]
    assert stage(story) == "qualifie"


def test_a_lead_in_another_stage_is_left_alone() -> None:
    story = begun(HOT, lead=LeadData(email="a@b.example", first_name="A", attributes={"stage": "client"}))
    story.event(hit("open"))
    assert moves(story.event(hit("click", event_id="hit-2"))) == []


def test_a_lead_without_a_stage_stands_where_the_pipeline_begins() -> None:
    on = rule("on", "qualifie", "client", Happened("replied"))
    story = begun(HOT, on)
    assert moves(story.event(disposition("NEEDS_MORE_INFO"))) != []
    assert stages(story.effects) == ["qualifie", "client"], "it was moved by its score, and then by its reply"


def test_a_rule_moves_once_a_visit_and_again_in_the_next() -> None:
    back = rule("back", "qualifie", "nouveau", Compares("city", "equals", "rome"))
    story = begun(HOT, back)
    story.event(hit("click"))
    story.event(hit("open", event_id="hit-2"))
    assert stages(story.effects) == ["qualifie"]
    gone = UpdateLead(event_id="u1", lead_id=LEAD, lead=LeadData(city="Rome"))
    story.event(gone)
    assert stages(story.effects) == ["qualifie", "nouveau", "qualifie"], "each rule once for one event"
    given = [task for task in tasks(story.effects) if task.title == "Call Ana Bo"]
    assert len({card_of_task(task).card_id for task in given}) == len(given) == 2


def test_a_producer_moves_a_lead_by_its_stage_attribute() -> None:
    story = begun(HOT, lead=LeadData(email="a@b.example", first_name="A", attributes={"stage": "client"}))
    story.event(hit("click"))
    told = story.event(UpdateLead(event_id="u1", lead_id=LEAD, lead=LeadData(attributes={"stage": "nouveau"})))
    assert stages(told) == ["qualifie"]
    assert story.lead is not None
    assert story.lead.facts["stage"] == "qualifie"


@pytest.mark.parametrize(("name", "reached"), [("INTERESTED", "meeting"), ("NEEDS_MORE_INFO", "engaged")])
def test_without_rules_a_reply_makes_engaged_and_interest_makes_meeting(name: str, reached: str) -> None:
    story = begun()
    story.event(disposition(name))
    assert stage(story) == reached


def test_a_later_reply_takes_nobody_out_of_a_meeting_and_interest_takes_the_engaged_into_one() -> None:
    story = begun()
    story.event(disposition("NEEDS_MORE_INFO", number=1))
    story.event(disposition("INTERESTED", number=2))
    story.event(disposition("NEEDS_MORE_INFO", number=3))
    assert stages(story.effects) == ["engaged", "meeting"]


def test_the_default_stages_leave_another_pipeline_alone() -> None:
    story = begun(lead=LeadData(email="a@b.example", first_name="A", attributes={"stage": "qualifie"}))
    story.event(disposition("INTERESTED"))
    assert moves(story.effects) == []


def test_a_machines_answer_moves_nobody() -> None:
    story = begun()
    for number, name in enumerate(("OUT_OF_OFFICE", "AUTOMATED"), 1):
        story.event(disposition(name, number=number))
    assert moves(story.effects) == []


def test_all_actions_of_a_rule_are_done_in_order_and_the_exit_ends_the_sequence() -> None:
    every = (
        action("update_field", field="segment", value="hot"),
        action("tag", tag="vip"),
        action("assign_to", assigned_to="agent-7"),
        action("send_notification", message="Look at {{ first_name }}", to="sales-lead"),
        action("exit"),
    )
    story = begun(rule("hot", None, "won", actions=every))
    effects = story.event(hit("click"))
    done = [fact for fact in facts(effects) if fact.type == "action_done"]
    assert [fact.code for fact in done] == [one.type for one in every]
    assert story.enrollment().status == "exited"
    assert [one.assigned_to for one in tasks(effects) if one.task_kind != "follow_up"] == ["agent-7", "sales-lead"]
    assert moves(story.event(hit("click", "nudge", event_id="hit-2"))) == [], "it is there already"


def test_a_decision_made_again_after_a_crash_tells_the_same_moves() -> None:
    story = begun(HOT)
    before = story.value
    first = [fact.write() for fact in facts(story.event(hit("click")))]
    story.value = before
    assert [fact.write() for fact in facts(story.event(hit("click")))] == first


def test_a_condition_on_the_score_fires_when_the_score_is_reached() -> None:
    steps = (
        email("intro", "hot"),
        ConditionStep("hot", "cold", over(15), "now", "cold", 9 * DAY),
        email("now"),
        email("cold"),
    )
    story = begun(steps=steps)
    assert asks(story.event(hit("open"))) == []
    assert [ask.step_id for ask in asks(story.event(hit("click", event_id="hit-2")))] == ["now"]


def test_a_condition_that_follows_an_open_sees_the_points_of_that_open() -> None:
    steps = (
        email("intro", "seen"),
        ConditionStep("seen", "cold", Happened("opened"), "warm", "cold", 9 * DAY),
        ConditionStep("warm", "cold", over(4), "now", "cold"),
        email("now"),
        email("cold"),
    )
    story = begun(steps=steps)
    assert [ask.step_id for ask in asks(story.event(hit("open")))] == ["now"]


def test_what_an_action_step_changes_counts_for_rules_about_it() -> None:
    steps = (email("intro", "mark"), ActionStep("mark", "nudge", (action("tag", tag="vip"),)), email("nudge"))
    story = Story(in_force(piped(rule("vip", "new", "vip", Compares("tags", "contains", "vip")), steps=steps)))
    (ask,) = asks(story.event(enroll(lead=PERSON)))
    assert stages(story.event(result(ask))) == ["vip"]


def test_stage_and_disposition_can_be_asked_for() -> None:
    ready = rule(
        "ready", "engaged", "ready", Answered(frozenset({"NEEDS_MORE_INFO"})), Compares("stage", "equals", "engaged")
    )
    story = begun(ready, lead=LeadData(email="a@b.example", first_name="A", attributes={"stage": "engaged"}))
    assert stages(story.event(disposition("NEEDS_MORE_INFO"))) == ["ready"]


def test_rules_that_lead_round_and_round_come_to_rest() -> None:
    always = Compares("email", "exists")
    story = Story(in_force(piped(rule("a", "one", "two", always), rule("b", "two", "one", always))))
    effects = story.event(enroll(lead=PERSON))
    assert stages(effects) == ["two", "one"]
    assert codec.decode(story.value or b"") == story.lead
    assert story.after(timedelta(days=1)) is not None


def test_points_from_one_campaign_move_a_lead_in_the_pipeline_of_another() -> None:
    first, second = campaign((email("intro"),), scoring=DEFAULT_SCORING), piped(HOT, campaign_id="q2")
    story = Story(in_force(first, second))
    story.event(enroll(lead=PERSON))
    story.event(enroll("q2", "enroll-2", lead=PERSON))
    (moved,) = moves(story.event(hit("click")))
    assert (moved.campaign_id, moved.data["rule_id"]) == ("q2", "hot")
