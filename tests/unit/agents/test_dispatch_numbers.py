"""A grant's number never comes again in its epoch: the ledger takes a lower one for an older grant."""

from __future__ import annotations

from datetime import timedelta

from tests.support.dispatch_role import Role, outcome
from tests.support.dispatching import campaign, definitions, mailbox, touch

LONG = timedelta(days=30)
WEEKEND = timedelta(hours=64)


async def after_a_quiet_weekend() -> Role:
    """A worker that granted twice on Friday, was answered, and has forgotten both grants."""
    worker = await Role(definitions(campaign(), mailbox()), outage=LONG).recover()
    given = await worker.batch(worker.tick(), touch("one"), touch("two"))
    await worker.batch(*(outcome(grant, used=False) for grant in given))
    worker.clock.advance(WEEKEND)
    await worker.batch(worker.tick())
    assert len(worker.grants) == 0
    return worker


async def test_a_discarded_batch_after_a_quiet_weekend_does_not_start_the_numbers_over() -> None:
    worker = await after_a_quiet_weekend()
    await worker.handler.reset()
    (grant,) = await worker.batch(worker.tick(), touch("one", ask_no=2))
    assert grant.grant_id > max(earlier.grant_id for earlier in worker.sent[:2])


async def test_a_rebalance_after_a_quiet_weekend_does_not_start_the_numbers_over() -> None:
    worker = await after_a_quiet_weekend()
    await worker.handler.recovered(frozenset({0}))
    (grant,) = await worker.batch(worker.tick(), touch("one", ask_no=2))
    assert grant.grant_id > max(earlier.grant_id for earlier in worker.sent[:2])


async def test_a_partition_that_comes_back_unchanged_goes_on_with_its_numbers() -> None:
    worker = await after_a_quiet_weekend()
    await worker.handler.recovered(frozenset({1}))
    await worker.handler.recovered(frozenset({0, 1}))
    (grant,) = await worker.batch(worker.tick(), touch("one", ask_no=2))
    assert grant.grant_id > max(earlier.grant_id for earlier in worker.sent[:2])
