"""What follows from a touch's outcome (docs/behaviour.md 4.3, 7.7)."""

from itertools import pairwise
from typing import Any, get_args

import pytest

from domain.leads import asking
from domain.leads.effects import Effect, Policy
from domain.leads.results import FAILURES, OUTCOMES
from domain.replies.bounces import BOUNCE_CODES
from schemas.enrollments import Exit, Pause, Resume
from schemas.sending import DueSend, Outcome
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
    email,
    enroll,
    facts,
    hit,
    in_force,
    kinds,
    proofs,
    reply,
    result,
    stops,
    wait,
    withdrawals,
)

AGAIN = ["expired", "stale", "paused", "stopped", "deferred"]


def started(**more: Any) -> tuple[Story, DueSend]:
    story = Story(in_force(campaign(**more)))
    (ask,) = asks(story.event(enroll()))
    return story, ask


def test_every_outcome_of_the_contract_has_its_row() -> None:
    assert set(OUTCOMES) == set(get_args(Outcome))
    assert set(FAILURES) == {kind for _, kind in BOUNCE_CODES} | {None}


def test_a_sent_touch_makes_the_enrollment_active_and_its_result_again_changes_nothing() -> None:
    story, ask = started()
    effects = story.event(result(ask))
    assert [(f.type, f.previous_status, f.status) for f in facts(effects)] == [("sent", "enrolled", "active")]
    before = story.value
    assert story.event(result(ask)) == []
    assert story.value == before


def test_the_follow_up_carries_the_thread_and_the_mailbox_of_what_was_sent() -> None:
    story, ask = started()
    story.event(result(ask, mailbox_id="bo", subject="Re: Hello"))
    second = story.next_ask()
    assert second.thread is not None
    assert (second.thread.subject, second.thread.message_ids) == ("Hello", ["<intro@sender.example>"])
    assert (second.mailbox_id, second.priority) == ("bo", 0)


@pytest.mark.parametrize("outcome", AGAIN)
def test_only_leads_ask_again_each_time_later_and_with_a_higher_number(outcome: str) -> None:
    story, ask = started()
    delays = []
    for _ in range(4):
        told = story.event(result(ask, outcome, at=story.now))
        assert asks(told) == []
        was = story.now
        again = story.next_ask()
        delays.append(again.at - was)
        assert (again.send_id, again.ask_no) == (ask.send_id, ask.ask_no + 1)
        ask, story.now = again, again.at
    assert all(later > sooner for sooner, later in pairwise(delays))


@pytest.mark.parametrize("outcome", AGAIN)
def test_an_old_answer_never_makes_a_second_ask(outcome: str) -> None:
    story, ask = started()
    old = result(ask, outcome)
    story.event(old)
    before = story.value
    assert story.event(old) == []
    assert story.value == before
    again = story.next_ask()
    story.now = again.at
    assert story.event(old) == []
    assert story.enrollment().phase == "out"


def test_an_answer_to_an_ask_whose_state_was_lost_is_believed() -> None:
    story, ask = started()
    late = result(ask.model_copy(update={"ask_no": 7}), "expired")
    story.event(late)
    again = story.next_ask()
    assert again.ask_no == 8


def test_eight_deferrals_fail_the_touch_and_end_the_sequence() -> None:
    story, ask = started()
    effects: list[Effect] = []
    for number in range(1, asking.TRIES + 1):
        effects = story.event(result(ask, "deferred", at=story.now, code="451 4.7.1"))
        if number < asking.TRIES:
            assert kinds(effects) == ["deferred"]
            ask = story.next_ask()
            story.now = ask.at
            assert ask.attempt == number + 1
    assert kinds(effects) == ["failed"]
    assert story.enrollment().status == "failed"


def test_seven_back_offs_fit_into_forty_eight_hours_whatever_the_jitter() -> None:
    longest = sum((asking.FIRST_DEFERRAL * 2**n * 1.2 for n in range(asking.TRIES - 1)), start=0 * MINUTE)
    assert longest <= asking.TRIES_WITHIN


def test_deferrals_over_more_than_forty_eight_hours_fail_the_touch_before_the_eighth() -> None:
    story, ask = started()
    story.event(result(ask, "deferred", at=T0))
    again = story.next_ask()
    assert kinds(story.event(result(again, "deferred"), at=T0 + 3 * DAY)) == ["failed"]


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("550 5.1.1", "bounced", "bounced"),
        ("550 5.2.1", "bounced", "bounced"),
        ("550 5.1.8", "failed", "failed"),
        ("550 5.7.1", "failed", "failed"),
        ("554", "failed", "failed"),
        ("missing_variable:first_name", "failed", "failed"),
        ("invalid_address", "failed", "failed"),
    ],
)
def test_a_failed_touch_ends_the_sequence_by_what_its_code_means(code: str, status: str, kind: str) -> None:
    story, ask = started()
    effects = story.event(result(ask, "failed", code=code))
    assert kinds(effects) == [kind]
    assert story.enrollment().status == status
    assert asks(story.after(30 * DAY)) == []


def test_a_full_mailbox_fails_the_touch_only() -> None:
    story, ask = started()
    assert kinds(story.event(result(ask, "failed", code="552 5.2.2"))) == ["failed"]
    assert story.next_ask().step_id == "nudge"


@pytest.mark.parametrize(("code", "status"), [("duplicate_address", "exited"), ("suppressed", "unsubscribed")])
def test_a_suppressed_touch_ends_the_sequence(code: str, status: str) -> None:
    story, ask = started()
    story.event(result(ask, "suppressed", code=code))
    assert story.enrollment().status == status


def test_an_ambiguous_touch_is_taken_for_sent_where_the_campaign_says_so_and_never_asked_for_again() -> None:
    story, ask = started()
    effects = story.event(result(ask, "ambiguous"))
    assert [(f.type, f.status) for f in facts(effects)] == [("ambiguous", "active")]
    second = story.next_ask()
    assert second.step_id == "nudge"


def test_a_follow_up_to_a_touch_that_was_reported_without_its_subject_stands_in_a_thread_all_the_same() -> None:
    sequence = (
        email("intro", "pause", subject="About {{ company }}"),
        wait("pause", "nudge"),
        email("nudge", subject=None),
    )
    story, ask = started(steps=sequence)
    story.event(result(ask, "ambiguous", subject=None, message_id="<a.b@c>"))
    thread = story.next_ask().thread
    assert thread is not None
    assert (thread.subject, thread.message_ids) == ("About Acme", ["<a.b@c>"])


def test_an_ambiguous_touch_is_held_where_the_campaign_says_so_until_a_hit_settles_it() -> None:
    story, ask = started(on_ambiguous="hold")
    effects = story.event(result(ask, "ambiguous"))
    assert kinds(effects) == ["ambiguous", "held"]
    assert asks(story.after(30 * DAY)) == []
    assert proofs(effects) == []
    settled = story.event(hit(at=story.now))
    assert kinds(settled) == ["sent", "released", "opened"]
    assert proofs(settled) == [ask.send_id]
    assert proofs(story.event(hit(at=story.now, event_id="hit-2"))) == []
    assert story.enrollment().status == "active"
    second = story.next_ask()
    assert second.step_id == "nudge"


def test_a_bounce_report_settles_an_ambiguous_touch_too() -> None:
    story, ask = started(on_ambiguous="hold")
    story.event(result(ask, "ambiguous"))
    effects = story.event(disposition("BOUNCE", bounce=("hard", "5.1.1")))
    assert kinds(effects)[0] == "sent"
    assert proofs(effects) == [ask.send_id]
    assert story.enrollment().status == "bounced"


def test_a_hit_before_the_ambiguous_result_proves_that_it_arrived() -> None:
    story, ask = started()
    story.event(hit())
    effects = story.event(result(ask, "ambiguous"))
    assert (kinds(effects), proofs(effects)) == (["sent"], [ask.send_id])
    touch = story.enrollment().touch("intro")
    assert touch is not None
    assert (touch.state, touch.opened) == ("sent", True)


@pytest.mark.parametrize(
    "sign",
    [reply(), disposition("AUTOMATED"), hit(user_agent="GoogleImageProxy"), hit(method="HEAD")],
    ids=["reply", "disposition", "proxy", "head"],
)
def test_any_sign_of_a_touch_that_overtakes_its_ambiguous_result_proves_it(sign: Any) -> None:
    story, ask = started(on_ambiguous="hold")
    story.event(sign)
    effects = story.event(result(ask, "ambiguous"))
    assert (kinds(effects), proofs(effects)) == (["sent"], [ask.send_id])


def test_a_touch_sent_after_the_exit_is_told_and_changes_no_status() -> None:
    story, ask = started()
    story.event(Exit(event_id="x", lead_id=LEAD))
    effects = story.event(result(ask))
    assert [(f.type, f.previous_status, f.status) for f in facts(effects)] == [("sent", "exited", "exited")]
    assert asks(story.after(30 * DAY)) == []


def test_a_touch_without_an_answer_is_asked_for_again_ever_more_rarely() -> None:
    story, ask = started()
    again = asks(story.after(30 * DAY))
    gaps = [later.at - sooner.at for sooner, later in zip([ask, *again], again, strict=False)]
    assert gaps[0] == HOUR
    assert gaps == sorted(gaps)
    assert len(again) <= 8
    assert [a.ask_no for a in again] == list(range(2, len(again) + 2))


def test_a_touch_that_is_asked_for_again_after_a_silence_keeps_its_place_in_the_queue() -> None:
    story, ask = started()
    again = asks(story.after(30 * DAY))
    assert len(again) > 2
    assert {one.due_at for one in again} == {ask.due_at}
    assert [one.at for one in again] == sorted({one.at for one in again}), "only when it was asked for is later"


def test_a_touch_that_waited_for_the_launch_keeps_its_place_however_late_it_was_asked_for() -> None:
    story = Story(in_force(campaign(status="paused")))
    story.event(enroll())
    story.until(T0 + 2 * HOUR)
    (ask,) = asks(story.define(campaign()))
    assert (ask.due_at, ask.at) == (T0, T0 + 2 * HOUR)
    assert {one.due_at for one in asks(story.after(3 * DAY))} == {T0}


@pytest.mark.parametrize("outcome", AGAIN)
def test_a_touch_that_was_turned_away_or_deferred_keeps_its_place_too(outcome: str) -> None:
    """A server's deferral may be tried for 48 hours: at the end of a backlog of days there would be no second try."""
    story, ask = started()
    story.event(result(ask, outcome, at=T0 + MINUTE))
    again = story.next_ask()
    assert (again.due_at, again.at > T0 + MINUTE) == (T0, True)
    story.now = again.at
    assert [one.due_at for one in asks(story.after(5 * HOUR))][:1] == [T0], "and after a silence that follows"


def test_the_next_touch_has_its_own_place() -> None:
    story, _ = started()
    (again,) = asks(story.after(2 * HOUR))
    story.event(result(again, granted_at=story.now))
    assert story.enrollment().place_at is None
    second = story.next_ask()
    assert second.due_at == second.at == T0 + 2 * HOUR + 3 * DAY


@pytest.mark.parametrize("deferred", [True, False])
def test_a_touch_that_a_hold_took_back_is_due_when_the_hold_ends(deferred: bool) -> None:
    story, _ = started()
    (ask,) = asks(story.after(2 * HOUR))
    if deferred:
        story.event(result(ask, "deferred", at=story.now), at=story.now)
    story.event(Pause(event_id="p", lead_id=LEAD), at=story.now)
    story.now += 5 * DAY
    (again,) = asks(story.event(Resume(event_id="r", lead_id=LEAD), at=story.now))
    assert again.due_at == story.now


# --- an answer to an older ask ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("outcome", AGAIN)
def test_what_became_of_an_older_ask_after_the_newest_was_made_is_believed(outcome: str) -> None:
    """The older grant was on its way, so the newer was answered `unused` and has no result of its own."""
    story, first = started()
    (second,) = asks(story.after(HOUR))
    story.event(result(first, outcome, at=story.now + MINUTE), at=story.now + MINUTE)
    third = story.next_ask()
    assert third.ask_no > second.ask_no
    assert third.at - second.at < HOUR, "soon, and not after the next silence of hours"


def test_the_newer_ask_is_taken_back_before_the_back_off_of_the_older_begins() -> None:
    story, first = started()
    (second,) = asks(story.after(HOUR))
    effects = story.event(result(first, "deferred", at=story.now + MINUTE), at=story.now + MINUTE)
    (taken,) = [one for one in withdrawals(effects) if one.send_id == first.send_id]
    assert taken.ask_no > second.ask_no
    assert story.next_ask().ask_no > taken.ask_no


@pytest.mark.parametrize("outcome", AGAIN)
def test_what_became_of_an_older_ask_before_the_newest_was_made_changes_nothing(outcome: str) -> None:
    """Then the ledger lets the newer grant in, and its own result will come; or this is a repeat of what is known."""
    story, first = started()
    asks(story.after(HOUR))
    before = story.value
    assert story.event(result(first, outcome, at=story.now - MINUTE), at=story.now + MINUTE) == []
    assert story.value == before


@pytest.mark.parametrize("outcome", AGAIN)
def test_an_older_answer_that_is_told_again_is_counted_once(outcome: str) -> None:
    story, first = started()
    asks(story.after(HOUR))
    late = result(first, outcome, at=story.now + MINUTE)
    story.event(late, at=story.now + MINUTE)
    for _ in range(asking.TRIES + 1):
        before = story.value
        assert story.event(late) == []
        assert story.value == before
        story.now = story.next_ask().at
    assert story.enrollment().is_open


def test_a_touch_that_an_older_asks_last_deferral_fails_is_taken_back() -> None:
    story, ask = started()
    for _ in range(1, asking.TRIES):
        story.event(result(ask, "deferred", at=story.now))
        ask = story.next_ask()
        story.now = ask.at
    (newer,) = asks(story.after(HOUR))
    effects = story.event(result(ask, "deferred", at=story.now + MINUTE), at=story.now + MINUTE)
    assert kinds(effects) == ["failed"]
    assert [one.ask_no > newer.ask_no for one in withdrawals(effects) if one.send_id == ask.send_id] == [True]


def test_a_touch_that_left_for_its_older_ask_is_never_asked_for_again() -> None:
    story, first = started()
    (second,) = asks(story.after(HOUR))
    story.event(result(first, "expired", at=story.now + MINUTE), at=story.now + MINUTE)
    story.event(result(second, granted_at=story.now + 2 * MINUTE))
    assert story.next_ask().step_id == "nudge"


def test_a_fast_clock_asks_again_no_sooner_than_a_minute_of_wall_time() -> None:
    assert Policy.at_rate(3600).silence == 60 * HOUR
    assert Policy.at_rate(1).silence == HOUR
    assert Policy.at_rate(3600).unknown_campaign == 600 * HOUR


def test_a_result_of_an_unknown_enrollment_is_ignored() -> None:
    story, ask = started()
    stranger = result(ask, enrollment_id="5c663a4f-d0e1-5cc0-933a-083f4958f2b1")
    assert [type(e).__name__ for e in story.event(stranger)] == ["Ignored"]


def test_a_natural_end_needs_no_stop_in_the_ledger() -> None:
    story = Story(in_force(campaign([email("intro")])))
    (ask,) = asks(story.event(enroll()))
    effects = story.event(result(ask))
    assert kinds(effects) == ["sent", "completed"]
    assert stops(effects) == []
    assert withdrawals(effects) == []
