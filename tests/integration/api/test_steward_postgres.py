"""The steward against a real database: what starts and what completes by itself, and what keeps it from doing so."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from domain.ids import enrollment_id
from domain.settling import TOPICS
from sinks.postgres.outlook import Outlook
from sinks.postgres.read_models import Facts
from streams.errors import Retryable
from tests.support.control import AT, World, campaign, over, rows, told


async def test_a_scheduled_campaign_starts_when_its_start_has_come(world: World) -> None:
    await world.control.apply([campaign(start_at=(AT + timedelta(hours=1)).isoformat())])
    launched = await world.control.launch("q1")
    assert launched.status == "scheduled"
    assert world.broker.gates[-1].get("campaign:q1") is False
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "scheduled"
    world.clock.advance(timedelta(hours=1))
    await world.steward.once()
    assert (await world.control.campaign("q1")).status == "active"
    assert world.broker.gates[-1]["campaign:q1"] is True


async def test_a_campaign_completes_when_all_asked_for_came_and_none_can_move(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(2), added_by="import")
    first = [
        told("enrolled", "lead-0", status="enrolled"),
        told("completed", "lead-0", status="completed", previous_status="enrolled"),
    ]
    await world.models.record(Facts(engagements=first))
    await world.rounds()
    assert (await world.control.campaign("q1")).status == "active"
    await world.models.record(Facts(engagements=[told("enrolled", "lead-1", status="enrolled")]))
    await world.rounds()
    assert (await world.control.campaign("q1")).status == "active"
    end = told("exited", "lead-1", status="exited", previous_status="enrolled")
    await world.models.record(Facts(engagements=[end]))
    await world.rounds()
    assert (await world.control.campaign("q1")).status == "completed"


async def test_leads_that_came_to_nothing_are_named_because_their_campaign_waits_for_them(
    world: World, pool: asyncpg.Pool
) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(30), added_by="import")
    outlook = Outlook(pool)
    assert await outlook.unanswered_asks("q1") == (0, [])  # they may be on their way
    await pool.execute("update campaign_asks set acked_wall = acked_wall - interval '2 minutes'")
    assert (await outlook.unanswered_asks("q1"))[0] == 30
    answers = [told("enrolled", f"lead-{n}", status="enrolled") for n in range(2, 30)]
    await world.models.record(Facts(engagements=answers))
    assert await outlook.unanswered_asks("q1") == (2, ["lead-0", "lead-1"])
    refused = told("refused", "lead-0", code="campaign_closed", enrollment_id=None)
    await world.models.record(Facts(engagements=[refused]))
    assert await outlook.unanswered_asks("q1") == (1, ["lead-1"])


@pytest.mark.parametrize(
    ("more", "status"), [({"evergreen": True}, "active"), ({"end_date": "2026-03-01"}, "completed")]
)
async def test_evergreen_never_completes_by_itself_and_an_end_date_does(world: World, more: Any, status: str) -> None:
    await world.control.apply([campaign(**more)])
    await world.control.launch("q1")
    facts = [
        told("enrolled", "a", status="enrolled"),
        told("completed", "a", status="completed", previous_status="enrolled"),
    ]
    await world.models.record(Facts(engagements=facts))
    await world.rounds()
    assert (await world.control.campaign("q1")).status == status


@pytest.mark.parametrize("besides", ["refused", "enrolled again"])
async def test_a_lead_that_is_still_on_its_way_keeps_a_campaign_open_whatever_the_figures_add_up_to(
    world: World, besides: str
) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(2), added_by="import")
    facts = [
        told("enrolled", "lead-0", status="enrolled"),
        told("completed", "lead-0", status="completed", previous_status="enrolled"),
    ]
    if besides == "refused":
        facts.append(told("refused", "stranger", code="no_email", enrollment_id=None))
    else:
        again: dict[str, Any] = {"entry_no": 2, "enrollment_id": enrollment_id("q1", "lead-0", 2)}
        facts.append(told("enrolled", "lead-0", event_id="enrolled-2", status="enrolled", **again))
        end = {"status": "completed", "previous_status": "enrolled"}
        facts.append(told("completed", "lead-0", event_id="completed-2", **end, **again))
    await world.models.record(Facts(engagements=facts))
    await world.rounds()
    assert (await world.control.campaign("q1")).status == "active"
    await world.models.record(Facts(engagements=[told("refused", "lead-1", code="no_email", enrollment_id=None)]))
    await world.rounds()
    assert (await world.control.campaign("q1")).status == "completed"


async def finished(world: World) -> None:
    """A live campaign whose one lead, which a producer enrolled, has come to its end."""
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.models.record(Facts(engagements=over("a")))


async def status(world: World) -> str | None:
    return (await world.control.campaign("q1")).status


@pytest.mark.parametrize("topic", TOPICS)
async def test_a_campaign_stays_open_while_anything_that_may_add_a_lead_is_unread(world: World, topic: str) -> None:
    await finished(world)
    world.unread.behind = topic
    await world.rounds()
    assert await status(world) == "active"
    world.unread.behind = ""
    await world.rounds()
    assert await status(world) == "completed"


async def test_a_campaign_is_seen_finished_twice_before_it_completes_and_an_idle_steward_asks_nobody(
    world: World,
) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.rounds()
    assert world.unread.looks == 0
    await world.models.record(Facts(engagements=over("a")))
    await world.steward.once()
    assert await status(world) == "active"
    await world.steward.once()
    assert await status(world) == "completed"
    await world.rounds()
    assert world.unread.looks == 2


async def test_a_broker_that_does_not_tell_what_is_unread_keeps_campaigns_open(world: World) -> None:
    await finished(world)
    world.unread.away = True
    for _ in range(3):
        with pytest.raises(Retryable):
            await world.steward.once()
    assert await status(world) == "active"
    world.unread.away = False
    await world.rounds()
    assert await status(world) == "completed"


async def test_an_end_date_that_is_over_asks_no_broker(world: World) -> None:
    await world.control.apply([campaign(end_date="2026-03-01")])
    await world.control.launch("q1")
    world.unread.away = True
    await world.steward.once()
    assert await status(world) == "completed"


async def test_a_lead_that_shows_up_while_the_broker_is_read_keeps_the_campaign_open(world: World) -> None:
    await finished(world)
    world.unread.behind = "enrollments"
    await world.rounds()
    await world.models.record(Facts(engagements=[told("enrolled", "late", status="enrolled")]))
    world.unread.behind = ""
    await world.rounds()
    assert await status(world) == "active"


async def test_a_campaign_that_is_asked_to_take_a_lead_at_the_last_moment_is_not_completed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await finished(world)
    awaits = world.store.awaits_leads

    async def then_somebody_asks(campaign_id: str) -> bool:
        found = await awaits(campaign_id)
        await world.store.ask(campaign_id, ["late"])
        return found

    monkeypatch.setattr(world.store, "awaits_leads", then_somebody_asks)
    await world.rounds(2)
    assert await status(world) == "active"
