"""A mail in a JSON body: whole (`raw`), or in parts as providers take it apart."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from api.http.inbound.calls import Call, Received, Refused
from domain.replies.rebuilt import Attached, rebuild
from schemas.base import Identifier, Instant

RAW_TYPE = "message/rfc822"

Addresses = list[Annotated[str, Field(max_length=320)]] | Annotated[str, Field(max_length=320)]
HeaderList = Mapping[str, str | list[str]] | list[tuple[str, str]] | list[Mapping[str, str]]


class JsonAttachment(BaseModel):
    """An attachment's name and type. What is in it is not read."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(default="", validation_alias=AliasChoices("name", "filename"))
    content_type: str = "application/octet-stream"


class JsonMail(BaseModel):
    """The body. Either `raw` (text or base64), or the parts."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    id: Identifier | None = None
    raw: Annotated[str, Field(min_length=1)] | None = None
    message_id: Annotated[str, Field(min_length=1, max_length=998)] | None = None
    envelope_to: Addresses = []
    received_at: Instant | None = None

    from_: str | None = Field(default=None, alias="from")
    to: list[str] | str = []
    cc: list[str] | str = []
    subject: str | None = None
    in_reply_to: str | None = None
    references: list[str] | str = []
    date: str | None = None
    headers: HeaderList = []
    text: str | None = None
    html: str | None = None
    attachments: list[JsonAttachment] = []


def read_body(call: Call) -> tuple[str | None, Received]:
    """(the body's own `id`, the mail): from JSON, also under `data`, or from a body that is the message itself.

    Raises Refused (400) with the field.
    """
    content_type = call.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type == RAW_TYPE:
        start = call.body[:1000].lstrip()
        if not start:
            raise Refused(400, "body: is empty: send the message (RFC 5322)")
        if start.startswith(
            b"{"
        ):  # no signature covers the type: a JSON call said to be a message would count once more
            raise Refused(400, f"content-type: is {RAW_TYPE}, and the body is JSON")
        return None, Received(call.body)
    mail = _read(call.body)
    return mail.id, Received(_raw(mail), mail.message_id, _listed(mail.envelope_to), mail.received_at)


def json_object(body: bytes, *, at_most: int | None = None) -> dict[str, Any]:
    """The object in a body. Raises Refused (400; 413 where it has more than `at_most` bytes)."""
    if at_most is not None and len(body) > at_most:
        raise Refused(413, f"body: a call of this kind may have {at_most // 2**20} MB")
    try:
        found = from_json(body)
    except ValueError as error:
        raise Refused(400, f"body: is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refused(400, "body: must be a JSON object")
    return cast("dict[str, Any]", found)


def first_problem(error: ValidationError) -> str:
    """`field: what is wrong`."""
    first = error.errors(include_input=False, include_url=False)[0]
    path = [
        str(part) for part in first["loc"] if "[" not in str(part)
    ]  # without the names of the types that were tried
    return f"{'.'.join(path) or 'body'}: {first['msg']}"


def _read(body: bytes) -> JsonMail:
    found = json_object(body)
    inner = found.get("data")
    is_wrapped = isinstance(inner, dict) and "raw" not in found and "from" not in found
    try:
        mail = JsonMail.model_validate(inner if is_wrapped else found)
    except ValidationError as error:
        raise Refused(400, ("data." if is_wrapped else "") + first_problem(error)) from None
    if mail.raw is None and mail.from_ is None:
        raise Refused(
            400, "raw: is missing: give the message as text or base64, or its parts: from, subject, text, html, headers"
        )
    return mail


def _raw(mail: JsonMail) -> bytes:
    if mail.raw is None:
        attached = [Attached(part.name, part.content_type) for part in mail.attachments]
        return rebuild(_headers(mail), mail.text, mail.html, attached)
    try:
        return base64.b64decode("".join(mail.raw.split()), validate=True)
    except (binascii.Error, ValueError):
        return mail.raw.encode("utf-8", "surrogatepass")


def _headers(mail: JsonMail) -> list[tuple[str, str]]:
    """The headers as given, and those that only stand in a field of their own."""
    given = list(_pairs(mail.headers))
    there = {name.lower() for name, _ in given}
    fields = {
        "From": mail.from_,
        "To": ", ".join(_listed(mail.to)),
        "Cc": ", ".join(_listed(mail.cc)),
        "Subject": mail.subject,
        "Message-ID": mail.message_id,
        "In-Reply-To": mail.in_reply_to,
        "References": " ".join(_listed(mail.references)),
        "Date": mail.date,
    }
    return given + [(name, value) for name, value in fields.items() if value and name.lower() not in there]


def _pairs(headers: HeaderList) -> Iterator[tuple[str, str]]:
    if isinstance(headers, Mapping):
        for name, value in headers.items():
            yield from ((name, one) for one in _listed(value))
        return
    for item in headers:
        yield item if isinstance(item, tuple) else (item.get("name", ""), item.get("value", ""))


def _listed(value: list[str] | str) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return value
