"""What goes wrong in a fault run stands between its kills, all of it, however few they are."""

from collections import Counter

import pytest

from bench.chaos import Plan
from bench.faults import broken


@pytest.mark.parametrize("kills", [1, 2, 6, 12, 30])
def test_everything_planned_happens_after_one_of_the_kills(kills: int) -> None:
    between = Plan(kills).between_kills()
    assert Counter(other for others in between.values() for other in others) == {
        "broker": 2,
        "freeze": 1,
        "postgres": 1,
    }
    assert all(1 <= number <= kills for number in between)


def test_the_broker_is_not_restarted_twice_in_a_row() -> None:
    order = [other for _, others in sorted(Plan(30).between_kills().items()) for other in others]
    assert order == ["broker", "freeze", "postgres", "broker"]


def test_a_run_is_broken_by_each_promise_and_by_a_control_that_finds_nothing() -> None:
    clean = {"duplicates": 0, "lost": 0, "sent_after_stop": 0, "over_cap": 0, "recovered_p95_s": 12.0, "settled": True}
    assert broken(clean | {"control_duplicates": 3}) == []
    for name in ("duplicates", "lost", "sent_after_stop", "over_cap"):
        assert broken(clean | {name: 1}) == [name]
    assert broken(clean | {"recovered_p95_s": 30.1}) == ["recovered_p95_s"]
    assert broken(clean | {"settled": False}) == ["settled"]
    assert broken(clean | {"control_duplicates": 0}) == ["control_duplicates"]
