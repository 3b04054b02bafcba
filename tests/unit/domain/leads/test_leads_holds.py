"""Holds: none uses up a wait, each ends once, whatever overlaps (docs/behaviour.md 7.3, 7.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.enrollments import Pause, ReplyHandled, Resume
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
    facts,
    in_force,
    releases,
    reply,
    result,
)


@dataclass(frozen=True)
class Span:
    """Something that stands in the way from `start` to `end`."""

    kind: str
    start: datetime
    end: datetime


def begun() -> Story:
    """A lead an instant after its first touch: a wait of three days runs from T0."""
    story = Story(in_force(campaign()))
    (ask,) = asks(story.event(enroll()))
    story.event(result(ask))
    return story


def play(story: Story, spans: Sequence[Span]) -> list[datetime]:
    """Let it all happen, each at its instant; when the follow-up was asked for."""
    moments: list[tuple[datetime, int, str, int]] = []
    for number, span in enumerate(spans, start=1):
        moments.append((span.start, number, "begin", number))
        if span.kind != "away":
            moments.append((span.end, number, "end", number))
    open_pauses = 0
    for at, _, what, number in sorted(moments):
        story.until(at)
        span = spans[number - 1]
        if span.kind == "away":
            story.event(reply(number=number, at=at))
            story.event(disposition("OUT_OF_OFFICE", number=number, return_at=span.end))
        elif span.kind == "lead":
            kind = Pause if what == "begin" else Resume
            story.event(kind(event_id=f"{what} {number}", lead_id=LEAD, campaign_id="q1"))
        else:
            open_pauses += 1 if what == "begin" else -1
            story.define(campaign(status="paused" if open_pauses else "active"))
    story.until(T0 + 90 * DAY)
    return [ask.at for ask in asks(story.effects) if ask.step_id == "nudge" and ask.ask_no]


def expected(spans: Sequence[Span], *, timer_first: bool) -> datetime:
    """When three days have run that nothing held, and nothing is in the way. Step by step, so it is plainly right.

    `timer_first`: what falls due at the very instant at which something gets in its way comes before that.
    """
    left, now = 3 * DAY, T0
    held = [span for span in spans if span.kind in ("away", "lead")]
    while True:
        is_held = any(span.start <= now < span.end for span in held)
        begun = timedelta(microseconds=1) if timer_first else timedelta(0)
        if left <= timedelta(0) and not any(s.start + begun <= now < s.end for s in spans):
            return now
        now += MINUTE * 30
        left -= timedelta(0) if is_held else MINUTE * 30


HALF_HOURS = st.integers(1, 48 * 12)


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    found: list[Span] = []
    for kind in draw(st.lists(st.sampled_from(["away", "away", "lead", "campaign"]), max_size=5)):
        start = T0 + draw(HALF_HOURS) * 30 * MINUTE
        end = start + draw(HALF_HOURS) * 30 * MINUTE
        # A resume undoes every pause of its scope, so those of one lead do not overlap.
        if kind == "lead" and any(s.kind == "lead" and s.start <= end and start <= s.end for s in found):
            continue
        found.append(Span(kind, start, end))
    return found


@settings(deadline=None, max_examples=150)
@given(spans())
def test_no_hold_uses_up_a_wait_however_many_overlap(given_spans: list[Span]) -> None:
    story = begun()
    asked_at = play(story, given_spans)[0]
    assert asked_at in {expected(given_spans, timer_first=True), expected(given_spans, timer_first=False)}


@settings(deadline=None, max_examples=100)
@given(spans())
def test_every_hold_ends_once_and_frees_its_own_stop_once(given_spans: list[Span]) -> None:
    story = begun()
    play(story, given_spans)
    ended = [fact.event_id for fact in facts(story.effects) if fact.type in ("released", "resumed")]
    assert len(ended) == len(set(ended)) == sum(span.kind != "campaign" for span in given_spans)
    freed = [release.source_id for release in releases(story.effects) if release.enrollment_id is None]
    assert sorted(freed) == sorted(
        f"reply:{reply(number=number).reply_id}"
        for number, span in enumerate(given_spans, start=1)
        if span.kind == "away"
    )
    assert all(not e.holds for e in story.enrollments)


def test_a_wait_of_three_days_of_which_one_had_passed_goes_on_with_two() -> None:
    story = begun()
    assert play(story, [Span("away", T0 + DAY, T0 + 11 * DAY)])[0] == T0 + 13 * DAY


def test_a_second_reply_during_a_hold_holds_for_itself() -> None:
    """Back from a holiday, the person answers: the second reply ends the sequence, the first hold revives nothing."""
    story = begun()
    story.now = T0 + HOUR
    story.event(reply(number=1))
    story.event(disposition("OUT_OF_OFFICE", number=1, return_at=T0 + 5 * DAY))
    story.now = T0 + 2 * DAY
    story.event(reply(number=2))
    story.event(disposition("INTERESTED", number=2))
    assert asks(story.after(30 * DAY)) == []
    assert story.enrollment().status == "replied"


def test_an_absence_that_is_judged_after_a_newer_answer_revives_nothing() -> None:
    story = begun()
    story.now = T0 + HOUR
    story.event(reply(number=1))
    story.event(reply(number=2))
    story.event(disposition("NOT_INTERESTED", number=2))
    story.event(disposition("OUT_OF_OFFICE", number=1, return_at=T0 + DAY))
    assert asks(story.after(30 * DAY)) == []
    assert story.enrollment().status == "replied"


def test_what_an_older_reply_is_judged_to_be_is_not_the_leads_latest_disposition() -> None:
    story = begun()
    story.event(reply(number=1))
    story.event(reply(number=2))
    story.event(disposition("INTERESTED", number=2))
    story.event(disposition("OUT_OF_OFFICE", number=1))
    assert story.lead is not None
    assert story.lead.disposition == "INTERESTED"
    story.event(disposition("NOT_INTERESTED", number=3))
    assert story.lead is not None
    assert story.lead.disposition == "NOT_INTERESTED"


def test_replies_judged_in_their_order_leave_the_last_ones_disposition() -> None:
    story = begun()
    for number, name in enumerate(["OUT_OF_OFFICE", "AUTOMATED", "INTERESTED"], start=1):
        story.event(reply(number=number))
        story.event(disposition(name, number=number))
        assert story.lead is not None
        assert story.lead.disposition == name


def test_people_who_are_done_with_a_reply_end_its_hold_once_and_no_other() -> None:
    story = Story(in_force(campaign(), campaign(campaign_id="q2")))
    (ask,) = asks(story.event(enroll()))
    story.event(enroll("q2", "enroll-2"))
    story.event(result(ask))
    for number in (1, 2):
        story.event(reply(number=number))
        story.event(disposition("INTERESTED", number=number))
    done = ReplyHandled(event_id="card-1", lead_id=LEAD, reply_id=reply(number=1).reply_id)
    assert asks(story.event(done)) == [], "the other reply's card is open"
    assert facts(story.event(done)) == []
    (again,) = asks(story.event(done.model_copy(update={"event_id": "2", "reply_id": reply(number=2).reply_id})))
    assert again.campaign_id == "q2"
