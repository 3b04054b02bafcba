"""Connecting to the brokers, and why they refuse: aiokafka logs the reason and raises only that none could be reached.

A refusal (a wrong password, a certificate nobody trusts) names its setting and ends the start; a broker that is away
is waited for.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams import kafka
from streams.settings import SettingsError, problem

if TYPE_CHECKING:
    from streams.settings import Settings

PROBE_S = 5.0
CLOSE_S = 0.5
_OTHER_NAME = (62, 64)
"""OpenSSL's codes of a certificate that is sound, but for another host name or address."""
_TLS_ALERT = 0x1503
"""How a TLS alert begins: a client without TLS takes it for the length of an answer."""


class AccessRefused(SettingsError):
    """A broker answered, and does not let this client in. Each problem names the setting to look at."""


class Client(Protocol):
    """Any aiokafka client."""

    async def start(self) -> None: ...


class _Reason(NamedTuple):
    """Why a broker could not be used. `field` is the setting it refuses; None: it is away, or may be."""

    field: str | None
    text: str


async def connect(client: Client, settings: Settings) -> None:
    """Start the client; whoever made it stops it, also after a failure.

    Raises AccessRefused when the brokers that answer refuse it, KafkaConnectionError with the reasons when none answers.
    """
    try:
        await client.start()
    except KafkaConnectionError as error:
        reasons = await _reasons(settings)
        if reasons is None:
            raise  # it went well just now: the caller's next attempt will tell
        refusals = [problem(reason.field, reason.text) for reason in reasons if reason.field is not None]
        if refusals:
            raise AccessRefused(refusals) from error
        raise KafkaConnectionError("; ".join(reason.text for reason in reasons)) from error


async def check_access(settings: Settings) -> None:
    """Raise AccessRefused when the brokers that answer refuse this client. Brokers that are away are no problem here."""
    refused = [problem(reason.field, reason.text) for reason in await _reasons(settings) or () if reason.field]
    if refused:
        raise AccessRefused(refused)


async def _reasons(settings: Settings) -> list[_Reason] | None:
    """Why each broker cannot be used; None when one of them can."""
    options = kafka.connection(settings)
    reasons: list[_Reason] = []
    for server in str(options.pop("bootstrap_servers")).split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            async with asyncio.timeout(PROBE_S):
                await _ask(host.strip("[]"), int(port), options)
        except (KafkaError, OSError, TimeoutError) as error:
            reasons.append(_reason(error, server.strip(), settings))
        else:
            return None
    return reasons


async def _ask(host: str, port: int, options: dict[str, Any]) -> None:
    """One connection with one question: a listener that wants SASL closes only when it is asked something."""
    connection: AIOKafkaConnection = await create_conn(host, port, request_timeout_ms=int(PROBE_S * 1000), **options)
    try:
        await connection.send(MetadataRequest([]))
    finally:
        closed: asyncio.Future[Any] | None = connection.close()
        if closed is not None:
            await asyncio.wait({closed}, timeout=CLOSE_S)  # TLS takes its leave


def _reason(error: BaseException, server: str, settings: Settings) -> _Reason:
    for cause in _causes(error):
        match cause:
            case SaslAuthenticationFailed():
                who = f"user {settings.kafka_sasl_username!r} with this password"
                return _Reason("kafka_sasl_password", f"{server} refuses {who} ({cause})")
            case UnsupportedSaslMechanismError():
                return _Reason("kafka_sasl_mechanism", f"{server} does not take {settings.kafka_sasl_mechanism}")
            case IllegalSaslStateError():
                return _Reason("kafka_security_protocol", f"{server} does not take SASL")
            case ssl.SSLCertVerificationError(verify_code=code) if code in _OTHER_NAME:
                text = f"the certificate of {server} is for another name ({cause.verify_message})"
                return _Reason("kafka_bootstrap_servers", text)
            case ssl.SSLCertVerificationError():
                text = f"the certificate of {server} is not trusted ({cause.verify_message})"
                return _Reason("kafka_ssl_cafile", text)
            case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ssl.SSLSyscallError():
                return _closed(server, settings)
            case ssl.SSLError() if "CERTIFICATE_REQUIRED" in (cause.reason or ""):
                return _Reason("kafka_ssl_certfile", f"{server} asks for a client certificate")
            case ssl.SSLError() if "ALERT" in (cause.reason or ""):
                return _Reason("kafka_ssl_certfile", f"{server} refuses the client's side of TLS ({cause.reason})")
            case ssl.SSLError():
                return _Reason("kafka_security_protocol", f"{server} does not speak TLS as expected ({cause.reason})")
            case asyncio.IncompleteReadError(expected=expected) if (expected or 0) >> 16 == _TLS_ALERT:
                return _Reason("kafka_security_protocol", f"{server} speaks TLS")
            case asyncio.IncompleteReadError() | ConnectionResetError():
                return _closed(server, settings)
            case _:
                pass
    return _Reason(None, f"{server} does not answer ({str(error) or type(error).__name__})")


def _closed(server: str, settings: Settings) -> _Reason:
    spoken = f"is {settings.kafka_security_protocol} what it speaks?"
    return _Reason(None, f"{server} closed the connection at once: {spoken}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
