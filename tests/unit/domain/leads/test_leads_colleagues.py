"""What a colleague's answer does to a lead (docs/behaviour.md 7.3)."""

from datetime import timedelta
from typing import Any
from uuid import uuid5

import pytest

from domain import ids
from domain.free_mail import is_free_mail
from domain.leads.effects import Effect, Ignored, MindColleagues
from schemas.enrollments import ColleagueAnswered, LeadData, ReplyHandled
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    T0,
    Story,
    asks,
    campaign,
    disposition,
    enroll,
    facts,
    in_force,
    kinds,
    reply,
    result,
    stops,
)

REPLY = uuid5(ids.NAMESPACE, "reply 1")


def begun(colleagues: str = "hold") -> Story:
    story = Story(in_force(campaign(colleagues=colleagues)))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    story.now = T0 + DAY
    return story


def told(act: str, number: int = 1, **more: Any) -> ColleagueAnswered:
    known: dict[str, Any] = {
        "event_id": f"c{number}",
        "lead_id": LEAD,
        "campaign_id": "q1",
        "reply_id": REPLY,
        "act": act,
    }
    return ColleagueAnswered(**(known | more))


def minds(effects: list[Effect]) -> list[tuple[str, timedelta | None]]:
    found = [effect for effect in effects if isinstance(effect, MindColleagues)]
    return [(one.act, one.until - T0 if one.until is not None else None) for one in found]


def test_a_colleagues_answer_holds_the_sequence_without_using_up_its_wait_until_its_end() -> None:
    story = begun()
    effects = story.event(told("hold", until=T0 + 11 * DAY))
    assert kinds(effects) == ["held"]
    assert story.event(told("hold", until=T0 + 11 * DAY)) == [Ignored("repeat")]
    assert story.next_ask().at == T0 + 13 * DAY, "two of three days were left"


def test_it_goes_on_when_the_colleagues_card_is_done() -> None:
    story = begun()
    story.event(told("hold", until=T0 + 15 * DAY))
    story.now = T0 + 3 * DAY
    assert kinds(story.event(told("free", 2))) == ["released"]
    assert story.event(told("hold", until=T0 + 15 * DAY)) == [Ignored("repeat")], "told again late it revives nothing"
    assert story.next_ask().at == T0 + 5 * DAY


def test_a_colleagues_answer_ends_the_sequence_where_the_campaign_says_so() -> None:
    story = begun("end")
    effects = story.event(told("end"))
    assert [(fact.type, fact.status, fact.code) for fact in facts(effects)] == [
        ("exited", "exited", "colleague_answered")
    ]
    assert len(stops(effects)) == 1


def test_other_campaigns_and_unknown_leads_are_left_alone() -> None:
    story = begun()
    assert facts(story.event(told("end", campaign_id="q2"))) == []
    assert Story(in_force(campaign())).event(told("hold")) == [Ignored("unknown_lead")]


def test_the_gate_that_knows_of_a_colleagues_answer_ends_who_was_never_told() -> None:
    story = Story(in_force(campaign(colleagues="end")))
    (ask,) = asks(story.event(enroll()))
    effects = story.event(result(ask, "stopped", code="colleague_ended"))
    assert [(fact.type, fact.code) for fact in facts(effects)] == [("exited", "colleague_answered")]


@pytest.mark.parametrize(
    ("name", "hold", "end"),
    [
        ("INTERESTED", ("hold", HOUR + 14 * DAY), ("end", None)),
        ("NEEDS_MORE_INFO", ("hold", HOUR + 14 * DAY), ("end", None)),
        ("NO_ACTIVE_PROFILE", ("hold", HOUR + 14 * DAY), ("end", None)),
        ("ESCALATE_UNCLEAR", ("hold", HOUR + 14 * DAY), ("end", None)),
        ("NOT_INTERESTED", ("drop", None), ("end", None)),
        ("UNSUBSCRIBE", ("drop", None), ("end", None)),
        ("OUT_OF_OFFICE", ("drop", None), ("drop", None)),
        ("AUTOMATED", ("drop", None), ("drop", None)),
        ("COMPLAINT", None, None),
    ],
)
def test_what_an_answer_means_for_colleagues(name: str, hold: Any, end: Any) -> None:
    for colleagues, expected in (("hold", hold), ("end", end), ("none", None)):
        story = begun(colleagues)
        story.now = T0 + HOUR
        story.event(reply())
        assert minds(story.event(disposition(name))) == ([] if expected is None else [expected])


def test_a_reply_that_people_are_done_with_frees_its_writers_colleagues() -> None:
    story = begun()
    story.event(reply())
    story.event(disposition("INTERESTED"))
    handled = ReplyHandled(event_id="card", lead_id=LEAD, reply_id=REPLY)
    assert minds(story.event(handled)) == [("free", None)]


@pytest.mark.parametrize(
    ("email", "minded"),
    [("a@acme.example", "hold"), ("a@gmail.com", None), ("a@yahoo.co.uk", None), ("a@GMX.net", None)],
)
def test_a_touch_says_that_it_minds_colleagues_and_free_mail_has_none(email: str, minded: str | None) -> None:
    story = Story(in_force(campaign(colleagues="hold")))
    (ask,) = asks(story.event(enroll(lead=LeadData(email=email, first_name="Jane"))))
    assert ask.colleagues == minded


def test_a_campaign_that_minds_nobody_says_nothing() -> None:
    story = Story(in_force(campaign()))
    (ask,) = asks(story.event(enroll()))
    assert ask.colleagues is None


def test_a_companys_domain_is_no_free_mail() -> None:
    assert not is_free_mail("yahooligans.example")
    assert not is_free_mail("acme.com")
    assert is_free_mail("hotmail.fr")
