"""Outcomes, what a take-over finds, and what the ledger answers to others."""

from datetime import timedelta
from typing import get_args
from uuid import UUID, uuid4

import pytest

from agents.sending.keeper import SLACK
from domain.ids import enrollment_id
from schemas.sending import Outcome
from sinks.ports import Claim, Lease, TakeOver, Verdict
from tests.support.ledger import AT, CAMPAIGN, World, grant


async def in_the_air(world: World, *leads: str, lease: Lease | None = None) -> list[Claim]:
    claims = await world.claim(*(grant(lead) for lead in leads), lease=lease)
    assert (await world.gate(claims)).passed == claims
    return claims


def sent(claim: Claim, **more: object) -> Verdict:
    fields = {"code": "250 2.0.0", "subject": f"Hello {claim.grant.touch.lead_id}", "campaign_version": 3} | more
    return Verdict(claim, "sent", used=True, at=AT, **fields)  # pyright: ignore[reportArgumentType]


async def take_over(world: World, lease: Lease, held: frozenset[UUID] = frozenset()) -> TakeOver:
    return await world.ledger.take_over(lease, held, AT)


# --- record -----------------------------------------------------------------------------------------------------------
async def test_an_outcome_ends_the_touch_and_clears_its_personal_data(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")

    assert await world.ledger.record([sent(claim)])

    row = await world.row(claim.grant)
    assert (row["state"], row["used"], row["code"], row["outcome_at"]) == ("sent", True, "250 2.0.0", AT)
    assert (row["touch"], row["campaign_version"], row["subject"]) == (None, 3, "Hello zoe")


async def test_an_outcome_recorded_again_after_a_lost_answer_stands(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")
    verdict = sent(claim)
    await world.ledger.record([verdict])
    assert await world.ledger.record([verdict]) == [verdict]


async def test_an_outcome_of_a_touch_that_a_new_owner_has_decided_does_not_stand(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")
    await take_over(world, await world.new_sender())

    assert await world.ledger.record([sent(claim)]) == []

    assert (await world.row(claim.grant))["state"] == "ambiguous"


async def test_an_outcome_under_another_epoch_or_grant_changes_nothing(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")
    other_epoch = Claim(claim.grant, Lease(0, 2), b"", b"", claim.message_id, claim.claimed_at)
    other_grant = Claim(grant("zoe"), claim.lease, b"", b"", claim.message_id, claim.claimed_at)

    assert await world.ledger.record([sent(other_epoch)]) == []
    assert await world.ledger.record([sent(other_grant)]) == []

    assert (await world.row(claim.grant))["state"] == "sending"


async def test_only_what_never_reached_the_gate_is_refused_without_it(world: World) -> None:
    (waiting,) = await world.claim(grant("zoe"))
    (flying,) = await in_the_air(world, "max")
    verdicts = [Verdict(c, "paused", used=False, at=AT, from_state="claimed") for c in (waiting, flying)]
    assert await world.ledger.record(verdicts) == verdicts[:1]
    assert (await world.row(flying.grant))["state"] == "sending"


# --- take-over --------------------------------------------------------------------------------------------------------
async def test_the_new_owner_sends_what_was_claimed(world: World) -> None:
    given = grant()
    (old,) = await world.claim(given)
    lease = await world.new_sender()

    (claim,) = (await take_over(world, lease)).claims

    assert (claim.grant, claim.lease, claim.message_id) == (given, lease, old.message_id)
    assert (claim.lead_key, claim.address_key) == (old.lead_key, old.address_key)
    assert (await world.gate([old])).lost == [old]
    assert (await world.gate([claim])).passed == [claim]


async def test_what_the_owner_before_had_in_the_air_is_ambiguous_and_never_sent_again(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")
    lease = await world.new_sender()

    found = await take_over(world, lease)

    assert found.claims == []
    assert [(row.outcome, row.code, row.used) for row in found.finished] == [("ambiguous", "taken_over", True)]
    for newer in (claim.grant, grant("zoe", ask_no=2), grant("zoe", ask_no=3)):
        assert (await world.intake(newer, lease=lease)).adopted == []
    assert (await world.row(claim.grant))["state"] == "ambiguous"


async def test_what_finished_under_another_epoch_is_told_again(world: World) -> None:
    finished = await world.finish(grant("zoe"), "sent")
    (refused,) = await world.claim(grant("max", campaign_id="closed"))
    assert await world.refusal(refused) == "paused/campaign"
    lease = await world.new_sender()

    found = (await take_over(world, lease)).finished

    assert [(row.send_id, row.outcome, row.used) for row in found] == [
        (finished.grant.touch.send_id, "sent", True),
        (refused.grant.touch.send_id, "paused", False),
    ]
    assert (found[0].subject, found[0].message_id, found[0].outcome_at) == ("Hello", finished.message_id, AT)


async def test_what_finished_more_than_an_hour_ago_or_under_this_epoch_is_not(world: World) -> None:
    await world.finish(grant("zoe"), "sent")
    assert (await take_over(world, world.lease)).finished == []
    await world.pool.execute("update sends set finished_at = finished_at - interval '61 minutes'")
    assert (await take_over(world, await world.new_sender())).finished == []


async def test_what_is_in_this_process_hands_is_not_found(world: World) -> None:
    """The sweep repeats every minute beside the loops."""
    waiting, lost = await world.claim(grant("zoe"), grant("max"))

    found = await take_over(world, world.lease, frozenset({waiting.grant.touch.send_id}))

    assert [claim.grant for claim in found.claims] == [lost.grant]


async def test_what_this_owner_has_in_the_air_is_left_alone(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")
    assert (await take_over(world, world.lease)).finished == []
    await world.pool.execute("update sends set sending_at = sending_at - interval '16 minutes'")
    await take_over(world, world.lease, frozenset({claim.grant.touch.send_id}))
    assert (await world.row(claim.grant))["state"] == "sending"


async def test_what_nobody_has_in_hand_for_a_quarter_of_an_hour_is_ambiguous(world: World) -> None:
    (claim,) = await in_the_air(world, "zoe")
    await world.pool.execute("update sends set sending_at = sending_at - interval '16 minutes'")
    found = await take_over(world, world.lease)
    assert (await world.row(claim.grant))["state"] == "ambiguous"
    assert [row.grant_id for row in found.finished] == [claim.grant.grant_id]  # it is told, or nobody would hear of it


async def test_an_owner_that_lost_its_partition_takes_nothing_over(world: World) -> None:
    (flying,) = await in_the_air(world, "zoe")
    await world.claim(grant("max"))
    lease = await world.new_sender()
    await take_over(world, Lease(0, lease.epoch + 1))
    assert (await world.row(flying.grant))["state"] == "sending"
    assert (await take_over(world, world.lease)).claims == []


async def test_a_sweep_begins_where_everything_before_is_settled(world: World) -> None:
    old = await world.finish(grant("old"), "sent")
    new = await world.finish(grant("new"), "sent")
    await world.ledger.settle(world.lease, new.claimed_at)
    lease = await world.new_sender()

    found = await take_over(world, lease)

    assert [row.lead_id for row in found.finished] == ["new"]
    await world.ledger.settle(lease, old.claimed_at)
    assert [row.lead_id for row in (await take_over(world, lease)).finished] == ["new"], "settling never goes back"


async def test_an_owner_that_lost_its_partition_settles_nothing(world: World) -> None:
    claim = await world.finish(grant(), "sent")
    lease = await world.new_sender()
    await world.ledger.settle(world.lease, claim.claimed_at + timedelta(hours=1))
    assert len((await take_over(world, lease)).finished) == 1


async def test_a_claim_that_cannot_be_read_costs_itself(world: World) -> None:
    await world.claim(grant("zoe"), grant("max"))
    await world.pool.execute("update sends set touch = '{}' where lead_id = 'zoe'")
    found = await take_over(world, await world.new_sender())
    assert [claim.grant.touch.lead_id for claim in found.claims] == ["max"]


# --- forgetting -------------------------------------------------------------------------------------------------------
async def test_an_hour_after_the_outcome_only_ids_and_outcomes_are_left(world: World) -> None:
    claim = await world.finish(grant(), "sent")
    young = await world.finish(grant("max"), "sent")
    await world.pool.execute("update sends set claimed_at = claimed_at - interval '2 hours' where lead_id = 'zoe'")
    await world.ledger.settle(world.lease, young.claimed_at + SLACK)

    await world.ledger.forget(world.lease)
    await world.ledger.forget(world.lease)

    row = await world.row(claim.grant)
    assert (row["subject"], row["detail"], row["domain"], row["touch"]) == (None, None, None, None)
    assert (row["state"], row["message_id"]) == ("sent", claim.message_id)
    assert (await world.row(young.grant))["subject"] == "Hello"
    assert "zoe@example.com" not in str(dict(row))


async def test_what_is_not_settled_is_not_forgotten(world: World) -> None:
    claim = await world.finish(grant(), "sent")
    await world.pool.execute("update sends set claimed_at = claimed_at - interval '2 hours'")
    await world.ledger.settle(world.lease, claim.claimed_at - timedelta(hours=3))
    assert await world.ledger.forget(world.lease) == 0
    assert (await world.row(claim.grant))["subject"] == "Hello"


# --- who asks the ledger ----------------------------------------------------------------------------------------------
async def test_a_reply_finds_its_touch_by_id_by_message_id_and_by_sender_and_subject(world: World) -> None:
    claim = await world.finish(grant(timezone="Europe/Paris"), "sent")
    send_id = claim.grant.touch.send_id

    by_id = await world.ledger.resolve([send_id, uuid4()])
    by_message = await world.ledger.resolve_message_ids([claim.message_id, "<other@x.example>"])
    by_thread = await world.ledger.resolve_thread("ZOE@example.com", "RE: AW: hello")

    assert by_id[send_id] == by_message[claim.message_id] == by_thread
    row = by_id[send_id]
    assert (row.lead_id, row.campaign_id, row.step_id, row.entry_no) == ("zoe", CAMPAIGN, "intro", 1)
    assert (row.enrollment_id, row.timezone) == (enrollment_id(CAMPAIGN, "zoe"), "Europe/Paris")
    assert len(by_id) == len(by_message) == 1


async def test_another_sender_or_subject_finds_nothing(world: World) -> None:
    await world.finish(grant(), "sent")
    assert await world.ledger.resolve_thread("max@example.com", "Hello") is None
    assert await world.ledger.resolve_thread("zoe@example.com", "Hello again") is None


async def test_later_proof_settles_an_ambiguous_touch_and_no_other(world: World) -> None:
    unclear, failed = await world.finish(grant("zoe"), "ambiguous"), await world.finish(grant("max"), "failed")
    ids = [unclear.grant.touch.send_id, failed.grant.touch.send_id]
    assert await world.ledger.settle_ambiguous(ids) == 1
    assert [(await world.row(claim.grant))["state"] for claim in (unclear, failed)] == ["sent", "failed"]


@pytest.mark.parametrize("outcome", get_args(Outcome))
async def test_dispatch_finds_its_grants_with_their_use(world: World, outcome: Outcome) -> None:
    used = outcome in {"sent", "failed", "ambiguous"}
    done = await world.finish(grant("zoe", number=1, granted_at=AT), outcome, used=used)
    (waiting,) = await world.claim(grant("max", number=2, granted_at=AT + timedelta(hours=24)))
    await world.claim(grant("elsewhere", pool_partition=5))

    found = await world.ledger.recent_grants(0)

    assert [(row.grant_id, row.use) for row in found] == [
        (done.grant.grant_id, "used" if used else "unused"),
        (waiting.grant.grant_id, "open"),
    ]
    assert (found[0].mailbox_id, found[0].campaign_id, found[0].domain) == ("anna", CAMPAIGN, "example.com")


async def test_dispatch_finds_no_grant_that_is_more_than_a_day_older_than_its_last(world: World) -> None:
    await world.claim(grant("old", granted_at=AT), grant("new", granted_at=AT + timedelta(hours=26)))
    assert [row.granted_at for row in await world.ledger.recent_grants(0)] == [AT + timedelta(hours=26)]
    assert await world.ledger.recent_grants(7) == []
