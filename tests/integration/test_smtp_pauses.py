"""What a server's answers mean for the mailbox, and how it gets in: TLS, login, passwords by reference."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.local.smtp import SmtpSink
from sinks.smtp import Delivery, MailboxSmtp, Timeouts
from sinks.smtp_connect import SecretError, read_secret
from tests.support.scripted_smtp import ScriptedSmtp, mailbox_at

MESSAGE = b"Subject: x\r\n\r\nHello\r\n"
SECONDS = Timeouts(5, 5, 5)


async def send(way_out: MailboxSmtp, rcpt: str = "lead@x.example") -> Delivery:
    return await way_out.send("anna@sender.example", rcpt, MESSAGE, lambda: None)


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[ScriptedSmtp]:
    async with ScriptedSmtp() as server:
        yield server


@pytest.mark.parametrize("stage", ["greeting", "mail", "rcpt", "data", "body"])
async def test_a_421_pauses_the_mailbox_for_five_minutes_doubling_to_an_hour(server: ScriptedSmtp, stage: str) -> None:
    clock = Seconds()
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS, now=clock)
    lengths: list[float | None] = []
    for _ in range(6):
        server.answer(stage, "421 4.3.2 shutting down")
        delivery = await send(way_out)
        assert (delivery.outcome, delivery.code) == ("deferred", 421)
        assert delivery.pause is not None
        assert delivery.pause.reason == "busy"
        assert delivery.pause.for_s is not None
        lengths.append(delivery.pause.for_s)
        clock.now += delivery.pause.for_s
    assert lengths == [300, 600, 1200, 2400, 3600, 3600]
    await way_out.aclose()


async def test_a_message_that_is_accepted_ends_the_doubling(server: ScriptedSmtp) -> None:
    clock = Seconds()
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS, now=clock)
    for _ in range(2):
        server.answer("body", "421 4.3.2 busy")
        assert (delivery := await send(way_out)).pause is not None
        assert delivery.pause.for_s == 300
        clock.now += 301
        assert (await send(way_out)).outcome == "sent"
    await way_out.aclose()


async def test_connections_that_hear_421_together_make_one_pause(server: ScriptedSmtp) -> None:
    clock = Seconds()
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS, now=clock)
    server.answer("mail", *["421 4.3.2 busy"] * 5)
    server.answer("rset", *["250 fine"] * 5)
    deliveries = await asyncio.gather(*(send(way_out) for _ in range(5)))
    assert {delivery.pause and delivery.pause.for_s for delivery in deliveries} == {300}
    await way_out.aclose()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("530 5.7.0 authentication required", "login"),
        ("535 5.7.8 bad credentials", "login"),
        ("454 4.7.0 too many login attempts", "rate"),
        ("450 4.7.28 our system has detected an unusual rate of mail", "rate"),
        ("550 5.4.5 daily sending quota exceeded", "rate"),
        ("550 5.1.8 bad sender domain", "sender_refused"),
        ("550 5.1.7 bad sender address", "sender_refused"),
    ],
)
async def test_what_the_account_must_mend_defers_the_touch_and_pauses_until_resumed(
    server: ScriptedSmtp, answer: str, reason: str
) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS)
    server.answer("data", "503 5.5.1 no recipient")
    server.answer("rcpt", answer)
    delivery = await send(way_out)
    assert delivery.outcome == "deferred"
    assert delivery.pause is not None
    assert (delivery.pause.reason, delivery.pause.for_s) == (reason, None)
    await way_out.aclose()


@pytest.mark.parametrize(
    "answer",
    [
        "450 4.7.1 greylisted, come back later",
        "450 4.2.1 the user is receiving mail at a rate that prevents more",
        "451 4.7.1 <lead@rate.example>: try again",
    ],
)
async def test_what_concerns_one_recipient_pauses_nothing(server: ScriptedSmtp, answer: str) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS)
    server.answer("data", "503 5.5.1 no recipient")
    server.answer("rcpt", answer)
    delivery = await send(way_out)
    assert (delivery.outcome, delivery.pause) == ("deferred", None)
    await way_out.aclose()


async def test_three_recipient_domains_refusing_by_policy_within_an_hour_pause_the_mailbox(
    server: ScriptedSmtp,
) -> None:
    clock = Seconds()
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS, now=clock)

    async def refused(domain: str) -> str | None:
        server.answer("body", "554 5.7.1 message refused")
        delivery = await send(way_out, f"lead@{domain}")
        assert (delivery.outcome, delivery.bounce) == ("failed", "policy")
        return delivery.pause.reason if delivery.pause else None

    assert [await refused("a.example"), await refused("a.example"), await refused("b.example")] == [None] * 3
    clock.now += 3600
    assert [await refused("c.example"), await refused("d.example")] == [None, None]
    assert await refused("e.example") == "policy"
    await way_out.aclose()


async def test_a_hard_refusal_is_told_by_its_code(server: ScriptedSmtp) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port), timeouts=SECONDS)
    server.answer("data", "503 5.5.1 no recipient")
    server.answer("rcpt", "550 5.1.1 no such user")
    assert (await send(way_out)).bounce == "hard"
    await way_out.aclose()


# --- TLS and login ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(params=["tls", "starttls"])
async def secure_sink(
    request: pytest.FixtureRequest, certificate: Path, tmp_path: Path
) -> AsyncIterator[tuple[SmtpSink, str]]:
    tls = {request.param: server_tls(certificate)}
    sink = SmtpSink(tmp_path / "record.jsonl", keep_raw=True, users={"anna": "s3cret"}, **tls)  # type: ignore[arg-type]
    await sink.start()
    yield sink, request.param
    await sink.stop()


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ANNA_PASSWORD", "s3cret")
    return "env:ANNA_PASSWORD"


async def test_mail_leaves_encrypted_and_logged_in(
    secure_sink: tuple[SmtpSink, str], certificate: Path, password: str
) -> None:
    sink, security = secure_sink
    mailbox = mailbox_at(sink.port, security=security, username="anna", password_ref=password)
    tls = ssl.create_default_context(cafile=str(certificate))
    way_out = MailboxSmtp(mailbox, timeouts=SECONDS, tls=tls)
    assert [(await send(way_out)).outcome for _ in range(3)] == ["sent"] * 3
    assert (len(sink.accepted), sink.connections) == (3, 1)
    await way_out.aclose()


async def test_a_certificate_that_is_not_trusted_gets_no_mail_and_no_password(
    secure_sink: tuple[SmtpSink, str], password: str
) -> None:
    sink, security = secure_sink
    way_out = MailboxSmtp(
        mailbox_at(sink.port, security=security, username="anna", password_ref=password), timeouts=SECONDS
    )
    delivery = await send(way_out)
    assert delivery.outcome == "deferred"
    assert delivery.pause is not None
    assert (delivery.pause.reason, delivery.pause.for_s) == ("tls", None)
    assert sink.accepted == []
    await way_out.aclose()


async def test_a_wrong_password_pauses_until_resumed(
    secure_sink: tuple[SmtpSink, str], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, security = secure_sink
    monkeypatch.setenv("ANNA_PASSWORD", "wrong")
    tls = ssl.create_default_context(cafile=str(certificate))
    mailbox = mailbox_at(sink.port, security=security, username="anna", password_ref="env:ANNA_PASSWORD")
    way_out = MailboxSmtp(mailbox, timeouts=SECONDS, tls=tls)
    delivery = await send(way_out)
    assert (delivery.outcome, delivery.phase, delivery.code) == ("deferred", "login", 535)
    assert delivery.pause is not None
    assert (delivery.pause.reason, delivery.pause.for_s) == ("login", None)
    await way_out.aclose()


async def test_a_server_without_starttls_never_sees_a_password(server: ScriptedSmtp, password: str) -> None:
    mailbox = mailbox_at(server.port, security="starttls", username="anna", password_ref=password)
    way_out = MailboxSmtp(mailbox, timeouts=SECONDS)
    delivery = await send(way_out)
    assert delivery.pause is not None
    assert delivery.pause.reason == "tls"
    assert not [line for line in server.commands if line.startswith(("AUTH", "MAIL"))]
    await way_out.aclose()


@pytest.mark.parametrize("reference", ["env:NOT_SET_ANYWHERE", "file:/nowhere/at/all"])
async def test_a_missing_password_says_which_reference_is_empty(server: ScriptedSmtp, reference: str) -> None:
    way_out = MailboxSmtp(mailbox_at(server.port, username="anna", password_ref=reference), timeouts=SECONDS)
    delivery = await send(way_out)
    assert delivery.outcome == "deferred"
    assert delivery.pause is not None
    assert (delivery.pause.reason, delivery.pause.for_s) == ("login", None)
    assert reference in delivery.pause.detail
    await way_out.aclose()


async def test_xoauth2_sends_the_token_that_its_file_holds_now(server: ScriptedSmtp, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("ya29.first\n")
    server.answer("ehlo", *["250-scripted\r\n250 AUTH XOAUTH2"] * 2)
    mailbox = mailbox_at(server.port, username="anna", auth="xoauth2", password_ref=f"file:{token}")
    way_out = MailboxSmtp(mailbox, timeouts=SECONDS, max_uses=1)
    assert (await send(way_out)).outcome == "sent"
    token.write_text("ya29.second\n")
    assert (await send(way_out)).outcome == "sent"
    assert server.tokens() == [
        "user=anna\x01auth=Bearer ya29.first\x01\x01",
        "user=anna\x01auth=Bearer ya29.second\x01\x01",
    ]
    await way_out.aclose()


def test_a_secret_is_read_from_a_file_without_its_last_newline(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    assert read_secret(f"file:{path}") == "s3cret"
    path.write_text("")
    with pytest.raises(SecretError, match="not set or empty"):
        read_secret(f"file:{path}")
