"""Texts with a real ledger and a provider by HTTP: once each, stopped at the gate, ambiguous where nobody can know."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.sending import Grant
from sinks.couriers import courier_of
from sinks.ports import Stop
from streams.clock import Clock
from tests.support.ledger import World, grant
from tests.support.sender import Office, campaign_definition, mailbox_definition
from tests.support.sms_provider import ACCOUNT, NUMBER, TOKEN, SmsServer, refused
from tests.support.waiting import wait_for


def number(index: int) -> str:
    return f"+4670100{index:04}"


def text(index: int, **more: Any) -> Grant:
    facts: dict[str, Any] = {"step_id": "ping", "mailbox_id": "texts", "channel": "sms", "domain": "sms"}
    return grant(f"lead-{index}", email=number(index), **(facts | more))


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SmsServer]:
    monkeypatch.setenv("SMS_TOKEN", TOKEN)
    server = SmsServer()
    yield server
    await server.stop()


def office_of(world: World, base_url: str) -> Office:
    provider = {"base_url": base_url, "account": ACCOUNT, "token_ref": "env:SMS_TOKEN"}
    spec = {"kind": "SmsSender", "id": "texts", "pool": "main", "from": NUMBER, "provider": provider, "gap_seconds": 0}
    sender = mailbox_definition().model_copy(update={"kind": "sms_sender", "id": "texts", "spec": spec})
    steps = [{"id": "ping", "kind": "sms", "body": "Hi {{ first_name }}"}]
    campaign = campaign_definition(steps=steps, sms_sender="texts")
    return Office(
        campaign,
        sender,
        ledger=world.ledger,
        stops=world.stops,
        courier=lambda s: courier_of(s, lambda: 0.0),
        clock=Clock(),
    )


async def test_granted_texts_leave_once_and_a_stopped_lead_gets_none(world: World, server: SmsServer) -> None:
    await world.stops.stop([Stop("lead-3", None, "reply", "reply:1")])
    async with office_of(world, await server.start()) as office:
        grants = [text(index) for index in range(12)]
        for start in range(0, 12, 4):
            await office.take(*grants[start : start + 4])
            await office.take(*grants[start : start + 4])
        await wait_for(lambda: len(office.stream.results) >= 12, 20)
        assert "lead-3 stopped" in office.outcomes()
    assert sorted(text.to for text in server.texts) == [number(index) for index in range(12) if index != 3]
    states = {row["state"] for row in await world.pool.fetch("select state from sends where lead_id <> 'lead-3'")}
    assert states == {"sent"}


async def test_a_refused_number_is_suppressed_for_texts_and_its_lead_is_not(world: World, server: SmsServer) -> None:
    server.script = [refused(21614)]
    async with office_of(world, await server.start()) as office:
        await office.take(text(1))
        (result,) = await wait_for(lambda: office.stream.results, 20)
        assert (result.outcome, result.code) == ("failed", "sms:21614")
    assert await world.stops.suppressed(number(1)) == {"all"}
    (mail,) = await world.claim(grant("lead-1"))
    assert await world.refusal(mail) is None


async def test_a_text_in_the_air_when_its_worker_dies_is_ambiguous_and_submitted_by_nobody_again(
    world: World, server: SmsServer
) -> None:
    base_url = await server.start()
    server.let_go.clear()
    dying = office_of(world, base_url)
    await dying.open()
    given = text(1)
    await dying.take(given)
    await wait_for(lambda: server.texts, 20)
    await dying.close()
    assert (await world.row(given))["state"] == "sending"

    server.let_go.set()
    lease = await world.new_sender()
    heir = office_of(world, base_url)
    heir.stream.epochs = {0: lease.epoch}
    async with heir:
        (result,) = await wait_for(lambda: heir.stream.results, 20)
        assert (result.outcome, result.code, result.channel) == ("ambiguous", "taken_over", "sms")
        await heir.take(text(1, ask_no=2))
        await wait_for(lambda: [answer.reason for answer in heir.stream.answers if not answer.used], 20)
    assert len(server.texts) == 1
