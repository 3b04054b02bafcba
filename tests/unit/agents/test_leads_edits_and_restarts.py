"""An edit reaches every lead that waits, whoever was or was not running when it was made."""

from __future__ import annotations

from typing import Any

import pytest

from agents import leads as shell
from domain.campaign import Campaign
from schemas.base import Message
from schemas.enrollments import Enroll, LeadData
from tests.support.leads import DAY, HOUR, T0, campaign, email, in_force, result, wait
from tests.support.leads_role import Role

STEPS = (email("intro", "pause"), wait("pause", "nudge", 3), email("nudge", "end"), wait("end", "last"), email("last"))
SHORTER = (STEPS[0], wait("pause", "nudge", 1), *STEPS[2:])
WITHOUT = (email("intro", "nudge"), *STEPS[2:])


def asks(out: list[tuple[str, Any]]) -> list[Any]:
    return [body for topic, body in out if topic == "due-sends" and body.type == "due"]


async def owner(partition: int, *campaigns: Campaign) -> Role:
    role = Role(*campaigns)
    role.owned = frozenset({partition})
    await role.start()
    await role.tick(T0, partition)
    return role


async def waiting(number: int = 1, partition: int = 0) -> Role:
    """Leads whose first touch was sent, and who wait for three days."""
    role = await owner(partition, campaign(STEPS))
    await enrolled(role, number, partition)
    return role


async def enrolled(role: Role, number: int, partition: int) -> None:
    person = LeadData(email="x@y.example", first_name="X")
    leads: list[Message] = [
        Enroll(event_id=f"e{n}", lead_id=f"lead-{partition}-{n}", campaign_id="q1", lead=person) for n in range(number)
    ]
    out = await role.batch(*[(lead, partition) for lead in leads])
    await role.batch(*[(result(ask), partition) for ask in asks(out)])


async def ask_days(role: Role, partition: int = 0, days: int = 4) -> list[int]:
    """On which day after T0 each touch is asked for first."""
    found: dict[Any, int] = {}
    for hours in range(1, days * 24 + 1):
        for ask in asks(await role.tick(T0 + hours * HOUR, partition)):
            found.setdefault(ask.send_id, (ask.at - T0) // DAY)
    return list(found.values())


async def decided_anew(role: Role, monkeypatch: pytest.MonkeyPatch, *partitions: int) -> list[str]:
    """Which leads are shown a definition at the next ticks."""
    shown: list[str] = []
    on_definition = shell.on_definition

    def seen(lead: Any, lead_id: str, *rest: Any) -> Any:
        shown.append(lead_id)
        return on_definition(lead, lead_id, *rest)

    monkeypatch.setattr(shell, "on_definition", seen)
    for _ in range(3):
        for partition in partitions or (0,):
            await role.tick(T0 + HOUR, partition)
    monkeypatch.setattr(shell, "on_definition", on_definition)
    return sorted(shown)


async def test_a_wait_that_is_shortened_while_no_worker_runs_is_counted_anew() -> None:
    role = await waiting()
    role.definitions = in_force(campaign(SHORTER, revision=2))
    await role.start()
    assert await ask_days(role) == [1]


async def test_a_step_that_is_removed_while_no_worker_runs_is_left_at_once() -> None:
    role = await waiting()
    role.definitions = in_force(campaign(WITHOUT, revision=2))
    await role.start()
    assert await ask_days(role) == [0]


async def test_a_campaign_that_is_closed_while_no_worker_runs_ends_its_leads() -> None:
    role = await waiting(2)
    role.definitions = in_force(campaign(STEPS, status="completed"))
    await role.start()
    out = await role.tick(T0 + HOUR)
    assert [body.status for topic, body in out if topic == "engagements"] == ["completed"] * 2


async def test_a_worker_that_dies_before_it_has_shown_an_edit_to_all_leaves_the_rest_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.leads_watch.SLICE", 2)
    role = await waiting(6)
    role.definitions = in_force(campaign(SHORTER, revision=2))
    await role.tick(T0 + HOUR / 2)
    await role.start()
    assert await ask_days(role) == [1] * 6


async def test_a_partition_is_shown_an_edit_that_its_last_owner_had_not_finished_with() -> None:
    """The worker that takes it over has long known of the edit, and shown it to the leads that were its own."""
    role, other = await waiting(partition=0), await waiting(partition=3)
    role.definitions = in_force(campaign(SHORTER, revision=2))
    await role.tick(T0 + HOUR / 4)
    await role.tick(T0 + HOUR / 2)
    for key, value, partition in other.table.entries():
        role.table.apply(key, value, partition)
    await role.handler.recovered(frozenset({0, 3}))
    assert await ask_days(role, 3) == [1]


async def test_a_restart_without_an_edit_shows_nobody_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    role = await waiting(3)
    await role.tick(T0 + HOUR)
    await role.start()
    assert await decided_anew(role, monkeypatch) == []


async def test_only_the_leads_of_the_campaign_that_was_edited_are_shown_it(monkeypatch: pytest.MonkeyPatch) -> None:
    role = await owner(0, campaign(STEPS), campaign(STEPS, "q2"))
    person = LeadData(email="x@y.example", first_name="X")
    await role.batch(*[Enroll(event_id="e", lead_id=c, campaign_id=c, lead=person) for c in ("q1", "q2")])
    role.definitions = in_force(campaign(STEPS), campaign(SHORTER, "q2", revision=2))
    await role.start()
    assert await decided_anew(role, monkeypatch) == ["q2"]
    await role.start()
    assert await decided_anew(role, monkeypatch) == []


async def test_an_edit_that_a_worker_saw_is_not_shown_again_after_its_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    role = await waiting(3)
    role.definitions = in_force(campaign(SHORTER, revision=2))
    for _ in range(3):
        await role.tick(T0 + HOUR / 2)
    await role.start()
    assert await decided_anew(role, monkeypatch) == []


async def test_what_a_partition_has_seen_is_written_once_an_edit_and_not_every_tick() -> None:
    role = await waiting()
    await role.tick(T0 + HOUR)
    assert not role.work.writes_tables()
    role.definitions = in_force(campaign(SHORTER, revision=2))
    await role.tick(T0 + 2 * HOUR)  # shows it
    await role.tick(T0 + 3 * HOUR)  # and notes that it was shown
    assert role.work.writes_tables()
    await role.tick(T0 + 4 * HOUR)
    assert not role.work.writes_tables()


async def test_a_campaign_that_was_left_out_for_a_while_is_shown_as_it_came_back() -> None:
    """A definition that cannot be compiled is not in force until a corrected one is applied."""
    role = await waiting()
    role.definitions = in_force()
    await role.tick(T0 + HOUR / 4)
    role.definitions = in_force(campaign(SHORTER, revision=3))
    await role.tick(T0 + HOUR / 2)
    assert await ask_days(role) == [1]


async def test_a_campaign_that_is_new_is_shown_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    role = await waiting(3)
    role.definitions = in_force(campaign(STEPS), campaign(STEPS, "q2"))
    assert await decided_anew(role, monkeypatch) == []
    assert role.handler._sweeps == []


async def test_a_discarded_batch_notes_nothing() -> None:
    role = await waiting()
    role.definitions = in_force(campaign(SHORTER, revision=2))
    role.fails = True
    await role.tick(T0 + HOUR / 4)
    await role.tick(T0 + HOUR / 2)
    role.fails = False
    await role.start()
    assert await ask_days(role) == [1]
