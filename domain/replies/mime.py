"""Raw mail to `Mail`: bounded in size, depth and number of parts, indifferent to broken charsets and structure.

Whatever the bytes are, the answer is a `Mail`, if need be of the headers only (docs/behaviour.md 7.9). The caller
still runs it in a process that can be killed (`sinks/mailparser.py`), for what no check foresees.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from email.policy import compat32
from email.utils import parseaddr

from domain.ids import normalise_email
from domain.replies.html_text import html_to_text
from domain.replies.mail import Mail, Report
from domain.replies.quotes import separate
from domain.replies.reports import Part, returned_report, structured_report

MAX_RAW = 4 * 1024 * 1024
"""Bytes of a mail that are looked at; what follows is attachments."""
MAX_HEADERS = 256 * 1024
"""Bytes of headers that are looked at: a mail whose headers are longer is read as headers only."""
MAX_BOUNDARIES = 1000
"""Lines that may be a part's boundary; the mail is cut at the one after."""
MAX_DEPTH = 12
MAX_PARTS = 100
MAX_TEXT = 100_000
"""Characters of a body that are looked at."""
MAX_NEW_TEXT = 20_000
MAX_QUOTED = 10_000
MAX_HEADER = 10_000
MAX_IDS = 100

TELLING_HEADERS = (
    "auto-submitted",
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-response-suppress",
    "x-vacation",
    "precedence",
    "list-id",
    "return-path",
    "x-failed-recipients",
)
RECIPIENT_HEADERS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-forwarded-to")

_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\]{1,100}@[^\s<>,;:\"()\[\]\\@]{1,255}")
_MESSAGE_ID = re.compile(r"<([^<>\s]{3,996})>")
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(rb"\n--")
_NOT_TEXT_CODECS = frozenset(
    {"idna", "punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


def parse_mail(raw: bytes) -> Mail:
    """Read a mail as received (RFC 5322, MIME). Never raises on its contents, memory apart."""
    whole, raw = raw, _bounded(raw)
    try:
        return _read(BytesParser(policy=compat32).parsebytes(raw), truncated=len(raw) < len(whole))
    except (RecursionError, ValueError, LookupError, AssertionError, TypeError, AttributeError):
        return parse_headers(raw)


def _bounded(raw: bytes) -> bytes:
    """As much of a mail as can be parsed in a moment, whatever it is made of."""
    if len(raw) > MAX_HEADERS and _BLANK_LINE.search(raw, 0, MAX_HEADERS) is None:
        return raw[:MAX_HEADERS]
    raw = raw[:MAX_RAW]
    if raw.count(b"\n--") <= MAX_BOUNDARIES:
        return raw
    for number, boundary in enumerate(_BOUNDARY.finditer(raw)):
        if number == MAX_BOUNDARIES:
            return raw[: boundary.start()]
    return raw


def parse_headers(raw: bytes) -> Mail:
    """The headers alone, for a mail whose body cannot be read."""
    end = _BLANK_LINE.search(raw, 0, MAX_HEADERS)
    head = raw[: MAX_HEADERS if end is None else end.start()]
    message: Part = BytesHeaderParser(policy=compat32).parsebytes(head)
    message.set_type("text/plain")
    message.set_payload("")
    return _read(message, truncated=True)


def _read(message: Part, *, truncated: bool) -> Mail:
    plain: list[str] = []
    html: list[str] = []
    attachments: list[str] = []
    parts: list[Part] = []
    calendar_method: str | None = None
    for part in _leaves(message):
        if len(parts) >= MAX_PARTS:
            truncated = True
            break
        parts.append(part)
        kind = part.get_content_type()
        name = part.get_filename()
        attached = name is not None or str(part.get("content-disposition", "")).lower().startswith("attachment")
        if kind == "text/calendar":
            method = part.get_param("method")
            calendar_method = str(method).upper()[:20] if method else _calendar_method(_decoded(part))
        if attached:
            attachments.append(clean(_header_text(name or kind))[:200])
        elif kind == "text/plain" and not plain:
            plain.append(_decoded(part))
        elif kind == "text/html" and not html:
            html.append(_decoded(part))
    body = plain[0] if plain and plain[0].strip() else ""
    truncated = truncated or any(len(text) == MAX_TEXT for text in (*plain, *html))
    structured = structured_report(message, parts)
    if body:
        new, quoted = separate(clean(body))
    elif html:
        new, quoted = _from_html(html[0])
    else:
        new, quoted = "", ""
    headers = _telling(message)
    from_name, from_email = _sender(message)
    subject = clean(header(message, "subject"))[:998]
    report: Report | None = structured or returned_report(headers, from_email, subject, new + "\n" + quoted)
    return Mail(
        message_id=_first(message_ids(message, "message-id")),
        in_reply_to=message_ids(message, "in-reply-to"),
        references=message_ids(message, "references"),
        from_email=from_email,
        from_name=from_name,
        recipients=_recipients(message),
        subject=subject,
        text=new[:MAX_NEW_TEXT],
        quoted=quoted[:MAX_QUOTED],
        headers=headers,
        content_type=message.get_content_type(),
        calendar_method=calendar_method,
        report=report,
        attachments=tuple(attachments[:20]),
        truncated=truncated or len(new) > MAX_NEW_TEXT,
    )


def _leaves(message: Part) -> Iterator[Part]:
    """The parts that have a body, in order. What is inside a returned or forwarded mail is not this mail's text."""
    stack: list[tuple[Part, int]] = [(message, 0)]
    while stack:
        part, depth = stack.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list) and depth < MAX_DEPTH:
            stack.extend((child, depth + 1) for child in reversed(payload[:MAX_PARTS]) if isinstance(child, Message))
        else:
            yield part


def _from_html(markup: str) -> tuple[str, str]:
    new, quoted = html_to_text(clean(markup))
    new, more = separate(new)
    return new, f"{more}\n{quoted}".strip()


def _decoded(part: Part) -> str:
    """A part's text, whatever it claims to be encoded as."""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, binascii.Error, LookupError):
        data = None
    if not isinstance(data, bytes):
        return ""
    return decode_bytes(data[: 4 * MAX_TEXT], part.get_content_charset() or "")[:MAX_TEXT]


def decode_bytes(data: bytes, charset: str) -> str:
    """Text from bytes: the stated charset where it is one, else UTF-8 where it fits, else Windows-1252."""
    charset = charset.strip().lower()
    if charset and charset not in _NOT_TEXT_CODECS and charset not in {"us-ascii", "ascii", "utf-8", "utf8"}:
        try:
            return data.decode(charset, "replace")
        except (LookupError, ValueError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    return data.decode("utf-8" if charset.startswith("utf") else "cp1252", "replace")


def _header_text(value: object) -> str:
    """A header's value with its encoded words (RFC 2047) and raw 8-bit bytes decoded."""
    text = str(value)[:MAX_HEADER]
    if "=?" in text:
        try:
            chunks = decode_header(text)
        except (HeaderParseError, ValueError, binascii.Error):
            chunks = [(text, None)]
        return "".join(
            decode_bytes(chunk, charset or "") if isinstance(chunk, bytes) else _raw_bytes(chunk)
            for chunk, charset in chunks
        )
    return _raw_bytes(text)


def _raw_bytes(text: str) -> str:
    if text.isascii():
        return text
    return decode_bytes(text.encode("utf-8", "surrogateescape"), "")


def header(message: Part, name: str) -> str:
    """A header's value on one line, decoded; empty when there is none."""
    value = message.get(name)
    return "" if value is None else _SPACES.sub(" ", _header_text(value)).strip()


def clean(text: str) -> str:
    """Without NUL, other control characters and lone surrogates; Postgres and JSON can hold the rest."""
    return _ODD.sub("", text)


def message_ids(message: Part, name: str) -> tuple[str, ...]:
    """The Message-IDs in a header, without brackets, in order."""
    value = message.get(name)
    if value is None:
        return ()
    text = clean(_raw_bytes(str(value)[: 8 * MAX_HEADER]))
    found = _MESSAGE_ID.findall(text)
    if not found and name == "message-id" and text.strip():
        found = [_SPACES.sub("", text)[:996]]
    return tuple(found[-MAX_IDS:])


def _first(found: tuple[str, ...]) -> str | None:
    return found[0] if found else None


def _sender(message: Part) -> tuple[str | None, str | None]:
    value = str(message.get("from") or message.get("sender") or "")[:2000]
    name, address = parseaddr(value) if value.count("(") < 20 else ("", "")  # nested comments are read recursively
    if "@" not in address:
        loose = _ADDRESS.search(clean(_raw_bytes(value)))
        address = loose.group() if loose else ""
    spoken = clean(_SPACES.sub(" ", _header_text(name))).strip(" \"'") if name else ""
    email = clean(normalise_email(_raw_bytes(address)))[:320] if address else None
    return (spoken[:200] or None), email


def _recipients(message: Part) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in RECIPIENT_HEADERS:
        for value in (message.get_all(name) or ())[:10]:
            for address in _ADDRESS.findall(clean(_raw_bytes(str(value)[:MAX_HEADER]))):
                found[address.lower()] = None
                if len(found) >= MAX_IDS:
                    return tuple(found)
    return tuple(found)


def _telling(message: Part) -> dict[str, str]:
    return {name: clean(header(message, name))[:200] for name in TELLING_HEADERS if message.get(name) is not None}


def _calendar_method(text: str) -> str | None:
    found = re.search(r"^METHOD:\s*([A-Za-z]{1,20})", text[:2000], re.MULTILINE)
    return found.group(1).upper() if found else None
