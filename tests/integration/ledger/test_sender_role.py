"""The sender with a real ledger and a real mail server."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.local.smtp import SmtpSink
from api.local.smtp_script import Rule
from sinks.ports import Stop
from sinks.smtp import MailboxSmtp
from streams.clock import Clock
from tests.support.ledger import CAMPAIGN, World, grant
from tests.support.sender import Office, campaign_definition, mailbox_definition
from tests.support.waiting import wait_for


def office_of(world: World, sink: SmtpSink, **more: Any) -> Office:
    return Office(
        campaign_definition(),
        mailbox_definition(sink.port),
        mailbox_definition(sink.port, "bob"),
        ledger=world.ledger,
        stops=world.stops,
        courier=lambda mailbox: MailboxSmtp(mailbox, max_connections=5),
        clock=Clock(),
        **more,
    )


@pytest.fixture
async def office(world: World, smtp_sink: SmtpSink) -> AsyncIterator[Office]:
    async with office_of(world, smtp_sink) as office:
        yield office


async def test_granted_touches_leave_once_and_are_told(world: World, smtp_sink: SmtpSink, office: Office) -> None:
    grants = [grant(f"lead-{number}", mailbox_id=("anna", "bob")[number % 2]) for number in range(40)]
    for start in range(0, 40, 10):
        await office.take(*grants[start : start + 10])
        await office.take(*grants[start : start + 5])

    await wait_for(lambda: len(office.stream.results) >= 40, 20)

    accepted = {message.recipients[0]: message for message in smtp_sink.accepted}
    assert len(smtp_sink.accepted) == len(accepted) == 40
    one = accepted["lead-7@example.com"]
    assert one.date == grants[7].granted_at
    (result,) = (r for r in office.stream.results if r.lead_id == "lead-7")
    assert (result.outcome, result.message_id, result.subject) == ("sent", one.message_id, one.subject)
    assert {row["state"] for row in await world.pool.fetch("select state from sends")} == {"sent"}
    assert sum(answer.used for answer in office.stream.answers) == 40


async def test_a_stop_that_was_committed_is_never_mailed(world: World, smtp_sink: SmtpSink, office: Office) -> None:
    await world.stops.stop([Stop("lead-3", None, "reply", "reply:1")])
    await office.take(*(grant(f"lead-{number}") for number in range(6)))
    await wait_for(lambda: len(office.stream.results) == 6)
    assert "lead-3 stopped" in office.outcomes()
    assert "lead-3@example.com" not in [message.recipients[0] for message in smtp_sink.accepted]


async def test_a_hard_bounce_suppresses_the_address_before_it_is_told(
    world: World, smtp_sink: SmtpSink, office: Office
) -> None:
    smtp_sink.script.rules.append(Rule("gone@example.com", reply="550 5.1.1 no such user"))
    await office.take(grant("gone"))
    (result,) = await wait_for(lambda: office.stream.results)
    assert (result.outcome, result.code) == ("failed", "550 5.1.1")
    assert await world.stops.suppressed("gone@example.com") == {"all"}


async def test_a_connection_lost_after_the_body_is_ambiguous_and_never_repeated(
    world: World, smtp_sink: SmtpSink, office: Office
) -> None:
    smtp_sink.script.rules.append(Rule("zoe@example.com", at="body", drop="after_accept", times=1))
    await office.take(grant("zoe"))
    await wait_for(lambda: office.outcomes() == ["zoe ambiguous"])

    await office.take(grant("zoe", ask_no=2))

    await wait_for(lambda: office.outcomes() == ["zoe ambiguous", "zoe ambiguous"])
    assert len(smtp_sink.accepted) == 1
    assert [(answer.used, answer.reason) for answer in office.stream.answers][1:] == [
        (True, "ambiguous"),
        (False, "already_ambiguous"),
    ]


async def test_a_deferred_touch_leaves_with_its_next_grant_under_the_same_message_id(
    world: World, smtp_sink: SmtpSink, office: Office
) -> None:
    smtp_sink.script.rules.append(Rule("zoe@example.com", reply="450 4.2.0 later", times=1))
    await office.take(grant("zoe"))
    await wait_for(lambda: office.outcomes() == ["zoe deferred"])
    await office.take(grant("zoe", ask_no=2, attempt=2))
    await wait_for(lambda: office.outcomes() == ["zoe deferred", "zoe sent"])
    first, second = office.stream.results
    assert first.message_id == second.message_id == smtp_sink.accepted[0].message_id


async def test_a_sender_that_dies_after_the_250_leaves_an_ambiguous_touch_and_never_a_second_mail(
    world: World, smtp_sink: SmtpSink
) -> None:
    first = office_of(world, smtp_sink)
    recorded = asyncio.Event()

    async def never(verdicts: Any) -> Any:
        recorded.set()
        await asyncio.Event().wait()

    first.ledger.record = never
    async with first:
        await first.take(grant("zoe"))
        await asyncio.wait_for(recorded.wait(), 10)
    await world.new_sender()
    async with office_of(world, smtp_sink) as second:
        second.stream.epochs[0] = 2
        await second.sender.recovered(frozenset({0}))
        await wait_for(lambda: second.outcomes() == ["zoe ambiguous"])
        await second.take(grant("zoe", ask_no=2))
        await wait_for(lambda: len(second.stream.results) == 2)
    assert len(smtp_sink.accepted) == 1


async def test_the_next_owner_mails_what_was_claimed_and_tells_what_was_untold(
    world: World, smtp_sink: SmtpSink
) -> None:
    done = await world.finish(grant("done"), "sent")
    await world.claim(grant("waiting"))
    await world.new_sender()
    office = office_of(world, smtp_sink)
    office.stream.epochs[0] = 2
    async with office:
        await wait_for(lambda: len(office.stream.results) == 2)
    assert sorted(office.outcomes()) == ["done sent", "waiting sent"]
    assert [message.recipients[0] for message in smtp_sink.accepted] == ["waiting@example.com"]
    assert {r.grant_id for r in office.stream.results if r.lead_id == "done"} == {done.grant.grant_id}


async def test_a_paused_campaign_sends_nothing(world: World, smtp_sink: SmtpSink, office: Office) -> None:
    await world.gates.set_campaign_gate(CAMPAIGN, is_open=False)
    await office.take(grant("zoe"), grant("max"))
    await wait_for(lambda: office.outcomes() == ["zoe paused", "max paused"])
    assert smtp_sink.accepted == []
    assert not any(answer.used for answer in office.stream.answers)
