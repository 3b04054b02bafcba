"""No lead is lost: whatever comes between a timer and its tick, and whatever one lead is made of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from agents import leads as shell
from agents.leads import PUT_OFF
from domain.campaign import Arm, EmailStep
from domain.templates import compile_template
from schemas.enrollments import Enroll, LeadData, Pause, Resume, UpdateLead
from schemas.ticks import Tick
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    T0,
    campaign,
    condition,
    email,
    enroll,
    hit,
    in_force,
    result,
    wait,
)
from tests.support.leads_role import Role

SECOND = timedelta(seconds=1)
WAITS = (wait("first", "e", 1), email("e"))


def asks(out: list[tuple[str, Any]]) -> list[Any]:
    return [body for topic, body in out if topic == "due-sends" and body.type == "due"]


def told(out: list[tuple[str, Any]]) -> list[tuple[str, str | None]]:
    return [(body.type, body.code) for topic, body in out if topic == "engagements"]


def tick(at: datetime) -> tuple[Tick, int]:
    return Tick(at=at, wall=at), 0


def update(event_id: str = "u") -> UpdateLead:
    return UpdateLead(event_id=event_id, lead_id=LEAD, lead=LeadData(first_name="Jo"))


async def test_an_event_between_a_timers_instant_and_its_tick_does_not_take_the_timer_away() -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(enroll())
    role.clock.advance(DAY + SECOND / 2)
    await role.batch(update())
    (ask,) = asks(await role.tick(T0 + DAY + SECOND))
    assert (ask.step_id, ask.due_at, ask.merge) == ("e", T0 + DAY, {"first_name": "Jo"})


async def test_a_result_of_one_campaign_does_not_take_a_due_timer_of_another_away() -> None:
    role = await Role(campaign(campaign_id="q1"), campaign(WAITS, campaign_id="q2")).start()
    await role.tick(T0)
    (ask,) = asks(await role.batch(enroll("q1"), enroll("q2", event_id="second")))
    await role.batch(result(ask, at=T0 + DAY + SECOND / 2))
    (late,) = asks(await role.tick(T0 + DAY + SECOND))
    assert late.campaign_id == "q2"


async def test_a_deadline_that_has_just_passed_is_kept_whatever_comes_before_its_tick() -> None:
    steps = (email("intro", "look"), condition("look", "yes", "no", within=DAY), email("yes"), email("no"))
    role = await Role(campaign(steps)).start()
    await role.tick(T0)
    (ask,) = asks(await role.batch(enroll()))
    await role.batch(result(ask))
    role.clock.advance(DAY + SECOND / 2)
    found = await role.batch(hit(user_agent="curl/8", at=role.clock.now()))
    (ask,) = asks(found + await role.tick(T0 + DAY + SECOND))
    assert ask.step_id == "no"


async def test_an_enrollment_in_the_very_batch_that_sees_the_launch_goes_out() -> None:
    role = await Role(campaign(status="draft")).start()
    await role.tick(T0)
    role.definitions = in_force(campaign(status="active", revision=2))
    out = await role.batch(enroll(), tick(T0 + SECOND))
    out += await role.tick(T0 + 2 * SECOND)
    assert len(asks(out)) == 1


async def test_a_lead_that_stands_in_the_very_batch_that_sees_the_resume_goes_on() -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(enroll())
    role.definitions = in_force(campaign(WAITS, status="paused", revision=2))
    await role.tick(T0 + HOUR)
    role.clock.advance(DAY + SECOND)
    role.definitions = in_force(campaign(WAITS, status="active", revision=3))
    out = await role.batch(update(), tick(T0 + DAY + SECOND))
    out += await role.tick(T0 + DAY + 2 * SECOND)
    assert len(asks(out)) == 1


async def test_an_enrollment_in_the_very_batch_that_sees_the_campaigns_end_is_told() -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    role.definitions = in_force(campaign(WAITS, status="completed", revision=2))
    out = await role.batch(enroll(), tick(T0 + SECOND))
    out += await role.tick(T0 + 2 * SECOND)
    assert told(out) == [("refused", "campaign_closed")]


async def test_what_falls_due_before_a_start_that_was_put_off_goes_at_that_start() -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(enroll())
    role.definitions = in_force(campaign(WAITS, revision=2, start_at=T0 + 3 * DAY))
    assert asks(await role.tick(T0 + 2 * DAY)) == []
    (ask,) = asks(await role.tick(T0 + 3 * DAY + MINUTE))
    assert ask.at == T0 + 3 * DAY


# --- one lead costs only itself ---------------------------------------------------------------------------------------
GREEDY = EmailStep(
    "e",
    None,
    (Arm("a", 1, compile_template("Hi"), compile_template("{{ first_name }} {{ full_name }}"), is_html=False),),
    frozenset({"first_name", "full_name"}),
)


def large(characters: int) -> Enroll:
    person = LeadData(email="big@y.example", attributes={"first_name": "x" * characters})
    return Enroll(event_id="big", lead_id="big", campaign_id="q1", lead=person)


async def test_a_touch_too_large_for_its_topic_fails_alone_and_the_timers_of_the_others_fire() -> None:
    role = await Role(campaign((wait("first", "e", 1), GREEDY))).start()
    await role.tick(T0)
    await role.batch(large(400_000), enroll())
    out = await role.tick(T0 + DAY)
    assert [ask.lead_id for ask in asks(out)] == [LEAD]
    assert told(out) == [("failed", "touch_too_large")]


async def test_values_of_a_quarter_of_a_megabyte_still_go() -> None:
    role = await Role(campaign((GREEDY,))).start()
    assert [ask.lead_id for ask in asks(await role.batch(large(120_000)))] == ["big"]


async def test_a_lead_whose_state_no_longer_fits_costs_only_its_own_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(large(20_000), enroll())
    size = len(role.table.get(b"big") or b"")
    monkeypatch.setattr("agents.leads_desk.MAX_TABLE_VALUE", size - 200)
    monkeypatch.setattr("agents.leads_desk.LARGE", size // 2)
    monkeypatch.setattr("streams.work.MAX_TABLE_VALUE", size - 200)
    out = await role.tick(T0 + DAY)
    assert [ask.lead_id for ask in asks(out)] == [LEAD]


async def test_a_lead_that_nothing_can_be_decided_about_is_put_off_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(large(10), enroll())
    decide = shell.on_timer

    def broken(lead: Any, lead_id: str, *rest: Any) -> Any:
        if lead_id == "big":
            raise OverflowError("a defect")
        return decide(lead, lead_id, *rest)

    monkeypatch.setattr(shell, "on_timer", broken)
    assert [ask.lead_id for ask in asks(await role.tick(T0 + DAY))] == [LEAD]
    assert "b'big'" in caplog.text
    monkeypatch.undo()
    assert asks(await role.tick(T0 + DAY + PUT_OFF - SECOND)) == []
    assert "big" in [ask.lead_id for ask in asks(await role.tick(T0 + DAY + PUT_OFF))]


async def test_a_lead_that_cannot_be_read_does_not_stop_an_edit_for_the_others() -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(enroll())
    role.table.apply(b"bad", b'{"w":1,"e":[{"c":"q1"}]}', 0)
    role.definitions = in_force(campaign(WAITS, status="completed", revision=2))
    assert ("completed", "campaign_closed") in told(await role.tick(T0 + SECOND))


@pytest.mark.parametrize("name", ["email", "timezone"])
async def test_no_control_character_of_a_lead_goes_further_than_its_own_story(name: str) -> None:
    facts = {"email": "jane@example.com", "first_name": "Jane", "timezone": "Europe/Paris"}
    facts[name] += "\x00.se"
    role = await Role(campaign((email("e"),))).start()
    out = await role.batch(enroll(lead=LeadData(attributes={**facts})))
    if name == "email":
        assert told(out) == [("enrolled", None), ("failed", "invalid_address")]
    else:
        assert asks(out)[0].timezone is None


# --- edits and rebalances ---------------------------------------------------------------------------------------------
LONGER = (wait("first", "e", 5), email("e"))


async def test_an_edit_that_a_rebalance_comes_between_still_moves_the_waits_of_leads() -> None:
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(enroll())
    role.definitions = in_force(campaign(LONGER, revision=2))
    await role.handler.recovered(frozenset({0}))
    await role.tick(T0 + HOUR)
    assert asks(await role.tick(T0 + DAY)) == []
    (ask,) = asks(await role.tick(T0 + 5 * DAY))
    assert ask.at == T0 + 5 * DAY


async def test_an_edit_that_has_reached_some_leads_before_a_rebalance_reaches_the_others_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.leads_watch.SLICE", 1)
    role = await Role(campaign(WAITS)).start()
    await role.tick(T0)
    await role.batch(large(10), enroll())
    role.definitions = in_force(campaign(LONGER, revision=2))
    await role.tick(T0 + SECOND)
    await role.handler.recovered(frozenset({0}))
    await role.tick(T0 + HOUR)
    await role.tick(T0 + 2 * HOUR)
    assert asks(await role.tick(T0 + DAY)) == []
    assert len(asks(await role.tick(T0 + 5 * DAY))) == 2


# --- paused before it is made -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("scope", [None, "q2"])
async def test_a_pause_holds_an_enrollment_that_still_waits_for_its_campaign(scope: str | None) -> None:
    role = await Role(campaign()).start()
    await role.tick(T0)
    await role.batch(enroll("q2"))
    await role.batch(Pause(event_id="p", lead_id=LEAD, campaign_id=scope))
    role.definitions = in_force(campaign(), campaign(campaign_id="q2"))
    out = await role.tick(T0 + SECOND)
    assert told(out) == [("enrolled", None), ("paused", "request")]
    assert [stop.source_id for what, stops in role.ledger.calls if what == "stop" for stop in stops] == [
        f"pause:{scope or '*'}:p"
    ]
    assert asks(await role.tick(T0 + DAY)) == []
    role.clock.advance(DAY)
    (ask,) = asks(await role.batch(Resume(event_id="r", lead_id=LEAD, campaign_id=scope)))
    assert (ask.campaign_id, ask.ask_no) == ("q2", 3)


async def test_a_pause_that_was_undone_meanwhile_holds_nothing() -> None:
    role = await Role(campaign()).start()
    await role.tick(T0)
    await role.batch(enroll("q2"))
    await role.batch(Pause(event_id="p", lead_id=LEAD))
    await role.batch(Resume(event_id="r", lead_id=LEAD))
    role.definitions = in_force(campaign(), campaign(campaign_id="q2"))
    assert len(asks(await role.tick(T0 + SECOND))) == 1
