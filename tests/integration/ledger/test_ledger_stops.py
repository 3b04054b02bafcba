"""Stops, releases and suppressions: each by its own name, repeats change nothing."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from domain.ids import enrollment_id
from sinks.ports import Stop, Suppression
from tests.support.ledger import CAMPAIGN, World, grant

OF_REPLY = Stop("zoe", None, "reply", "reply:1")
OF_HUMAN = Stop("zoe", None, "reply", "reply:2")
BY_EMAIL = Suppression("all", "bounce", "u:1", email="zoe@example.com")


def name(stop: Stop) -> tuple[str, Any, str]:
    return stop.lead_id, stop.enrollment_id, stop.source_id


async def flags(world: World) -> list[str]:
    """The flags that the gate reads, as `source reason`."""
    rows = await world.pool.fetch(
        "select (s ->> 'source_id') || ' ' || (s ->> 'reason') as flag from consents, jsonb_array_elements(active_stops) s"
    )
    return sorted(row["flag"] for row in rows)


async def refused(world: World, **more: Any) -> str | None:
    """What the gate says of a fresh touch of the lead."""
    (claim,) = await world.claim(grant(step_id=str(uuid4()), **more))
    return await world.refusal(claim)


async def test_a_release_frees_its_own_stop_only(world: World) -> None:
    of_enrollment = Stop("zoe", enrollment_id(CAMPAIGN, "zoe"), "pause", "reply:1")
    await world.stops.stop([OF_REPLY, OF_HUMAN, of_enrollment])

    await world.stops.release([name(OF_REPLY)])

    assert await flags(world) == ["reply:1 pause", "reply:2 reply"]
    assert await refused(world) is not None
    await world.stops.release([name(of_enrollment)])
    assert await refused(world) == "stopped/reply"
    await world.stops.release([name(OF_HUMAN)])
    assert await refused(world) is None


async def test_a_stop_made_again_changes_nothing(world: World) -> None:
    await world.stops.stop([OF_REPLY, OF_REPLY])
    await world.stops.stop([OF_REPLY])
    assert await flags(world) == ["reply:1 reply"]
    assert await world.pool.fetchval("select count(*) from stops") == 1


async def test_a_released_stop_made_again_stays_released(world: World) -> None:
    """A redelivered mail revives nothing."""
    await world.stops.stop([OF_REPLY])
    await world.stops.release([name(OF_REPLY)])
    released_at = await world.pool.fetchval("select released_at from stops")

    await world.stops.stop([OF_REPLY])
    await world.stops.release([name(OF_REPLY)])

    assert await refused(world) is None
    assert await world.pool.fetchval("select released_at from stops") == released_at
    assert isinstance(released_at, datetime)


async def test_releasing_what_was_never_stopped_changes_nothing(world: World) -> None:
    await world.stops.release([("zoe", None, "reply:9"), ("nobody", uuid4(), "x")])
    await world.stops.stop([OF_REPLY])
    await world.stops.release([("zoe", uuid4(), OF_REPLY.source_id), ("max", None, OF_REPLY.source_id)])
    assert await refused(world) == "stopped/reply"


async def test_stops_of_many_leads_go_in_together(world: World) -> None:
    await world.stops.stop([Stop(f"lead-{n}", None, "exit", f"exit:{n}") for n in range(50)])
    claims = await world.claim(*(grant(f"lead-{n}") for n in range(50)))
    assert len((await world.gate(claims[:25])).refused) == 25
    await world.stops.release([(f"lead-{n}", None, f"exit:{n}") for n in range(25, 50)])
    assert len((await world.gate(claims[25:])).passed) == 25


async def test_a_suppression_made_again_after_it_was_lifted_stays_lifted(world: World) -> None:
    await world.stops.suppress([BY_EMAIL])
    await world.consents.lift(world.key("zoe@example.com"))
    await world.stops.suppress([BY_EMAIL])
    assert await refused(world) is None
    await world.stops.suppress([Suppression("all", "unsubscribe", "u:2", email="zoe@example.com")])
    assert await refused(world) == "suppressed/suppressed"


async def test_lifting_one_scope_leaves_the_others(world: World) -> None:
    await world.stops.suppress([BY_EMAIL, Suppression("goal:nurture", "preferences", "p:1", email="zoe@example.com")])
    assert await world.stops.suppressed("Zoe@example.com") == {"all", "goal:nurture"}

    await world.consents.lift(world.key("zoe@example.com"), "all")

    assert await world.stops.suppressed("zoe@example.com") == {"goal:nurture"}
    assert await refused(world) is None


async def test_an_unknown_address_is_not_suppressed(world: World) -> None:
    assert await world.stops.suppressed("nobody@example.com") == frozenset()
