"""Why a touch was or was not sent, from facts and from where the lead stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.campaign import Campaign, Definitions
from domain.compile import compile_definitions
from domain.explaining import WORDS, Standing, Told, Touch, ended_by, stands_now, stood_at, touches, with_own
from domain.leads.state import Enrollment, Hold
from domain.leads.state import Touch as Remembered
from schemas.definitions import Definition

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
EMAIL: dict[str, Any] = {"kind": "email", "subject": "Spring", "body": "Hello"}
STEPS: list[dict[str, Any]] = [
    {"id": "intro", **EMAIL},
    {
        "id": "seen",
        "kind": "condition",
        "when": {"event": "opened", "step": "intro"},
        "within": {"days": 2},
        "true_next_step_id": "nudge",
        "false_next_step_id": "again",
    },
    {"id": "nudge", **EMAIL, "next_step_id": "ring"},
    {"id": "again", **EMAIL, "next_step_id": "ring"},
    {"id": "ring", "kind": "call", "title": "Ring", "queue": "sales", "due": {"days": 1}},
    {"id": "pause", "kind": "wait", "duration": 1, "unit": "days"},
    {"id": "last", **EMAIL},
]


def defined(status: str = "active", **changes: Any) -> Definitions:
    mailbox = {
        "kind": "Mailbox",
        "id": "anna",
        "pool": "main",
        "from": "Anna <anna@sender.example>",
        "postal_address": "Storgatan 1",
        "smtp": {"host": "127.0.0.1", "port": 2525, "security": "none"},
    }
    campaign = {
        "kind": "Campaign",
        "id": "spring",
        "name": "Spring",
        "pool": "main",
        "mailboxes": ["anna"],
        "steps": STEPS,
        **changes,
    }
    made, problems = compile_definitions(
        [
            Definition(kind="mailbox", id="anna", revision=1, spec=mailbox, at=NOW),
            Definition(kind="campaign", id="spring", revision=1, spec=campaign, status=status, at=NOW),  # type: ignore[arg-type]
        ]
    )
    assert problems == []
    return made


def campaign(status: str = "active", **changes: Any) -> Campaign:
    return defined(status, **changes).campaigns["spring"]


def told(kind: str, step_id: str | None = None, status: str = "active", **more: Any) -> Told:
    return Told(kind, more.pop("at", NOW), step_id, status, more.pop("code", None), event_id=f"e-{kind}", **more)


ENROLLED = told("enrolled", status="enrolled")
SENT = told("sent", "intro", mailbox_id="anna", variant="b")


def states(found: list[Touch]) -> dict[str, str]:
    return {touch.step_id: touch.state for touch in found}


def test_what_was_sent_is_done_both_ways_of_an_open_condition_wait_and_the_rest_is_ahead() -> None:
    found = touches(campaign(), [ENROLLED, SENT], Standing("seen", "condition", NOW + timedelta(days=2)))
    assert states(found) == {
        "intro": "done",
        "nudge": "waiting",
        "again": "waiting",
        "ring": "ahead",
        "last": "ahead",
    }
    assert (found[0].mailbox_id, found[0].variant, found[0].at) == ("anna", "b", NOW)
    assert (found[1].code, found[1].until, found[1].why) == ("condition", NOW + timedelta(days=2), WORDS["condition"])


def test_the_way_that_was_not_taken_is_skipped_and_the_touch_after_an_open_task_waits_for_it() -> None:
    facts = [ENROLLED, SENT, told("sent", "nudge"), told("task_due", "ring")]
    found = touches(campaign(), facts, Standing("ring", "task", NOW + timedelta(days=1)))
    assert states(found) == {"intro": "done", "nudge": "done", "again": "skipped", "ring": "done", "last": "waiting"}
    assert found[2].code == "another_way"


def test_what_a_reply_stopped_says_so_with_its_event() -> None:
    reply = told("replied", "intro", "replied", code="INTERESTED")
    found = touches(campaign(), [ENROLLED, SENT, reply], None)
    assert states(found) == {
        "intro": "done",
        "nudge": "stopped",
        "again": "stopped",
        "ring": "stopped",
        "last": "stopped",
    }
    assert (found[1].code, found[1].why, found[1].by) == (
        "INTERESTED",
        "stopped: replied (INTERESTED)",
        "replied e-replied",
    )
    assert ended_by([ENROLLED, SENT, reply]) is reply


def test_a_sequence_that_came_to_its_end_stopped_nothing_and_one_whose_campaign_was_closed_did() -> None:
    done = [ENROLLED, SENT, told("sent", "nudge"), told("task_due", "ring"), told("sent", "last")]
    natural = touches(campaign(), [*done, told("completed", status="completed")], None)
    assert states(natural)["again"] == "skipped"
    closed = touches(campaign(), [ENROLLED, told("completed", status="completed", code="campaign_closed")], None)
    assert set(states(closed).values()) == {"stopped"}


def test_a_touch_that_failed_or_whose_fate_nobody_knows_or_that_was_skipped_is_named_so() -> None:
    facts = [
        ENROLLED,
        told("ambiguous", "intro"),
        told("step_skipped", "again", code="conditions"),
        told("failed", "nudge", code="552 5.2.2 mailbox full"),
    ]
    found = states(touches(campaign(), facts, Standing("pause", "wait", NOW)))
    assert (found["intro"], found["again"], found["nudge"]) == ("unknown", "skipped", "failed")
    settled = states(
        touches(campaign(), [*facts, told("sent", "intro", code="settled")], Standing("pause", "wait", NOW))
    )
    assert settled["intro"] == "done"


def test_a_touch_of_a_step_that_an_edit_removed_is_still_told() -> None:
    found = touches(campaign(), [ENROLLED, told("sent", "gone"), SENT], Standing("seen", "condition"))
    assert (found[0].step_id, found[0].kind) == ("gone", "removed")


def at_step(step_id: str, phase: Any, **changes: Any) -> Enrollment:
    return Enrollment("spring", 1, "cause", "active", step_id, (), phase, NOW + timedelta(hours=3))._replace(**changes)


def test_where_it_stands_now_is_read_from_the_lead() -> None:
    one, later = campaign(), NOW + timedelta(hours=3)
    assert stands_now(at_step("pause", "wait"), one, [], None) == Standing("pause", "wait", later)
    assert stands_now(at_step("last", "out"), one, [], None) == Standing("last", "asked")
    limit = Standing("last", "campaign_hour", later, 12)
    assert stands_now(at_step("last", "out"), one, [], limit) is limit
    deferred = told("deferred", "last", code="451")
    assert stands_now(at_step("last", "retry"), one, [deferred], None) == Standing("last", "deferred", later)
    tired = told("waiting", "last", code="fatigue")
    assert stands_now(at_step("last", "retry"), one, [deferred, tired], None) == Standing("last", "fatigue", later)
    held = at_step("last", "out", holds=(Hold("reply:1"), Hold("pause:2", later)), status="paused")
    assert stands_now(held, one, [], None) == Standing("last", "reply", None)
    assert stands_now(at_step("last", "out"), campaign("paused"), [], limit) == Standing("last", "campaign_paused")


@pytest.mark.parametrize("code", ["stopped", "paused", "expired", "stale"])
def test_what_was_turned_away_when_it_was_to_leave_says_so_and_not_what_dispatch_means_by_that_word(code: str) -> None:
    turned = told("waiting", "last", code=code, next_at=NOW + timedelta(hours=3))
    now = stands_now(at_step("last", "retry"), campaign(), [turned], None)
    then = stood_at(campaign(), defined(), [ENROLLED, turned], NOW)
    assert then is not None
    for standing in (now, then[0]):
        assert (standing.code, standing.until) == (code, NOW + timedelta(hours=3))
        assert standing.why.endswith(("it is asked for again", "once the stop is released"))


def test_where_it_stood_then_is_read_from_the_last_fact_that_says_so() -> None:
    definitions = defined()
    one = definitions.campaigns["spring"]

    def then(facts: list[Told], at: datetime = NOW) -> Standing | None:
        stood = stood_at(one, definitions, facts, at)
        return stood[0] if stood is not None else None

    assert then([]) is None
    assert then([ENROLLED]) == Standing("intro", "due", NOW)
    assert then([ENROLLED, SENT]) == Standing("seen", "condition", NOW + timedelta(days=2))
    assert then([ENROLLED, SENT], NOW + timedelta(days=3)) == Standing("again", "due", NOW + timedelta(days=2))
    task = told("task_due", "ring", next_at=NOW + timedelta(days=1))
    assert then([ENROLLED, SENT, task]) == Standing("ring", "task", NOW + timedelta(days=1))
    away = told("held", status="paused", code="out_of_office", next_at=NOW + timedelta(days=7))
    assert then([ENROLLED, SENT, away]) == Standing("seen", "out_of_office", NOW + timedelta(days=7))
    late = told("deferred", "intro", code="451", next_at=NOW + timedelta(minutes=15))
    assert then([ENROLLED, late]) == Standing("intro", "deferred", NOW + timedelta(minutes=15))


def test_what_the_read_models_have_not_heard_of_yet_is_told_from_the_lead() -> None:
    e = at_step("pause", "wait", touches=(Remembered("intro", "sent", NOW), Remembered("again", "sent", NOW)))
    found = states(touches(campaign(), with_own([ENROLLED, SENT], e, NOW), Standing("pause", "wait")))
    assert (found["intro"], found["again"], found["nudge"]) == ("done", "done", "skipped")
    ended = e._replace(status="replied", step_id=None)
    assert states(touches(campaign(), with_own([ENROLLED, SENT], ended, NOW), None))["last"] == "stopped"


def test_a_lead_that_was_refused_got_nothing_because_of_that() -> None:
    refused = Told("refused", NOW, None, None, "no_email", event_id="e-refused")
    found = touches(campaign(), [refused], None)
    assert {(touch.state, touch.code) for touch in found} == {("stopped", "no_email")}


def test_the_way_that_a_condition_took_is_read_from_what_happened_in_time() -> None:
    definitions = defined()
    one = definitions.campaigns["spring"]

    def then(days: float, *facts: Told) -> Standing:
        stood = stood_at(one, definitions, [ENROLLED, SENT, *facts], NOW + timedelta(days=days))
        assert stood is not None
        return stood[0]

    opened = told("opened", "intro", code="human", at=NOW + timedelta(days=1))
    assert then(1.5, opened) == Standing("nudge", "due", opened.at)
    assert then(9, opened) == Standing("nudge", "due", opened.at)
    assert states(touches(one, [ENROLLED, SENT, opened], then(9, opened)))["again"] == "skipped"
    over = Standing("again", "due", NOW + timedelta(days=2))
    assert then(9, opened._replace(code="scanner")) == over
    assert then(9, opened._replace(step_id="nudge")) == over
    assert then(9, opened._replace(at=NOW + timedelta(days=3))) == over


@pytest.mark.parametrize(
    ("when", "way"),
    [
        ({"all": [{"event": "opened"}, {"not": {"event": "clicked"}}]}, "nudge"),
        ({"any": [{"event": "clicked"}, {"event": "opened", "step": "nudge"}]}, "again"),
        ({"any": [{"field": "rooms", "operator": "exists"}, {"event": "opened"}]}, "nudge"),
        ({"all": [{"field": "rooms", "operator": "exists"}, {"event": "opened"}]}, "again"),
    ],
)
def test_combinations_are_read_from_what_happened_as_far_as_that_goes(when: dict[str, Any], way: str) -> None:
    definitions = defined(steps=[STEPS[0], STEPS[1] | {"when": when}, *STEPS[2:]])
    opened = told("opened", "intro", code="human", at=NOW + timedelta(hours=1))
    stood = stood_at(definitions.campaigns["spring"], definitions, [ENROLLED, SENT, opened], NOW + timedelta(days=9))
    assert stood is not None
    assert stood[0].step_id == way
