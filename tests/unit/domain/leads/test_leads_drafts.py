"""A touch that Claude writes waits for its words, takes them once, and gives them up with the sequence (1.4, 8.2)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import EmailStep, Writing
from domain.leads.effects import AskWriter, Effect
from schemas.drafts import DraftApproved, DraftOver, DraftRejected, DraftWanted
from schemas.enrollments import Exit, LeadData, Pause, Resume
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    SEQUENCE,
    T0,
    Story,
    asks,
    campaign,
    disposition,
    email,
    enroll,
    facts,
    in_force,
    kinds,
    reply,
    result,
)  # fmt: skip

BODY = "Hello Jane,\n\nan idea for Acme."


def written(step_id: str = "intro", next_id: str | None = "pause", **more: Any) -> EmailStep:
    return replace(email(step_id, next_id), writing=Writing("Say hello.", **more))


def story(**more: Any) -> Story:
    return Story(in_force(campaign((written(**more), *SEQUENCE[1:]))))


def requests(effects: Iterable[Effect]) -> list[DraftWanted | DraftOver]:
    return [effect.request for effect in effects if isinstance(effect, AskWriter)]


def wanted(effects: Iterable[Effect]) -> DraftWanted:
    (request,) = requests(effects)
    assert isinstance(request, DraftWanted)
    return request


def approved(request: DraftWanted, **more: Any) -> DraftApproved:
    words: dict[str, Any] = {"subject": "An idea", "body": BODY}
    return DraftApproved(**_of(request), **(words | more))


def rejected(request: DraftWanted, instead: Any = None) -> DraftRejected:
    return DraftRejected(**_of(request), instead=instead)


def _of(request: DraftWanted) -> dict[str, Any]:
    names = ("send_id", "lead_id", "campaign_id", "enrollment_id", "step_id")
    return {"event_id": "decided-1", "at": T0 + HOUR, **{name: getattr(request, name) for name in names}}


def test_a_touch_that_claude_writes_is_not_asked_for_before_its_words_are_there() -> None:
    tale = story()
    effects = tale.event(enroll())
    request = wanted(effects)
    assert asks(effects) == []
    assert (request.step_id, request.variant, request.merge) == ("intro", "a", {"first_name": "Jane"})
    assert request.person == {"first_name": "Jane", "last_name": "Doe", "company": "Acme"}
    (waiting,) = [fact for fact in facts(effects) if fact.type == "waiting"]
    assert waiting.code == "waiting_draft"
    assert tale.enrollment().status == "enrolled"


def test_approved_words_go_out_as_they_are_and_at_once() -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    tale.now = T0 + HOUR
    effects = tale.event(approved(request))
    (ask,) = asks(effects)
    assert [(fact.type, fact.code, fact.next_at) for fact in facts(effects)] == [
        ("waiting", "draft_approved", tale.now)
    ]
    assert ask.content is not None
    assert (ask.content.subject, ask.content.body) == ("An idea", BODY)
    assert ask.merge == {}
    assert (ask.send_id, ask.due_at) == (request.send_id, T0 + HOUR)


def test_a_second_approval_changes_nothing() -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    assert len(asks(tale.event(approved(request)))) == 1
    before = tale.value
    assert asks(tale.event(approved(request, body="Other words."))) == []
    assert tale.value == before
    tale.event(result(asks(tale.effects)[0]))
    assert asks(tale.event(approved(request))) == []


def test_what_is_asked_for_again_carries_the_same_words() -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    (ask,) = asks(tale.event(approved(request)))
    tale.event(result(ask, "deferred", code="451"))
    again = tale.next_ask()
    assert again.ask_no > ask.ask_no
    assert again.content == ask.content


def test_once_sent_the_words_are_forgotten_and_the_writer_hears_of_it() -> None:
    tale = story()
    (ask,) = asks(tale.event(approved(wanted(tale.event(enroll())))))
    effects = tale.event(result(ask))
    (over,) = requests(effects)
    assert isinstance(over, DraftOver)
    assert (over.send_id, over.outcome) == (ask.send_id, "sent")
    assert tale.enrollment().draft is None
    assert BODY.encode() not in (tale.value or b"")
    tale.after(3 * DAY)
    (following,) = asks(tale.effects)[1:]
    assert (following.step_id, following.content) == ("nudge", None)


def test_a_rejected_touch_is_skipped_and_the_sequence_goes_on() -> None:
    tale = story()
    effects = tale.event(rejected(wanted(tale.event(enroll()))))
    assert asks(effects) == []
    assert [(fact.type, fact.code) for fact in facts(effects)] == [("step_skipped", "draft_rejected")]
    assert tale.enrollment().step_id == "pause"
    assert tale.next_ask().step_id == "nudge"


@pytest.mark.parametrize(("on_reject", "instead"), [("template", None), ("skip", "template")])
def test_the_template_goes_where_the_campaign_or_the_reviewer_says_so(on_reject: str, instead: str | None) -> None:
    tale = story(on_reject=on_reject)
    request = wanted(tale.event(enroll()))
    (ask,) = asks(tale.event(rejected(request, instead)))
    assert (ask.content, ask.merge) == (None, {"first_name": "Jane"})
    assert requests(tale.event(result(ask))) == []


@pytest.mark.parametrize("ending", ["exit", "reply"])
def test_a_sequence_that_ends_needs_no_words_any_more(ending: str) -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    if ending == "exit":
        effects = tale.event(Exit(event_id="exit-1", lead_id=LEAD))
    else:
        tale.event(reply())
        effects = tale.event(disposition("INTERESTED"))
    (over,) = requests(effects)
    assert isinstance(over, DraftOver)
    assert (over.send_id, over.outcome) == (request.send_id, "dropped")
    assert asks(tale.event(approved(request))) == []


def test_words_that_are_approved_during_a_pause_go_out_when_it_ends() -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    tale.event(Pause(event_id="pause-1", lead_id=LEAD))
    assert asks(tale.event(approved(request))) == []
    tale.now += HOUR
    (ask,) = asks(tale.event(Resume(event_id="resume-1", lead_id=LEAD)))
    assert ask.content is not None


def test_a_paused_campaign_keeps_approved_words_for_later() -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    running = tale.definitions.campaigns["q1"]
    tale.define(replace(running, status="paused"))
    assert asks(tale.event(approved(request))) == []
    tale.now += HOUR
    (ask,) = asks(tale.define(running))
    assert ask.content is not None


def test_an_approval_that_comes_before_the_state_of_its_request_is_told_again_when_asked_again() -> None:
    """A crash between outputs and state: the request left, the state did not. It is made again, under the same send_id."""
    tale = story()
    request = wanted(tale.event(enroll()))
    lost = Story(tale.definitions)
    assert lost.event(approved(request)) != []  # only counted: the lead is not known
    assert lost.value is None
    again = wanted(lost.event(enroll()))
    assert again.send_id == request.send_id
    assert len(asks(lost.event(approved(again)))) == 1


def test_a_request_without_an_answer_is_made_again_after_a_long_time() -> None:
    tale = story()
    wanted(tale.event(enroll()))
    again = wanted(tale.after(8 * DAY))
    assert again.at == T0 + 7 * DAY
    assert kinds(tale.effects).count("waiting") == 1


def test_an_edit_that_lets_the_template_go_gives_the_words_up() -> None:
    tale = story()
    wanted(tale.event(enroll()))
    effects = tale.define(campaign(SEQUENCE, revision=2))
    assert [request.type for request in requests(effects)] == ["over"]
    (ask,) = asks(effects)
    assert ask.content is None


def test_an_edit_that_switches_the_step_off_skips_it_and_gives_the_words_up() -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    effects = tale.define(campaign((replace(written(), is_active=False), *SEQUENCE[1:]), revision=2))
    assert [one.type for one in requests(effects)] == ["over"]
    assert tale.enrollment().step_id == "pause"
    assert asks(tale.event(approved(request))) == []


def test_an_edit_that_removes_the_step_gives_the_words_up() -> None:
    tale = story()
    wanted(tale.event(enroll()))
    effects = tale.define(campaign((email("nudge"),), revision=2))
    assert [request.type for request in requests(effects)] == ["over"]
    (ask,) = asks(effects)
    assert ask.step_id == "nudge"


def test_a_follow_up_answers_in_its_thread() -> None:
    tale = Story(in_force(campaign((email("intro", "again"), written("again", None)))))
    (ask,) = asks(tale.event(enroll()))
    effects = tale.event(result(ask))
    request = wanted(effects)
    assert request.thread_subject == "Hello"
    (second,) = asks(tale.event(approved(request, subject=None)))
    assert second.content is not None
    assert second.content.subject is None
    assert second.thread is not None
    assert second.priority == 0


MOVES = ("approve", "approve other words", "reject", "template", "pause", "resume", "wait", "sent", "deferred", "exit")


@given(st.lists(st.sampled_from(MOVES), max_size=14))
def test_whatever_comes_in_whatever_order_only_what_was_decided_first_goes_out_and_once(moves: list[str]) -> None:
    tale = story()
    request = wanted(tale.event(enroll()))
    decided: list[str] = []
    for number, move in enumerate(moves):
        was_open = tale.enrollment().is_open and tale.enrollment().step_id == "intro"
        out = [ask for ask in asks(tale.effects) if ask.step_id == "intro"]
        if move in {"approve", "approve other words", "reject", "template"} and was_open and not decided:
            decided.append(move)
        match move:
            case "approve":
                tale.event(approved(request))
            case "approve other words":
                tale.event(approved(request, body="Other words."))
            case "reject" | "template":
                tale.event(rejected(request, "template" if move == "template" else None))
            case "pause":
                tale.event(Pause(event_id=f"pause-{number}", lead_id=LEAD))
            case "resume":
                tale.event(Resume(event_id=f"resume-{number}", lead_id=LEAD))
            case "exit":
                tale.event(Exit(event_id=f"exit-{number}", lead_id=LEAD))
            case "sent" | "deferred" if out:
                code = "451" if move == "deferred" else None
                tale.event(result(out[-1], move, at=max(tale.now, out[-1].at), code=code))
            case _:
                tale.after(HOUR)
    going = {ask.content.body if ask.content else "template" for ask in asks(tale.effects) if ask.step_id == "intro"}
    words = {"approve": BODY, "approve other words": "Other words.", "template": "template"}
    assert going <= {words[move] for move in decided if move in words}
    ended = [one for one in requests(tale.effects) if isinstance(one, DraftOver)]
    assert len(ended) <= 1


def test_addresses_are_never_told_and_long_facts_are_cut() -> None:
    attributes: dict[str, Any] = {f"note_{number}": "x" * 5_000 for number in range(40)} | {"bad": "a\x00b"}
    lead = LeadData(
        email="Jane@Example.com", phone="+46 70 1", timezone="Europe/Paris", company="Acme", attributes=attributes
    )
    steps = (replace(written(), variables=frozenset[str]()),)
    person = wanted(Story(in_force(campaign(steps))).event(enroll(lead=lead))).person
    assert not person.keys() & {"email", "phone", "timezone"}
    assert next(iter(person)) == "company"
    assert sum(len(str(value)) for value in person.values()) < 13_000
    assert person["bad"] == "ab"


def test_a_lead_that_uses_no_drafts_has_no_byte_more() -> None:
    tale = Story(in_force(campaign()))
    tale.event(enroll())
    assert b'"D"' not in (tale.value or b"")
    tale.after(MINUTE)
