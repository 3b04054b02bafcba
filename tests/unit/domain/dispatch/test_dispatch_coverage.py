"""Which time a tick covers, and how far a worker's own clock is followed."""

from datetime import timedelta

from domain.dispatch.coverage import Coverage
from tests.support.dispatching import MONDAY

SECOND = timedelta(seconds=1)


def test_before_the_first_tick_nothing_is_decided_and_all_time_before_it_was_missed():
    coverage = Coverage()
    assert coverage.decide(MONDAY, MONDAY) is None
    coverage.tick(MONDAY, MONDAY)
    assert coverage.decide(MONDAY, MONDAY) == (MONDAY, True)


def test_between_ticks_the_workers_clock_is_followed_and_no_time_is_missed():
    coverage = Coverage()
    coverage.tick(MONDAY, MONDAY)
    coverage.decide(MONDAY, MONDAY)
    assert coverage.decide(MONDAY + 3600 * SECOND, MONDAY + SECOND) == (MONDAY + 3600 * SECOND, False)


def test_a_clock_more_than_a_minute_past_the_last_tick_is_not_followed():
    coverage = Coverage()
    coverage.tick(MONDAY, MONDAY)
    assert coverage.decide(MONDAY + 60 * SECOND, MONDAY + 60 * SECOND) == (MONDAY + 60 * SECOND, True)
    assert coverage.decide(MONDAY + 61 * SECOND, MONDAY + 61 * SECOND) == (MONDAY, False)


def test_an_older_tick_takes_nothing_back():
    coverage = Coverage()
    coverage.tick(MONDAY + 100 * SECOND, MONDAY + 100 * SECOND)
    coverage.tick(MONDAY, MONDAY)
    assert coverage.decide(MONDAY + 110 * SECOND, MONDAY + 110 * SECOND) == (MONDAY + 110 * SECOND, True)


def test_after_more_than_ten_seconds_without_a_decision_the_time_between_was_missed():
    coverage = Coverage()
    coverage.tick(MONDAY, MONDAY)
    coverage.decide(MONDAY, MONDAY)
    later = MONDAY + 10 * SECOND
    assert coverage.decide(later, later) == (later, False)
    later += 11 * SECOND
    assert coverage.decide(later, later) == (later, True)
