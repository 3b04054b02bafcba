"""Replies that are judged anew: what has ended stays ended, nothing new is held, what ends it ends (docs/behaviour.md 7.6)."""

from typing import Any, get_args

import pytest

from domain.leads.effects import Ignored
from domain.leads.revisions import REVISIONS
from schemas.replies import Disposition, DispositionName
from tests.support.leads import (
    DAY,
    HOUR,
    T0,
    Story,
    asks,
    campaign,
    disposition,
    enroll,
    facts,
    in_force,
    kinds,
    releases,
    reply,
    result,
)

AT = T0 + 5 * HOUR
PEOPLE = ["INTERESTED", "NEEDS_MORE_INFO", "NO_ACTIVE_PROFILE", "ESCALATE_UNCLEAR", "NOT_INTERESTED"]


def judged(first: str, **more: Any) -> Story:
    """A lead in two campaigns that has answered the first one's touch."""
    story = Story(in_force(campaign(), campaign(campaign_id="q2")))
    (ask,) = asks(story.event(enroll()))
    story.event(enroll("q2", "enroll-2"))
    story.event(result(ask))
    story.now = T0 + HOUR
    story.event(reply())
    story.event(disposition(first, **more))
    return story


def anew(name: str, replaces: str, revision: int = 1, **more: Any) -> Disposition:
    said = disposition(name, at=AT, **more)
    return said.model_copy(update={"revision": revision, "replaces": replaces, "event_id": f"anew-{revision}"})


def test_every_disposition_has_its_row() -> None:
    assert set(REVISIONS) == set(get_args(DispositionName))


@pytest.mark.parametrize("first", ["OUT_OF_OFFICE", "AUTOMATED"])
@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_who_was_taken_for_a_machine_ends_the_sequence_that_was_answered_and_no_other(
    first: str, name: str
) -> None:
    story = judged(first)
    effects = story.event(anew(name, first))
    assert story.enrollment().status == "replied"
    assert story.enrollment("q2").status == ("paused" if first == "OUT_OF_OFFICE" else "enrolled")
    assert "held" not in kinds(effects)


@pytest.mark.parametrize("name", ["OUT_OF_OFFICE", "AUTOMATED"])
def test_a_machine_that_was_taken_for_a_person_frees_what_was_held_and_revives_nothing(name: str) -> None:
    story = judged("ESCALATE_UNCLEAR")
    effects = story.event(anew(name, "ESCALATE_UNCLEAR"))
    assert story.enrollment().status == "replied"
    assert story.enrollment("q2").status == "enrolled"
    assert [r.source_id for r in releases(effects)] == [f"reply:{reply().reply_id}"]
    assert {ask.campaign_id for ask in asks(story.after(DAY))} == {"q2"}


def test_a_return_date_that_is_read_now_moves_the_end_of_the_hold() -> None:
    story = judged("OUT_OF_OFFICE")
    story.event(anew("OUT_OF_OFFICE", "OUT_OF_OFFICE", return_at=T0 + 20 * DAY))
    assert {hold.until for e in story.enrollments for hold in e.holds} == {T0 + 20 * DAY}


def test_a_return_date_that_lies_behind_frees_at_once() -> None:
    story = judged("OUT_OF_OFFICE")
    story.event(anew("OUT_OF_OFFICE", "OUT_OF_OFFICE", return_at=T0 - DAY))
    assert {e.holds for e in story.enrollments} == {()}


@pytest.mark.parametrize("first", sorted(set(get_args(DispositionName)) - {"UNSUBSCRIBE", "COMPLAINT", "BOUNCE"}))
@pytest.mark.parametrize("name", ["UNSUBSCRIBE", "COMPLAINT"])
def test_who_wanted_out_is_out_of_everything(first: str, name: str) -> None:
    story = judged(first)
    story.event(anew(name, first))
    assert {e.is_open for e in story.enrollments} == {False}
    assert asks(story.after(60 * DAY)) == []


def test_a_hard_bounce_ends_and_a_soft_one_changes_nothing() -> None:
    story = judged("AUTOMATED")
    story.event(anew("BOUNCE", "AUTOMATED", bounce=("soft", "4.2.2")))
    assert {e.is_open for e in story.enrollments} == {True}
    story.event(anew("BOUNCE", "BOUNCE", revision=2, bounce=("hard", "5.1.1")))
    assert {e.is_open for e in story.enrollments} == {False}


@pytest.mark.parametrize("name", sorted(get_args(DispositionName)))
@pytest.mark.parametrize("first", ["INTERESTED", "AUTOMATED", "OUT_OF_OFFICE"])
def test_told_again_it_changes_nothing_and_what_has_ended_stays_ended(first: str, name: str) -> None:
    story = judged(first)
    said = anew(name, first, bounce=("hard", "5.1.1") if name == "BOUNCE" else None)
    ended = [e.id_for("lead-1") for e in story.enrollments if not e.is_open]
    effects = story.event(said)
    assert [fact.code for fact in facts(effects) if fact.type == "disposition"] == [name]
    before = story.value
    assert story.event(said) == [Ignored("disposition_known")]
    assert story.value == before
    assert not any(e.is_open for e in story.enrollments if e.id_for("lead-1") in ended)


def test_conditions_see_the_new_disposition_of_the_latest_reply_only() -> None:
    story = judged("OUT_OF_OFFICE")
    assert story.lead is not None
    story.event(anew("AUTOMATED", "OUT_OF_OFFICE"))
    assert story.lead.disposition == "AUTOMATED"
    story.event(anew("INTERESTED", "NOT_INTERESTED", revision=2))
    assert story.lead.disposition == "AUTOMATED", "that reply was not the latest: it said something else"


def test_a_reply_before_the_latest_changes_no_disposition_though_both_said_the_same() -> None:
    story = judged("ESCALATE_UNCLEAR")
    story.event(reply(number=2))
    story.event(disposition("ESCALATE_UNCLEAR", number=2))
    assert story.lead is not None
    story.event(anew("NOT_INTERESTED", "ESCALATE_UNCLEAR"))
    assert story.lead.disposition == "ESCALATE_UNCLEAR", "what the second reply says still stands"
    story.event(anew("INTERESTED", "ESCALATE_UNCLEAR", revision=2, number=2))
    assert story.lead.disposition == "INTERESTED"


def test_the_first_judgement_after_a_new_one_is_a_late_repeat() -> None:
    story = judged("AUTOMATED")
    story.event(anew("NOT_INTERESTED", "AUTOMATED"))
    assert story.event(disposition("AUTOMATED")) == [Ignored("disposition_known")]


def test_a_lead_that_nobody_knows_is_left_alone() -> None:
    story = Story(in_force(campaign()))
    assert story.event(anew("UNSUBSCRIBE", "AUTOMATED")) == [Ignored("unknown_lead")]
