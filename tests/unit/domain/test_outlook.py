"""Why nothing leaves: each limit names itself with the instant it frees, each lead the step it waits at."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.campaign import ConditionStep, WaitStep, Window
from domain.outlook import Fact, Hold, Pause, Place, Used, holds, places
from domain.predicates import Happened
from tests.support import leads
from tests.support.dispatching import campaign, definitions, mailbox

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def grants(
    count: int, at: datetime = NOW, mailbox_id: str = "anna", campaign_id: str = "c", *, is_open: bool = False
) -> list[Used]:
    return [Used(bytes([n]), mailbox_id, campaign_id, "x.example", at, is_open) for n in range(count)]


def held(
    given: Sequence[Any], used: Sequence[Used] = (), pauses: Mapping[str, Pause] | None = None, *, stopped: bool = False
) -> list[Hold]:
    return holds("c", definitions(*given, stopped=stopped), used, pauses or {}, NOW)


def brief(found: Sequence[Hold]) -> list[tuple[str, str, datetime | None]]:
    return [(hold.scope, hold.code, hold.until) for hold in found]


def test_nothing_in_the_way_is_an_empty_list() -> None:
    assert held([campaign(), mailbox()], grants(3)) == []


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "completed"])
def test_a_campaign_that_is_not_active_says_what_it_is(status: str) -> None:
    assert brief(held([campaign(status=status), mailbox()])) == [("campaign", f"campaign_{status}", None)]


def test_everything_stopped_stands_first() -> None:
    assert brief(held([campaign(), mailbox()], stopped=True)) == [("everything", "stopped", None)]


def test_a_used_up_hour_names_the_instant_that_frees_it_and_counts_no_other_campaign() -> None:
    limited = campaign(per_hour=3)
    used = grants(3, NOW - HOUR / 4)
    assert brief(held([limited, mailbox()], used)) == [("campaign", "campaign_hour", NOW + HOUR * 3 / 4)]
    others = grants(3, NOW - HOUR / 4, campaign_id="other")
    assert held([limited, mailbox()], others) == []


def test_a_mailbox_is_held_by_its_own_cap_over_all_campaigns_and_by_grants_without_an_answer() -> None:
    capped = [campaign(mailbox_ids=("anna", "bo")), mailbox(per_hour=2), mailbox("bo")]
    others = grants(2, NOW - HOUR / 2, campaign_id="other")
    assert brief(held(capped, others)) == [("mailbox anna", "mailbox_hour", NOW + HOUR / 2)]
    unanswered = grants(40, mailbox_id="bo", is_open=True)
    assert brief(held(capped, unanswered)) == [("mailbox bo", "mailbox_open_grants", None)]


def test_a_paused_mailbox_says_why_and_until_when() -> None:
    (hold,) = held([campaign(), mailbox()], pauses={"anna": Pause("login failed", None)})
    assert brief([hold]) == [("mailbox anna", "mailbox_paused", None)]
    assert "login failed" in hold.why
    (hold,) = held([campaign(), mailbox()], pauses={"anna": Pause("421", NOW + HOUR)})
    assert hold.until == NOW + HOUR
    assert held([campaign(), mailbox()], pauses={"anna": Pause("421", NOW)}) == []


def test_a_mailbox_and_a_campaign_that_are_not_defined_say_so() -> None:
    assert brief(held([campaign()])) == [("mailbox anna", "mailbox_unknown", None)]
    assert brief(held([mailbox()])) == [("campaign", "campaign_unknown", None)]


def test_a_closed_window_names_each_zone_once_and_when_it_opens() -> None:
    window = Window(frozenset({0, 1, 2, 3, 4}), 9, 17, frozenset(), None)
    given = [campaign(mailbox_ids=("anna", "bo", "cy"), window=window)]
    given += [mailbox("anna", zone="America/New_York"), mailbox("bo", zone="America/New_York"), mailbox("cy")]  # type: ignore[list-item]
    (hold,) = held(given)
    assert (hold.scope, hold.code, hold.until) == ("window", "window_closed", NOW + 4 * HOUR)
    assert "America/New_York" in hold.why


STEPS = (
    leads.email("intro", "pause"),
    WaitStep("pause", "look", 3, "days"),
    ConditionStep("look", None, Happened("opened", "intro"), "again", "call", within=2 * DAY),
    leads.email("again"),
    leads.task("call", days=2),
)


def fact(kind: str, step_id: str | None = None, at: datetime = NOW, status: str = "active", **more: Any) -> Fact:
    given: dict[str, Any] = {"mailbox_id": None, "code": None, "next_at": None}
    return Fact(status, kind, step_id, at=at, **(given | more))


def stand(*facts: Fact, now: datetime = NOW) -> list[Place]:
    known = leads.campaign(STEPS)
    return places(known, leads.in_force(known), facts, now)


def told(found: Sequence[Place]) -> list[tuple[str, str | None, int, datetime | None]]:
    return [(place.code, place.step_id, place.leads, place.first_at) for place in found]


def test_a_lead_that_was_enrolled_is_due_at_once() -> None:
    assert told(stand(fact("enrolled", status="enrolled"))) == [("due", "intro", 1, NOW)]


def test_leads_in_a_wait_are_counted_with_the_first_that_goes_on() -> None:
    later = NOW + HOUR
    found = stand(fact("sent", "intro", later), fact("sent", "intro"), now=later)
    assert told(found) == [("wait", "pause", 2, NOW + 3 * DAY)]


def test_a_lead_whose_wait_is_over_waits_at_the_step_after() -> None:
    sent = fact("sent", "intro")
    assert told(stand(sent, now=NOW + 4 * DAY)) == [("condition", "look", 1, NOW + 5 * DAY)]
    assert told(stand(sent, now=NOW + 6 * DAY)) == [("task", "call", 1, NOW + 7 * DAY)]


def test_retries_tasks_and_holds_name_their_instant() -> None:
    until = NOW + HOUR
    found = stand(
        fact("deferred", "intro", next_at=until),
        fact("task_due", "call", next_at=until),
        fact("held", "intro", status="paused", next_at=until),
        fact("paused", status="paused"),
    )
    assert sorted(told(found), key=str) == sorted(
        [
            ("retry", "intro", 1, until),
            ("task", "call", 1, until),
            ("held", "intro", 1, until),
            ("paused", None, 1, None),
        ],
        key=str,
    )
    assert told(stand(fact("deferred", "intro", next_at=NOW))) == [("due", "intro", 1, NOW)]


def test_a_task_that_is_over_and_a_last_step_have_nothing_left() -> None:
    assert told(stand(fact("task_due", "call", next_at=NOW), now=NOW + HOUR)) == [("ending", None, 1, None)]
    assert told(stand(fact("sent", "again"))) == [("ending", None, 1, None)]


def test_what_is_due_stands_first() -> None:
    found = stand(fact("sent", "intro"), fact("enrolled", status="enrolled"))
    assert [place.code for place in found] == ["due", "wait"]


def test_a_touch_whose_words_are_not_approved_says_so_until_they_are() -> None:
    waits = fact("waiting", "intro")._replace(code="waiting_draft")
    assert told(stand(waits)) == [("waiting_draft", "intro", 1, None)]
    approved = waits._replace(code="draft_approved", next_at=NOW)
    assert told(stand(approved)) == [("due", "intro", 1, NOW)]
