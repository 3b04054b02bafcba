"""Answers to replies at the gate: they pass the stops that their own reply made, and nothing else (docs/behaviour.md 8.2)."""

from typing import Any
from uuid import UUID

import pytest

from domain.answering import answer_step, own_stops
from domain.ids import enrollment_id
from schemas.sending import Grant
from sinks.ports import Stop, Suppression
from tests.support.ledger import CAMPAIGN, World, grant

REPLY = UUID(int=1)
STEP = answer_step(REPLY)
ENROLLMENT = enrollment_id(CAMPAIGN, "zoe", 1)
OWN = list(own_stops(REPLY, ENROLLMENT))


def answer(**more: Any) -> Grant:
    return grant("zoe", step_id=STEP, after_stops=OWN, **more)


async def replied(world: World) -> None:
    """What a human reply leaves behind while its card is open: the lead's stop and the end of the sequence."""
    await world.stops.stop(
        [Stop("zoe", None, "reply", f"reply:{REPLY}"), Stop("zoe", ENROLLMENT, "replied", f"replied:{ENROLLMENT}")]
    )


async def test_an_answer_passes_the_stops_of_its_own_reply_and_a_touch_does_not(world: World) -> None:
    await replied(world)
    step, own = await world.claim(grant("zoe", step_id="nudge"), answer())
    assert await world.refusal(step) in {"stopped/reply", "stopped/replied"}
    assert await world.refusal(own) is None


@pytest.mark.parametrize(
    "stop",
    [
        Stop("zoe", None, "reply", f"reply:{UUID(int=2)}"),
        Stop("zoe", ENROLLMENT, "paused", "pause:*:1"),
        Stop("zoe", ENROLLMENT, "exited", "exit:1"),
    ],
)
async def test_an_answer_passes_no_stop_of_another_source(world: World, stop: Stop) -> None:
    await replied(world)
    await world.stops.stop([stop])
    (claim,) = await world.claim(answer())
    assert await world.refusal(claim) == f"stopped/{stop.reason}"


@pytest.mark.parametrize("who", [{"email": "zoe@example.com"}, {"lead_id": "zoe"}])
@pytest.mark.parametrize("scope", ["all", f"campaign:{CAMPAIGN}"])
async def test_an_answer_passes_no_suppression(world: World, who: dict[str, Any], scope: str) -> None:
    (claim,) = await world.claim(answer())
    await world.stops.suppress([Suppression(scope, "unsubscribe", "u", **who)])
    assert await world.refusal(claim) == "suppressed/suppressed"


async def test_a_colleague_is_answered_and_keeps_the_own_place_in_the_campaign(world: World) -> None:
    (claim,) = await world.claim(answer(email="max@example.com"))
    assert await world.refusal(claim) is None
    (other,) = await world.claim(grant("max"))
    assert await world.refusal(other) is None, "the address is the colleague's own"


async def define(world: World, status: str) -> None:
    await world.pool.execute(
        "insert into definitions (kind, id, revision, spec, status, at) values ('campaign', $1, 1, '{}', $2, now())",
        CAMPAIGN,
        status,
    )
    await world.pool.execute("insert into definition_heads (kind, id, revision) values ('campaign', $1, 1)", CAMPAIGN)


@pytest.mark.parametrize("status", ["completed", "archived", "paused", "draft"])
async def test_an_answer_leaves_when_its_campaign_is_over_and_waits_while_it_is_held(world: World, status: str) -> None:
    await define(world, status)
    await world.gates.set_campaign_gate(CAMPAIGN, is_open=False)
    step, own = await world.claim(grant("zoe"), answer())
    assert await world.refusal(step) == "paused/campaign"
    assert await world.refusal(own) == (None if status in {"completed", "archived"} else "paused/campaign")


async def test_stopping_everything_stops_answers_too(world: World) -> None:
    await define(world, "completed")
    await world.gates.set_global_gate(is_open=False)
    (claim,) = await world.claim(answer())
    assert await world.refusal(claim) == "paused/everything"


async def test_an_answer_that_left_is_not_taken_in_again(world: World) -> None:
    given = answer()
    await world.finish(given, "sent")
    again = await world.intake(answer())
    assert (again.adopted, [known.outcome for known in again.finished]) == ([], ["sent"])
