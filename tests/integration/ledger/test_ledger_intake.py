"""What becomes of a grant that is offered to the ledger."""

import pytest

from sinks.ports import Lease, Outcome
from sinks.postgres.ledger import LostLease
from sinks.postgres.ledger_rows import FINAL, REOPENABLE
from streams.errors import Poison
from tests.support.ledger import World, grant


async def test_a_touch_never_seen_is_claimed_and_keeps_what_the_next_owner_needs(world: World) -> None:
    given = grant()

    (claim,) = await world.claim(given)

    row = await world.row(given)
    assert (row["state"], row["grant_id"], row["sender_epoch"]) == ("claimed", given.grant_id, 1)
    assert row["touch"] == given.write().decode()
    assert claim.claimed_at == row["claimed_at"]


async def test_the_same_grant_again_is_adopted_again_while_it_is_claimed(world: World) -> None:
    given = grant()
    (first,) = await world.claim(given)

    (second,) = await world.claim(given)

    assert second.claimed_at == first.claimed_at
    assert await world.pool.fetchval("select count(*) from sends") == 1


async def test_the_same_grant_again_is_left_alone_while_it_is_in_the_air(world: World) -> None:
    given = grant()
    await world.gate(await world.claim(given))

    again = await world.intake(given)

    assert (again.adopted, again.finished, again.unused) == ([], [], [])


@pytest.mark.parametrize("outcome", sorted(FINAL))
async def test_a_final_outcome_is_told_again_and_the_newer_grant_is_unused(world: World, outcome: Outcome) -> None:
    first, newer = grant(), grant(ask_no=2)
    await world.finish(first, outcome)

    result = await world.intake(newer)

    assert result.adopted == []
    assert [(row.outcome, row.grant_id, row.subject) for row in result.finished] == [(outcome, first.grant_id, "Hello")]
    assert result.unused == [(newer, f"already_{outcome}")]
    assert (await world.row(first))["state"] == outcome


@pytest.mark.parametrize("outcome", sorted(REOPENABLE))
async def test_an_outcome_that_may_be_asked_again_reopens_for_a_newer_grant(world: World, outcome: Outcome) -> None:
    await world.finish(grant(), outcome)
    newer = grant(ask_no=2, attempt=2, email="zoe@other.example")

    (claim,) = await world.claim(newer)

    row = await world.row(newer)
    assert (row["state"], row["grant_id"], row["ask_no"], row["attempt"]) == ("claimed", newer.grant_id, 2, 2)
    assert (row["code"], row["used"], row["outcome_at"], row["subject"]) == (None, None, None, None)
    assert row["address_key"] == claim.address_key
    assert (await world.gate([claim])).passed == [claim]


@pytest.mark.parametrize("outcome", sorted(REOPENABLE))
async def test_it_does_not_reopen_for_an_older_grant(world: World, outcome: Outcome) -> None:
    older, newer = grant(), grant(ask_no=2)
    await world.finish(newer, outcome)

    result = await world.intake(older)

    assert (result.adopted, result.unused) == ([], [(older, "older_grant")])
    assert (await world.row(newer))["state"] == outcome


@pytest.mark.parametrize("outcome", sorted(REOPENABLE))
async def test_it_does_not_reopen_for_its_own_grant_whose_outcome_is_told_again(world: World, outcome: Outcome) -> None:
    given = grant()
    await world.finish(given, outcome, used=False)

    result = await world.intake(given)

    assert (result.adopted, result.unused) == ([], [])
    assert [(row.outcome, row.used) for row in result.finished] == [(outcome, False)]


async def test_grants_are_ordered_by_epoch_then_number_as_numbers(world: World) -> None:
    await world.finish(grant(epoch=9, number=99, grant_id="9-99", pool_epoch=1), "deferred")

    assert (await world.intake(grant(grant_id="8-500"))).unused[0][1] == "older_grant"
    await world.finish(grant(grant_id="9-100"), "deferred")
    await world.finish(grant(grant_id="10-1"), "deferred")
    assert (await world.intake(grant(grant_id="9-101"))).unused[0][1] == "older_grant"


async def test_of_two_grants_of_one_touch_in_a_batch_the_newer_is_adopted(world: World) -> None:
    older, newer = grant(), grant(ask_no=2)

    result = await world.intake(newer, older)

    assert [claim.grant for claim in result.adopted] == [newer]
    assert result.unused == [(older, "older_grant")]


async def test_another_grant_of_a_touch_under_way_is_unused(world: World) -> None:
    first, newer = grant(), grant(ask_no=2)
    claims = await world.claim(first)

    assert (await world.intake(newer)).unused == [(newer, "already_claimed")]
    await world.gate(claims)
    assert (await world.intake(newer)).unused == [(newer, "already_sending")]
    assert (await world.row(first))["grant_id"] == first.grant_id


async def test_a_worker_whose_partition_was_taken_over_takes_nothing_in(world: World) -> None:
    deferred, fresh = grant("zoe"), grant("max")
    await world.finish(deferred, "deferred")
    await world.new_sender()

    for given in (fresh, grant("zoe", ask_no=2)):
        with pytest.raises(LostLease):
            await world.intake(given, lease=Lease(0, 1))

    assert (await world.row(deferred))["state"] == "deferred"
    assert await world.pool.fetchval("select count(*) from sends") == 1


async def test_the_new_owner_adopts_a_claimed_touch_that_is_offered_again(world: World) -> None:
    given = grant()
    await world.claim(given)
    lease = await world.new_sender()

    (claim,) = await world.claim(given, lease=lease)

    assert (await world.gate([claim])).passed == [claim]


async def test_the_first_lead_with_an_address_owns_it_in_the_campaign(world: World) -> None:
    first, second = grant("zoe", email="Zoe@Example.com"), grant("double", email="zoe@example.com ")
    elsewhere = grant("double", email="zoe@example.com", campaign_id="other")
    await world.gates.set_campaign_gate("other", is_open=True)

    claims = await world.claim(first, second, elsewhere)

    refusals = [await world.refusal(claim) for claim in claims]
    assert refusals == [None, "suppressed/duplicate_address", None]


async def test_data_that_the_database_refuses_is_poison(world: World) -> None:
    with pytest.raises(Poison):
        await world.intake(grant(timezone="Europe/\x00"))


@pytest.mark.parametrize("grant_id", ["7", "a-1", "1-", "-1", "1-2-3", "99999999-1", "١-1"])
async def test_a_grant_id_that_is_not_epoch_and_number_is_poison(world: World, grant_id: str) -> None:
    with pytest.raises(Poison, match="bad_grant_id"):
        await world.intake(grant(grant_id=grant_id))
