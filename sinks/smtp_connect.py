"""Opening a connection to a mailbox's server: TLS, login, the password by reference (docs/behaviour.md 4.1)."""

from __future__ import annotations

import asyncio
import os
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import cast

import aiosmtplib

from domain.campaign import Smtp
from sinks.smtp_answers import Delivery, MailboxPause, PauseReason, Phase, judge, without_addresses
from sinks.smtp_wire import Dialogue, Reply

MAX_SECRET_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait (RFC 5321, 4.5.3.2): the server may take ten minutes over a message it has in full."""

    connect_s: float = 30.0
    command_s: float = 120.0
    final_s: float = 600.0


class ConnectError(Exception):
    """No connection. `delivery` says what that means; `is_refusal`: the server answered, and wants no more of them."""

    def __init__(self, delivery: Delivery, *, is_refusal: bool = False) -> None:
        super().__init__(delivery.detail)
        self.delivery = delivery
        self.is_refusal = is_refusal


class SecretError(Exception):
    """A password reference that gives no password. The message names the reference, never a value."""


def read_secret(reference: str) -> str:
    """The password or token behind `env:NAME` or `file:PATH`. Raises SecretError."""
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        value = os.environ.get(name)
    elif scheme == "file":
        try:
            with Path(name).open("rb") as file:
                value = file.read(MAX_SECRET_BYTES).decode().strip()
        except (OSError, ValueError) as error:
            raise SecretError(f"the password file of {reference} cannot be read: {type(error).__name__}") from error
    else:
        raise SecretError("a password reference is env:NAME or file:PATH")
    if not value:
        raise SecretError(f"{reference} is not set or empty")
    return value


@lru_cache(maxsize=1)
def default_tls() -> ssl.SSLContext:
    """The system's certificate authorities; made once, because reading them takes milliseconds."""
    return ssl.create_default_context()


async def connect(
    smtp: Smtp, hello: str, timeouts: Timeouts, tls: ssl.SSLContext | None = None
) -> tuple[Dialogue, bool]:
    """A connection that is ready for MAIL, and whether the server takes pipelined commands. Raises ConnectError."""
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.security == "tls",
        start_tls=smtp.security == "starttls",
        timeout=timeouts.connect_s,
        local_hostname=hello,
        tls_context=(tls or await asyncio.to_thread(default_tls)) if smtp.security != "none" else None,
    )
    phase: Phase = "connect"
    try:
        async with asyncio.timeout(timeouts.connect_s):
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
            phase = "login"
            await _login(client, smtp)
            return Dialogue(cast("asyncio.Transport", client.transport)), client.supports_extension("pipelining")
    except BaseException as error:
        client.close()
        fault = _fault(phase, error)
        if fault is None:
            raise
        raise fault from error


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code == 421:
            raise
        await client.helo()


async def _login(client: aiosmtplib.SMTP, smtp: Smtp) -> None:
    if smtp.username is None:
        return
    secret = await asyncio.to_thread(read_secret, smtp.password_ref or "")
    if smtp.auth == "xoauth2":
        await client.auth_xoauth2(smtp.username, secret)
    else:
        await client.login(smtp.username, secret)


def _fault(phase: Phase, error: BaseException) -> ConnectError | None:
    """What a failure to connect means, or None for what is no such failure."""
    certificate = _certificate_error(error)
    if certificate is not None:
        return _paused("connect", "tls", f"the server's certificate is not valid: {certificate.verify_message}")
    match error:
        case SecretError():
            return _paused("login", "login", str(error))
        case aiosmtplib.SMTPResponseException():
            reply = Reply(error.code, error.message)
            judgement = judge(phase, reply)
            detail = without_addresses(reply.text)
            pause = MailboxPause(judgement.pause, None, detail) if judgement.pause else None
            return ConnectError(
                Delivery("deferred", phase, reply.code, reply.enhanced, detail, pause), is_refusal=phase == "connect"
            )
        case aiosmtplib.SMTPServerDisconnected() | OSError():  # refused, reset, unknown host, timed out
            is_refusal = not isinstance(error, TimeoutError)
            return ConnectError(Delivery("deferred", phase, detail=_said(error)), is_refusal=is_refusal)
        case aiosmtplib.SMTPException():  # the server offers no STARTTLS, or no way to log in
            return _paused(phase, "tls" if phase == "connect" else "login", error.message)
        case _:
            return None


def _paused(phase: Phase, reason: PauseReason, detail: str) -> ConnectError:
    detail = without_addresses(detail)
    return ConnectError(Delivery("deferred", phase, detail=detail, pause=MailboxPause(reason, None, detail)))


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__
    return None


def _said(error: BaseException) -> str:
    return without_addresses(str(error)) or type(error).__name__
