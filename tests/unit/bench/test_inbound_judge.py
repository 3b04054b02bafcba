"""The judge of answers is shown what it must find: a card twice, none, one nobody asked for, mail after a stop."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

from api.demo.judge import Accepted
from bench.faults import NOUGHT, broken
from bench.inbound import STOPPED_WITHIN, findings, repeated

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANSWERED = {"ann@x.example": ("interested", AT), "bo@x.example": ("not_now", AT), "cy@x.example": ("out_of_office", AT)}
CARDS = [("ann@x.example", "schedule_call")]
STATUSES = {"ann@x.example": "replied", "bo@x.example": "replied", "cy@x.example": "completed"}
TOUCH = Accepted("ann@x.example", "intro", "<m1>", "anna", AT, AT + STOPPED_WITHIN)
NOTHING: list[str] = []


def test_what_is_right_is_not_found() -> None:
    found = findings(ANSWERED, CARDS, STATUSES, [TOUCH])
    assert (found.cards_twice, found.cards_missing, found.stops_missed) == (NOTHING, NOTHING, NOTHING)


def test_a_card_twice_one_that_is_missing_and_one_too_many_are_found() -> None:
    assert findings(ANSWERED, CARDS * 2, STATUSES, []).cards_twice == ["ann@x.example schedule_call"]
    assert findings(ANSWERED, [], STATUSES, []).cards_missing == ["ann@x.example schedule_call"]
    too_many = [*CARDS, ("bo@x.example", "schedule_call"), ("ann@x.example", "reply_to_email")]
    assert findings(ANSWERED, too_many, STATUSES, []).cards_twice == [
        "ann@x.example reply_to_email", "bo@x.example schedule_call",
    ]  # fmt: skip


def test_mail_long_after_an_answer_and_a_sequence_that_goes_on_are_found() -> None:
    late = replace(TOUCH, step="nudge", accepted_wall=TOUCH.accepted_wall + timedelta(seconds=1))
    assert findings(ANSWERED, CARDS, STATUSES, [late]).stops_missed == ["ann@x.example nudge"]
    away = replace(late, recipient="cy@x.example")
    assert findings(ANSWERED, CARDS, STATUSES, [away]).stops_missed == NOTHING
    going_on = STATUSES | {"bo@x.example": "active"}
    assert findings(ANSWERED, CARDS, going_on, []).stops_missed == ["bo@x.example is active"]


def test_each_answer_comes_late_and_again_under_its_own_message_id_and_with_other_bytes() -> None:
    raw = b"Message-ID: <a@x.example>\r\nSubject: Re\r\n\r\nYes\r\n"
    ways = repeated(random.Random(7))
    copies = [ways(raw) for _ in range(50)]
    assert {len(one) for one in copies} == {2, 3, 4}
    assert all(one[0][1] == raw and all(hours >= one[0][0] for hours, _ in one) for one in copies)
    for one in copies:
        assert len({copy for _, copy in one}) == len(one)
        assert {message_from_bytes(copy)["Message-ID"] for _, copy in one} == {"<a@x.example>"}


def test_a_run_without_repeats_proves_nothing_of_them() -> None:
    good = dict.fromkeys(NOUGHT, 0) | {"answers": 9, "repeats": 12}
    assert broken(good) == NOTHING
    assert broken(good | {"repeats": 0}) == ["repeats"]
    assert broken(good | {"cards_twice": 1}) == ["cards_twice"]
