"""Conditions, tasks, opens and clicks (docs/behaviour.md 1.2, 1.6, 5.2, 5.3)."""

from typing import Any

import pytest

from domain.verdict import judge
from schemas.enrollments import LeadData
from schemas.tracking import Hit
from tests.support.leads import (
    DAY,
    HOUR,
    PERSON_AGENT,
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
    result,
    stops,
    task,
    tasks,
    wait,
)


def branching(event: str = "opened", within: object = None, of: str | None = "intro") -> Story:
    steps = (
        email("intro", "seen"),
        condition("seen", "yes", "no", event, within=within, of=of),
        email("yes"),
        email("no"),
    )
    story = Story(in_force(campaign(steps)))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    return story


def test_a_condition_without_a_deadline_is_decided_when_it_is_reached() -> None:
    steps = (email("intro", "pause"), wait("pause", "seen"), condition("seen", "yes", "no"), email("yes"), email("no"))
    for opens, branch in ((True, "yes"), (False, "no")):
        story = Story(in_force(campaign(steps)))
        (ask,) = asks(story.event(enroll()))
        story.event(result(ask))
        if opens:
            story.event(hit())
        following = story.next_ask()
        assert (following.step_id, following.at) == (branch, T0 + 3 * DAY)


def test_the_true_branch_fires_as_soon_as_it_becomes_true() -> None:
    story = branching(within=2 * DAY)
    story.now = T0 + HOUR
    (ask,) = asks(story.event(hit()))
    assert (ask.step_id, ask.at) == ("yes", T0 + HOUR)


def test_the_false_branch_fires_at_the_deadline() -> None:
    story = branching(within=2 * DAY)
    ask = story.next_ask()
    assert (ask.step_id, ask.at) == ("no", T0 + 2 * DAY)


def test_a_hit_that_no_person_made_takes_no_branch() -> None:
    story = branching(within=2 * DAY)
    effects = story.event(hit(user_agent="Mozilla/5.0"))
    assert [(f.code, f.first) for f in facts(effects)] == [("prefetch", False)]
    assert asks(effects) == []


@pytest.mark.parametrize(
    ("event", "branch"),
    [("delivered", "yes"), ("bounced", "no"), ("clicked", "no"), ("replied", "no"), ("opened", "no")],
)
def test_each_event_is_asked_of_the_touch_at_once(event: str, branch: str) -> None:
    story = branching(event)
    assert asks(story.effects)[-1].step_id == branch


def test_a_condition_on_a_bounce_fires_on_the_report() -> None:
    story = branching("bounced", within=2 * DAY)
    (ask,) = asks(story.event(disposition("BOUNCE", bounce=("soft", "4.2.2"))))
    assert ask.step_id == "yes"


def test_a_condition_without_a_step_asks_all_touches() -> None:
    story = branching("opened", within=2 * DAY, of=None)
    (ask,) = asks(story.event(hit()))
    assert ask.step_id == "yes"


def test_a_task_stands_as_a_card_and_the_sequence_goes_on_at_its_deadline() -> None:
    story = Story(in_force(campaign([task("call", "after"), email("after")])))
    effects = story.event(enroll())
    (_, due) = facts(effects)
    assert (due.type, due.status, due.previous_status) == ("task_due", "active", "enrolled")
    assert due.data == {"queue": "sales", "priority": "high", "task_kind": "schedule_call"}
    (given,) = tasks(effects)
    assert (given.title, given.queue, given.priority, given.task_kind, given.due_at, given.step_id) == (
        "Call Jane Doe",
        "sales",
        "high",
        "schedule_call",
        T0 + 2 * DAY,
        "call",
    )
    ask = story.next_ask()
    assert (ask.step_id, ask.at) == ("after", T0 + 2 * DAY)


def test_a_title_that_what_is_merged_makes_too_long_is_cut() -> None:
    story = Story(in_force(campaign([task("call")])))
    person = LeadData(email="a@b.example", attributes={"full_name": "Jane\x00" + "e" * 20_000})
    (given,) = tasks(story.event(enroll(lead=person)))
    assert given.title.startswith("Call Janee")
    assert len(given.title) == 1_000


def test_a_task_whose_title_lacks_a_value_fails_with_its_name() -> None:
    story = Story(in_force(campaign([task("call")])))
    effects = story.event(enroll(lead=LeadData(email="a@b.example")))
    assert [(f.type, f.code) for f in facts(effects)][-1] == ("failed", "missing_variable:full_name")


def test_an_inactive_step_is_skipped_and_told() -> None:
    story = Story(in_force(campaign([email("intro", "nudge", is_active=False), email("nudge")])))
    effects = story.event(enroll())
    assert kinds(effects) == ["enrolled", "step_skipped"]
    assert [a.step_id for a in asks(effects)] == ["nudge"]


def test_a_sequence_with_nothing_to_do_completes_at_once() -> None:
    story = Story(in_force(campaign([email("intro", is_active=False)])))
    story.event(enroll())
    assert story.enrollment().status == "completed"


def test_waits_in_a_row_add_up_each_from_its_own_end() -> None:
    story = Story(
        in_force(campaign([email("intro", "w1"), wait("w1", "w2", 1), wait("w2", "nudge", 2), email("nudge")]))
    )
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    following = story.next_ask()
    assert following.at == T0 + 3 * DAY


def test_only_the_first_human_open_and_click_count_and_every_hit_is_told_with_its_verdict() -> None:
    story = branching("replied")
    first = story.event(hit(event_id="h1"))
    again = story.event(hit(event_id="h2"))
    click = story.event(hit("click", event_id="h3"))
    assert [(f.type, f.first, f.data) for f in facts([*first, *again, *click])] == [
        ("opened", True, {"hit_id": "h1", "verdict": "human"}),
        ("opened", False, {"hit_id": "h2", "verdict": "human"}),
        ("clicked", True, {"hit_id": "h3", "verdict": "human"}),
    ]


def test_an_open_that_overtakes_the_result_is_not_lost() -> None:
    steps = (email("intro", "seen"), condition("seen", "yes", "no", of="intro"), email("yes"), email("no"))
    story = Story(in_force(campaign(steps)))
    (ask,) = asks(story.event(enroll()))
    story.event(hit())
    (following,) = asks(story.event(result(ask)))
    assert following.step_id == "yes"


def test_a_late_hit_on_a_finished_lead_is_answered() -> None:
    story = Story(in_force(campaign([email("intro")])))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    (fact,) = facts(story.event(hit()))
    assert (fact.type, fact.first, fact.status) == ("opened", True, "completed")


@pytest.mark.parametrize("event", [hit(campaign_id="q9"), hit(step_id="nowhere", send_id=enrollment_id())])
def test_a_hit_on_something_unknown_is_ignored(event: Hit) -> None:
    story = branching("replied")
    before = story.value
    assert [type(e).__name__ for e in story.event(event)] == ["Ignored"]
    assert story.value == before


@pytest.mark.parametrize(
    ("scope", "ended"), [("all", {"q1", "q2", "q3"}), ("campaign", {"q1"}), ("goal", {"q1", "q2"})]
)
def test_an_unsubscribe_ends_what_is_in_its_scope(scope: str, ended: set[str]) -> None:
    story = Story(in_force(campaign(), campaign(campaign_id="q2"), campaign(campaign_id="q3", goal="retention")))
    for number in (1, 2, 3):
        story.event(enroll(f"q{number}", f"enroll-{number}"))
    effects = story.event(hit("unsubscribe", scope=scope))
    assert {e.campaign_id for e in story.enrollments if e.status == "unsubscribed"} == ended
    assert {s.source_id for s in stops(effects)} == {"unsubscribe:hit-1"}


def test_an_edit_that_moves_a_step_that_has_happened_never_asks_for_it_twice() -> None:
    story = Story(in_force(campaign()))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    turned = (wait("pause", "intro"), email("intro", "nudge"), email("nudge"))
    story.define(campaign(turned, revision=2, first_step_id="pause"))
    assert story.next_ask().step_id == "nudge"


@pytest.mark.parametrize(
    ("more", "since_s", "verdict"),
    [
        ({}, 30.0, "human"),
        ({}, None, "human"),
        ({"method": "HEAD"}, 30.0, "scanner"),
        ({"user_agent": ""}, 30.0, "scanner"),
        ({"user_agent": "Mozilla/5.0"}, 30.0, "prefetch"),
        (
            {"user_agent": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"},
            30.0,
            "prefetch",
        ),
        ({"network": "17.58.100.0/24"}, 30.0, "prefetch"),
        ({"network": "66.249.84.0/24"}, 30.0, "prefetch"),
        ({"network": "52.10.3.0/24"}, 30.0, "scanner"),
        ({"network": "nonsense"}, 30.0, "human"),
        ({"user_agent": "curl/8.0"}, 30.0, "scanner"),
        ({"user_agent": "Mozilla/5.0 (compatible; SomeBot/1.0)"}, 30.0, "scanner"),
        ({"type": "click"}, 1.9, "scanner"),
        ({"type": "click"}, 2.0, "human"),
        ({"type": "open"}, 1.0, "human"),
        ({"type": "click", "user_agent": "Mozilla/5.0"}, 30.0, "human"),
        ({"network": "192.0.2.0/24"}, 30.0, "own"),
    ],
)
def test_the_verdict_on_a_hit(more: dict[str, Any], since_s: float | None, verdict: str) -> None:
    told: dict[str, Any] = {"kind": more.get("type", "open"), "user_agent": PERSON_AGENT} | more
    told.pop("type", None)
    judged = hit(**told)
    assert judge(judged, since_s, frozenset({"192.0.2.0/24"})) == verdict
