"""Texts submitted to a provider by HTTP: sent once, or known not to be, or said to be unknowable."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from domain.campaign import SmsSender
from domain.senders import SmsProvider as Provider
from sinks.sms import SmsProvider, Timeouts, form_of
from sinks.sms_answers import judge
from streams.errors import NotAlive
from tests.support.sms_provider import ACCOUNT, NUMBER, TOKEN, SmsServer, Text, refused, silent
from tests.support.waiting import wait_for

TO = "+46701234567"


def sender(base_url: str, **more: Any) -> SmsSender:
    token_ref = more.pop("token_ref", "env:SMS_TOKEN")
    provider = Provider(base_url, None, more.pop("account", ACCOUNT), token_ref)
    return SmsSender("texts", 1, "main", NUMBER, provider, **more)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SmsServer]:
    monkeypatch.setenv("SMS_TOKEN", TOKEN)
    server = SmsServer()
    yield server
    await server.stop()


def nothing() -> None:
    """A worker that is alive."""


async def send(server: SmsServer, body: str = "Hello", *, check: Any = nothing, **more: Any) -> Any:
    base = await server.start()
    number = sender(base, **more)
    provider = SmsProvider(number, timeouts=Timeouts(2, 0.5), now=lambda: 0.0)
    try:
        return await provider.send(NUMBER, TO, form_of(number, TO, body, "https://t.example.com/s"), check)
    finally:
        await provider.aclose()


async def test_a_text_is_submitted_as_a_form_with_basic_auth(server: SmsServer) -> None:
    delivery = await send(server, "Grüße & +1 = 💌")
    assert server.texts == [Text(TO, NUMBER, "Grüße & +1 = 💌", "https://t.example.com/s")]
    assert (delivery.outcome, delivery.code_text, delivery.pause) == ("sent", "sms:201", None)


@pytest.mark.parametrize(
    ("reply", "outcome", "code", "bounce", "pause"),
    [
        (refused(21211), "failed", "sms:21211", "hard", None),
        (refused(21610), "failed", "sms:21610", "hard", None),
        (refused(21408), "failed", "sms:21408", "policy", None),
        (refused(21606), "deferred", "sms:21606", None, "sender_refused"),
        (refused(20429, 429), "deferred", "sms:20429", None, "busy"),
        (refused(20003, 401), "deferred", "sms:20003", None, "login"),
        (refused(20404, 404), "deferred", "sms:20404", None, "login"),
        (lambda _: web.Response(status=503), "deferred", "sms:http_503", None, "busy"),
        (lambda _: web.Response(status=500), "ambiguous", "sms:http_500", None, None),
        (lambda _: web.Response(status=502, text="<html>"), "ambiguous", "sms:http_502", None, None),
        (lambda _: web.Response(status=307, headers={"Location": "/x"}), "deferred", "sms:http_307", None, "server_refused"),
        (lambda _: web.Response(status=200, text="no json"), "sent", "sms:200", None, None),
        (silent, "ambiguous", "sms:no_answer", None, None),
    ],
)  # fmt: skip
async def test_each_answer_has_one_meaning_and_the_text_is_submitted_once(
    server: SmsServer, reply: Any, outcome: str, code: str, bounce: str | None, pause: str | None
) -> None:
    server.script = [reply]
    delivery = await send(server)
    assert (delivery.outcome, delivery.code_text, delivery.bounce) == (outcome, code, bounce)
    assert (delivery.pause and delivery.pause.reason) == pause
    assert len(server.texts) == 1


async def test_no_answer_in_time_is_ambiguous(server: SmsServer) -> None:
    server.let_go.clear()
    delivery = await send(server)
    assert (delivery.outcome, delivery.code_text) == ("ambiguous", "sms:no_answer")


async def test_a_provider_that_cannot_be_reached_defers_the_text() -> None:
    provider = SmsProvider(sender("http://127.0.0.1:9", token_ref="env:HOME"), timeouts=Timeouts(2, 1))
    delivery = await provider.send(NUMBER, TO, b"To=x", nothing)
    await provider.aclose()
    assert (delivery.outcome, delivery.phase, delivery.code_text) == ("deferred", "connect", "sms:unreachable")


async def test_a_missing_secret_pauses_the_sender_and_submits_nothing(server: SmsServer) -> None:
    delivery = await send(server, token_ref="env:NOT_SET_ANYWHERE")
    assert (delivery.outcome, delivery.phase) == ("deferred", "login")
    assert delivery.pause is not None
    assert (delivery.pause.reason, delivery.pause.for_s) == ("login", None)
    assert server.texts == []


async def test_a_worker_that_is_not_alive_submits_nothing_even_after_it_connected(server: SmsServer) -> None:
    calls = iter([None, NotAlive("thawed")])

    def check() -> None:
        error = next(calls)
        if error is not None:
            raise error

    with pytest.raises(NotAlive, match="thawed"):
        await send(server, check=check)
    assert server.texts == []


async def test_a_recipient_that_is_no_number_never_leaves(server: SmsServer) -> None:
    provider = SmsProvider(sender(await server.start()))
    delivery = await provider.send(NUMBER, "zoe@hotel.example", b"x", nothing)
    await provider.aclose()
    assert (delivery.outcome, delivery.code_text) == ("failed", "sms:invalid_number")
    assert server.texts == []


async def test_a_cancelled_text_is_not_submitted_again(server: SmsServer) -> None:
    server.let_go.clear()
    number = sender(await server.start())
    provider = SmsProvider(number)
    sending = asyncio.create_task(provider.send(NUMBER, TO, form_of(number, TO, "Hi", None), nothing))
    await wait_for(lambda: server.texts)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await provider.aclose()
    assert len(server.texts) == 1


def test_pauses_double_up_to_an_hour_and_a_sent_text_ends_the_row() -> None:
    at = [0.0]
    provider = SmsProvider(sender("http://x"), now=lambda: at[0])
    lengths: list[float | None] = []
    for _ in range(8):
        told = provider._told(judge(429, b""))  # pyright: ignore[reportPrivateUsage]
        assert told.pause is not None
        lengths.append(told.pause.for_s)
        at[0] += told.pause.for_s or 0
    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    provider._told(judge(201, b"{}"))  # pyright: ignore[reportPrivateUsage]
    again = provider._told(judge(429, b""))  # pyright: ignore[reportPrivateUsage]
    assert again.pause is not None
    assert again.pause.for_s == 60


def test_what_the_provider_says_carries_no_address_into_results() -> None:
    told = judge(400, b'{"code": 21211, "message": "zoe@hotel.example is not a number"}')
    assert told.detail == "ADDRESS is not a number"


def test_a_message_that_failed_at_once_failed() -> None:
    told = judge(201, b'{"status": "failed", "error_code": 30005}')
    assert (told.outcome, told.code_text, told.bounce) == ("failed", "sms:30005", "hard")
