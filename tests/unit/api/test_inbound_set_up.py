"""Which ways in are open by the settings, what the doctor says of them, and the command that tries them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner

from api.cli import app
from api.http.inbound.providers import closed, providers
from api.inbound_state import EndedError, describe_inbound
from sinks.postgres.inbound import SubscriptionState
from sinks.web import HttpWeb
from streams.errors import Permanent, Retryable
from streams.settings import Settings, SettingsError
from tests.support.sns import TOPIC, FakeInboundStore, FakeWeb
from tests.unit.api.conftest import AT, SECRET

STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RAW = b"Message-ID: <abc@hotel.example>\r\n\r\nYes\r\n"


def settings(**given: Any) -> Settings:
    return Settings(**given)


def test_a_provider_is_open_when_its_setting_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "key"
    key.write_text("key-in-a-file\n")
    monkeypatch.setenv("NEW_SECRET", STANDARD)
    some = settings(
        webhook_secret="s",
        inbound_standard_secrets=f"env:NEW_SECRET, {STANDARD}",
        inbound_mailgun_keys=f"file:{key}",
        inbound_ses_topics=TOPIC,
    )
    found = providers(some, FakeInboundStore(), FakeWeb())
    assert {name: provider.about for name, provider in found.items()} == {
        "generic": "1 secret",
        "standard": "2 secrets",
        "mailgun": "1 signing key",
        "ses": TOPIC,
    }
    assert providers(settings(), FakeInboundStore(), FakeWeb()) == {}
    assert closed("ses") == "no such provider: TOUCHLINE_INBOUND_SES_TOPICS is not set"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"inbound_mailgun_keys": "env:NOT_THERE"}, "TOUCHLINE_INBOUND_MAILGUN_KEYS"),
        ({"inbound_standard_secrets": "file:/nowhere/secret"}, "TOUCHLINE_INBOUND_STANDARD_SECRETS"),
        ({"webhook_secret": "env:NOT_THERE"}, "TOUCHLINE_WEBHOOK_SECRET"),
    ],
)
def test_a_secret_that_cannot_be_read_is_named(given: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        providers(settings(**given))
    assert refused.value.problems[0].startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("states", "found"),
    [({}, "(not confirmed yet)"), ({TOPIC: "confirmed"}, "(confirmed)"), ({TOPIC: "ended"}, None)],
)
async def test_the_doctor_tells_whether_sns_delivers(states: dict[str, SubscriptionState], found: str | None) -> None:
    async def subscriptions() -> dict[str, SubscriptionState]:
        return states

    some = settings(inbound_ses_topics=TOPIC, webhook_secret="s")
    if found is None:
        with pytest.raises(EndedError, match="has ended"):
            await describe_inbound(some, subscriptions)
        return
    assert await describe_inbound(some, subscriptions) == f"webhooks generic: 1 secret; ses: {TOPIC} {found}"


async def test_the_doctor_asks_no_database_where_nothing_is_open() -> None:
    async def subscriptions() -> dict[str, SubscriptionState]:
        raise AssertionError("asked")

    assert (await describe_inbound(settings(), subscriptions)).startswith(
        "no webhook is open: none of TOUCHLINE_WEBHOOK_"
    )


@pytest.mark.parametrize("provider", ["generic", "standard", "mailgun"])
async def test_the_command_signs_as_the_provider_does(
    api: Any, provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.commands import inbound

    some = settings(
        webhook_secret=SECRET.decode(), inbound_standard_secrets=STANDARD, inbound_mailgun_keys="key-of-the-account"
    )
    api.services.inbound.update(providers(some))
    post = inbound._SIGNERS[provider](some, RAW, str(int(AT.timestamp())))
    answer = await api.client.post(post.path, data=post.body, headers=post.headers)
    assert (answer.status, api.kafka.sent[0].message.raw) == (200, RAW)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--provider", "ses", "FILE"], "there is no provider 'ses' to sign as"),
        (["--provider", "mailgun", "FILE"], "TOUCHLINE_INBOUND_MAILGUN_KEYS is not set"),
        (["/nowhere/mail.eml"], "cannot be read"),
        (["--url", "http://127.0.0.1:1", "--provider", "generic", "FILE"], "does not answer"),
    ],
)
def test_the_command_says_what_is_missing(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOUCHLINE_WEBHOOK_SECRET", "s")
    mail = tmp_path / "mail.eml"
    mail.write_bytes(RAW)
    result = CliRunner().invoke(app, ["inbound", "send", *(str(mail) if a == "FILE" else a for a in arguments)])
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A server that answers as its path says."""

    async def answer(request: web.Request) -> web.StreamResponse:
        what = request.match_info["what"]
        if what == "moved":
            raise web.HTTPFound("http://127.0.0.1:1/")
        if what == "large":
            return web.Response(body=b"x" * 1_000_000)
        return web.Response(status=int(what), body=b"page")

    runner = web.AppRunner(web.Application())
    runner.app.router.add_get("/{what}", answer)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_visit_follows_nothing_and_takes_little(site: str) -> None:
    visits = HttpWeb(timeout_s=5)
    try:
        assert await visits.get(f"{site}/200") == b"page"
        for what in ("moved", "large", "404"):
            with pytest.raises(Permanent):
                await visits.get(f"{site}/{what}")
        for url in (f"{site}/503", f"{site}/429", "http://127.0.0.1:1/"):
            with pytest.raises(Retryable):
                await visits.get(url)
    finally:
        await visits.aclose()
