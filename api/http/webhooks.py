"""Inbound mail by signed webhook (docs/behaviour.md 7.1): verified, taken once, answered after the broker has it.

The generic provider signs `TIMESTAMP.BODY` with HMAC-SHA256 (hex) and sends the headers `touchline-timestamp` (Unix
seconds) and `touchline-signature`. Its body is JSON: `raw` (a message by RFC 5322, as base64 or as text), and, if
known, `message_id`, `envelope_to`, `received_at` and its own `id`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.http import metrics
from api.http.services import SERVICES, Services
from api.publisher import Outgoing
from domain.ids import event_id
from schemas.base import Identifier, Instant
from schemas.replies import InboundMail
from streams.errors import Poison, Retryable
from streams.topology import TOPICS

LOG = structlog.get_logger("api.webhooks")
WINDOW_S = 300
MAX_BODY = 25 * 1024 * 1024
MAX_RAW = (TOPICS["inbound-replies"].max_value - 16 * 1024) * 3 // 4
"""What of a message fits on the topic. A longer one is cut here: its text comes first, what is lost is attachments."""

_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)*(<[^<>\r\n]{1,990}>)", re.IGNORECASE | re.MULTILINE)
_HEADER_BYTES = 256 * 1024


class GenericMail(BaseModel):
    """The generic provider's body."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    raw: Annotated[str, Field(min_length=1)]
    id: Identifier | None = None
    message_id: Annotated[str, Field(min_length=1, max_length=998)] | None = None
    envelope_to: list[Annotated[str, Field(max_length=320)]] | str = []
    received_at: Instant | None = None


class Refused(Exception):
    """The answer to a call that is not taken."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def verify(headers: Mapping[str, str], body: bytes, secret: bytes, now_s: float) -> str:
    """Check signature and age; the signature's own digest, which names this very call. Raises Refused (401)."""
    timestamp, signature = headers.get("touchline-timestamp", ""), headers.get("touchline-signature", "")
    expected = sign(timestamp, body, secret)
    given = signature.removeprefix("sha256=").lower()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Refused(401, "the signature is missing or wrong")
    if not timestamp.isdecimal() or len(timestamp) > 12 or abs(now_s - int(timestamp)) > WINDOW_S:
        raise Refused(401, "the timestamp is not within five minutes of now")
    return expected


def sign(timestamp: str, body: bytes, secret: bytes) -> str:
    """The signature of a call, as a sender makes it."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def find_message_id(raw: bytes) -> str:
    """The Message-ID header, or, where a mail has none, one made from its bytes: the same mail counts once."""
    end = _HEADERS_END.search(raw, 0, _HEADER_BYTES)
    found = _MESSAGE_ID.search(raw, 0, end.start() if end else _HEADER_BYTES)
    if found is not None:
        return found[1].decode("utf-8", "replace")
    return f"<{hashlib.sha256(raw).hexdigest()}@no-message-id.invalid>"


def read_mail(body: bytes) -> tuple[GenericMail, bytes]:
    """The body and the message in it. Raises Refused (400)."""
    try:
        mail = GenericMail.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Refused(400, f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from None
    try:
        raw = base64.b64decode("".join(mail.raw.split()), validate=True)
    except (binascii.Error, ValueError):
        raw = mail.raw.encode("utf-8", "surrogatepass")
    return mail, raw


async def generic(request: web.Request, services: Services) -> str:
    """Take one call of the generic provider. Returns the mail's message id. Raises Refused and Retryable."""
    if services.webhook_secret is None:
        raise Refused(404, "no such provider: TOUCHLINE_WEBHOOK_SECRET is not set")
    body = await _body(request)
    digest = verify(request.headers, body, services.webhook_secret, services.clock.wall().timestamp())
    mail, raw = read_mail(body)
    call_id = mail.id or digest
    if not await services.store.take_call("generic", call_id):
        raise Refused(409, "this call was taken before")
    message_id = mail.message_id or find_message_id(raw)
    now = services.clock.now()
    inbound = InboundMail.model_construct(
        event_id=event_id("inbound", message_id),
        message_id=message_id.replace("\x00", ""),
        source="generic",
        received_at=mail.received_at or now,
        received_wall=services.clock.wall(),
        envelope_to=[mail.envelope_to] if isinstance(mail.envelope_to, str) else mail.envelope_to,
        raw=raw[:MAX_RAW],
    )
    await services.publisher.publish([Outgoing("inbound-replies", inbound, inbound.message_id)])
    await services.store.call_taken("generic", call_id)
    return message_id


async def _body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY:
        raise Refused(413, "a call may have 25 MB")
    body = bytearray()
    async for chunk in request.content.iter_chunked(256 * 1024):
        body += chunk
        if len(body) > MAX_BODY:
            raise Refused(413, "a call may have 25 MB")
    return bytes(body)


PROVIDERS: Mapping[str, Callable[[web.Request, Services], Awaitable[str]]] = {"generic": generic}


async def inbound(request: web.Request) -> web.Response:
    """One call: 200 once the broker has the mail; 401, 404, 409, 413 or 400 record nothing; 503 asks to come again."""
    name = request.match_info["provider"]
    provider = PROVIDERS.get(name)
    try:
        if provider is None:
            raise Refused(404, "no such provider")
        message_id = await provider(request, request.app[SERVICES])
    except Refused as refused:
        metrics.WEBHOOKS.labels(name if provider else "unknown", str(refused.status)).inc()
        return web.json_response({"error": refused.reason}, status=refused.status)
    except Poison as poison:
        metrics.WEBHOOKS.labels(name, "400").inc()
        return web.json_response({"error": poison.reason}, status=400)
    except Retryable as error:
        LOG.warning("webhook_not_taken", provider=name, error=str(error))
        metrics.WEBHOOKS.labels(name, "503").inc()
        return web.json_response({"error": "try again"}, status=503, headers={"Retry-After": "30"})
    metrics.WEBHOOKS.labels(name, "200").inc()
    return web.json_response({"message_id": message_id})


def routes() -> list[web.AbstractRouteDef]:
    """One address a provider."""
    return [web.post("/webhooks/inbound/{provider}", inbound)]
