"""Replies, holds, releases, delivery reports (docs/behaviour.md 7.3, 7.4, 7.7)."""

from typing import Any, get_args

import pytest

from domain.leads.answers import AFTER_REPLY, DISPOSITIONS
from domain.leads.effects import Effect, Ignored, SuppressIt
from domain.leads.reported import BOUNCES
from schemas.definitions import CampaignDoc
from schemas.replies import Bounce, DispositionName
from tests.support.leads import (
    DAY,
    HOUR,
    T0,
    Story,
    asks,
    campaign,
    disposition,
    email,
    enroll,
    enrollment_id,
    facts,
    in_force,
    kinds,
    releases,
    reply,
    result,
    stops,
    wait,
    withdrawals,
)

HUMAN = ["INTERESTED", "NEEDS_MORE_INFO", "NO_ACTIVE_PROFILE", "ESCALATE_UNCLEAR"]


def two_campaigns(**more: Any) -> Story:
    """A lead in two campaigns; `q1`'s first touch is sent, `q2`'s is out."""
    story = Story(in_force(campaign(**more), campaign(campaign_id="q2")))
    (ask,) = asks(story.event(enroll()))
    story.event(enroll("q2", "enroll-2"))
    story.event(result(ask))
    story.now = T0 + HOUR
    return story


def test_every_disposition_and_every_kind_of_bounce_has_its_row() -> None:
    assert set(DISPOSITIONS) == set(get_args(DispositionName))
    assert set(BOUNCES) == set(get_args(Bounce.model_fields["kind"].annotation))
    assert set(AFTER_REPLY) == set(get_args(CampaignDoc.model_fields["after_reply"].annotation))


def test_a_match_holds_all_of_the_leads_enrollments_and_withdraws_what_is_out() -> None:
    story = two_campaigns()
    effects = story.event(reply())
    assert kinds(effects) == ["held", "held"]
    assert stops(effects) == [], "the replies role has committed it"
    assert {w.campaign_id for w in withdrawals(effects)} == {"q1", "q2"}
    assert {e.status for e in story.enrollments} == {"paused"}
    assert asks(story.after(60 * DAY)) == []


def test_the_same_match_again_changes_nothing() -> None:
    story = two_campaigns()
    story.event(reply())
    before = story.value
    assert story.event(reply()) == []
    assert story.value == before


@pytest.mark.parametrize("name", sorted(get_args(DispositionName)))
def test_a_match_whose_disposition_is_known_is_ignored(name: str) -> None:
    story = two_campaigns()
    story.event(disposition(name, bounce=("soft", "4.2.2") if name == "BOUNCE" else None))
    before = story.value
    assert story.event(reply()) == [Ignored("disposition_known")]
    assert story.value == before


@pytest.mark.parametrize("name", HUMAN)
@pytest.mark.parametrize("is_matched_first", [True, False])
def test_a_human_reply_ends_the_matched_sequence_and_holds_the_others_for_at_most_fourteen_days(
    name: str, is_matched_first: bool
) -> None:
    story = two_campaigns()
    if is_matched_first:
        story.event(reply())
    effects = story.event(disposition(name))
    assert story.enrollment().status == "replied"
    assert [s.source_id for s in stops(effects)] == [f"replied:{enrollment_id()}"]
    assert releases(effects) == [], "the lead-wide stop still covers the other enrollment"
    assert story.enrollment("q2").status == "paused"
    later = story.after(15 * DAY)
    (released,) = releases(later)
    assert (released.enrollment_id, released.source_id) == (None, f"reply:{reply().reply_id}")
    (ask,) = [a for a in asks(later) if a.at == T0 + HOUR + 14 * DAY]
    assert ask.campaign_id == "q2"
    assert story.enrollment().status == "replied"


def test_a_human_reply_lets_the_others_go_on_where_the_campaign_says_resume() -> None:
    story = two_campaigns(after_reply="resume")
    story.event(reply())
    effects = story.event(disposition("INTERESTED"))
    assert [a.campaign_id for a in asks(effects)] == ["q2"]
    assert len(releases(effects)) == 1


def test_a_human_reply_ends_the_others_where_the_campaign_says_end() -> None:
    story = two_campaigns(after_reply="end")
    story.event(reply())
    effects = story.event(disposition("INTERESTED"))
    assert story.enrollment("q2").status == "exited"
    assert len(stops(effects)) == 2


def test_not_interested_ends_everything() -> None:
    story = two_campaigns()
    story.event(reply())
    story.event(disposition("NOT_INTERESTED"))
    assert [e.status for e in story.enrollments] == ["replied", "exited"]


@pytest.mark.parametrize("name", ["UNSUBSCRIBE", "COMPLAINT"])
def test_an_unsubscribe_or_a_complaint_ends_everything_as_unsubscribed(name: str) -> None:
    story = two_campaigns()
    story.event(disposition(name))
    assert [e.status for e in story.enrollments] == ["unsubscribed", "unsubscribed"]


def test_an_absence_holds_until_the_return_and_does_not_use_up_the_wait() -> None:
    story = two_campaigns()
    story.event(reply())  # an hour into a wait of three days
    effects = story.event(disposition("OUT_OF_OFFICE", return_at=T0 + 10 * DAY))
    assert releases(effects) == [], "its stop must stand until the hold ends"
    later = story.after(9 * DAY)
    assert asks(later) == []
    assert releases(later) == []
    back = story.after(DAY)
    (released,) = releases(back)
    assert released.source_id == f"reply:{reply().reply_id}"
    assert next((a.campaign_id, a.at) for a in asks(back)) == ("q2", T0 + 10 * DAY)
    (nudge,) = [a for a in asks(story.after(4 * DAY)) if a.step_id == "nudge" and a.campaign_id == "q1"][:1]
    assert nudge.at == T0 + 10 * DAY + (3 * DAY - HOUR)


def test_a_touch_sent_while_its_lead_is_away_waits_its_whole_wait_after_the_return() -> None:
    story = Story(in_force(campaign()))
    (ask,) = asks(story.event(enroll()))
    story.now = T0 + HOUR
    story.event(reply())
    story.event(disposition("OUT_OF_OFFICE", return_at=T0 + 10 * DAY))
    story.event(result(ask, granted_at=T0 + HOUR, at=T0 + HOUR))
    (nudge,) = [a for a in asks(story.after(20 * DAY)) if a.step_id == "nudge"][:1]
    assert nudge.at == T0 + 13 * DAY


def test_an_absence_without_a_date_lasts_seven_days() -> None:
    story = two_campaigns()
    story.event(reply())
    story.event(disposition("OUT_OF_OFFICE"))
    (released,) = releases(story.after(8 * DAY))
    assert facts(story.effects)[-1].at >= T0 + HOUR + 7 * DAY
    assert released.enrollment_id is None


def test_a_release_frees_its_own_stop_only() -> None:
    story = two_campaigns()
    story.event(reply(number=1))
    story.event(reply(number=2))
    story.event(disposition("OUT_OF_OFFICE", number=1, return_at=T0 + 2 * DAY))
    effects = story.after(3 * DAY)
    assert [r.source_id for r in releases(effects)] == [f"reply:{reply(number=1).reply_id}"]
    assert asks(effects) == []
    assert {h.source_id for e in story.enrollments for h in e.holds} == {f"reply:{reply(number=2).reply_id}"}
    assert {e.status for e in story.enrollments} == {"paused"}


def test_an_automated_answer_lets_everything_go_on_at_once() -> None:
    story = two_campaigns()
    story.event(reply())
    effects = story.event(disposition("AUTOMATED"))
    assert len(releases(effects)) == 1
    assert [a.campaign_id for a in asks(effects)] == ["q2"]
    assert [e.status for e in story.enrollments] == ["active", "enrolled"]
    (nudge,) = [a for a in asks(story.after(4 * DAY)) if a.step_id == "nudge"][:1]
    assert nudge.at == T0 + 3 * DAY


def test_the_release_comes_before_the_ask_in_what_is_decided() -> None:
    story = two_campaigns()
    story.event(reply())
    story.event(disposition("OUT_OF_OFFICE", return_at=T0 + 2 * DAY))
    effects = story.after(3 * DAY)
    assert len(releases(effects)) == 1
    assert asks(effects)
    assert asks(effects)[0].ask_no > max(w.ask_no for w in withdrawals(story.effects) if w.campaign_id == "q2")


def test_a_reply_to_a_finished_sequence_makes_it_replied() -> None:
    story = Story(in_force(campaign([email("intro")])))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    story.event(reply())
    effects = story.event(disposition("INTERESTED"))
    told = [fact for fact in facts(effects) if fact.type == "replied"]
    assert [(f.previous_status, f.status, f.first) for f in told] == [("completed", "replied", True)]
    assert len(releases(effects)) == 1


def test_a_second_human_reply_to_one_touch_is_told_but_not_as_the_first() -> None:
    story = two_campaigns()
    story.event(disposition("INTERESTED", number=1))
    effects = story.event(disposition("NEEDS_MORE_INFO", number=2))
    assert [(f.type, f.first) for f in facts(effects) if f.type == "replied"] == [("replied", False)]


def test_an_enrollment_made_after_a_known_reply_is_not_covered_by_it() -> None:
    story = Story(in_force(campaign(), campaign(campaign_id="q2"), campaign(campaign_id="q3")))
    (ask,) = asks(story.event(enroll()))
    story.event(enroll("q2", "enroll-2"))
    story.event(result(ask))
    story.event(reply())
    (later,) = asks(story.event(enroll("q3", "enroll-3")))
    assert later.after_stops == [f"reply:{reply().reply_id}"]
    story.event(disposition("NOT_INTERESTED"))
    assert story.enrollment("q3").is_open


def test_a_hard_bounce_ends_every_sequence_of_the_lead_as_bounced() -> None:
    story = two_campaigns()
    effects = story.event(disposition("BOUNCE", bounce=("hard", "5.1.1")))
    assert [e.status for e in story.enrollments] == ["bounced", "bounced"]
    assert len(stops(effects)) == 2


@pytest.mark.parametrize("kind", ["hard", "soft", "ours", "policy"])
def test_of_two_reports_about_one_touch_only_the_first_is_told_as_the_first(kind: str) -> None:
    """Delivered is sent and not bounced since: one touch is taken off it once (docs/behaviour.md 6.4)."""
    story = two_campaigns()
    told = [
        fact.first
        for number in (1, 2)
        for fact in facts(story.event(disposition("BOUNCE", number=number, bounce=(kind, "5.1.1"))))
        if fact.type == "bounced"
    ]
    assert told == [True, False]


def test_three_soft_bounces_in_a_row_become_a_hard_one_and_suppress_the_address() -> None:
    steps = (
        email("a", "w1"),
        wait("w1", "b"),
        email("b", "w2"),
        wait("w2", "c"),
        email("c", "w3"),
        wait("w3", "d"),
        email("d"),
    )
    story = Story(in_force(campaign(steps)))
    (ask,) = asks(story.event(enroll()))
    effects: list[Effect] = []
    for number, step_id in enumerate("abc", start=1):
        story.event(result(ask))
        soft = disposition("BOUNCE", step_id, number=number, bounce=("soft", "4.2.2"))
        effects = story.event(soft)
        assert story.event(soft) == [Ignored("disposition_known")]
        if number < 3:
            assert story.enrollment().status == "active"
            ask = story.next_ask()
            story.now = ask.at
    assert story.enrollment().status == "bounced"
    assert [(e.email, e.reason) for e in effects if isinstance(e, SuppressIt)] == [("Jane.Doe@Example.com", "bounced")]


@pytest.mark.parametrize("kind", ["ours", "policy"])
def test_a_report_that_blames_the_sender_changes_no_status(kind: str) -> None:
    story = two_campaigns()
    effects = story.event(disposition("BOUNCE", bounce=(kind, "5.7.1")))
    assert kinds(effects) == ["bounced"]
    assert [e.status for e in story.enrollments] == ["active", "enrolled"]


def test_an_answer_about_an_unknown_lead_is_ignored() -> None:
    story = Story(in_force(campaign()))
    assert story.event(reply()) == [Ignored("unknown_lead")]
    assert story.event(disposition("INTERESTED")) == [Ignored("unknown_lead")]
    assert story.value is None


STEPS = tuple(
    step for n in "abcd" for step in (email(n, f"w{n}"), wait(f"w{n}", {"a": "b", "b": "c", "c": "d"}.get(n)))
)


def four_mails() -> Story:
    """A lead to whom four mails went, three days apart."""
    story = Story(in_force(campaign(STEPS)))
    story.event(enroll())
    for _ in "abcd":
        ask = asks(story.effects)[-1]
        story.event(result(ask))
        story.until(story.now + 3 * DAY - HOUR) if ask.step_id == "d" else story.until(story.now + 3 * DAY)
    return story


def bounce_softly(story: Story, *steps: str) -> str:
    for step_id in steps:
        story.event(disposition("BOUNCE", step_id, number=ord(step_id), bounce=("soft", "4.2.2")))
    return story.enrollment().status


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        ("abc", "bounced"),
        ("cab", "bounced"),
        ("dbc", "bounced"),
        ("abd", "active"),
        ("acd", "active"),
        ("ab", "active"),
    ],
)
def test_soft_bounces_count_in_a_row_of_the_mails_whichever_report_comes_first(steps: str, status: str) -> None:
    assert bounce_softly(four_mails(), *steps) == status


def test_a_sign_of_life_between_starts_the_row_anew() -> None:
    story = four_mails()
    bounce_softly(story, "a", "b")
    story.event(reply("d", number=9))
    story.event(disposition("OUT_OF_OFFICE", "d", number=9))
    assert bounce_softly(story, "c") == "paused"


def test_a_server_that_says_full_three_times_in_a_row_suppresses_the_address_like_reports_do() -> None:
    story = Story(in_force(campaign(STEPS)))
    story.event(enroll())
    effects: list[Effect] = []
    for _ in range(3):
        ask = asks(story.effects)[-1]
        effects = story.event(result(ask, "failed", code="552 5.2.2"))
        story.until(story.now + 3 * DAY)
    assert story.enrollment().status == "bounced"
    assert [effect.reason for effect in effects if isinstance(effect, SuppressIt)] == ["bounced"]
    assert stops(effects)
