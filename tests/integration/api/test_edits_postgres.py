"""Edits and winners against a real database: nobody is orphaned, the better arm takes over, leads enter again (1.3, 1.8, 2.1)."""

from typing import Any

import pytest

from api.errors import ConflictError
from schemas.definitions import CampaignDoc
from schemas.enrollments import Enroll
from sinks.postgres.read_models import Facts
from tests.support.control import World, campaign, rows, told


def sequence(*step_ids: str, **more: Any) -> Any:
    steps = [{"id": step_id, "kind": "email", "subject": "S", "body": "B", **more} for step_id in step_ids]
    return campaign(mailboxes=["anna"], steps=steps)


async def test_an_edit_that_orphans_leads_is_refused_whole_while_any_can_move(world: World) -> None:
    await world.control.apply([sequence("a", "b")])
    await world.control.launch("q1")
    assert (await world.control.apply([sequence("a", "c")])).changed == ["campaign:q1"]  # nobody is in it yet
    await world.models.record(Facts(engagements=[told("enrolled", "lead-0", status="enrolled")]))
    with pytest.raises(ConflictError, match="orphans leads: 'c' would be gone"):
        await world.control.apply([sequence("a")])
    assert [step["id"] for step in (await world.control.campaign("q1")).spec["steps"]] == ["a", "c"]
    end = told("completed", "lead-0", status="completed", previous_status="enrolled")
    await world.models.record(Facts(engagements=[end]))
    assert (await world.control.apply([sequence("a")])).changed == ["campaign:q1"]


async def test_leads_that_are_on_their_way_count_as_standing(world: World) -> None:
    await world.control.apply([sequence("a", "b")])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(1), added_by="import")
    with pytest.raises(ConflictError, match="orphans leads"):
        await world.control.apply([sequence("x")])


async def test_the_steward_promotes_the_winner_once(world: World) -> None:
    step = {"id": "intro", "kind": "email", "subject": "A", "body": "B", "variant_b": {"subject": "Z"}}
    draft = campaign(
        mailboxes=["anna"], steps=[step], ab_testing_enabled=True, promote_winner={"metric": "clicked"}, evergreen=True
    )
    assert CampaignDoc.model_validate(draft.spec).promote_winner is not None
    await world.control.apply([draft])
    before = await world.control.launch("q1")
    facts = [
        told(kind, f"lead-{number}", event_id=f"{kind}-{number}", step_id="intro", variant="ab"[number % 2], first=True)
        for number in range(80)
        for kind in ("sent", *(["clicked"] if number % 2 and number < 40 else []))
    ]
    await world.models.record(Facts(engagements=facts[:60]))
    await world.steward.once()
    assert (await world.control.campaign("q1")).revision == before.revision
    await world.models.record(Facts(engagements=facts))
    await world.rounds()
    after = await world.control.campaign("q1")
    assert (after.revision, after.spec["steps"][0]["variant_split"]) == (before.revision + 1, 0)


async def test_a_further_round_asks_each_lead_once_more_for_its_name(world: World) -> None:
    await world.control.apply([campaign()])
    await world.control.launch("q1")
    await world.enroller.enroll("q1", rows(2), added_by="import")
    assert (await world.enroller.enroll("q1", rows(2), added_by="import")).added == 0
    for _ in range(2):
        assert (await world.enroller.enroll("q1", rows(2), added_by="import", re_enter="spring")).added == 2
    asked = [item.message for item in world.broker.sent if isinstance(item.message, Enroll)]
    again = [message for message in asked if message.re_enter]
    assert len(again) == 4
    assert len({message.event_id for message in again}) == 2
    assert {message.event_id for message in again}.isdisjoint(m.event_id for m in asked if not m.re_enter)
