"""What the gate lets pass, and what it refuses for which reason."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from domain.ids import enrollment_id
from domain.tokens import lead_key
from sinks.ports import Lease, Stop, Suppression
from tests.support.ledger import AT, CAMPAIGN, SECRET, World, grant


async def test_what_nothing_forbids_passes_and_is_sending(world: World) -> None:
    given = grant()
    (claim,) = await world.claim(given)

    assert (await world.gate([claim])).passed == [claim]

    row = await world.row(given)
    assert (row["state"], row["code"], row["used"]) == ("sending", None, None)
    assert row["touch"] is not None


async def test_a_refusal_is_an_outcome_that_gives_the_slot_back_and_clears_the_personal_data(world: World) -> None:
    given = grant()
    (claim,) = await world.claim(given)
    await world.gates.set_campaign_gate(CAMPAIGN, is_open=False)

    assert await world.refusal(claim) == "paused/campaign"

    row = await world.row(given)
    assert (row["state"], row["used"], row["outcome_at"], row["touch"]) == ("paused", False, AT, None)
    assert row["finished_at"] is not None


async def test_a_mini_batch_is_decided_touch_by_touch(world: World) -> None:
    await world.stops.stop([Stop("max", None, "reply", "reply:1")])
    await world.stops.suppress([Suppression("all", "unsubscribe", "u:1", email="ada@example.com")])
    claims = await world.claim(grant("zoe"), grant("max"), grant("ada"), grant("ben"))

    result = await world.gate(claims)

    assert [claim.grant.touch.lead_id for claim in result.passed] == ["zoe", "ben"]
    assert [(r.claim.grant.touch.lead_id, r.outcome, r.code) for r in result.refused] == [
        ("max", "stopped", "reply"),
        ("ada", "suppressed", "suppressed"),
    ]


# --- gates and leases -------------------------------------------------------------------------------------------------
async def test_a_campaign_without_a_gate_row_is_closed(world: World) -> None:
    (claim,) = await world.claim(grant(campaign_id="never-launched"))
    assert await world.refusal(claim) == "paused/campaign"


async def test_stopping_everything_stops_every_campaign_until_it_is_released(world: World) -> None:
    first, second = await world.claim(grant("zoe"), grant("max"))
    await world.gates.set_global_gate(is_open=False)
    assert await world.refusal(first) == "paused/everything"
    await world.gates.set_global_gate(is_open=True)
    assert await world.refusal(second) is None


async def test_a_grant_of_an_older_pool_epoch_is_stale(world: World) -> None:
    (claim,) = await world.claim(grant())
    assert await world.leases.take("dispatch:0", uuid4(), 2) == 2
    assert await world.refusal(claim) == "stale/pool_epoch"


async def test_a_grant_that_dispatch_emits_again_under_its_new_epoch_passes(world: World) -> None:
    given = grant(number=1)
    await world.claim(given)
    await world.leases.take("dispatch:0", uuid4(), 2)

    (claim,) = await world.claim(given.model_copy(update={"pool_epoch": 2}))

    assert await world.refusal(claim) is None


async def test_a_grant_expires_by_the_databases_clock(world: World) -> None:
    now = await world.pool.fetchval("select clock_timestamp()")
    late, early = await world.claim(
        grant("zoe", expires_wall=now), grant("max", expires_wall=now + timedelta(seconds=20))
    )
    assert await world.refusal(late) == "expired/grant_expired"
    assert await world.refusal(early) is None


async def test_an_owner_that_lost_its_partition_passes_nothing(world: World) -> None:
    given = grant()
    claims = await world.claim(given)
    await world.new_sender()

    assert (await world.gate(claims)).lost == claims
    assert (await world.row(given))["state"] == "claimed"


async def test_a_claim_reopened_for_a_newer_grant_is_lost_to_the_older_one(world: World) -> None:
    (old,) = await world.claim(grant())
    await world.gates.set_campaign_gate(CAMPAIGN, is_open=False)
    await world.refusal(old)
    await world.gates.set_campaign_gate(CAMPAIGN, is_open=True)
    (new,) = await world.claim(grant(ask_no=2))

    assert (await world.gate([old])).lost == [old]
    assert (await world.gate([new])).passed == [new]


async def test_another_mailboxs_loop_passes_nothing_of_this_one(world: World) -> None:
    claims = await world.claim(grant())
    result = await world.ledger.gate(claims, mailbox_id="bob", gate_no=1, now=AT)
    assert result.lost == claims


async def test_asked_again_after_a_lost_answer_it_finds_what_it_let_pass(world: World) -> None:
    claims = await world.claim(grant("zoe"), grant("max"))
    await world.gate(claims, number=7)
    await world.stops.stop([Stop("max", None, "reply", "reply:1")])

    again = await world.gate(claims, number=7)

    assert again.passed == claims[:1]
    assert [refusal.claim for refusal in again.refused] == claims[1:]


async def test_what_has_passed_does_not_pass_a_second_time(world: World) -> None:
    claims = await world.claim(grant())
    assert (await world.gate(claims, number=7)).passed == claims
    assert (await world.gate(claims, number=8)).lost == claims


async def test_without_its_consent_row_nothing_passes(world: World) -> None:
    (claim,) = await world.claim(grant())
    await world.pool.execute("delete from consents where key = $1", lead_key(SECRET, "zoe"))
    assert await world.refusal(claim) == "stale/no_consent_row"


# --- suppressions -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("scope", ["all", f"campaign:{CAMPAIGN}", "goal:nurture"])
async def test_a_suppression_in_any_scope_that_covers_the_touch_refuses_it(world: World, scope: str) -> None:
    (claim,) = await world.claim(grant(), goal="nurture")
    await world.stops.suppress([Suppression(scope, "unsubscribe", "u:1", email="ZOE@example.com")])
    assert await world.refusal(claim) == "suppressed/suppressed"


@pytest.mark.parametrize("scope", ["campaign:other", "goal:nurture", "campaign:all"])
async def test_a_suppression_of_another_campaign_or_goal_does_not(world: World, scope: str) -> None:
    (claim,) = await world.claim(grant(), goal="reactivation")
    await world.stops.suppress([Suppression(scope, "unsubscribe", "u:1", email="zoe@example.com")])
    assert await world.refusal(claim) is None


async def test_a_suppression_made_before_the_first_touch_was_ever_seen_refuses_it(world: World) -> None:
    await world.stops.suppress([Suppression("all", "import", "import:1", email="zoe@example.com")])
    (claim,) = await world.claim(grant())
    assert await world.refusal(claim) == "suppressed/suppressed"


async def test_a_suppression_of_the_lead_holds_for_a_new_address(world: World) -> None:
    await world.stops.suppress([Suppression("all", "unsubscribe", "u:1", email="zoe@example.com", lead_id="zoe")])
    (claim,) = await world.claim(grant(email="zoe@new.example"))
    assert await world.refusal(claim) == "suppressed/suppressed"


async def test_a_suppression_by_the_key_of_a_known_touch_holds_for_its_address(world: World) -> None:
    given = grant()
    (claim,) = await world.claim(given)
    row = (await world.ledger.resolve([given.touch.send_id]))[given.touch.send_id]
    await world.stops.suppress([Suppression("all", "unsubscribe", "u:1", address_key=row.address_key)])
    assert await world.refusal(claim) == "suppressed/suppressed"


# --- stops ------------------------------------------------------------------------------------------------------------
async def test_a_stop_of_the_enrollment_covers_it_and_no_other(world: World) -> None:
    await world.stops.stop([Stop("zoe", enrollment_id(CAMPAIGN, "zoe"), "exit", "exit:1")])
    covered, second_entry = await world.claim(grant(), grant(entry_no=2))
    assert await world.refusal(covered) == "stopped/exit"
    assert await world.refusal(second_entry) is None


async def test_a_stop_of_the_lead_covers_all_but_the_enrollments_that_began_after_it(world: World) -> None:
    await world.stops.stop([Stop("zoe", None, "reply", "reply:1")])
    before, after = await world.claim(grant(), grant(entry_no=2, after_stops=["reply:0", "reply:1"]))
    assert await world.refusal(before) == "stopped/reply"
    assert await world.refusal(after) is None


async def test_an_enrollment_that_began_after_one_stop_is_covered_by_the_next(world: World) -> None:
    await world.stops.stop([Stop("zoe", None, "reply", "reply:1"), Stop("zoe", None, "pause", "pause:*")])
    (claim,) = await world.claim(grant(after_stops=["reply:1"]))
    assert await world.refusal(claim) == "stopped/pause"


async def test_a_suppressed_touch_is_told_so_even_when_it_is_paused_or_late(world: World) -> None:
    """Only that outcome is final: anything else would be asked again."""
    late = datetime.now(UTC) - timedelta(hours=1)
    (claim,) = await world.claim(grant(expires_wall=late), lease=Lease(0, 1))
    await world.gates.set_global_gate(is_open=False)
    await world.stops.suppress([Suppression("all", "unsubscribe", "u:1", email="zoe@example.com")])
    assert await world.refusal(claim) == "suppressed/suppressed"
