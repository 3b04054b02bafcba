"""What rules have made of a lead reads back as it was written, in few bytes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from domain.leads.tally import KIND_CODES, Tally, pack, unpack
from domain.scoring import Mark, Points
from tests.support.leads import T0

ENTRIES = [("q1", 1), ("q2", 1), ("q1", 2)]
CAMPAIGNS = st.sampled_from(["q1", "q2", "gone"])
RULES = st.sampled_from(["opened", "a b"])
SECONDS = st.integers(0, 4_000_000_000).map(lambda s: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
NUMBERS = st.integers(-1000, 1000).map(lambda n: n / 1000)
GIVEN = (CAMPAIGNS, RULES, st.integers(0, 9), st.integers(-9, 9))
NOT_FADING = st.builds(Points, *GIVEN, st.sampled_from(["", "0a1b2c"]), st.none(), st.just(0.0), st.none())
FADING = st.builds(Points, *GIVEN, st.just(""), st.just(7.5), NUMBERS, SECONDS)
MARKS = st.builds(
    Mark,
    CAMPAIGNS,
    st.integers(1, 2),
    st.sampled_from(sorted(KIND_CODES)),
    st.sampled_from(["intro", "nudge"]),
    SECONDS,
    st.none() | st.just("INTERESTED"),
    st.none() | NUMBERS,
)
TALLIES = st.builds(
    Tally,
    st.lists(NOT_FADING | FADING, max_size=3).map(tuple),
    st.lists(MARKS, max_size=3).map(tuple),
    st.none() | st.just("qualifie"),
    st.integers(0, 3),
)


@given(TALLIES)
def test_a_tally_reads_back_as_it_was_written(tally: Tally) -> None:
    assert unpack(from_json(to_json(pack(tally, ENTRIES))), ENTRIES) == tally


def test_an_open_and_its_points_take_few_bytes() -> None:
    opened = Tally((Points("q1", "email_opened", 1, 5),), (Mark("q1", 1, "opened", "intro", T0),))
    assert len(to_json(pack(opened, ENTRIES))) <= 70


def test_every_kind_of_mark_has_a_code_of_its_own() -> None:
    from domain.scoring import SAYS

    assert KIND_CODES.keys() == SAYS.keys()
    assert len(set(KIND_CODES.values())) == len(KIND_CODES)
