"""Who owns a partition: a random id a process start, a newer generation, one epoch more."""

import asyncio
from uuid import uuid4

from tests.support.ledger import World


async def test_a_kept_partition_keeps_its_epoch(world: World) -> None:
    owner = uuid4()
    assert await world.leases.take("sender:1", owner, 1) == 1
    assert await world.leases.take("sender:1", owner, 2) == 1
    assert await world.leases.take("sender:1", owner, 9) == 1


async def test_another_owner_takes_it_with_a_newer_generation_only(world: World) -> None:
    first, second = uuid4(), uuid4()
    assert await world.leases.take("sender:1", first, 5) == 1
    assert await world.leases.take("sender:1", second, 4) is None
    assert await world.leases.take("sender:1", second, 5) is None
    assert await world.leases.take("sender:1", second, 6) == 2


async def test_the_owner_before_cannot_take_it_back_in_its_old_generation(world: World) -> None:
    first, second = uuid4(), uuid4()
    await world.leases.take("sender:1", first, 5)
    await world.leases.take("sender:1", second, 6)
    assert await world.leases.take("sender:1", first, 5) is None
    assert await world.leases.take("sender:1", first, 6) is None
    assert await world.leases.take("sender:1", first, 7) == 3


async def test_a_kept_partition_is_safe_from_generations_that_passed_meanwhile(world: World) -> None:
    first, second = uuid4(), uuid4()
    await world.leases.take("sender:1", first, 1)
    await world.leases.take("sender:1", first, 8)
    assert await world.leases.take("sender:1", second, 8) is None
    assert await world.leases.take("sender:1", second, 9) == 2


async def test_scopes_have_their_own_epochs(world: World) -> None:
    owner = uuid4()
    assert await world.leases.take("sender:1", owner, 1) == 1
    assert await world.leases.take("sender:1", uuid4(), 2) == 2
    assert await world.leases.take("sender:2", owner, 1) == 1
    assert await world.leases.take("dispatch:1", owner, 1) == 1


async def test_of_two_that_take_it_at_once_one_gets_it(world: World) -> None:
    epochs = await asyncio.gather(*(world.leases.take("sender:1", uuid4(), 3) for _ in range(6)))
    assert sorted(epoch is not None for epoch in epochs) == [False] * 5 + [True]


async def test_a_lease_that_nobody_renewed_for_a_day_is_free_for_a_group_made_anew(world: World) -> None:
    """A group that was deleted counts its generations from one again."""
    await world.leases.take("sender:1", uuid4(), 500)
    assert await world.leases.take("sender:1", uuid4(), 1) is None
    await world.pool.execute("update partition_leases set renewed_at = now() - interval '25 hours'")
    assert await world.leases.take("sender:1", uuid4(), 1) == 2


async def test_a_lease_that_is_renewed_stays_whoever_asks_in_an_older_generation(world: World) -> None:
    owner, other = uuid4(), uuid4()
    await world.leases.take("sender:1", owner, 500)
    await world.leases.take("sender:2", other, 500)
    await world.pool.execute("update partition_leases set renewed_at = now() - interval '25 hours'")
    await world.leases.renew(["sender:2", "sender:1"], owner)
    assert await world.leases.take("sender:1", uuid4(), 1) is None
    assert await world.leases.take("sender:2", uuid4(), 1) == 2, "another owner's lease is not renewed"


async def test_renewing_changes_neither_owner_nor_epoch_nor_generation(world: World) -> None:
    owner = uuid4()
    await world.leases.take("sender:1", owner, 5)
    before = dict(await world.pool.fetchrow("select owner, epoch, generation, taken_at from partition_leases"))
    await world.leases.renew(["sender:1", "sender:7"], owner)
    assert dict(await world.pool.fetchrow("select owner, epoch, generation, taken_at from partition_leases")) == before


async def test_a_gate_can_be_closed_before_its_campaign_was_ever_opened(world: World) -> None:
    await world.gates.set_campaign_gate("new", is_open=False)
    await world.gates.set_campaign_gate("new", is_open=True)
    assert await world.pool.fetchval("select is_open from campaign_gates where scope = 'campaign:new'")
