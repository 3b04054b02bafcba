"""Two transactions at once: each order of a gate and of what forbids it, with real locks."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from domain.tokens import address_key, lead_key
from sinks.ports import Claim, Stop, Suppression
from sinks.postgres.leases import PostgresGates, PostgresLeases
from sinks.postgres.ledger import PostgresLedger
from sinks.postgres.stops import PostgresStops
from tests.support.ledger import AT, CAMPAIGN, SECRET, World, grant, offer
from tests.support.waiting import wait_for

STOP = Stop("zoe", None, "reply", "reply:1")
SUPPRESSION = Suppression("all", "unsubscribe", "u:1", email="zoe@example.com")


class Held:
    """A pool of one connection inside an open transaction: what it does is done, and not yet committed."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Any]:
        yield self._connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@asynccontextmanager
async def uncommitted(world: World) -> AsyncIterator[Any]:
    """Everything done on the yielded pool is committed at the end of the block."""
    async with world.pool.acquire() as connection, connection.transaction():
        yield Held(connection)


async def until_it_waits(world: World, call: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """Start the call and return when it waits for a lock."""
    task = asyncio.create_task(call)
    await wait_for(world.waiting, 5, what="the call waits for a lock")
    assert not task.done()
    return task


FORBIDDING: dict[str, tuple[Callable[[Any], Awaitable[Any]], str]] = {
    "a stop": (lambda pool: PostgresStops(pool, SECRET).stop([STOP]), "stopped/reply"),
    "a suppression": (lambda pool: PostgresStops(pool, SECRET).suppress([SUPPRESSION]), "suppressed/suppressed"),
    "a pause": (lambda pool: PostgresGates(pool).set_campaign_gate(CAMPAIGN, is_open=False), "paused/campaign"),
    "a stop of all": (lambda pool: PostgresGates(pool).set_global_gate(is_open=False), "paused/everything"),
    "a new dispatcher": (lambda pool: PostgresLeases(pool).take("dispatch:0", uuid4(), 2), "stale/pool_epoch"),
}


@pytest.mark.parametrize("what", FORBIDDING)
async def test_a_gate_that_meets_an_uncommitted_prohibition_waits_and_refuses(world: World, what: str) -> None:
    forbid, refusal = FORBIDDING[what]
    (claim,) = await world.claim(grant())
    async with uncommitted(world) as pool:
        await forbid(pool)
        gate = await until_it_waits(world, world.refusal(claim))
    assert await gate == refusal


@pytest.mark.parametrize("what", FORBIDDING)
async def test_a_prohibition_that_meets_an_undecided_gate_returns_only_after_it(world: World, what: str) -> None:
    """So whoever was told that it is in force knows which touches had passed before."""
    forbid, refusal = FORBIDDING[what]
    first, second = await world.claim(grant("zoe"), grant("zoe", step_id="second"))
    async with uncommitted(world) as pool:
        ledger = PostgresLedger(pool, SECRET)
        passed = await ledger.gate([first], mailbox_id="anna", gate_no=1, now=AT)
        prohibition = await until_it_waits(world, forbid(world.pool))  # pyright: ignore[reportArgumentType]
    await prohibition
    assert passed.passed == [first]
    assert await world.refusal(second) == refusal


async def test_a_gate_whose_partition_is_being_taken_over_waits_and_passes_nothing(world: World) -> None:
    claims = await world.claim(grant())
    async with uncommitted(world) as pool:
        await PostgresLeases(pool).take("sender:0", uuid4(), 2)
        gate = await until_it_waits(world, world.gate(claims))
    assert (await gate).lost == claims


async def test_a_take_over_waits_for_the_gate_of_the_owner_before(world: World) -> None:
    claims = await world.claim(grant())
    async with uncommitted(world) as pool:
        passed = await PostgresLedger(pool, SECRET).gate(claims, mailbox_id="anna", gate_no=1, now=AT)
        taking = await until_it_waits(world, world.new_sender())
    lease = await taking
    assert passed.passed == claims
    await world.ledger.take_over(lease, frozenset(), AT)
    assert (await world.row(claims[0].grant))["state"] == "ambiguous"


async def test_an_intake_whose_partition_is_being_taken_over_waits_and_takes_nothing(world: World) -> None:
    async with uncommitted(world) as pool:
        await PostgresLeases(pool).take("sender:0", uuid4(), 2)
        intake = await until_it_waits(world, world.intake(grant()))
    with pytest.raises(Exception, match="not owned"):
        await intake
    assert await world.pool.fetchval("select count(*) from sends") == 0


async def test_a_suppression_of_an_address_never_seen_holds_for_an_intake_that_waited_for_its_row(world: World) -> None:
    """The row that the gate locks was inserted by a transaction that intake waited for."""
    async with uncommitted(world) as pool:
        await PostgresStops(pool, SECRET).suppress([SUPPRESSION])
        intake = await until_it_waits(world, world.claim(grant()))
    (claim,) = await intake
    assert await world.refusal(claim) == "suppressed/suppressed"


@pytest.mark.parametrize("what", ["a stop", "a suppression"])
async def test_a_prohibition_whose_row_an_intake_is_just_inserting_flags_that_row(world: World, what: str) -> None:
    """Had it flagged only rows of its own snapshot, it would have flagged nothing."""
    forbid, refusal = FORBIDDING[what]
    async with uncommitted(world) as pool:
        (claim,) = (await PostgresLedger(pool, SECRET).intake([offer(grant())])).adopted
        prohibition = await until_it_waits(world, forbid(world.pool))  # pyright: ignore[reportArgumentType]
    await prohibition
    assert await world.refusal(claim) == refusal


async def test_two_leads_with_one_address_at_once_leave_one_owner(world: World) -> None:
    """The second one waits for the first one's row, which is not in its snapshot."""
    first, second = grant("zoe", email="sales@example.com"), grant("max", email="sales@example.com")
    async with uncommitted(world) as pool:
        (owner,) = (await PostgresLedger(pool, SECRET).intake([offer(first)])).adopted
        intake = await until_it_waits(world, world.claim(second))
    (other,) = await intake
    assert await world.refusal(other) == "suppressed/duplicate_address"
    assert await world.refusal(owner) is None


async def test_the_gate_locks_leases_then_gates_then_consents_and_decides_after_the_last(world: World) -> None:
    (claim,) = await world.claim(grant())
    keys = sorted([lead_key(SECRET, "zoe"), address_key(SECRET, "zoe@example.com")])
    async with uncommitted(world) as blocker:
        await blocker.execute("select 1 from consents where key = $1 for update", keys[-1])
        gate = await until_it_waits(world, world.refusal(claim))
        for table in ("partition_leases", "campaign_gates"):
            free = await _free(world, f"select * from {table}")
            assert free == [], f"the gate holds every row of {table} while it waits for a consent"
        assert await _free(world, "select key from consents") == [], "and the first consent"
        await world.pool.execute("update sends set grant_id = 'another' where send_id = $1", claim.grant.touch.send_id)
    with pytest.raises(AssertionError, match="lost"):
        await gate


async def test_while_the_gate_waits_for_a_lease_it_holds_no_consent(world: World) -> None:
    (claim,) = await world.claim(grant())
    async with uncommitted(world) as blocker:
        await blocker.execute("select 1 from partition_leases where scope = 'sender:0' for update")
        gate = await until_it_waits(world, world.refusal(claim))
        assert len(await _free(world, "select * from campaign_gates")) == 2
        assert len(await _free(world, "select * from consents")) == 2
    assert await gate is None


async def _free(world: World, query: str) -> list[asyncpg.Record]:
    """The rows that nobody holds."""
    async with world.pool.acquire() as connection:
        return await connection.fetch(f"{query} for update skip locked")


async def test_gates_of_two_mailboxes_with_the_same_people_never_deadlock(world: World) -> None:
    leads = [f"lead-{number}" for number in range(12)]
    await world.pool.execute("set deadlock_timeout = '50ms'")
    for turn in range(6):
        here = await world.claim(*(grant(lead, step_id=f"a{turn}", mailbox_id="anna") for lead in leads))
        there = await world.claim(*(grant(lead, step_id=f"b{turn}", mailbox_id="bob") for lead in reversed(leads)))
        stops = world.stops.stop([Stop(lead, None, "x", f"x{turn}") for lead in random.Random(turn).sample(leads, 6)])
        first, second, _ = await asyncio.gather(world.gate(here), world.gate(there), stops)
        assert len(first.passed) + len(first.refused) == len(second.passed) + len(second.refused) == len(leads)


async def test_after_a_stop_has_returned_nothing_passes_whatever_runs_beside_it(world: World) -> None:
    """Sixty leads, gates and stops in random order: a touch passes only if its stop had not returned when its gate began."""
    draw = random.Random(4)
    leads = [f"lead-{number}" for number in range(60)]
    claims: list[Claim] = []
    for start in range(0, 60, 20):
        claims += await world.claim(*(grant(lead) for lead in leads[start : start + 20]))
    stopped: set[str] = set()
    wrong: list[str] = []

    async def stop(some: Sequence[str]) -> None:
        await asyncio.sleep(draw.random() * 0.05)
        await world.stops.stop([Stop(lead, None, "reply", f"reply:{lead}") for lead in some])
        stopped.update(some)

    async def gate(some: Sequence[Claim]) -> int:
        await asyncio.sleep(draw.random() * 0.05)
        before = set(stopped)
        result = await world.gate(some)
        wrong.extend(claim.grant.touch.lead_id for claim in result.passed if claim.grant.touch.lead_id in before)
        return len(result.passed) + len(result.refused)

    mixed = draw.sample(claims, 60)
    gates = [gate(mixed[start : start + 5]) for start in range(0, 60, 5)]
    stops = [stop(draw.sample(leads, 4)) for _ in range(10)]
    decided = await asyncio.gather(*gates, *stops)

    assert wrong == []
    assert sum(count for count in decided if count is not None) == 60
