"""Switches, actions, conditions of every kind, steps with conditions, and every valid graph walked to its end (1.2, 1.6)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import ids
from domain.campaign import Action, ActionStep, Campaign, ConditionStep, Step, SwitchCase, SwitchStep
from domain.leads.actions import ACTIONS
from domain.leads.effects import SuppressIt
from domain.leads.steps import ARRIVALS, RESTS
from domain.predicates import AllOf, Answered, AnyOf, Compares, Happened, Not, Predicate, Share
from domain.regex import compile_pattern
from domain.templates import compile_template
from schemas.definitions import ActionDoc
from schemas.enrollments import Exit, LeadData, Pause, Resume, UpdateLead
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
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
    reply,
    result,
    stops,
    tasks,
    wait,
)


def person(**attributes: Any) -> LeadData:
    return LeadData(email="jane@example.com", first_name="Jane", attributes=attributes)


def story(*steps: Step, lead: LeadData | None = None, **more: Any) -> tuple[Story, list[Any]]:
    told = Story(in_force(campaign(steps, **more)))
    return told, told.event(enroll(lead=lead or person()))


# -- switch ------------------------------------------------------------------------------------------------------------

SWITCH = SwitchStep(
    "which",
    "other",
    "country",
    (
        SwitchCase("swedish", equals="SE"),
        SwitchCase("nordic", pattern=compile_pattern("^(no|dk|fi)$")),
        SwitchCase("many", equals=["DE", "AT"]),
    ),
)
SWITCHED = (SWITCH, email("swedish"), email("nordic"), email("many"), email("other"))


@pytest.mark.parametrize(
    ("country", "chosen"),
    [("se", "swedish"), ("DK", "nordic"), ("AT", "many"), ("FR", "other"), (None, "other"), (["fr", "FI"], "nordic")],
)
def test_a_switch_takes_the_first_case_that_holds_else_otherwise(country: Any, chosen: str) -> None:
    lead = person() if country is None else person(country=country)
    _, told = story(*SWITCHED, lead=lead)
    assert [ask.step_id for ask in asks(told)] == [chosen]


def test_a_switch_that_is_off_goes_on_at_otherwise() -> None:
    _, told = story(replace(SWITCH, is_active=False), *SWITCHED[1:], lead=person(country="SE"))
    assert [ask.step_id for ask in asks(told)] == ["other"]


# -- steps with conditions ---------------------------------------------------------------------------------------------

BIG = Compares("rooms", "greater_than", 50)


def test_a_step_whose_conditions_do_not_all_hold_is_skipped_and_says_so() -> None:
    steps = (email("intro", "last", conditions=(BIG, Compares("stars", "exists"))), email("last"))
    for attributes, expected in (({"rooms": 84, "stars": 4}, "intro"), ({"rooms": 84}, "last"), ({}, "last")):
        _, told = story(*steps, lead=person(**attributes))
        assert [ask.step_id for ask in asks(told)] == [expected]
        skipped = [(fact.step_id, fact.code) for fact in facts(told) if fact.type == "step_skipped"]
        assert skipped == ([] if expected == "intro" else [("intro", "conditions")])


def test_a_step_is_judged_when_it_is_due_and_not_before() -> None:
    steps = (wait("pause", "intro", 3), email("intro", conditions=(BIG,)))
    told, _ = story(*steps)
    told.after(DAY)
    told.event(UpdateLead(event_id="u", lead_id=LEAD, lead=person(rooms=84)))
    assert [ask.step_id for ask in asks(told.after(2 * DAY))] == ["intro"]


def test_what_a_stop_takes_back_includes_what_lies_behind_a_step_that_may_be_passed_over() -> None:
    steps = (email("intro", "maybe"), email("maybe", "last", conditions=(BIG,)), email("last"))
    told, begun = story(*steps)
    assert [ask.step_id for ask in asks(begun)] == ["intro"]
    ended = told.event(Exit(event_id="x", lead_id=LEAD))
    taken = {effect.withdrawal.send_id for effect in ended if hasattr(effect, "withdrawal")}  # type: ignore[union-attr]
    assert taken == {ids.send_id(enrollment_id(), step_id) for step_id in ("intro", "maybe", "last")}


# -- conditions with a deadline ----------------------------------------------------------------------------------------


def begun(when: Predicate) -> Story:
    """A lead that has got its intro and stands before a condition with ten days."""
    told, first = story(
        email("intro", "look"),
        condition("look", "yes", "no", when=when, within=10 * DAY),
        email("yes"),
        email("no"),
    )
    (ask,) = asks(first)
    assert asks(told.event(result(ask))) == []
    return told


def _open(told: Story) -> list[Any]:
    return told.event(hit(at=told.now))


def _update(told: Story) -> list[Any]:
    return told.event(UpdateLead(event_id="u", lead_id=LEAD, lead=person(rooms=84)))


def _bounce(told: Story) -> list[Any]:
    return told.event(disposition("BOUNCE", bounce=("soft", "4.2.2"), at=told.now))


def _automated(told: Story) -> list[Any]:
    told.event(reply(at=told.now))
    return told.event(disposition("AUTOMATED", at=told.now))


@pytest.mark.parametrize(
    ("when", "happens"),
    [
        (Happened("opened", "intro"), _open),
        (Happened("opened"), _open),
        (Compares("email_opened", "equals", value=True), _open),
        (Compares("score", "greater_than", 4), _open),
        (BIG, _update),
        (Compares("rooms", "exists"), _update),
        (Happened("bounced", "intro"), _bounce),
        (Not(Happened("delivered", "intro")), _bounce),
        (Answered(frozenset({"AUTOMATED"})), _automated),
        (Compares("disposition", "equals", "automated"), _automated),
        (AllOf((Happened("opened"), Not(BIG))), _open),
        (AnyOf((Happened("clicked"), BIG)), _update),
    ],
)
def test_the_true_branch_fires_as_soon_as_an_event_makes_it_true_whatever_is_tested(
    when: Predicate, happens: Callable[[Story], list[Any]]
) -> None:
    told = begun(when)
    if isinstance(when, Compares) and when.field == "score":
        told.definitions = in_force(scored(told.definitions.campaigns["q1"]))
    assert asks(told.after(3 * DAY)) == []
    assert [ask.step_id for ask in asks(happens(told))] == ["yes"]
    assert told.now == T0 + 3 * DAY


def scored(known: Campaign) -> Campaign:
    from domain.compile_sequence import DEFAULT_SCORING

    return replace(known, scoring=DEFAULT_SCORING)


def test_the_false_branch_fires_at_the_deadline() -> None:
    told = begun(BIG)
    assert asks(told.after(10 * DAY - timedelta(seconds=1))) == []
    assert [ask.step_id for ask in asks(told.after(timedelta(seconds=1)))] == ["no"]
    assert _update(told) is not None
    assert asks(told.effects)[-1].step_id == "no"


def test_what_happens_after_the_deadline_comes_too_late_however_late_the_tick_is() -> None:
    told = begun(Happened("opened", "intro"))
    late = T0 + 10 * DAY + timedelta(seconds=1)
    assert [ask.step_id for ask in asks(told.event(hit(at=late), at=late))] == ["no"]
    told = begun(Happened("opened", "intro"))
    in_time = T0 + 10 * DAY
    assert [ask.step_id for ask in asks(told.event(hit(at=in_time), at=in_time))] == ["yes"]


def test_an_edit_of_within_reaches_who_waits_also_after_a_hold() -> None:
    told = begun(BIG)
    known = told.definitions.campaigns["q1"]

    def within(days: int) -> Campaign:
        step = known.steps["look"]
        assert isinstance(step, ConditionStep)
        return replace(known, revision=days, steps={**known.steps, "look": replace(step, within=days * DAY)})

    told.after(2 * DAY)
    told.define(within(4))
    assert asks(told.after(DAY)) == []
    told.event(Pause(event_id="p", lead_id=LEAD))
    told.after(5 * DAY)
    told.event(Resume(event_id="r", lead_id=LEAD))
    told.define(within(6))  # three of six days are over: those on which it stood still do not count
    assert asks(told.after(3 * DAY - timedelta(seconds=1))) == []
    assert [ask.step_id for ask in asks(told.after(timedelta(seconds=1)))] == ["no"]
    told = begun(BIG)
    told.after(5 * DAY)
    assert [ask.step_id for ask in asks(told.define(within(4)))] == ["no"]


def test_a_random_share_is_the_same_whenever_it_is_drawn_and_has_its_size() -> None:
    share = Share(30, "look")
    steps = (condition("look", "yes", "no", when=share), email("yes"), email("no"))
    drawn: list[str] = []
    for number in range(400):
        told = Story(in_force(campaign(steps, campaign_id=f"q{number}")))
        first = asks(told.event(enroll(campaign_id=f"q{number}")))
        again = Story(in_force(campaign(steps, campaign_id=f"q{number}")))
        assert [ask.step_id for ask in asks(again.event(enroll(campaign_id=f"q{number}")))] == [first[0].step_id]
        drawn.append(first[0].step_id)
    assert 0.24 < drawn.count("yes") / 400 < 0.36


# -- actions -----------------------------------------------------------------------------------------------------------


def act(*actions: Action) -> ActionStep:
    return ActionStep("act", "last", actions)


def test_actions_are_done_in_order_at_once_and_the_sequence_goes_on() -> None:
    actions = (
        Action("tag", {"tag": "hot"}),
        Action("tag", {"tag": "cold"}),
        Action("remove_tag", {"tag": "cold"}),
        Action("update_field", {"field": "tier", "value": 1}),
    )
    told, first = story(act(*actions), email("last"), lead=person(tags=["coast"], tier=3))
    assert told.lead is not None
    assert told.lead.facts["tags"] == ["coast", "hot"]
    assert told.lead.facts["tier"] == 1
    assert [fact.code for fact in facts(first) if fact.type == "action_done"] == [action.type for action in actions]
    assert len({fact.event_id for fact in facts(first)}) == len(facts(first))
    assert [ask.step_id for ask in asks(first)] == ["last"]


def test_a_task_of_an_action_is_a_card_with_the_leads_own_words() -> None:
    params = {
        "title": "Call {{ first_name }}",
        "task_type": "call",
        "priority": "high",
        "due": {"hours": 4},
        "assigned_to": "bo",
    }
    words = {"title": compile_template("Call {{ first_name }}")}
    told, first = story(act(Action("create_task", params, words)), email("last"))
    (task,) = tasks(first)
    assert (task.title, task.task_kind, task.priority, task.assigned_to) == ("Call Jane", "schedule_call", "high", "bo")
    assert task.due_at == T0 + 4 * HOUR
    assert "Jane" not in "".join(fact.write().decode() for fact in facts(told.effects))


def test_an_exit_ends_the_sequence_and_nothing_after_it_happens() -> None:
    told, first = story(act(Action("exit"), Action("tag", {"tag": "x"})), email("last"))
    assert told.enrollment().status == "exited"
    assert asks(first) == []
    assert [stop.reason for stop in stops(first)] == ["exited"]
    assert kinds(first)[-1] == "exited"


def test_a_suppression_ends_everything_of_the_lead_even_what_falls_due_in_the_same_moment() -> None:
    other = campaign((wait("pause", "nudge", 3), email("nudge")), "q2")
    mine = campaign((wait("pause", "act", 3), act(Action("suppress")), email("last")))
    told = Story(in_force(mine, other))
    told.event(enroll())
    told.event(enroll("q2", "enroll-2"))
    found = told.after(3 * DAY)
    assert asks(found) == []
    assert [effect.email for effect in found if isinstance(effect, SuppressIt)] == ["Jane.Doe@Example.com"]
    assert {e.status for e in told.enrollments} == {"unsubscribed"}


def test_every_action_and_every_kind_of_step_has_who_does_it() -> None:
    assert ACTIONS.keys() == set(ActionDoc.model_fields["type"].annotation.__args__)  # type: ignore[union-attr]
    every = {"email", "sms", "wait", "condition", "switch", "action", "task"}
    assert ARRIVALS.keys() == RESTS.keys() == every


def test_an_edit_may_put_another_kind_of_step_in_the_place_of_the_one_it_rests_at() -> None:
    told, _ = story(wait("here", "last", 30), email("last"))
    changed = campaign((replace(act(Action("tag", {"tag": "x"})), step_id="here"), email("last")), revision=2)
    assert [ask.step_id for ask in asks(told.define(changed))] == ["last"]
    told, _ = story(wait("here", "last", 30), *SWITCHED[1:], email("last"))
    changed = campaign((replace(SWITCH, step_id="here"), *SWITCHED[1:]), revision=2)
    assert [ask.step_id for ask in asks(told.define(changed))] == ["other"]


# -- re-entry ----------------------------------------------------------------------------------------------------------


def test_a_lead_may_enter_again_when_asked_to_and_its_touches_are_new_ones() -> None:
    told, first = story(email("intro"))
    (ask,) = asks(first)
    told.event(result(ask))
    assert kinds(told.event(enroll(event_id="again"))) == ["refused"]
    (second,) = asks(told.event(enroll(event_id="again-2", re_enter=True)))
    assert (second.entry_no, second.send_id) == (2, ids.send_id(enrollment_id(entry_no=2), "intro"))
    assert kinds(told.event(enroll(event_id="again-3", re_enter=True))) == ["refused"]
    assert asks(told.event(enroll(event_id="again-2", re_enter=True))) == []
