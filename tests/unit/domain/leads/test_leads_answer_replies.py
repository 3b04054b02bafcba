"""Answers to replies: approved by a person, or by the campaign's own words (docs/behaviour.md 7.6, 8.2)."""

from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

import pytest

from domain import ids
from domain.answering import NEVER_BY_ITSELF
from domain.campaign import AutoReply
from domain.leads.effects import Ignored
from domain.templates import compile_template
from schemas.enrollments import AnswerReply
from schemas.replies import AnswerTo, Disposition
from schemas.sending import DueSend, Thread
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    T0,
    Story,
    asks,
    campaign,
    disposition,
    enroll,
    enrollment_id,
    facts,
    in_force,
    kinds,
    reply,
    result,
    withdrawals,
)

REPLY = uuid5(ids.NAMESPACE, "reply 1")
CARD = UUID(int=7)
THREAD = Thread(subject="Re: Hello", message_ids=["<intro@sender.example>", "<answer-1@corp.example>"])


def answered(**more: Any) -> Story:
    """A lead whose first touch was answered with a question: its sequence has ended, and all that it knows is gone."""
    story = Story(in_force(campaign(**more)))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    story.now = T0 + HOUR
    story.event(reply())
    story.event(disposition("NEEDS_MORE_INFO"))
    return story


def approval(number: int = 1, **more: Any) -> AnswerReply:
    known: dict[str, Any] = {
        "event_id": f"approved-{number}",
        "lead_id": LEAD,
        "campaign_id": "q1",
        "enrollment_id": enrollment_id(),
        "reply_id": REPLY,
        "card_id": CARD,
        "body": "It has 120 rooms.",
        "approved_by": "kim",
        "to": "Jane@Corp.example",
        "mailbox_id": "anna",
        "thread": THREAD,
    }
    return AnswerReply(**(known | more))


def approved(story: Story, **more: Any) -> DueSend:
    (ask,) = asks(story.event(approval(**more)))
    return ask


def test_an_approved_answer_is_asked_for_as_a_touch_of_its_own_in_the_replys_thread() -> None:
    ask = approved(answered())
    assert (ask.step_id, ask.email, ask.domain, ask.mailbox_id) == (
        f"answer:{REPLY}",
        "jane@corp.example",
        "corp.example",
        "anna",
    )
    assert ask.send_id == ids.send_id(enrollment_id(), f"answer:{REPLY}")
    assert ask.content is not None
    assert (ask.content.subject, ask.content.body, ask.thread) == (None, "It has 120 rooms.", THREAD)


def test_it_passes_the_stops_of_its_own_reply_and_no_other() -> None:
    story = answered()
    story.event(reply(number=2))
    assert approved(story).after_stops == [f"reply:{REPLY}", f"replied:{enrollment_id()}"]


def test_approved_twice_or_told_twice_it_is_asked_for_once() -> None:
    story = answered()
    approved(story)
    assert asks(story.event(approval())) == []
    assert asks(story.event(approval(2))) == []


@pytest.mark.parametrize(
    ("outcome", "code", "kind", "told"),
    [
        ("sent", None, "sent", None),
        ("ambiguous", "connection_lost", "ambiguous", "connection_lost"),
        ("failed", "550 5.1.1", "failed", "550 5.1.1"),
        ("suppressed", "suppressed", "failed", "suppressed"),
        ("stopped", "reply", "failed", "stopped:reply"),
    ],
)
def test_what_became_of_it_is_told_once_with_its_card(outcome: str, code: str | None, kind: str, told: str) -> None:
    story = answered()
    done = result(approved(story), outcome, code=code)
    (fact,) = facts(story.event(done))
    assert (fact.type, fact.code, fact.status, fact.previous_status) == (kind, told, "replied", "replied")
    assert fact.data == {"answer": "approved", "reply_id": str(REPLY), "card_id": str(CARD)}
    assert story.event(done) == [Ignored("unknown_answer")]
    assert story.lead is not None
    assert (story.lead.answers, story.lead.facts) == ((), {}), "nothing personal is left"


def test_a_blocked_answer_that_is_approved_once_more_is_the_same_touch_and_its_end_is_another_fact() -> None:
    story = answered()
    first = approved(story)
    (blocked,) = facts(story.event(result(first, "failed", code="550 5.7.1")))
    second = approved(story, number=2)
    assert second.send_id == first.send_id
    assert second.ask_no > first.ask_no
    (again,) = facts(story.event(result(first, "failed", code="550 5.7.1")))
    assert again.event_id != blocked.event_id, "else the card would stay in the air"


@pytest.mark.parametrize("outcome", ["expired", "stale", "paused", "deferred"])
def test_what_passes_is_tried_again_under_a_higher_number(outcome: str) -> None:
    story = answered()
    ask = approved(story)
    story.event(result(ask, outcome, code="451 4.7.1"))
    again = story.next_ask()
    assert (again.send_id, again.content, again.thread) == (ask.send_id, ask.content, ask.thread)
    assert again.ask_no > ask.ask_no
    assert kinds(story.event(result(again))) == ["sent"]


def test_it_is_given_up_after_eight_deferrals() -> None:
    story = answered()
    ask = approved(story)
    for _ in range(7):
        story.event(result(ask, "deferred", code="451 4.7.1"))
        ask = story.next_ask()
    (fact,) = facts(story.event(result(ask, "deferred", code="451 4.7.1")))
    assert (fact.type, fact.code, fact.data["card_id"]) == ("failed", "451 4.7.1", str(CARD))


def test_an_answer_without_an_answer_is_asked_for_again_ever_more_rarely() -> None:
    story = answered()
    first = approved(story)
    times = [story.now]
    for _ in range(3):
        assert story.next_ask().send_id == first.send_id
        times.append(story.now)
    waits = [after - before for before, after in pairwise(times)]
    assert waits == sorted(waits)
    assert waits[0] < waits[-1]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"enrollment_id": UUID(int=1)}, "unknown_enrollment"),
        ({"campaign_id": "q9", "enrollment_id": enrollment_id("q9")}, "unknown_enrollment"),
        ({"mailbox_id": "gone"}, "unknown_mailbox"),
        ({"to": "nobody"}, "invalid_address"),
        ({"to": "a b\u2028@corp.example"}, "invalid_address"),
    ],
)
def test_what_cannot_be_sent_says_why_to_its_card(more: dict[str, Any], code: str) -> None:
    effects = answered().event(approval(**more))
    (fact,) = facts(effects)
    assert asks(effects) == []
    assert (fact.type, fact.code, fact.data["card_id"]) == ("failed", code, str(CARD))


def test_an_answer_moves_no_sequence_that_goes_on() -> None:
    story = answered()
    story.definitions = in_force(campaign(), campaign(campaign_id="q2"))
    (other,) = asks(story.event(enroll("q2", "enroll-2")))
    before = story.enrollment("q2")
    story.event(result(approved(story)))
    assert story.enrollment("q2") == before
    assert kinds(story.event(result(other))) == ["sent"]


# -- by itself ---------------------------------------------------------------------------------------------------------

WORDS = AutoReply(None, compile_template("Dear {{ first_name }}, we look into it.\n{{ unsubscribe_url }}"))
TO = AnswerTo(email="jane.doe@example.com", mailbox_id="anna", thread=THREAD)


def asked_for_status(story: Story, number: int = 1, **more: Any) -> list[DueSend]:
    said = disposition(more.pop("name", "NEEDS_MORE_INFO"), number=number)
    known: dict[str, Any] = {"category": "STATUS", "confidence": 0.97, "answer_to": TO}
    return asks(story.event(Disposition(**{**dict(said), **known, **more})))


def automatic(**more: Any) -> Story:
    story = Story(in_force(campaign(auto_replies={"STATUS": WORDS}, **more)))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    story.now = T0 + HOUR
    story.event(reply())
    return story


def test_a_campaigns_own_words_answer_a_category_with_the_values_of_the_lead() -> None:
    (ask,) = asked_for_status(automatic())
    assert (ask.step_id, ask.variant, ask.merge, ask.content) == ("answer:auto", "STATUS", {"first_name": "Jane"}, None)
    assert (ask.thread, ask.mailbox_id, ask.email) == (THREAD, "anna", "jane.doe@example.com")
    assert ask.after_stops == [f"reply:{REPLY}", f"replied:{enrollment_id()}"]


def test_a_thread_is_answered_once_by_itself() -> None:
    story = automatic()
    (ask,) = asked_for_status(story)
    assert facts(story.event(result(ask)))[0].data == {"answer": "auto", "reply_id": str(REPLY)}
    assert asked_for_status(story, number=2) == []


@pytest.mark.parametrize(
    "more",
    [
        {"confidence": 0.94},
        {"category": "SCHEDULING"},
        {"category": "CASE"},
        {"category": None},
        {"answer_to": None},
        *({"name": name} for name in sorted(NEVER_BY_ITSELF - {"BOUNCE"})),
    ],
)
def test_nothing_answers_by_itself_where_any_guard_fails(more: dict[str, Any]) -> None:
    assert asked_for_status(automatic(), **more) == []


def test_nothing_answers_by_itself_in_a_campaign_that_has_no_words_for_it() -> None:
    story = automatic()
    story.definitions = in_force(campaign())
    assert asked_for_status(story) == []


def test_an_automatic_answer_whose_words_are_taken_away_is_not_asked_for_again() -> None:
    story = automatic()
    (ask,) = asked_for_status(story)
    story.event(result(ask, "paused"))
    story.define(campaign())
    assert asks(story.after(30 * DAY)) == []
    assert story.lead is not None
    assert story.lead.answers == ()


def test_a_second_reply_takes_no_answer_back_that_is_out() -> None:
    """The gate stops it: leads hear of it by the result."""
    story = answered()
    ask = approved(story)
    story.now += MINUTE
    assert [w.send_id for w in withdrawals(story.event(reply(number=2)))] == []
    story.event(disposition("INTERESTED", number=2))
    (fact,) = facts(story.event(result(ask, "stopped", code="reply")))
    assert fact.code == "stopped:reply"


def test_the_answer_of_a_campaign_that_was_deleted_says_so() -> None:
    story = answered()
    story.definitions = replace(story.definitions, campaigns={})
    (fact,) = facts(story.event(approval()))
    assert fact.code == "unknown_campaign"
