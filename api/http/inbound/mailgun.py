"""Mailgun: routes that forward mail (`body-mime`, or taken apart), and its webhooks about failures and complaints.

It signs `TIMESTAMP TOKEN` (joined) with HMAC-SHA256 (hex) and the account's webhook signing key. The body is not signed, so
the token is what a call is known by: a token that was taken is never taken again, whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.http.inbound.calls import (
    WINDOW_S,
    Call,
    Received,
    Refused,
    Taken,
    any_same,
    check_age,
    check_call_id,
    mac,
    octets,
)
from api.http.inbound.forms import File, Form, read_form
from api.http.inbound.json_mail import first_problem, json_object
from domain.replies.notices import Original, Refusal, complaint_notice, delivery_notice
from domain.replies.rebuilt import Attached, rebuild

OLDEST_S = 8 * 3600 + WINDOW_S
"""Mailgun repeats a call that failed for eight hours; its token is remembered for longer."""
DOMAIN = "mailgun.invalid"
MAX_EVENT = 1024 * 1024
"""Bytes of an event's call, which has no mail in it. It is read before its signature can be."""

Short = Annotated[str, Field(max_length=2000)]
_HEADERS: TypeAdapter[list[tuple[str, str]]] = TypeAdapter(list[tuple[str, str]])
FIELDS = (
    "From",
    "To",
    "Cc",
    "Subject",
    "Message-Id",
    "In-Reply-To",
    "References",
    "Date",
    "Auto-Submitted",
    "Precedence",
)
"""Headers that a form repeats as fields, for where `message-headers` is missing."""
NEVER_AGAIN = frozenset({"605", "606", "607"})
"""Mailgun's own codes for an address that it delivers nothing more to: it bounced, unsubscribed or complained before."""


class Signature(BaseModel):
    """How a webhook about an event is signed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    timestamp: str
    token: str
    signature: str


class DeliveryStatus(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    code: int | str | None = None
    enhanced_code: Annotated[str | None, Field(alias="enhanced-code")] = None
    message: Short | None = None
    description: Short | None = None


class Event(BaseModel):
    """`event-data`, as far as it is used."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: Annotated[str, Field(max_length=200)] = ""
    event: str
    severity: str = "permanent"
    recipient: Annotated[str, Field(max_length=320)] = ""
    status: Annotated[DeliveryStatus, Field(alias="delivery-status")] = DeliveryStatus()
    message: dict[str, Any] = {}
    envelope: dict[str, Any] = {}


class Mailgun:
    """Signed with any of these keys."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @property
    def about(self) -> str:
        return f"{len(self._keys)} signing key{'s' if len(self._keys) > 1 else ''}"

    async def read(self, call: Call) -> Taken:
        content_type = call.headers.get("content-type", "")
        if content_type.split(";")[0].strip().lower() == "application/json":
            return self._event(call)
        form = read_form(content_type, call.body)
        token = self._verify(form.short("timestamp"), form.short("token"), form.short("signature"), call.now_s)
        recipient = form.text("recipient")
        return Taken(token, Received(_raw(form), envelope_to=[recipient] if recipient else []))

    def _verify(self, timestamp: str, token: str, signature: str, now_s: float) -> str:
        """The token of a call that is signed and no older than Mailgun repeats it. Raises Refused (401)."""
        expected = [octets(sign(timestamp, token, key)) for key in self._keys]
        if not token or not any_same(expected, [octets(signature)]):
            raise Refused(401, "signature: it, timestamp or token is missing or wrong")
        check_age(timestamp, now_s, oldest_s=OLDEST_S)
        return check_call_id(token, "token")

    def _event(self, call: Call) -> Taken:
        said = json_object(call.body, at_most=MAX_EVENT)
        try:
            signed = Signature.model_validate(said.get("signature"))
        except ValidationError:
            raise Refused(401, "signature: it, timestamp or token is missing") from None
        token = self._verify(signed.timestamp, signed.token, signed.signature, call.now_s)
        try:
            event = Event.model_validate(said.get("event-data"))
        except ValidationError as error:
            raise Refused(400, f"event-data.{first_problem(error)}") from None
        raw = _notice(event, token)
        return Taken(token, None if raw is None else Received(raw), f"{event.event}: nothing to record")


def sign(timestamp: str, token: str, key: bytes) -> str:
    """The signature of a call, in hex, as Mailgun makes it."""
    return mac(key, octets(timestamp + token)).hex()


def _raw(form: Form) -> bytes:
    """The mail in a form: as it was received, or put together again. Raises Refused (400)."""
    mime = form.data("body-mime")
    if mime is None:
        mime = next((file.data for file in form.files if file.field == "body-mime"), None)
    if mime is not None:
        if not mime.strip():
            raise Refused(400, "body-mime: is empty")
        return mime
    headers = _headers(form)
    if not headers:
        raise Refused(
            400, "body-mime: is missing, and so are message-headers and from: forward the mail to .../mailgun/mime"
        )
    text, html = form.text("body-plain") or None, form.text("body-html") or None
    return rebuild(headers, text, html, [_attached(file) for file in form.files])


def _headers(form: Form) -> list[tuple[str, str]]:
    stated = form.data("message-headers")
    if stated is None:
        return [(name, value) for name in FIELDS if (value := form.text(name))]
    try:
        return _HEADERS.validate_json(stated)
    except ValidationError:
        raise Refused(400, "message-headers: must be a JSON list of [name, value]") from None


def _attached(file: File) -> Attached:
    return Attached(file.name, file.content_type, file.data)


def _notice(event: Event, token: str) -> bytes | None:
    """The report that an event stands for; None where it tells nothing of a reply's kind."""
    original = Original(_original_headers(event), str(event.envelope.get("sender", ""))[:320])
    notice_id = event.id or token
    if event.event == "complained":
        return complaint_notice(notice_id, DOMAIN, original, [event.recipient])
    if event.event != "failed":
        return None
    refusal = Refusal(event.recipient, _status(event), event.status.message or event.status.description or "")
    action = "failed" if event.severity == "permanent" else "delayed"
    return delivery_notice(notice_id, DOMAIN, original, [refusal], action=action)


def _status(event: Event) -> str:
    """The enhanced code where the event has one, or is one of those that mean the same."""
    if event.status.enhanced_code:
        return event.status.enhanced_code
    code = str(event.status.code or "")
    return "5.1.1" if code in NEVER_AGAIN else ""


def _original_headers(event: Event) -> list[tuple[str, str]]:
    headers = event.message.get("headers")
    if not isinstance(headers, dict):
        return []
    found = [(str(name), str(value)) for name, value in headers.items()]  # pyright: ignore[reportUnknownVariableType]
    return [
        ("Message-ID", f"<{value.strip('<>')}>") if name.lower() == "message-id" else (name, value)
        for name, value in found
    ]
