"""The sender with texts: the same ledger, gate and outcomes; a provider by HTTP in place of a mail server."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from agents.sending import reports
from domain.text_tokens import read_notice_token
from domain.texts import OPT_OUT, text_id
from schemas.definitions import Definition
from schemas.sending import Grant
from sinks.couriers import courier_of
from sinks.ports import Claim
from sinks.sms import SmsProvider, form_of
from sinks.smtp import MailboxSmtp
from streams.errors import NotAlive
from tests.support.ledger import AT, CAMPAIGN, FIRST_LEASE, MAILBOX, grant
from tests.support.sender import KEYS, PUBLIC_URL, Office, again, campaign_definition, mailbox_definition
from tests.support.sms_provider import ACCOUNT, NUMBER, TOKEN, SmsServer, refused, silent
from tests.support.waiting import wait_for

TO = "+46701234567"
STEPS: list[dict[str, Any]] = [
    {"id": "ping", "kind": "sms", "body": "Hi {{ first_name }}, we wrote to {{ company }}."},
    {"id": "intro", "kind": "email", "subject": "Hello", "body": "Hi {{ first_name }}"},
]


def sender_definition(base_url: str = "http://127.0.0.1:9", **more: Any) -> Definition:
    """A number whose provider is on this machine."""
    spec: dict[str, Any] = {
        "kind": "SmsSender",
        "id": "texts",
        "pool": "main",
        "from": NUMBER,
        "provider": {"base_url": base_url, "account": ACCOUNT, "token_ref": "env:SMS_TOKEN"},
        "gap_seconds": 0,
    }
    return Definition(kind="sms_sender", id="texts", revision=1, spec=spec | more, at=AT)


def campaign_of_texts() -> Definition:
    return campaign_definition(steps=STEPS, sms_sender="texts")


def text_grant(lead: str = "zoe", **more: Any) -> Grant:
    facts: dict[str, Any] = {"step_id": "ping", "mailbox_id": "texts", "channel": "sms", "email": TO, "domain": "sms"}
    return grant(lead, **(facts | more))


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SmsServer]:
    monkeypatch.setenv("SMS_TOKEN", TOKEN)
    server = SmsServer()
    yield server
    await server.stop()


async def office_of(server: SmsServer, **more: Any) -> Office:
    base = await server.start()
    return Office(
        campaign_of_texts(),
        mailbox_definition(),
        sender_definition(base),
        courier=lambda s: courier_of(s, lambda: 0.0),
        **more,
    )


async def test_a_text_passes_the_gate_leaves_once_and_is_told(server: SmsServer) -> None:
    async with await office_of(server) as office:
        given = text_grant()
        await office.take(given)
        await office.take(given)
        (result,) = await wait_for(lambda: office.stream.results)
    (text,) = server.texts
    assert (text.to, text.sender, text.body) == (TO, NUMBER, f"Hi Zoe, we wrote to Hôtel du Lac.\n{OPT_OUT}")
    assert text.status_url is not None
    token = text.status_url.removeprefix(f"{PUBLIC_URL}/webhooks/sms/status/")
    assert read_notice_token(KEYS, token) == given.touch.send_id
    assert (result.outcome, result.channel, result.code) == ("sent", "sms", "sms:201")
    assert (result.message_id, result.subject) == (text_id(given.touch.send_id), None)
    assert [answer.used for answer in office.stream.answers] == [True]


async def test_a_text_that_the_gate_refuses_is_never_submitted(server: SmsServer) -> None:
    async with await office_of(server) as office:
        office.ledger.refuse["zoe"] = ("suppressed", "suppressed")
        await office.take(text_grant())
        await wait_for(lambda: office.outcomes() == ["zoe suppressed"])
    assert server.texts == []


async def test_a_submitted_text_without_an_answer_is_ambiguous_and_never_submitted_again(server: SmsServer) -> None:
    server.script = [silent]
    async with await office_of(server) as office:
        await office.take(text_grant())
        (result,) = await wait_for(lambda: office.stream.results)
    assert (result.outcome, result.code) == ("ambiguous", "sms:no_answer")
    assert len(server.texts) == 1


async def test_a_number_that_takes_no_texts_is_suppressed_before_it_is_told(server: SmsServer) -> None:
    server.script = [refused(21614)]
    async with await office_of(server) as office:
        await office.take(text_grant())
        (result,) = await wait_for(lambda: office.stream.results)
    assert (result.outcome, result.code) == ("failed", "sms:21614")
    (suppression,) = office.stops.suppressions
    assert (suppression.email, suppression.lead_id, suppression.reason) == (TO, None, "hard_bounce")
    assert office.ledger.log[-2:] == ["suppress", "record 1"]


async def test_a_number_whose_owner_told_the_provider_stop_is_suppressed_as_such(server: SmsServer) -> None:
    server.script = [refused(21610)]
    async with await office_of(server) as office:
        await office.take(text_grant())
        await wait_for(lambda: office.stream.results)
    assert [one.reason for one in office.stops.suppressions] == ["unsubscribe"]


async def test_a_wrong_token_pauses_the_number_and_gives_the_grant_back(
    server: SmsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMS_TOKEN", "wrong")
    async with await office_of(server) as office:
        await office.take(text_grant())
        (pause,) = await wait_for(lambda: office.stream.pauses)
        await wait_for(lambda: office.stream.answers)
    assert (pause.mailbox_id, pause.reason, pause.until) == ("texts", "login", None)
    assert [(answer.used, answer.reason) for answer in office.stream.answers] == [(False, "deferred")]
    assert server.texts == []


async def test_a_missing_variable_fails_the_text_and_nothing_leaves(server: SmsServer) -> None:
    async with await office_of(server) as office:
        await office.take(text_grant(merge={}))
        (result,) = await wait_for(lambda: office.stream.results)
    assert (result.outcome, result.code) == ("failed", "missing_variable:first_name")
    assert server.texts == []


async def test_a_text_granted_to_a_mailbox_or_an_email_to_a_number_leaves_by_neither(server: SmsServer) -> None:
    async with await office_of(server) as office:
        await office.take(text_grant("zoe", mailbox_id=MAILBOX), grant("kim", mailbox_id="texts"))
        await wait_for(lambda: len(office.stream.results) == 2)
    assert sorted(office.outcomes()) == ["kim deferred", "zoe deferred"]
    assert server.texts == []


async def test_a_worker_that_is_not_alive_submits_no_text(server: SmsServer) -> None:
    office = await office_of(server)
    calls = iter(range(100))

    def check() -> None:
        if next(calls) > 0:  # alive at the gate
            raise NotAlive("thawed")

    office.check = check
    async with office:
        await office.take(text_grant())
        (result,) = await wait_for(lambda: office.stream.results)
    assert (result.outcome, result.code) == ("deferred", "worker_not_alive")
    assert server.texts == []


def test_an_outcome_told_again_from_the_ledger_is_still_a_texts() -> None:
    given = text_grant()
    claim = Claim(given, FIRST_LEASE, b"l", b"a", text_id(given.touch.send_id), datetime.now(UTC))
    assert reports.report_again(again(claim))[0].channel == "sms"


def test_each_sender_has_its_way_out() -> None:
    book = Office(campaign_of_texts(), mailbox_definition(), sender_definition()).book
    texts, anna = book.mailbox("texts"), book.mailbox(MAILBOX)
    assert texts is not None
    assert anna is not None
    assert isinstance(courier_of(texts, lambda: 0.0), SmsProvider)
    assert isinstance(courier_of(anna, lambda: 0.0), MailboxSmtp)
    assert book.campaign(CAMPAIGN) is not None


def test_a_form_holds_whatever_is_in_a_text() -> None:
    sender = Office(campaign_of_texts(), sender_definition()).book.mailbox("texts")
    form = parse_qs(form_of(sender, TO, "a&To=+1\r\nb", None).decode(), strict_parsing=True)  # type: ignore[arg-type]
    assert form == {"To": [TO], "From": [NUMBER], "Body": ["a&To=+1\r\nb"]}
