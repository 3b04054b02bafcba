"""Opening a connection to a mailbox's IMAP server: TLS, login, the secret by reference (docs/behaviour.md 7.1)."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from typing import Literal

from domain.senders import Imap
from sinks.imap_stream import MAX_LINE, ImapLost, ImapStream, Response, Text, Timeouts
from sinks.imap_wire import Status
from sinks.smtp_answers import without_addresses
from sinks.smtp_connect import SecretError, default_tls, read_secret

RefusalReason = Literal["login", "secret", "tls", "folder"]

_BUSY_CODES = frozenset({"UNAVAILABLE", "LIMIT", "INUSE", "SERVERBUG", "CONTACTADMIN", "OVERQUOTA"})
_BUSY = re.compile(r"too many|try (?:again|later)|temporar|unavailable|timed? ?out|internal error", re.IGNORECASE)
"""Servers without the codes of RFC 5530 say in words that it is not the password."""


class ImapRefused(Exception):
    """The server, or our own side, will not have it so: a person has to mend it. The message names no address."""

    def __init__(self, reason: RefusalReason, detail: str) -> None:
        super().__init__(without_addresses(detail))
        self.reason: RefusalReason = reason


async def open_stream(
    imap: Imap, timeouts: Timeouts, tls: ssl.SSLContext | None = None
) -> tuple[ImapStream, frozenset[str]]:
    """A connection that is logged in, and what the server can do. Raises ImapLost, ImapRefused."""
    context = (tls or await asyncio.to_thread(default_tls)) if imap.security != "none" else None
    try:
        secret = await asyncio.to_thread(read_secret, imap.password_ref or imap.token_ref or "")
    except SecretError as error:
        raise ImapRefused("secret", str(error)) from error
    stream = await _connect(imap, timeouts, context)
    try:
        greeting = await stream.greeting()
        can = _capabilities(greeting)
        if imap.security == "starttls":
            await _secure(stream, imap, greeting, context)
            can = None
        can = can or await _ask(stream)
        stream.literal_plus = "LITERAL+" in can
        if greeting.kind != "PREAUTH":
            can = await _login(stream, imap, secret, can)
    except BaseException:
        stream.close()
        raise
    return stream, can


async def _connect(imap: Imap, timeouts: Timeouts, context: ssl.SSLContext | None) -> ImapStream:
    direct = context if imap.security == "tls" else None
    try:
        async with asyncio.timeout(timeouts.connect_s):
            reader, writer = await asyncio.open_connection(
                imap.host, imap.port, ssl=direct, server_hostname=imap.host if direct else None, limit=MAX_LINE
            )
    except ssl.SSLCertVerificationError as error:
        raise _not_trusted(error) from error
    except ssl.SSLError as error:
        raise ImapRefused("tls", f"no TLS there ({error.reason or error}): is security right?") from error
    except TimeoutError as error:
        raise ImapLost("connect", "no answer in time") from error
    except OSError as error:
        raise ImapLost("connect", error.strerror or str(error)) from error
    return ImapStream(reader, writer, timeouts)


def _not_trusted(error: ssl.SSLCertVerificationError) -> ImapRefused:
    return ImapRefused("tls", f"the server's certificate is not valid: {error.verify_message}")


async def _secure(stream: ImapStream, imap: Imap, greeting: Status, context: ssl.SSLContext | None) -> None:
    """STARTTLS, or no login: a server that is past it already would get the mail in clear."""
    if greeting.kind == "PREAUTH":
        raise ImapRefused("tls", "the server lets us in before TLS")
    status, _ = await stream.command("STARTTLS")
    if status.kind != "OK":
        raise ImapRefused("tls", f"the server offers no STARTTLS: {status.said}")
    assert context is not None
    try:
        await stream.to_tls(context, imap.host)
    except ImapLost as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise _not_trusted(error.__cause__) from error
        raise


async def _login(stream: ImapStream, imap: Imap, secret: str, can: frozenset[str]) -> frozenset[str]:
    """What the server can do now. Raises ImapRefused, and ImapLost where it is only too busy to tell."""
    if imap.token_ref is not None:
        told = f"user={imap.username}\x01auth=Bearer {secret}\x01\x01"
        status = await _authenticate(stream, "XOAUTH2", told.encode(), can)
    elif "AUTH=PLAIN" in can:
        status = await _authenticate(stream, "PLAIN", f"\0{imap.username}\0{secret}".encode(), can)
    elif "LOGINDISABLED" in can:
        raise ImapRefused("tls", "the server takes no password in clear: security is tls or starttls")
    else:
        status, _ = await stream.command("LOGIN", Text(imap.username.encode()), Text(secret.encode()))
    if status.kind == "OK":
        return _capabilities(status) or await _ask(stream)
    if status.code in _BUSY_CODES or _BUSY.search(status.text):
        raise ImapLost("busy", status.said)
    if status.code == "PRIVACYREQUIRED":
        raise ImapRefused("tls", status.said)
    raise ImapRefused("login", status.said)


async def _authenticate(stream: ImapStream, mechanism: str, told: bytes, can: frozenset[str]) -> Status:
    """With SASL-IR (RFC 4959) at once, else when the server asks. A refusal of XOAUTH2 is asked about once more: it is
    answered with an empty line."""
    coded = base64.b64encode(told)
    at_once = "SASL-IR" in can
    return await stream.exchange(f"AUTHENTICATE {mechanism}", coded if at_once else b"", () if at_once else (coded,))


def _capabilities(status: Status) -> frozenset[str] | None:
    """Where a status says what the server can do; None where it does not."""
    return frozenset(status.argument.upper().split()) if status.code == "CAPABILITY" else None


async def _ask(stream: ImapStream) -> frozenset[str]:
    return capabilities_of(await stream.done("CAPABILITY"))


def capabilities_of(responses: list[Response]) -> frozenset[str]:
    """What the server says that it can do."""
    words = [response.pieces[0].decode("ascii", "replace").upper().split() for response in responses]
    return frozenset(word for line in words if line[:1] == ["CAPABILITY"] for word in line[1:])
