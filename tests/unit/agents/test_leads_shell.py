"""The shell of the leads role: what it reads, commits and writes around the decisions, without a broker."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from agents.leads import TIMERS_A_TICK, TOPICS
from agents.leads_watch import SLICE
from schemas.base import Message
from schemas.enrollments import Enroll, Exit, LeadData
from schemas.sending import DueSend, SendResult
from schemas.ticks import Tick
from streams.errors import Retryable
from streams.work import Work
from tests.support.leads import (
    DAY,
    HOUR,
    LEAD,
    MINUTE,
    SEQUENCE,
    T0,
    campaign,
    disposition,
    email,
    enroll,
    hit,
    in_force,
    reply,
    result,
    task,
    wait,
)
from tests.support.leads_role import Role, event


def asks(out: list[tuple[str, Any]]) -> list[DueSend]:
    return [body for topic, body in out if topic == "due-sends" and body.type == "due"]


def many(number: int) -> list[Message]:
    person = LeadData(email="x@y.example", first_name="X")
    return [Enroll(event_id=f"e{n}", lead_id=f"lead-{n}", campaign_id="q1", lead=person) for n in range(number)]


async def sent(role: Role, *events: Message, granted_at: datetime = T0) -> None:
    """Enroll, and let the first touch of each be sent."""
    out = await role.batch(*events)
    await role.batch(*[result(ask, granted_at=granted_at) for ask in asks(out)])


def test_the_role_reads_what_the_topology_says() -> None:
    from streams.topology import TOPICS as MAP

    assert set(TOPICS) == {name for name, topic in MAP.items() if "leads" in topic.read_by}


async def test_an_enrollment_is_written_told_and_asked_for_in_one_batch() -> None:
    role = await Role().start()
    out = await role.batch(enroll())
    assert [topic for topic, _ in out] == ["engagements", "due-sends"]
    assert role.table.get(LEAD.encode()) is not None
    assert role.table.partition(LEAD.encode()) == 0


async def test_two_events_of_one_lead_in_a_batch_are_decided_one_after_the_other() -> None:
    role = await Role().start()
    out = await role.batch(enroll(), enroll(event_id="again"))
    assert [body.type for topic, body in out if topic == "engagements"] == ["enrolled", "refused"]
    assert len(asks(out)) == 1


async def test_a_timer_fires_at_its_own_instant_inside_a_tick() -> None:
    role = await Role().start()
    await role.tick(T0)
    await sent(role, enroll())
    assert asks(await role.tick(T0 + 2 * DAY)) == []
    (ask,) = asks(await role.tick(T0 + 3 * DAY + HOUR))[:1]
    assert (ask.step_id, ask.at) == ("nudge", T0 + 3 * DAY)


async def test_what_became_due_in_an_outage_happens_at_the_ticks_start_and_is_never_back_dated() -> None:
    role = await Role().start()
    await sent(role, enroll())
    (ask,) = asks(await role.tick(T0 + 5 * DAY))
    assert ask.at == T0 + 5 * DAY


async def test_what_fell_due_before_the_last_tick_happens_at_that_tick_and_not_before() -> None:
    role = await Role(campaign([email("a", "w"), wait("w", "b", 1), email("b")])).start()
    await role.tick(T0)
    await sent(role, enroll())
    role.definitions = in_force(campaign([email("a", "w"), wait("w", "b", 0), email("b")], revision=2))
    (ask,) = asks(await role.tick(T0 + HOUR))
    assert ask.at == T0 + HOUR, "the edit was seen at the tick"


async def test_several_timers_of_a_lead_inside_one_tick_happen_in_order() -> None:
    role = await Role(campaign([email("a", "w"), wait("w", "t", 1), task("t", "b", days=1), email("b")])).start()
    await role.tick(T0)
    await sent(role, enroll())
    out = await role.tick(T0 + 2 * DAY + MINUTE)
    assert [(topic, body.at) for topic, body in out] == [
        ("engagements", T0 + DAY),
        ("tasks", T0 + DAY),
        ("due-sends", T0 + 2 * DAY),
    ]


async def test_a_tick_handles_a_limited_number_of_timers_and_goes_on_at_once() -> None:
    role = await Role().start()
    await role.tick(T0)
    number = TIMERS_A_TICK + 20
    await sent(role, *many(number))
    out = await role.tick(T0 + 3 * DAY + MINUTE)
    assert len(asks(out)) == TIMERS_A_TICK
    (again,) = [body for topic, body in out if topic == "lead-ticks"]
    assert again == Tick(at=T0 + 3 * DAY + MINUTE, wall=T0 + 3 * DAY + MINUTE)
    rest = await role.batch(again)
    assert len(asks(rest)) == 20
    assert {ask.at for ask in asks(rest)} == {T0 + 3 * DAY}, "still inside the same tick, each at its own instant"
    assert [topic for topic, _ in rest if topic == "lead-ticks"] == []


async def test_a_tick_looks_only_at_its_own_partition() -> None:
    role = await Role().start()
    await role.batch((enroll(), 3))
    assert await role.tick(T0 + 30 * DAY, partition=2) == []
    assert len(asks(await role.tick(T0 + 30 * DAY, partition=3))) == 1


async def test_nothing_moves_before_the_batch_is_on_the_broker() -> None:
    role = await Role().start()
    await role.tick(T0)
    await sent(role, enroll())
    tick = Tick(at=T0 + 4 * DAY, wall=T0)
    lost = Work()
    await role.handler.handle(lost, [event(tick)])
    assert len(lost.outputs) > 0
    await role.handler.reset()  # the batch was discarded
    (ask,) = asks(await role.batch(tick))[:1]
    assert ask.at == T0 + 3 * DAY


async def test_a_stop_is_committed_before_anything_that_tells_of_it_is_written() -> None:
    role = await Role().start()
    await role.batch(enroll())
    before = role.table.get(LEAD.encode())
    role.ledger.is_away = True
    work = Work()
    with pytest.raises(Retryable):
        await role.handler.handle(work, [event(Exit(event_id="x", lead_id=LEAD))])
    assert work.outputs == []
    assert not work.writes_tables()
    await role.handler.reset()
    assert role.table.get(LEAD.encode()) == before
    role.ledger.is_away = False
    out = await role.batch(Exit(event_id="x", lead_id=LEAD))
    assert [(what, rows[0].source_id) for what, rows in role.ledger.calls] == [("stop", "exit:x")]
    assert [body.type for _, body in out] == ["withdraw", "withdraw", "exited"]


async def test_an_out_of_office_release_is_committed_before_leads_ask_again() -> None:
    role = await Role().start()
    await role.tick(T0)
    (ask,) = asks(await role.batch(enroll()))
    away = disposition("OUT_OF_OFFICE", return_at=T0 + 2 * DAY)
    await role.batch(reply(), away)
    assert role.ledger.calls == []
    role.ledger.is_away = True
    work = Work()
    with pytest.raises(Retryable):
        await role.handler.handle(work, [event(Tick(at=T0 + 2 * DAY, wall=T0))])
    assert work.outputs == [], "nothing is asked for while the stop stands"
    await role.handler.reset()
    role.ledger.is_away = False
    (again,) = asks(await role.tick(T0 + 2 * DAY))
    assert again.ask_no > ask.ask_no
    assert role.ledger.calls == [("release", [(LEAD, None, f"reply:{away.reply_id}")])]


async def test_stops_are_committed_before_releases() -> None:
    role = await Role(campaign(), campaign(campaign_id="q2")).start()
    await sent(role, enroll())
    await role.batch(reply(), disposition("NOT_INTERESTED"))
    assert [what for what, _ in role.ledger.calls] == ["stop", "release"]


async def test_leads_of_a_paused_campaign_are_parked_and_go_on_at_the_tick_that_sees_it_active() -> None:
    role = await Role(campaign(status="paused")).start()
    await role.tick(T0)
    await role.batch(enroll())
    assert await role.tick(T0 + DAY) == []
    role.definitions = in_force(campaign())
    (ask,) = asks(await role.tick(T0 + 2 * DAY))
    assert ask.at == T0 + 2 * DAY


async def test_parked_leads_survive_a_restart() -> None:
    role = await Role(campaign(status="paused")).start()
    await role.batch(enroll())
    await role.handler.recovered(frozenset({0}))
    assert asks(await role.tick(T0 + DAY)) == []
    role.definitions = in_force(campaign())
    assert len(asks(await role.tick(T0 + 2 * DAY))) == 1


async def test_timers_survive_a_restart_and_the_same_ask_is_made_again_only_with_a_higher_number() -> None:
    role = await Role().start()
    await sent(role, enroll())
    await role.handler.recovered(frozenset({0}))
    (ask,) = asks(await role.tick(T0 + 3 * DAY))
    assert (ask.step_id, ask.ask_no) == ("nudge", 2)
    await role.handler.recovered(frozenset({0}))
    assert asks(await role.tick(T0 + 3 * DAY + MINUTE)) == []


async def test_a_campaign_that_is_closed_ends_its_waiting_leads_at_the_next_ticks() -> None:
    role = await Role().start()
    await sent(role, *many(5))
    role.definitions = in_force(campaign(status="completed"))
    out = await role.tick(T0 + HOUR)
    assert [body.status for topic, body in out if topic == "engagements"] == ["completed"] * 5
    assert [len(rows) for what, rows in role.ledger.calls if what == "stop"] == [5]


async def test_a_campaign_that_was_closed_while_the_role_was_down_ends_its_leads_too() -> None:
    role = await Role().start()
    await sent(role, *many(3))
    role.definitions = in_force(campaign(status="completed"))
    await role.handler.recovered(frozenset({0}))
    out = await role.tick(T0 + HOUR)
    assert [body.status for topic, body in out if topic == "engagements"] == ["completed"] * 3


async def test_an_edit_reaches_the_leads_that_wait_a_slice_a_tick_and_a_discarded_slice_again() -> None:
    role = await Role().start()
    await sent(role, *many(4))
    steps = tuple(step for step in SEQUENCE if step.step_id != "pause")
    role.definitions = in_force(campaign(steps, revision=2))
    lost = Work()
    await role.handler.handle(lost, [event(Tick(at=T0 + HOUR, wall=T0))])
    await role.handler.reset()
    out = await role.tick(T0 + HOUR)
    assert [ask.step_id for ask in asks(out)] == ["nudge"] * 4
    assert SLICE >= 4


async def test_an_enrollment_for_an_unknown_campaign_waits_and_then_becomes_a_dead_letter() -> None:
    role = await Role(campaign(campaign_id="other")).start()
    await role.tick(T0)
    asked = enroll()
    assert await role.batch(asked) == []
    await role.tick(T0 + 9 * MINUTE)
    assert role.work.dead == []
    await role.tick(T0 + 10 * MINUTE)
    assert role.work.dead == [("enrollments", "unknown_campaign")]
    (letter,) = role.work.outputs
    assert letter.value == asked.write()
    assert dict(letter.headers)["dl-offset"] == b"7"
    assert role.table.get(LEAD.encode()) is None


async def test_an_enrollment_for_a_campaign_that_appears_in_time_goes_on() -> None:
    role = await Role(campaign(campaign_id="other")).start()
    await role.tick(T0)
    await role.batch(enroll())
    role.definitions = in_force(campaign())
    assert len(asks(await role.tick(T0 + MINUTE))) == 1


async def test_a_result_is_decided_at_its_own_instant() -> None:
    role = await Role(campaign([email("a", "t"), task("t")])).start()
    (ask,) = asks(await role.batch(enroll()))
    role.clock.advance(DAY)
    out = await role.batch(result(ask, granted_at=T0 + MINUTE, at=T0 + 2 * MINUTE))
    (due,) = [body for topic, body in out if topic == "engagements" and body.type == "task_due"]
    assert due.at == T0 + 2 * MINUTE
    (given,) = [body for topic, body in out if topic == "tasks"]
    assert (given.title, given.due_at) == ("Call Jane Doe", T0 + 2 * MINUTE + 2 * DAY)


async def test_a_hit_that_settles_an_ambiguous_touch_is_in_the_ledger_before_it_is_told() -> None:
    role = await Role(campaign(on_ambiguous="hold")).start()
    (ask,) = asks(await role.batch(enroll()))
    await role.batch(result(ask, "ambiguous"))
    role.ledger.is_away = True
    with pytest.raises(Retryable):
        await role.batch(hit())
    assert not role.work.outputs
    await role.handler.reset()
    role.ledger.is_away = False
    assert [body.type for _, body in await role.batch(hit())] == ["sent", "released", "opened"]
    assert role.ledger.calls == [("proof", [ask.send_id])]


async def test_an_event_that_changes_nothing_writes_nothing() -> None:
    role = await Role().start()
    (ask,) = asks(await role.batch(enroll()))
    done: SendResult = result(ask)
    await role.batch(done)
    assert await role.batch(done) == []
    assert not role.work.writes_tables()


async def test_each_effect_of_a_batch_keeps_its_order_for_one_lead() -> None:
    role = await Role(replace(campaign([email("a")]))).start()
    (ask,) = asks(await role.batch(enroll()))
    out = await role.batch(result(ask), Exit(event_id="late", lead_id=LEAD))
    assert [body.type for _, body in out] == ["sent", "completed"]
