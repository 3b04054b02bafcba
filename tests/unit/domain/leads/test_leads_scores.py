"""Scores as leads count them: once each, whatever comes twice; and after a change of rules as if they had always been so."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import Campaign, ProgressionRule, ScoringRule
from domain.compile_sequence import DEFAULT_SCORING
from domain.history import marks_of
from domain.leads import codec
from domain.leads.effects import Effect
from domain.leads.scores import score
from domain.leads.turn import Turn
from domain.predicates import AllOf, Answered, AnyOf, Compares, Happened, Not, Predicate
from domain.rescoring import rescore
from domain.scoring import Points
from schemas.base import Message
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
    reply,
    result,
    tasks,
    wait,
)

STEPS = (email("intro", "pause"), wait("pause", "nudge"), email("nudge"))


def rule(name: str, when: Predicate, change: int = 10, **more: Any) -> ScoringRule:
    return ScoringRule(name, when, change, **more)


def scored(*rules: ScoringRule, **more: Any) -> Campaign:
    return campaign(STEPS, scoring=rules, **more)


def begun(*rules: ScoringRule) -> Story:
    story = Story(in_force(scored(*rules)))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    story.now = T0 + HOUR
    return story


def changes(effects: Iterable[Effect]) -> list[Engagement]:
    return [fact for fact in facts(effects) if fact.type == "score_changed"]


def points(story: Story) -> dict[str, int]:
    assert story.lead is not None
    return {one.rule_id: one.points for one in story.lead.tally.points if one.points}


def worth(story: Story, at: datetime) -> float:
    return score(Turn(story.lead, LEAD, at, story.definitions, story.policy))


def test_an_open_a_click_and_a_reply_score_five_fifteen_and_thirty() -> None:
    story = begun(*DEFAULT_SCORING)
    found = [changes(story.event(hit("open"))), changes(story.event(hit("click", event_id="hit-2")))]
    story.event(reply())
    found.append(changes(story.event(disposition("NEEDS_MORE_INFO"))))
    told = [(fact.data["rule_id"], fact.data["change"], fact.data["score"]) for (fact,) in found]
    assert told == [("email_opened", 5, 5), ("email_clicked", 15, 20), ("email_replied", 30, 50)]


def test_a_change_names_its_rule_and_the_fact_that_caused_it() -> None:
    story = begun(*DEFAULT_SCORING)
    effects = story.event(hit("open"))
    opened, changed, *_ = facts(effects)
    assert (opened.type, changed.type) == ("opened", "score_changed")
    assert (changed.data["rule_id"], changed.data["cause"], changed.at) == ("email_opened", opened.event_id, opened.at)


def test_what_no_person_did_scores_nothing() -> None:
    story = begun(*DEFAULT_SCORING)
    assert changes(story.event(hit("open", user_agent="Mozilla/5.0"))) == []
    assert changes(story.event(hit("click", event_id="hit-2", method="HEAD"))) == []
    assert points(story) == {}


def test_what_is_told_again_scores_nothing_again() -> None:
    story = begun(*(replace(one, repeat=True) for one in DEFAULT_SCORING))
    once: list[Message] = [hit("open"), hit("click", event_id="hit-2"), reply(), disposition("INTERESTED")]
    for event in once:
        story.event(event)
    before = points(story)
    for event in [*once, hit("open", event_id="hit-3")]:
        assert changes(story.event(event)) == []
    assert points(story) == before == {"email_opened": 5, "email_clicked": 15, "email_replied": 30}


def test_a_repeated_decision_tells_the_same_change_under_the_same_id() -> None:
    story = begun(*DEFAULT_SCORING)
    before = story.value
    first = changes(story.event(hit("open")))
    story.value = before  # a crash took the state away
    assert [fact.write() for fact in changes(story.event(hit("open")))] == [fact.write() for fact in first]


def test_a_rule_scores_once_a_lead_however_often_it_enters_the_campaign() -> None:
    story = begun(*DEFAULT_SCORING)
    story.event(hit("open"))
    story.event(disposition("NEEDS_MORE_INFO"))
    story.event(enroll(event_id="enroll-2", re_enter=True))
    assert story.enrollments[1].entry_no == 2
    again = hit("open", event_id="hit-9", entry_no=2).model_copy(
        update={"send_id": asks(story.effects)[-1].send_id, "step_id": "intro"}
    )
    effects = story.event(again)
    assert [fact.type for fact in facts(effects)] == ["opened"]


def test_a_rule_that_repeats_scores_each_touch_once() -> None:
    story = begun(rule("opened", Happened("opened"), 5, repeat=True))
    story.event(hit("open"))
    story.event(hit("open", event_id="hit-2"))
    ask = story.next_ask()
    story.event(result(ask))
    story.event(hit("open", "nudge", story.now + HOUR, "hit-3"))
    assert points(story) == {"opened": 10}


def test_rules_about_the_lead_itself_score_when_it_is_enrolled_and_when_it_is_updated() -> None:
    rich = rule("rich", Compares("budget", "greater_than", 10_000), 25)
    paris = rule("paris", Compares("city", "equals", "paris"), 7)
    nobody = rule("unknown", Compares("phone", "not_exists"), 1)
    story = Story(in_force(scored(rich, paris, nobody)))
    person = LeadData(email="a@b.example", first_name="A", attributes={"budget": "12000"})
    assert {fact.data["rule_id"] for fact in changes(story.event(enroll(lead=person)))} == {"rich", "unknown"}
    moved = UpdateLead(event_id="u1", lead_id=LEAD, lead=LeadData(city="Paris", phone="+33 1"))
    assert [fact.data["rule_id"] for fact in changes(story.event(moved))] == ["paris"]
    assert changes(story.event(moved)) == []


def test_a_rule_about_the_score_sees_what_other_rules_have_just_given() -> None:
    story = begun(*DEFAULT_SCORING, rule("hot", Compares("score", "greater_than", 15), 100))
    story.event(hit("open"))
    assert points(story) == {"email_opened": 5}
    told = changes(story.event(hit("click", event_id="hit-2")))
    assert [(fact.data["rule_id"], fact.data["score"]) for fact in told] == [("email_clicked", 20), ("hot", 120)]


def test_points_that_fade_are_worth_half_after_a_half_life_and_their_sum_stays() -> None:
    story = begun(rule("opened", Happened("opened"), 40, half_life_days=10.0), rule("clicked", Happened("clicked"), 2))
    story.event(hit("open", at=T0 + HOUR))
    story.event(hit("click", at=T0 + HOUR, event_id="hit-2"))
    at = T0 + HOUR
    assert [worth(story, at + days * DAY) for days in (0, 10, 20)] == pytest.approx([42, 22, 12])
    assert points(story) == {"opened": 40, "clicked": 2}


def test_an_inactive_rule_gives_nothing() -> None:
    story = begun(rule("opened", Happened("opened"), is_active=False))
    assert changes(story.event(hit("open"))) == []


def test_a_person_that_clicks_gets_one_follow_up_card_and_one_that_answered_none() -> None:
    story = begun()
    (card,) = tasks(story.event(hit("click")))
    assert (card.task_kind, card.title) == ("follow_up", "Follow up with Jane Doe - clicked a link")
    assert tasks(story.event(hit("click", "nudge", event_id="hit-2"))) == []
    answered = begun()
    answered.event(disposition("NEEDS_MORE_INFO"))
    assert tasks(answered.event(hit("click", event_id="hit-3"))) == []


def test_a_lead_to_which_nothing_has_happened_costs_no_byte() -> None:
    plain, with_rules = begun(), begun(*DEFAULT_SCORING)
    assert plain.value == with_rules.value
    story = begun(*DEFAULT_SCORING)
    before = len(story.value or b"")
    story.event(hit("open"))
    assert len(story.value or b"") - before < 80


# -- a change of rules ---------------------------------------------------------------------------------------------------


def test_new_rules_count_what_happened_before_them() -> None:
    story = begun(*DEFAULT_SCORING)
    story.event(hit("open"))
    story.event(hit("click", event_id="hit-2"))
    opened = replace(DEFAULT_SCORING[0], score_change=8)
    told = changes(
        story.define(scored(opened, rule("both", AllOf((Happened("opened"), Happened("clicked"))), 3), revision=2))
    )
    assert {fact.data["rule_id"]: fact.data["change"] for fact in told} == {
        "email_opened": 3, "both": 3, "email_clicked": -15,
    }  # fmt: skip
    assert {fact.code for fact in told} == {"rescored"}
    assert points(story) == {"email_opened": 8, "both": 3}
    assert (
        changes(story.define(scored(opened, rule("both", AllOf((Happened("opened"), Happened("clicked"))), 3)))) == []
    )


def test_what_a_lead_said_of_itself_keeps_its_points_when_it_is_done() -> None:
    rich = rule("rich", Compares("budget", "greater_than", 10_000), 25)
    story = Story(in_force(scored(rich)))
    story.event(enroll(lead=LeadData(email="a@b.example", first_name="A", attributes={"budget": 12_000})))
    story.event(disposition("NOT_INTERESTED"))
    assert story.lead is not None
    assert story.lead.facts == {}
    story.define(scored(replace(rich, score_change=30), revision=2))
    assert points(story) == {"rich": 30}
    story.define(scored(rule("rich", Compares("budget", "greater_than", 1), 30), revision=3))
    assert points(story) == {}, "another rule of the same name, about what is not known any more"


@pytest.mark.parametrize(
    ("name", "value"), [("full_name", "Jane Doe"), ("company_name", "Acme"), ("hotel_name", "acme")]
)
def test_a_rule_asks_for_what_is_made_of_what_the_lead_says_as_conditions_do(name: str, value: str) -> None:
    assert points(begun(rule("known", Compares(name, "equals", value)))) == {"known": 10}


def staged(stage: str) -> LeadData:
    return LeadData(email="jane.doe@example.com", first_name="Jane", attributes={"stage": stage})


def test_a_rule_about_the_stage_scores_when_the_producer_says_it_and_when_rules_move_the_lead_there() -> None:
    hot = rule("hot", Compares("stage", "equals", "hot"))
    said = Story(in_force(scored(hot)))
    said.event(enroll(lead=staged("cold")))
    assert points(said) == {}
    said.event(UpdateLead(event_id="u1", lead_id=LEAD, lead=staged("hot")))
    assert points(said) == {"hot": 10}
    moving = ProgressionRule("warm", "cold", "hot", (Happened("opened"),))
    moved = Story(in_force(scored(hot, progression=(moving,))))
    moved.event(result(asks(moved.event(enroll(lead=staged("cold"))))[0]))
    effects = moved.event(hit("open"))
    assert [fact.data["rule_id"] for fact in changes(effects)] == ["hot"]


def test_a_rule_that_asks_for_the_stage_keeps_its_points_when_other_rules_change() -> None:
    ready = rule("ready", AllOf((Happened("opened"), Compares("stage", "equals", "ready"))))
    story = Story(in_force(scored(ready)))
    story.event(result(asks(story.event(enroll(lead=staged("ready"))))[0]))
    story.event(hit("open"))
    story.event(UpdateLead(event_id="u1", lead_id=LEAD, lead=staged("done")))
    assert changes(story.define(scored(ready, rule("clicked", Happened("clicked")), revision=2))) == []
    assert points(story) == {"ready": 10}


def test_a_rule_about_the_last_positive_interaction_scores_with_the_first_one_live_and_again() -> None:
    positive = rule("warm", Compares("last_positive_interaction_at", "exists"))
    story = begun(positive)
    assert changes(story.event(hit("open"))) == []
    story.event(hit("click", event_id="hit-2"))
    assert points(story) == {"warm": 10}
    assert changes(story.define(scored(positive, rule("opened", Happened("opened"), 0), revision=2))) == []


def test_an_unchanged_rule_that_repeats_gives_no_more_for_what_the_lead_says_only_now() -> None:
    both = rule("both", AllOf((Compares("budget", "greater_than", 50), Happened("opened"))), repeat=True)
    story = Story(in_force(scored(both)))
    story.event(result(asks(story.event(enroll(lead=rich(40))))[0]))
    story.event(hit("open"))
    story.event(result(story.next_ask()))
    story.event(hit("open", "nudge", at=story.now + HOUR, event_id="hit-2"))
    story.event(enroll(event_id="again", re_enter=True, lead=rich(60)))
    assert points(story) == {"both": 10}
    assert changes(story.define(scored(both, rule("other", Happened("clicked")), revision=2))) == []


def rich(budget: int) -> LeadData:
    return LeadData(email="jane.doe@example.com", first_name="Jane", attributes={"budget": budget})


EVENTS = ("opened", "clicked", "replied", "bounced")
NAMES = ("INTERESTED", "NEEDS_MORE_INFO", "NOT_INTERESTED", "OUT_OF_OFFICE", "AUTOMATED", "UNSUBSCRIBE", "BOUNCE")
LEAVES: st.SearchStrategy[Predicate] = st.one_of(
    st.builds(Happened, st.sampled_from(EVENTS), st.sampled_from([None, "intro", "nudge"])),
    st.builds(
        Compares,
        st.sampled_from(["email_opened", "link_clicked", "email_replied", "unsubscribed", "sms_replied"]),
        st.sampled_from(["equals", "not_equals"]),
        st.booleans(),
    ),
    st.builds(Compares, st.just("score"), st.sampled_from(["greater_than", "less_than"]), st.integers(-5, 40)),
    st.builds(Compares, st.just("disposition"), st.sampled_from(["exists", "not_exists"])),
    st.builds(Answered, st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=2)),
)
TESTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=4,
)
RULES = st.lists(
    st.builds(
        ScoringRule,
        st.sampled_from("abcdef"),
        TESTS,
        st.integers(-20, 30),
        st.sampled_from([True, True, False]),
        st.booleans(),
        st.sampled_from([None, None, 2.0]),
    ),
    max_size=5,
    unique_by=lambda one: one.rule_id,
).map(tuple)


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[timedelta, Message]]:
    """Hits and answers of one lead, in the order in which they come in: some come late, some twice."""
    found: list[tuple[timedelta, Message]] = []
    at = T0
    for number in range(draw(st.integers(0, 9))):
        at += draw(st.sampled_from([timedelta(0), HOUR, DAY]))
        step = draw(st.sampled_from(["intro", "nudge"]))
        seen_at = at - draw(st.sampled_from([timedelta(0), HOUR]))
        kind = draw(st.sampled_from(["open", "click", "answer", "unsubscribe", "scanner"]))
        if kind == "answer":
            name = draw(st.sampled_from(NAMES))
            bounce = ("hard", "5.1.1") if name == "BOUNCE" else None
            found.append((at - T0, disposition(name, step, draw(st.integers(1, 3)), at=at, bounce=bounce)))
        elif kind == "scanner":
            found.append((at - T0, hit("open", step, seen_at, f"hit-{number}", user_agent="")))
        else:
            scope = "campaign" if kind == "unsubscribe" else "all"
            found.append((at - T0, hit(kind, step, seen_at, f"hit-{number}", scope=scope)))
    return found


def live(rules: tuple[ScoringRule, ...]) -> Story:
    story = Story(in_force(scored(*rules)))
    story.event(enroll(lead=LeadData(email="a@b.example", first_name="A")))
    return story


def play(story: Story, happened: Iterable[tuple[timedelta, Message]]) -> None:
    for after, event in happened:
        story.now = T0 + after
        story.event(event)


def given_points(story: Story) -> dict[str, Points]:
    assert story.lead is not None
    return {one.rule_id: one for one in story.lead.tally.points if one.times}


@given(RULES, happenings())
def test_scoring_the_told_history_gives_what_was_given_live(
    rules: tuple[ScoringRule, ...], happened: list[tuple[timedelta, Message]]
) -> None:
    story = live(rules)
    play(story, happened)
    assert story.lead is not None
    told = facts(story.effects)
    marks = marks_of([*told, *told])
    assert tuple(marks) == story.lead.tally.marks
    again, found = rescore(LEAD, marks, {"q1": rules})
    assert {one.rule_id: one for one in again} == given_points(story)
    assert sum(change.change for change in found) == sum(one.points for one in again)


@given(RULES, RULES, happenings(), happenings())
def test_after_a_change_of_rules_the_score_is_what_the_new_ones_had_given_live(
    old: tuple[ScoringRule, ...],
    new: tuple[ScoringRule, ...],
    before: list[tuple[timedelta, Message]],
    after: list[tuple[timedelta, Message]],
) -> None:
    edited, steady = live(old), live(new)
    play(edited, before)
    edited.define(scored(*new, revision=2))
    play(steady, before)
    assert given_points(edited) == given_points(steady)
    later = [(at + 20 * DAY, event) for at, event in after]
    play(edited, later)
    play(steady, later)
    assert given_points(edited) == given_points(steady)


@given(RULES, RULES, happenings())
def test_the_score_is_always_the_sum_of_the_changes_that_were_told(
    old: tuple[ScoringRule, ...], new: tuple[ScoringRule, ...], happened: list[tuple[timedelta, Message]]
) -> None:
    story = live(old)
    play(story, happened)
    story.define(scored(*new, revision=2))
    assert story.lead is not None
    told = changes(story.effects)
    total = sum(one.points for one in story.lead.tally.points)
    assert sum(fact.data["change"] for fact in told) == total
    if told:
        assert told[-1].data["score"] == total
    assert len({fact.event_id for fact in told}) == len(told)
    assert codec.decode(story.value or b"").tally == story.lead.tally
