"""Inbound mail by signed webhook (docs/behaviour.md 7.1): verified, taken once, answered after the broker has it.

`api/http/inbound/` reads each provider's calls. What they bring goes one way: an id that was not taken before, the topic,
the note that it was taken. So a call that fails is welcome again, and one that was taken is not.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog
from aiohttp import web

from api.http import metrics
from api.http.inbound.calls import Call, Received, Refused, Taken
from api.http.inbound.providers import closed
from api.http.services import SERVICES, Services
from api.publisher import Outgoing
from sinks.inbound_mail import inbound_mail
from streams.errors import Poison, Retryable

LOG = structlog.get_logger("api.webhooks")
MAX_BODY = 25 * 1024 * 1024
LARGE = 1024 * 1024
LARGE_AT_ONCE = 4
"""Calls with bodies of more than 1 MB that are read at a time: whoever calls is unknown until the body is whole."""
PATIENCE_S = 60.0


class Webhooks:
    """The one address of all providers."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    async def inbound(self, request: web.Request) -> web.Response:
        """One call: 200 once the broker has the mail; 401, 404, 409, 413 or 400 record nothing; 503 asks to come again."""
        services, name = request.app[SERVICES], request.match_info["provider"]
        known = name if name in services.inbound else "unknown"
        try:
            answer = await self._take(request, services, name)
        except Refused as refused:
            LOG.info("webhook_refused", provider=known, status=refused.status, why=refused.reason)
            return _answer(known, refused.status, {"error": refused.reason})
        except Poison as poison:
            return _answer(known, 400, {"error": poison.reason})
        except (Retryable, TimeoutError) as error:
            LOG.warning("webhook_not_taken", provider=known, error=str(error) or "the body did not come")
            return _answer(known, 503, {"error": "try again"})
        return _answer(known, 200, answer)

    async def _take(self, request: web.Request, services: Services, name: str) -> dict[str, str]:
        provider = services.inbound.get(name)
        if provider is None:
            raise Refused(404, closed(name))
        async with AsyncExitStack() as reading:
            body = await self._body(request, reading)
            taken = await provider.read(Call(request.headers, body, services.clock.wall().timestamp()))
            if not await services.store.take_call(name, taken.call_id):
                raise Refused(409, "this call was taken before")
            answer = await _record(services, name, taken)
        await services.store.call_taken(name, taken.call_id)
        return answer

    async def _body(self, request: web.Request, reading: AsyncExitStack) -> bytes:
        """The body, byte for byte. A large one waits for its turn, and holds it while `reading` is open."""
        too_large = Refused(413, f"body: a call may have {MAX_BODY // (1024 * 1024)} MB")
        if (request.content_length or 0) > MAX_BODY:
            raise too_large
        body, is_large = bytearray(), False
        async with asyncio.timeout(PATIENCE_S):
            async for chunk in request.content.iter_chunked(256 * 1024):
                body += chunk
                if len(body) > MAX_BODY:
                    raise too_large
                if len(body) > LARGE and not is_large:
                    is_large = True
                    await reading.enter_async_context(self._large)
        return bytes(body)


async def _record(services: Services, name: str, taken: Taken) -> dict[str, str]:
    """Do what the call asks for. Returns the answer. Raises Retryable: then it is not taken."""
    if taken.act is not None:
        await taken.act()
    if taken.mail is None:
        LOG.info("webhook_without_mail", provider=name, why=taken.why)
        return {"taken": taken.why}
    return {"message_id": await _publish(services, name, taken.mail)}


async def _publish(services: Services, name: str, mail: Received) -> str:
    """Every provider's mail comes this way. Returns its message id once the broker has it."""
    message = inbound_mail(
        mail.raw,
        source=name,
        received_at=mail.received_at or services.clock.now(),
        received_wall=services.clock.wall(),
        envelope_to=mail.envelope_to,
        message_id=mail.message_id,
    )
    await services.publisher.publish([Outgoing("inbound-replies", message, message.message_id)])
    if message.truncated:
        LOG.warning("mail_truncated", provider=name, message_id=message.message_id, bytes=len(mail.raw))
    return message.message_id


def _answer(provider: str, status: int, body: dict[str, str]) -> web.Response:
    metrics.WEBHOOKS.labels(provider, str(status)).inc()
    headers = {"Retry-After": "30"} if status == 503 else None
    return web.json_response(body, status=status, headers=headers)


def routes() -> list[web.AbstractRouteDef]:
    """One address a provider. Mailgun sends whole messages to addresses that end with `mime`."""
    inbound = Webhooks().inbound
    return [
        web.post("/webhooks/inbound/{provider}", inbound),
        web.post("/webhooks/inbound/{provider:mailgun}/mime", inbound),
    ]
