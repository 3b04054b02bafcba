"""What an SMS provider calls: what became of a text, and answers to one (docs/behaviour.md 4.4, 5.3, 7.1).

Both addresses carry a token that only we can make (`domain/text_tokens.py`); bodies are forms. A request is answered when
Postgres has what it tells, so a provider that never asks twice loses nothing while Kafka is away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog
from aiohttp import web

from api.http import metrics
from api.http.services import SERVICES, Services
from api.telling import noted, suppress
from domain.ids import event_id
from domain.numbers import e164
from domain.text_answers import as_mail, message_id_of
from domain.text_tokens import is_answers_token, read_notice_token
from domain.texts import asks_to_stop
from schemas.replies import InboundMail
from schemas.tracking import Hit
from sinks.ports import SendRow, Suppression
from sinks.sms_answers import OPTED_OUT, REPORTS, Reported, refusal
from streams.errors import Poison, Retryable

LOG = structlog.get_logger("api.sms")
MAX_FORM = 64 * 1024
NOTHING_TO_SAY = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
"""The answer that sends no text back."""

_PROVIDER_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_CODE = re.compile(r"[A-Za-z0-9]{1,20}")


async def inbound(request: web.Request) -> web.Response:
    """An answer to a number. 200 once it is stored, and, where it says STOP, the number is suppressed; 404 and 400 record
    nothing; 503 asks to come again.
    """
    services, sender_id = request.app[SERVICES], request.match_info["sender_id"]
    if not is_answers_token(services.keys, sender_id, request.match_info["token"]):
        return _counted("inbound", 404, "no such address")
    form = await _form(request)
    number = e164(form.get("From", ""))
    provider_id = form.get("MessageSid") or form.get("SmsSid") or form.get("SmsMessageSid") or ""
    if number is None or _PROVIDER_ID.fullmatch(provider_id) is None:
        return _counted("inbound", 400, "From must be a number in E.164 and MessageSid an id")
    try:
        await _take(services, sender_id, number, provider_id, _text(form))
    except Retryable as error:
        LOG.warning("text_not_taken", sender_id=sender_id, error=str(error))
        return _counted("inbound", 503, "try again")
    except Poison as poison:
        return _counted("inbound", 400, poison.reason)
    metrics.SMS.labels("inbound", "200").inc()
    return web.Response(text=NOTHING_TO_SAY, content_type="text/xml")


def _text(form: Mapping[str, str]) -> str:
    """What was written; pictures are told of, never fetched."""
    media = form.get("NumMedia", "0")
    more = f"\n[{media} attached]" if media.isdecimal() and int(media) > 0 else ""
    return form.get("Body", "") + more


async def _take(services: Services, sender_id: str, number: str, provider_id: str, text: str) -> None:
    """Suppress first, then store: nobody is written to after a STOP was answered."""
    row = await services.ledger.resolve_number(number, sender_id)
    if asks_to_stop(text):
        await _stop(services, number, row, provider_id)
    now = services.clock.now()
    raw = as_mail(
        services.keys, provider_id=provider_id, number=number, text=text, send_id=row.send_id if row else None, at=now
    )
    message_id = message_id_of(provider_id)
    mail = InboundMail.model_construct(
        event_id=event_id("inbound", message_id),
        message_id=message_id,
        source=f"sms:{sender_id}",
        received_at=now,
        received_wall=services.clock.wall(),
        envelope_to=[],
        raw=raw,
    )
    await services.telling.add(noted("inbound-replies", mail, mail.event_id, message_id))


async def _stop(services: Services, number: str, row: SendRow | None, provider_id: str) -> None:
    """The number, and the lead that it was written to, get nothing more: committed before the answer."""
    source = f"unsubscribe:sms:{provider_id}"
    if row is None:
        await services.stops.suppress([Suppression("all", "unsubscribe", source, email=number)])
        return
    hit = Hit(
        type="unsubscribe",
        event_id=event_id("sms-stop", provider_id),
        lead_id=row.lead_id,
        campaign_id=row.campaign_id,
        step_id=row.step_id,
        entry_no=row.entry_no,
        send_id=row.send_id,
        method="SMS",
        at=services.clock.now(),
        wall=services.clock.wall(),
    )
    await suppress(
        services.stops,
        services.telling,
        [Suppression("all", "unsubscribe", source, email=number, lead_id=row.lead_id)],
        hit,
    )
    metrics.UNSUBSCRIBES.labels("all").inc()


async def status(request: web.Request) -> web.Response:
    """What became of a text. 204, also for what says nothing new; 404 for a token that is none of ours; 503: come again."""
    services = request.app[SERVICES]
    send_id = read_notice_token(services.keys, request.match_info["token"])
    if send_id is None:
        return _counted("status", 404, "no such address")
    form = await _form(request)
    told = REPORTS.get(form.get("MessageStatus") or form.get("SmsStatus") or "")
    try:
        row = (await services.ledger.resolve([send_id])).get(send_id) if told is not None else None
        if row is not None and told is not None:
            await _notice(services, row, told, form.get("ErrorCode", ""))
    except Retryable as error:
        LOG.warning("notice_not_taken", error=str(error))
        return _counted("status", 503, "try again")
    metrics.SMS.labels("status", "204").inc()
    return web.Response(status=204)


async def _notice(services: Services, row: SendRow, told: Reported, code: str) -> None:
    """Tell leads. A number that takes no texts is suppressed first; what a sequence may wait for is stored, not only held
    in memory.
    """
    code = code if _CODE.fullmatch(code) else ""
    notice = Hit(
        type=told,
        event_id=event_id("sms-notice", row.send_id, row.grant_id, told),
        lead_id=row.lead_id,
        campaign_id=row.campaign_id,
        step_id=row.step_id,
        entry_no=row.entry_no,
        send_id=row.send_id,
        method="SMS",
        code=f"sms:{code or told}" if told == "undelivered" else None,
        at=services.clock.now(),
        wall=services.clock.wall(),
    )
    if told == "undelivered" and code and refusal(code) == "hard":
        reason = "unsubscribe" if code == OPTED_OUT else "bounce"
        suppression = Suppression("all", reason, f"bounce:{row.send_id}", address_key=row.address_key)
        await suppress(services.stops, services.telling, [suppression], notice)
    elif told == "undelivered" or row.state != "sent":
        await services.telling.add(noted("tracking-hits", notice, notice.event_id, notice.lead_id))
    else:
        services.hits.add(notice)


async def _form(request: web.Request) -> Mapping[str, str]:
    """The form's fields; of what stands twice the first. Raises HTTPRequestEntityTooLarge."""
    if (request.content_length or 0) > MAX_FORM:
        raise web.HTTPRequestEntityTooLarge(MAX_FORM, request.content_length or 0)
    given = await request.post()
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _counted(what: str, code: int, reason: str) -> web.Response:
    metrics.SMS.labels(what, str(code)).inc()
    headers = {"Retry-After": "30"} if code == 503 else None
    return web.json_response({"error": reason}, status=code, headers=headers)


def routes() -> list[web.AbstractRouteDef]:
    """The two addresses: one a text, one a sender."""
    return [
        web.post("/webhooks/sms/status/{token}", status),
        web.post("/webhooks/sms/inbound/{sender_id}/{token}", inbound),
    ]
