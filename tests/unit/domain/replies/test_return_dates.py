"""Return dates out of absence notices: read where they are sure, refused where they are not."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.dates import FARTHEST, return_at
from domain.replies.english import ENGLISH

RECEIVED = datetime(2026, 3, 3, 10, tzinfo=UTC)  # a Tuesday
STOCKHOLM = ZoneInfo("Europe/Stockholm")


def back(text: str, received: datetime = RECEIVED, zone: ZoneInfo = STOCKHOLM) -> str | None:
    instant = return_at(text, ENGLISH, received, zone)
    return None if instant is None else instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I will be back on Monday, 16 March 2026.", "2026-03-16"),
        ("I'm out of the office until March 14th and will reply then", "2026-03-14"),
        ("I’ll be back at my desk on the 9th of March", "2026-03-09"),
        ("returning 2026-03-20", "2026-03-20"),
        ("Return date: 17 March", "2026-03-17"),
        ("back on 25/12/2026", "2026-12-25"),
        ("I will return on Thursday", "2026-03-05"),
        ("I am back on Tuesday", "2026-03-10"),
        ("back next week", "2026-03-09"),
        ("back tomorrow", "2026-03-04"),
        ("I shall respond to your message when I return on Tue 10 Mar", "2026-03-10"),
        ("I will not return until 20-Mar-2026", "2026-03-20"),
    ],
)
def test_a_day_of_return_is_read(text: str, day: str) -> None:
    assert back(text) == f"{day} 09:00"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("away from 2 March to 13 March", "2026-03-14"),
        ("out from Monday 2 March until Friday 13 March", "2026-03-14"),
        ("I am away 3 - 14 March", "2026-03-15"),
        ("on leave through April 3, 2026.", "2026-04-04"),
        ("away up to and including 10 March", "2026-03-11"),
    ],
)
def test_after_the_last_day_away_comes_the_return(text: str, day: str) -> None:
    assert back(text) == f"{day} 09:00"


@pytest.mark.parametrize("text", ["back on 3/4/2026", "until 03/09/2026", "back 09.03.2026", "back on 5/6"])
def test_a_number_date_with_two_readings_is_refused(text: str) -> None:
    assert back(text) is None


def test_a_weekday_beside_a_number_date_decides_between_its_readings() -> None:
    assert back("back on Monday 4/5/2026") == "2026-05-04 09:00"  # 5 April is a Sunday


@pytest.mark.parametrize(
    "text", ["back on 3 February", "back on 3 January 2025", "back on 2 March", "back on 1 June 2029"]
)
def test_a_day_in_the_past_or_far_ahead_is_refused(text: str) -> None:
    assert back(text) is None


@pytest.mark.parametrize("text", ["back soon", "I am away", "back on 31 February", "back on 99/99/2026", ""])
def test_without_a_day_there_is_no_return(text: str) -> None:
    assert back(text) is None


def test_the_day_of_return_outranks_other_days() -> None:
    text = "Your mail of 2 April reached me while I am away until 10 March. I will be back on 12 March. Meeting on 9 March."
    assert back(text) == "2026-03-12 09:00"


def test_a_day_without_a_year_may_be_next_years() -> None:
    assert back("back on 4 January", datetime(2026, 12, 20, 8, tzinfo=UTC)) == "2027-01-04 09:00"


def test_nine_o_clock_is_the_writers_own() -> None:
    instant = return_at("back on 30 March", ENGLISH, RECEIVED, ZoneInfo("America/New_York"))
    assert instant == datetime(2026, 3, 30, 13, tzinfo=UTC)


@given(text=st.text(alphabet="back on until 0123456789/.-March Monday,\n", max_size=200))
def test_whatever_stands_there_the_return_is_ahead_and_near(text: str) -> None:
    instant = return_at(text, ENGLISH, RECEIVED, STOCKHOLM)
    assert instant is None or RECEIVED < instant <= RECEIVED + FARTHEST
