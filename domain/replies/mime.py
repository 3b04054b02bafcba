"""Raw mail to `Mail`: bounded in size, depth and number of parts, indifferent to broken charsets and structure.

Whatever the bytes are, the answer is a `Mail`, if need be of the headers only (docs/behaviour.md 7.9). The caller
still runs it in a process that can be killed (`sinks/mailparser.py`), for what no check foresees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from email.parser import BytesHeaderParser, BytesParser
from email.utils import parseaddr

from domain.ids import normalise_email
from domain.replies.bodies import bodies
from domain.replies.charsets import MAX_HEADER, RAW_HEADERS, clean, header_text, raw_text
from domain.replies.html_text import html_to_text
from domain.replies.mail import Mail, Report
from domain.replies.quotes import separate
from domain.replies.reports import Part, returned_report, structured_report

MAX_RAW = 4 * 1024 * 1024
"""Bytes of a mail that are looked at; what follows is attachments."""
MAX_HEADERS = 256 * 1024
"""Bytes of headers that are looked at: a mail whose headers are longer is read as headers only."""
MAX_HEADER_LINES = 2000
"""Where a mail has more, only the headers that are read are kept."""
MAX_FOLDED_LINES = 400
"""Lines of one header, there."""
MAX_BOUNDARIES = 1000
"""Lines that may be a part's boundary; the mail is cut at the one after."""
MAX_MULTIPARTS = 32
"""Places that may name a boundary: every line is held against every boundary that is open."""
MAX_LINES = 120_000
MAX_NEW_TEXT = 20_000
MAX_QUOTED = 10_000
MAX_IDS = 100
MAX_REPEATS = 5
"""A header that may stand once is read so many times: who puts it in twice may mean either."""

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
_BARE_ID = re.compile(r"[^\s<>,;:\"]{3,900}@[^\s<>,;:\"@]{1,255}")
_QUOTED_NAME = re.compile(r"\"(?:[^\"\\]|\\.){0,500}\"(?=\s*<)")
_IN_BRACKETS = re.compile(r"<([^<>]{3,400})>")
_SPACES = re.compile(r"\s+")
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(rb"\n--")
_BOUNDARY_NAME = re.compile(rb"boundary\*?0?\*?\s*=", re.IGNORECASE)
_LINE = re.compile(rb"\n|\r(?!\n)")
_READ_HEADERS = frozenset(
    name.encode()
    for name in (
        *TELLING_HEADERS, *RECIPIENT_HEADERS, "from", "sender", "subject", "message-id", "in-reply-to", "references", "mime-version",
        "content-type", "content-transfer-encoding", "content-disposition",
    )
)  # fmt: skip


def parse_mail(raw: bytes) -> Mail:
    """Read a mail as received (RFC 5322, MIME). Never raises on its contents, memory apart."""
    bounded, truncated = _bounded(raw)
    try:
        return _read(BytesParser(policy=RAW_HEADERS).parsebytes(bounded), truncated=truncated)
    except (RecursionError, ValueError, LookupError, AssertionError, TypeError, AttributeError):
        return parse_headers(raw)


def _bounded(raw: bytes) -> tuple[bytes, bool]:
    """(as much of a mail as can be parsed in a moment, whatever it is made of; whether something of it is missing)."""
    end = _BLANK_LINE.search(raw, 0, MAX_HEADERS)
    if end is None and len(raw) > MAX_HEADERS:
        return _telling_lines(raw[:MAX_HEADERS]), True
    if end is not None and raw.count(b"\n", 0, end.start()) > MAX_HEADER_LINES:
        raw = _telling_lines(raw[: end.start()]) + raw[end.start() :]
    whole, raw = len(raw), raw[:MAX_RAW]
    lines = raw.count(b"\n") + raw.count(b"\r")
    for mark, most in ((_BOUNDARY, MAX_BOUNDARIES), (_BOUNDARY_NAME, MAX_MULTIPARTS), (_LINE, MAX_LINES)):
        if mark is not _BOUNDARY_NAME and lines <= most:
            continue
        for number, found in enumerate(mark.finditer(raw)):
            if number == most:
                raw = raw[: found.start()]
                break
    return raw, len(raw) < whole


def _telling_lines(head: bytes) -> bytes:
    """The lines of headers that anything is read from, where there are too many to look through."""
    kept: list[bytes] = []
    left = 0
    for line in head.split(b"\n"):
        if line[:1] not in (b" ", b"\t"):
            left = MAX_FOLDED_LINES if line.partition(b":")[0].strip().lower() in _READ_HEADERS else 0
        left -= 1
        if left >= 0:
            kept.append(line)
    return b"\n".join(kept[:MAX_HEADER_LINES])


def parse_headers(raw: bytes) -> Mail:
    """The headers alone, for a mail whose body cannot be read."""
    end = _BLANK_LINE.search(raw, 0, MAX_HEADERS)
    head = raw[: MAX_HEADERS if end is None else end.start()]
    message: Part = BytesHeaderParser(policy=RAW_HEADERS).parsebytes(head)
    del message["content-type"]
    del message["content-transfer-encoding"]
    message.set_payload("")
    return _read(message, truncated=True)


def _read(message: Part, *, truncated: bool) -> Mail:
    found = bodies(message)
    structured = structured_report(message, found.parts)
    if found.plain:
        new, quoted = separate(clean(found.plain))
    elif found.html:
        new, quoted = _from_html(found.html)
    else:
        new, quoted = "", ""
    headers = _telling(message)
    from_name, from_email = _sender(message)
    subject = clean(header(message, "subject"))[:998]
    report: Report | None = structured
    if report is None or (report.kind == "delivery" and not report.recipients):
        said = returned_report(headers, from_email, from_name, subject, new + "\n" + quoted)
        report = said if report is None or said is None else replace(report, recipients=said.recipients)
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
        content_type=clean(message.get_content_type())[:100],
        calendar_method=found.calendar_method,
        report=report,
        attachments=tuple(found.attachments),
        truncated=truncated or found.truncated or len(new) > MAX_NEW_TEXT,
    )


def _from_html(markup: str) -> tuple[str, str]:
    new, quoted = html_to_text(clean(markup))
    new, more = separate(new)
    return new, f"{more}\n{quoted}".strip()


def header(message: Part, name: str) -> str:
    """A header's value on one line, decoded; empty when there is none."""
    value = message.get(name)
    return "" if value is None else _SPACES.sub(" ", header_text(value)).strip()


def message_ids(message: Part, name: str) -> tuple[str, ...]:
    """The Message-IDs in a header, without brackets, in order."""
    values = message.get_all(name) or ()
    text = clean(raw_text(" ".join(str(value)[: 8 * MAX_HEADER] for value in values[:MAX_REPEATS])))
    found = _MESSAGE_ID.findall(text)
    if not found and name == "message-id" and text.strip():
        found = [_SPACES.sub("", text)[:996]]
    elif not found and _BARE_ID.fullmatch(text.strip()) is not None:
        found = [text.strip()]  # some programs leave the brackets out
    return tuple(found[-MAX_IDS:])


def _first(found: tuple[str, ...]) -> str | None:
    return found[0] if found else None


def _sender(message: Part) -> tuple[str | None, str | None]:
    value = str(message.get("from") or message.get("sender") or "")[:2000]
    name, address = parseaddr(value) if value.count("(") < 20 else ("", "")  # nested comments are read recursively
    if "@" not in address:
        loose = _ADDRESS.search(clean(raw_text(value)))
        address = loose.group() if loose else ""
    spoken = clean(_SPACES.sub(" ", header_text(name))).strip(" \"'") if name else ""
    email = clean(normalise_email(raw_text(address)))[:320] if address else None
    return (spoken[:200] or None), email


def _recipients(message: Part) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in RECIPIENT_HEADERS:
        for value in (message.get_all(name) or ())[:10]:
            for address in _addresses(clean(raw_text(str(value)[:MAX_HEADER]))):
                found[address.lower()] = None
                if len(found) >= MAX_IDS:
                    return tuple(found)
    return tuple(found)


def _addresses(text: str) -> Iterator[str]:
    """The addresses in a header of recipients. What stands in a display name is a name, be it an address."""
    for entry in _QUOTED_NAME.sub("", text).replace(";", ",").split(","):
        inside = _IN_BRACKETS.search(entry)
        yield from _ADDRESS.findall(entry if inside is None else inside.group(1))


def _telling(message: Part) -> dict[str, str]:
    return {name: clean(header(message, name))[:200] for name in TELLING_HEADERS if message.get(name) is not None}
