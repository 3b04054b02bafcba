"""A mailbox's loop, on a ledger and a mail server in memory."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agents.sending.keeper import SLACK
from sinks.ports import Claim, Lease, TakeOver
from sinks.smtp_answers import Delivery, MailboxPause
from streams.errors import Evicted, NotAlive, Poison, Retryable
from tests.support.ledger import AT, MAILBOX, grant
from tests.support.sender import (
    MemoryCourier,
    MemoryLedger,
    Office,
    again,
    campaign_definition,
    inbound,
    mailbox_definition,
)
from tests.support.waiting import wait_for

BUSY = Delivery("deferred", "mail", 421, "4.7.0", "busy", MailboxPause("busy", 300.0))
LOGIN = Delivery("deferred", "login", 535, "5.7.8", "no", MailboxPause("login", None))
NOBODY_THERE = Delivery("deferred", "connect", detail="refused")
NO_SUCH_USER = Delivery("failed", "rcpt", 550, "5.1.1", "no such user")


async def told(office: Office, count: int) -> list[str]:
    await wait_for(lambda: len(office.stream.results) >= count, 5, what=f"{count} results")
    return office.outcomes()


# --- the way of a touch -----------------------------------------------------------------------------------------------
async def test_a_touch_passes_the_gate_leaves_and_is_told_with_its_slot() -> None:
    async with Office() as office:
        given = grant()
        await office.take(given)
        assert await told(office, 1) == ["zoe sent"]
        result, answer = office.stream.results[0], office.stream.answers[0]
    assert (result.code, result.granted_at, result.subject) == (
        "250 2.0.0",
        given.granted_at,
        "Question about Hôtel du Lac",
    )
    assert (answer.grant_id, answer.used, answer.reason) == (given.grant_id, True, "sent")
    ((recipient, data),) = office.courier.sent
    assert recipient == "zoe@example.com"
    assert b"https://t.example.com/t/o/" in data
    assert b"https://t.example.com/u/" in data
    assert b"https://t.example.com/t/c/" in data
    assert result.message_id is not None
    assert result.message_id.encode() in data


async def test_many_touches_share_a_gate_and_a_record() -> None:
    async with Office() as office:
        await office.take(*(grant(f"lead-{number}") for number in range(40)))
        await told(office, 40)
        assert [len(leads) for leads in office.ledger.gates] == [20, 20]
        assert office.ledger.log.count("record 1") == 0
        assert office.courier.most == 20


async def test_what_the_gate_refuses_is_told_and_not_sent() -> None:
    ledger = MemoryLedger(refuse={"max": ("stopped", "reply")})
    async with Office(ledger=ledger) as office:
        await office.take(grant("zoe"), grant("max"))
        assert sorted(await told(office, 2)) == ["max stopped", "zoe sent"]
        assert [recipient for recipient, _ in office.courier.sent] == ["zoe@example.com"]
        assert {answer.reason: answer.used for answer in office.stream.answers} == {"sent": True, "stopped": False}


async def test_what_is_another_owners_by_now_is_put_down_in_silence() -> None:
    async with Office(ledger=MemoryLedger(lost={"max"})) as office:
        await office.take(grant("max"), grant("zoe"))
        assert await told(office, 1) == ["zoe sent"]
        await wait_for(lambda: len(office.sender._hands) == 0, 5)


async def test_the_same_grant_in_the_hands_already_is_not_sent_twice() -> None:
    async with Office() as office:
        office.courier.let_go.clear()
        given = grant()
        await office.take(given)
        await wait_for(lambda: office.courier.in_the_air == 1, 5)
        await office.take(given)
        office.courier.let_go.set()
        await told(office, 1)
        assert len(office.courier.sent) == 1


# --- faults of a touch ------------------------------------------------------------------------------------------------
async def test_a_missing_variable_fails_the_touch_and_gives_the_slot_back() -> None:
    async with Office() as office:
        await office.take(grant(merge={"company": "Hôtel"}))
        await told(office, 1)
        (result,), (answer,) = office.stream.results, office.stream.answers
    assert (result.outcome, result.code, answer.used) == ("failed", "missing_variable:first_name", False)
    assert office.courier.sent == []


async def test_a_touch_that_an_edit_gave_another_variable_is_asked_for_again_with_its_value() -> None:
    async with Office() as office:
        office.book.learn(("campaign", "q1-brokers"), campaign_definition(revision=2))
        await office.take(grant(merge={"company": "Hôtel"}, campaign_version=1))
        await office.take(grant("max", merge={"company": "Hôtel"}, campaign_version=2))
        await told(office, 2)
        found = {result.lead_id: (result.outcome, result.code) for result in office.stream.results}
    assert found == {"zoe": ("deferred", "edited"), "max": ("failed", "missing_variable:first_name")}
    assert not any(answer.used for answer in office.stream.answers)


async def test_an_address_that_no_mail_can_go_to_fails_the_touch() -> None:
    async with Office() as office:
        await office.take(grant(email="zoe at example"))
        await told(office, 1)
        assert (office.stream.results[0].outcome, office.stream.results[0].code) == ("failed", "invalid_address")


async def test_a_hard_bounce_is_suppressed_before_its_outcome_is_recorded() -> None:
    async with Office() as office:
        office.courier.answers["zoe@example.com"] = NO_SUCH_USER
        await office.take(grant())
        await told(office, 1)
        (suppression,) = office.stops.suppressions
        assert (suppression.scope, suppression.email, suppression.reason) == ("all", "zoe@example.com", "hard_bounce")
        assert office.ledger.log.index("suppress") < office.ledger.log.index("record 1")
        assert (office.stream.results[0].outcome, office.stream.results[0].code) == ("failed", "550 5.1.1")


@pytest.mark.parametrize("code", ["5.1.7", "5.1.8", "5.2.2", "5.7.1", "5.0.0"])
async def test_another_refusal_suppresses_nobody(code: str) -> None:
    async with Office() as office:
        office.courier.answers["zoe@example.com"] = Delivery("failed", "rcpt", 550, code)
        await office.take(grant())
        await told(office, 1)
        assert office.stops.suppressions == []


async def test_a_step_that_was_removed_meanwhile_may_be_asked_for_again() -> None:
    async with Office() as office:
        await office.take(grant(step_id="removed"))
        await told(office, 1)
        assert (office.stream.results[0].outcome, office.stream.results[0].code) == ("deferred", "unknown_step")


async def test_something_that_breaks_in_the_air_is_ambiguous() -> None:
    async with Office() as office:
        office.courier.answers["zoe@example.com"] = RuntimeError("a defect")
        await office.take(grant(), grant("max"))
        assert sorted(await told(office, 2)) == ["max sent", "zoe ambiguous"]


async def test_an_outcome_whose_texts_the_ledger_refuses_is_recorded_without_them() -> None:
    async with Office(ledger=MemoryLedger(faults={"record": [Poison("database_refused")]})) as office:
        await office.take(grant())
        await told(office, 1)
        assert (office.stream.results[0].outcome, office.stream.results[0].subject) == ("sent", None)


# --- infrastructure ---------------------------------------------------------------------------------------------------
async def test_a_gate_whose_answer_was_lost_is_asked_again_under_its_own_number() -> None:
    async with Office(ledger=MemoryLedger(faults={"gate": [Retryable("away"), Retryable("away")]})) as office:
        await office.take(grant())
        await told(office, 1)
        assert len(set(office.ledger.gate_numbers)) == 1
        assert len(office.ledger.gate_numbers) == 3
        assert len(office.courier.sent) == 1


async def test_an_outcome_waits_for_the_ledger_and_its_telling_for_the_broker() -> None:
    async with Office(ledger=MemoryLedger(faults={"record": [Retryable("away")] * 2})) as office:
        office.stream.away = True
        await office.take(grant())
        await wait_for(lambda: office.ledger.outcomes, 5)
        assert office.stream.results == []
        assert len(office.sender._hands) == 1, "what is not told is still in hand"
        office.stream.away = False
        assert await told(office, 1) == ["zoe sent"]
        await wait_for(lambda: len(office.sender._hands) == 0, 5)
    assert len(office.courier.sent) == 1


@pytest.mark.parametrize("error", [NotAlive("no heartbeat"), Evicted("another generation")])
async def test_a_worker_that_is_not_alive_asks_no_gate(error: Exception) -> None:
    def refuse() -> None:
        raise error

    async with Office() as office:
        office.check = refuse
        await office.take(grant())
        await asyncio.sleep(0.1)
        assert office.ledger.gates == []
        office.check = lambda: None
        assert await told(office, 1) == ["zoe sent"]


async def test_a_worker_that_stopped_being_alive_after_the_gate_mails_nothing() -> None:
    async with Office() as office:
        office.courier.let_go.clear()
        await office.take(grant())
        await wait_for(lambda: office.courier.in_the_air == 1, 5)

        def refuse() -> None:
            raise NotAlive("thawed")

        office.check = refuse
        office.courier.let_go.set()
        await told(office, 1)
        assert (office.stream.results[0].outcome, office.stream.results[0].code) == ("deferred", "worker_not_alive")
        assert office.courier.sent == []


async def test_a_mailbox_whose_server_hangs_delays_no_other() -> None:
    couriers = {MAILBOX: MemoryCourier(), "bob": MemoryCourier()}
    couriers[MAILBOX].let_go.clear()
    definitions = (campaign_definition(), mailbox_definition(), mailbox_definition(mailbox_id="bob"))
    async with Office(*definitions, courier=lambda mailbox: couriers[mailbox.mailbox_id]) as office:
        await office.take(*(grant(f"stuck-{n}") for n in range(60)))
        await wait_for(lambda: couriers[MAILBOX].in_the_air == 20, 5)
        await office.take(*(grant(f"free-{n}", mailbox_id="bob") for n in range(60)))
        outcomes = await told(office, 60)
        assert all(outcome.startswith("free-") for outcome in outcomes)


# --- pauses -----------------------------------------------------------------------------------------------------------
async def test_a_busy_server_pauses_the_mailbox_and_gives_back_what_is_left() -> None:
    async with Office() as office:
        office.courier.limit = 1
        office.courier.answers["zoe@example.com"] = BUSY
        await office.take(grant("zoe"), grant("max"), grant("ada"))
        assert sorted(await told(office, 3)) == ["ada paused", "max paused", "zoe deferred"]
        (pause,) = office.stream.pauses
        assert (pause.mailbox_id, pause.reason, pause.until) == (MAILBOX, "busy", AT + timedelta(seconds=300))
        assert office.courier.sent == []
        paused = [answer for answer in office.stream.answers if answer.reason == "paused"]
        assert [answer.used for answer in paused] == [False, False]

        office.clock.advance(301)
        await office.take(grant("ben"))
        assert (await told(office, 4))[3] == "ben sent"


async def test_a_failing_login_pauses_the_mailbox_until_somebody_resumes_it() -> None:
    async with Office() as office:
        office.courier.limit = 1
        office.courier.answers["zoe@example.com"] = LOGIN
        await office.take(grant("zoe"), grant("max"))
        await told(office, 2)
        (pause,) = office.stream.pauses
        assert (pause.reason, pause.until) == ("login", None)
        assert not any(answer.used for answer in office.stream.answers), "no server took anything"
        office.clock.advance(11)
        await office.take(grant("ben"))
        assert (await told(office, 3))[2] == "ben sent", "a new grant means that it was resumed"


async def test_a_server_that_is_not_there_pauses_the_mailbox_in_wall_time_ever_longer() -> None:
    async with Office(clock_rate=3600.0) as office:
        office.courier.limit = 1
        office.courier.answers |= {f"lead-{n}@example.com": NOBODY_THERE for n in range(3)}
        for number, seconds in enumerate((5, 10, 20)):
            await office.take(grant(f"lead-{number}"))
            await told(office, number + 1)
            pause = office.stream.pauses[number]
            assert pause.reason == "unreachable"
            assert pause.until == office.clock.now() + timedelta(seconds=seconds * 3600)
            office.clock.advance(seconds + 1)
        await office.take(grant("zoe"))
        assert (await told(office, 4))[3] == "zoe sent"


# --- definitions ------------------------------------------------------------------------------------------------------
async def test_a_touch_of_a_version_not_read_yet_waits_for_it() -> None:
    async with Office() as office:
        await office.take(grant(campaign_version=2))
        await asyncio.sleep(0.05)
        assert office.ledger.gates == []
        office.book.learn(("campaign", "q1-brokers"), campaign_definition(revision=2))
        await told(office, 1)
        assert office.stream.results[0].campaign_version == 2


async def test_it_is_given_back_when_the_version_does_not_come() -> None:
    async with Office() as office:
        await office.take(grant(campaign_version=2))
        office.clock.advance(31)
        await told(office, 1)
        assert (office.stream.results[0].outcome, office.stream.results[0].code) == ("stale", "unknown_definition")


async def test_a_grant_from_a_mailbox_that_nobody_defined_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.sender.DEFINITIONS_S", 0.01)
    async with Office() as office:
        await office.take(grant("zoe", mailbox_id="nobody"), grant("max"))
        assert sorted(await told(office, 2)) == ["max sent", "zoe stale"]
        assert office.stream.answers[0].reason == "unknown_mailbox"


async def test_a_mailbox_defined_anew_gets_new_connections() -> None:
    made: list[MemoryCourier] = []

    def courier(_: Any) -> MemoryCourier:
        made.append(MemoryCourier())
        return made[-1]

    async with Office(courier=courier) as office:
        await office.take(grant("zoe"))
        await told(office, 1)
        office.book.learn(("mailbox", MAILBOX), mailbox_definition(port=26))
        await office.take(grant("max"))
        await told(office, 2)
    assert [len(courier.sent) for courier in made] == [1, 1]
    assert made[0].closed


# --- rebalances -------------------------------------------------------------------------------------------------------
async def test_an_orderly_stop_finishes_what_is_in_the_air_and_begins_nothing_new() -> None:
    async with Office() as office:
        office.courier.limit = 2
        office.courier.let_go.clear()
        await office.take(*(grant(f"lead-{n}") for n in range(5)))
        await wait_for(lambda: office.courier.in_the_air == 2, 5)

        leaving = asyncio.create_task(office.sender.revoked(frozenset({0})))
        await asyncio.sleep(0.05)
        assert not leaving.done()
        office.courier.let_go.set()
        await asyncio.wait_for(leaving, 5)

        assert len(office.stream.results) == len(office.courier.sent) == 2


async def test_a_kept_partition_goes_on_where_it_was() -> None:
    async with Office() as office:
        office.courier.limit = 2
        office.courier.let_go.clear()
        await office.take(*(grant(f"lead-{n}") for n in range(5)))
        await wait_for(lambda: office.courier.in_the_air == 2, 5)
        office.courier.let_go.set()
        await office.sender.revoked(frozenset({0}))
        await office.sender.recovered(frozenset({0}))
        assert len(await told(office, 5)) == 5
        assert len(office.courier.sent) == 5


async def test_a_lost_partition_is_put_down() -> None:
    async with Office() as office:
        office.courier.limit = 1
        office.courier.let_go.clear()
        await office.take(grant("zoe"), grant("max"))
        await wait_for(lambda: office.courier.in_the_air == 1, 5)
        office.courier.let_go.set()
        await office.sender.revoked(frozenset({0}))
        office.stream.epochs = {}
        await office.sender.recovered(frozenset())
        await asyncio.sleep(0.05)
        assert office.outcomes() == ["zoe sent"]
        assert len(office.sender._hands) == 0


async def test_claims_of_two_partitions_that_meet_a_fault_at_the_gate_all_go_out() -> None:
    """A mailbox's claims may be under two leases for a moment, when its partition was lost and taken again."""
    refused: list[int] = []

    def refuse_once() -> None:
        if not refused:
            refused.append(1)
            raise NotAlive("no heartbeat")

    async with Office() as office:
        office.stream.epochs[1] = 1
        office.sender._tools.hands.keep_only(frozenset({Lease(0, 1), Lease(1, 1)}))
        office.check = refuse_once
        office.courier.let_go.set()
        work = office.stream.work()
        await office.sender.handle(work, [inbound(grant("zoe")), inbound(grant("max"), partition=1)])
        assert sorted(await told(office, 2)) == ["max sent", "zoe sent"]


async def test_a_sweep_sends_tells_and_settles_what_it_finds() -> None:
    def claim(lead: str) -> Claim:
        return Claim(grant(lead), Lease(0, 1), b"l", b"a", f"<{lead}@x.example>", AT)

    finished = again(claim("done"))
    ledger = MemoryLedger(found=[TakeOver([claim("waiting")], [finished])])
    async with Office(ledger=ledger) as office:
        assert sorted(await told(office, 2)) == ["done sent", "waiting sent"]
        await wait_for(lambda: ledger.settled, 5)
        assert [recipient for recipient, _ in office.courier.sent] == ["waiting@example.com"]


async def test_a_sweep_settles_nothing_before_the_broker_has_what_it_tells() -> None:
    claim = Claim(grant("done"), Lease(0, 1), b"l", b"a", "<x@x.example>", AT)
    ledger = MemoryLedger(found=[TakeOver([], [again(claim)])])
    office = Office(ledger=ledger)
    office.stream.away = True
    async with office:
        await office.take(grant("zoe"))
        await wait_for(lambda: ledger.outcomes, 5)
        assert ledger.settled == []
        office.stream.away = False
        await wait_for(lambda: ledger.settled, 5)
        assert "done sent" in office.outcomes()


async def test_an_orderly_stop_settles_what_it_has_told() -> None:
    """So the next owner tells none of it again."""
    async with Office() as office:
        await office.take(grant("zoe"))
        await told(office, 1)
        await wait_for(lambda: len(office.sender._hands) == 0, 5)
        (claim,) = [verdict.claim for verdict in office.ledger.outcomes.values()]
        await office.sender.revoked(frozenset({0}))
        assert office.ledger.settled[-1] == claim.claimed_at - SLACK


async def test_what_a_sweep_has_told_it_does_not_tell_again() -> None:
    claim = Claim(grant("done"), Lease(0, 1), b"l", b"a", "<x@x.example>", AT)
    ledger = MemoryLedger(found=[TakeOver([], [again(claim)])] * 2)
    async with Office(ledger=ledger, sweep_s=0.01) as office:
        await wait_for(lambda: not ledger.found, 5)
        await told(office, 1)
        assert office.outcomes() == ["done sent"]


async def test_an_intake_that_the_ledger_refuses_for_now_is_tried_again_by_the_batch() -> None:
    async with Office(ledger=MemoryLedger(faults={"intake": [Retryable("away")]})) as office:
        given = grant()
        with pytest.raises(Retryable):
            await office.take(given)
        await office.take(given)
        assert await told(office, 1) == ["zoe sent"]


async def test_what_the_gate_says_after_an_outage_carries_the_instant_at_which_it_was_decided() -> None:
    ledger = MemoryLedger(faults={"gate": [Retryable("away")]}, refuse={"zoe": ("expired", "grant_expired")})
    async with Office(ledger=ledger) as office:
        began = office.clock.now()
        fail = ledger._fail

        def away(where: str) -> None:
            try:
                fail(where)
            except Retryable:
                office.clock.advance(7200)
                raise

        ledger._fail = away
        await office.take(grant())
        assert await told(office, 1) == ["zoe expired"]
        assert office.stream.results[0].at - began >= timedelta(hours=2)
