"""The lead's bytes lose nothing, and say first when it must be looked at."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.leads import codec
from domain.leads.state import MOVES, Answer, Enrollment, Hold, Lead, Parked, Touch
from tests.support.leads import T0, Story, asks, campaign, enroll, in_force

INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)
MAYBE = st.none() | INSTANTS


@st.composite
def touches(draw: st.DrawFn) -> Touch:
    state = draw(st.sampled_from(sorted(codec.TOUCH_CODES)))
    granted_at = draw(MAYBE)
    accepted_at = draw(MAYBE) if granted_at is not None else None
    flags = draw(st.tuples(*[st.booleans()] * 5))
    return Touch(draw(NAMES), state, granted_at, accepted_at, *flags)  # pyright: ignore[reportArgumentType]


ENROLLMENTS = st.builds(
    Enrollment,
    NAMES,
    st.integers(1, 9),
    NAMES,
    status=st.sampled_from(sorted(MOVES)),
    step_id=st.none() | NAMES,
    path=st.lists(NAMES, max_size=3).map(tuple),
    phase=st.sampled_from(sorted(codec.PHASE_CODES)),
    due_at=MAYBE,
    wake_at=MAYBE,
    base_at=MAYBE,
    ask_no=st.integers(0, 99),
    renewals=st.integers(0, 9),
    tries=st.integers(0, 9),
    tried_at=MAYBE,
    asked_variant=st.sampled_from(["a", "b", "random"]),
    variant=st.none() | st.just("b"),
    mailbox_id=st.none() | NAMES,
    subject=st.none() | NAMES,
    message_ids=st.lists(NAMES, max_size=3).map(tuple),
    touches=st.lists(touches(), max_size=4).map(tuple),
    holds=st.lists(st.builds(Hold, NAMES, MAYBE), max_size=2).map(tuple),
    frozen_at=MAYBE,
    after_stops=st.lists(NAMES, max_size=2).map(tuple),
    place_at=MAYBE,
)
ANSWERS = st.builds(
    Answer,
    st.just(asks(Story(in_force(campaign())).event(enroll()))[0]),
    st.sampled_from(["out", "retry"]),
    INSTANTS,
    NAMES,
    st.none() | NAMES,
    st.integers(0, 9),
    st.integers(0, 9),
    MAYBE,
)
LEADS = st.builds(
    Lead,
    st.dictionaries(NAMES, NAMES | st.integers() | st.booleans() | st.lists(NAMES), max_size=3),
    st.lists(ENROLLMENTS, max_size=3).map(tuple),
    st.lists(NAMES, max_size=3).map(tuple),
    st.lists(NAMES, max_size=2).map(tuple),
    st.lists(st.builds(Parked, st.just(enroll()), INSTANTS, st.integers(0, 9)), max_size=1).map(tuple),
    answers=st.lists(ANSWERS, max_size=2).map(tuple),
    replies=st.lists(NAMES, max_size=2).map(tuple),
)


@settings(deadline=None)
@given(LEADS)
def test_a_lead_reads_back_as_it_was_written_to_the_microsecond(lead: Lead) -> None:
    assert codec.decode(codec.encode(lead)) == lead


@settings(deadline=None)
@given(LEADS)
def test_when_it_must_be_looked_at_is_read_without_parsing_it(lead: Lead) -> None:
    wake_at = lead.wake_at
    assert codec.wake_s(codec.encode(lead)) == (None if wake_at is None else codec.seconds(wake_at))


@given(INSTANTS)
def test_a_timers_seconds_give_the_very_instant_back(at: datetime) -> None:
    assert codec.instant(codec.seconds(at)) == at


def test_a_finished_lead_is_a_stub_of_few_bytes() -> None:
    done = Enrollment("q1-brokers", 1, "0bf24abed5ed", "completed", ask_no=1, variant="a", mailbox_id="anna")
    sent = done._replace(touches=(Touch("intro", "sent", T0, T0 + timedelta(seconds=1)),))
    assert len(codec.encode(Lead({}, (sent,)))) < 150
