"""An unsubscribe and what tells of it are one: whoever comes after a crash finds it, and two tell each its own."""

from dataclasses import dataclass
from typing import Any

import pytest

from api.publisher import Outgoing
from api.telling import Telling, noted, suppress
from schemas.tracking import Hit
from sinks.ports import Suppression
from sinks.postgres.untold import Noted, NotedEvents
from streams.errors import Retryable
from tests.support.ledger import AT, World, grant

LEFT = Suppression("all", "unsubscribe", "unsubscribe:u1", email="zoe@example.com")


def hit(event_id: str = "u1") -> Hit:
    of = grant().touch
    return Hit(
        type="unsubscribe",
        event_id=event_id,
        lead_id=of.lead_id,
        campaign_id=of.campaign_id,
        step_id=of.step_id,
        entry_no=1,
        send_id=of.send_id,
        method="POST",
        at=AT,
        wall=AT,
    )


def told_by(world: World, broker: Any) -> Telling:
    """What an api process tells with."""
    return Telling(NotedEvents(world.pool), broker)


def note_of(event: Hit) -> Noted:
    return noted("tracking-hits", event, event.event_id, event.lead_id)


@dataclass
class Broker:
    away: bool = False
    sent: list[Any] | None = None

    async def publish(self, messages: Any) -> None:
        if self.away:
            raise Retryable("no broker")
        self.sent = [*(self.sent or []), *messages]


async def test_what_a_killed_process_committed_and_did_not_tell_is_told_by_the_next_one(world: World) -> None:
    await suppress(world.stops, told_by(world, Broker()), [LEFT], hit())  # and killed here
    assert await world.stops.suppressed("zoe@example.com") == {"all"}

    broker = Broker(away=True)
    untold = told_by(world, broker)
    with pytest.raises(Retryable):
        await untold.once()
    broker.away = False
    assert await untold.once() == 1
    assert broker.sent == [Outgoing("tracking-hits", hit(), "zoe")]
    assert await untold.once() == 0


async def test_a_suppression_that_cannot_be_stored_leaves_nothing_to_tell(world: World) -> None:
    with pytest.raises(ValueError, match="needs an address"):
        await world.stops.unsubscribe([Suppression("all", "unsubscribe", "u1")], note_of(hit()))
    await world.pool.execute("ALTER TABLE untold_events ADD CHECK (event_id <> 'u2')")
    with pytest.raises(Exception, match="untold_events"):
        await world.stops.unsubscribe([LEFT], note_of(hit("u2")))
    assert await world.stops.suppressed("zoe@example.com") == frozenset()


async def test_two_processes_tell_each_its_own(world: World) -> None:
    for number in range(3):
        await world.stops.unsubscribe([LEFT], note_of(hit(f"u{number}"))._replace(key=f"lead-{number}"))
    notes = NotedEvents(world.pool)
    async with notes.telling(2) as first, notes.telling(2) as second:
        assert (len(first), len(second)) == (2, 1)
        assert not set(first) & set(second)
    async with notes.telling(9) as left:
        assert left == []


async def test_a_hit_that_another_version_noted_costs_only_itself(world: World) -> None:
    newer = hit("u2").model_dump_json()[:-1] + ',"of_a_newer_version":1}'
    await world.stops.unsubscribe([LEFT], note_of(hit())._replace(value='{"type":"unsubscribe"}'))
    await world.stops.unsubscribe([LEFT], note_of(hit("u2"))._replace(value=newer))
    broker = Broker()
    untold = told_by(world, broker)
    await untold.once()
    assert broker.sent == [Outgoing("tracking-hits", hit("u2"), "zoe")]
    assert await untold.once() == 0
