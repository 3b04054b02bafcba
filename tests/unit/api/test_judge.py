"""The judge finds each kind of broken promise, and finds nothing where none was broken."""

from datetime import UTC, datetime, timedelta

import pytest

from api.demo.judge import Accepted, Stopped, Verdict, judge, max_in_rolling

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def accepted(
    recipient: str = "zoe@hotel.example",
    step: str = "intro",
    *,
    minute: float = 0,
    wall: float = 0,
    message_id: str = "",
    box: str = "anna",
) -> Accepted:
    return Accepted(
        recipient=recipient,
        step=step,
        message_id=message_id or f"<{recipient}-{step}>",
        mailbox=box,
        date=START + timedelta(minutes=minute),
        accepted_wall=START + timedelta(seconds=wall),
    )


def verdict(
    *messages: Accepted, expected: dict[str, frozenset[str]] | None = None, stopped: datetime | None = None
) -> Verdict:
    return judge(messages, expected or {}, {"zoe@hotel.example": [Stopped(stopped)]} if stopped else {})


def test_a_clean_record_has_no_findings() -> None:
    found = verdict(
        accepted(), accepted(step="nudge", minute=90), expected={"zoe@hotel.example": frozenset({"intro", "nudge"})}
    )
    assert (found.accepted, found.duplicates, found.lost, found.sent_after_stop, found.in_the_air) == (
        2,
        [],
        [],
        [],
        [],
    )
    assert found.max_in_rolling_hour == 1


def test_the_same_touch_under_two_message_ids_is_a_duplicate() -> None:
    assert verdict(accepted(), accepted(message_id="<other>")).duplicates == ["zoe@hotel.example intro"]


def test_the_same_message_id_twice_is_a_duplicate_even_when_the_touch_looks_different() -> None:
    found = verdict(accepted(message_id="<one>"), accepted(step="nudge", message_id="<one>"))
    assert found.duplicates == ["zoe@hotel.example intro", "zoe@hotel.example nudge"]


def test_a_touch_that_never_arrived_is_lost_unless_it_was_named_ambiguous() -> None:
    expected = {"zoe@hotel.example": frozenset({"intro", "nudge"})}
    assert verdict(accepted(), expected=expected).lost == ["zoe@hotel.example nudge"]
    named = frozenset({("zoe@hotel.example", "nudge")})
    assert judge([accepted()], expected, {}, named).lost == []


def test_what_arrives_within_two_seconds_of_a_stop_was_in_the_air_and_later_is_a_fault() -> None:
    assert verdict(accepted(wall=1), stopped=START).in_the_air == ["zoe@hotel.example intro"]
    late = verdict(accepted(wall=2.5), stopped=START)
    assert (late.in_the_air, late.sent_after_stop) == ([], ["zoe@hotel.example intro"])
    assert verdict(accepted(wall=-1), stopped=START).sent_after_stop == []


@pytest.mark.parametrize(("minutes", "most"), [([0, 30, 59.9], 3), ([0, 60], 1), ([0, 1, 60, 60.5], 3), ([], 0)])
def test_one_exactly_sixty_minutes_old_no_longer_counts(minutes: list[float], most: int) -> None:
    assert max_in_rolling(START + timedelta(minutes=m) for m in minutes) == most


def test_the_caps_of_the_campaign_and_of_each_mailbox_are_held_apart() -> None:
    found = verdict(*(accepted(f"{n}@x.example", minute=n, box="anna" if n % 2 else "marc") for n in range(10)))
    assert found.max_in_rolling_hour == 10
    assert found.over_cap(10, {"anna": 5, "marc": 5}) == 0
    assert found.over_cap(9, {"anna": 5, "marc": 3}) == 1 + 2


def test_what_arrives_after_a_release_is_no_fault_and_before_it_is() -> None:
    span = [Stopped(START, START + timedelta(seconds=60))]
    assert judge([accepted(wall=61)], {}, {"zoe@hotel.example": span}).sent_after_stop == []
    assert judge([accepted(wall=59)], {}, {"zoe@hotel.example": span}).sent_after_stop == ["zoe@hotel.example intro"]
