"""What a mail says, out of its parts: plain text, HTML, a calendar's comment, the body inside winmail.dat."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser

from domain.replies.charsets import RAW_HEADERS, clean, decode_bytes, header_text
from domain.replies.reports import Part, inner_parts
from domain.replies.tnef import SIGNATURE, Tnef, read_tnef

MAX_DEPTH = 12
MAX_PARTS = 100
MAX_TEXT = 100_000
"""Characters of a body that are looked at."""
MAX_ENCODED = 3 * 1024 * 1024
"""Characters of an encoded part that are decoded."""
MAX_TEXTS = 8
"""So many pieces of plain text may stand between attachments."""
MAX_TNEF = 2 * 1024 * 1024
MAX_ATTACHMENTS = 20
MAX_NAME = 200

TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})

_SPACES = re.compile(r"\s+")
_METHOD = re.compile(r"^METHOD:\s*([A-Za-z]{1,20})", re.MULTILINE)
_NOTE = re.compile(r"^(?:COMMENT|DESCRIPTION)(?:;[^:\n]{0,200})?:(.{0,4000}(?:\n[ \t].{0,400}){0,60})", re.MULTILINE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset=[\"']?([\w-]{2,30})", re.IGNORECASE)
_FIRST_BOUNDARY = re.compile(r"^--([^\s-][^\r\n]{0,70}?)[ \t]*\r?$", re.MULTILINE)
_QUOTE_DEPTH = re.compile(r">*")


@dataclass(slots=True)
class Bodies:
    """A mail's parts, sorted. `plain` and `html` are "" where there is none."""

    plain: str = ""
    html: str = ""
    calendar_method: str | None = None
    attachments: list[str] = field(default_factory=list[str])
    parts: list[Part] = field(default_factory=list[Part])
    truncated: bool = False


def bodies(message: Part) -> Bodies:
    """Look at every part, within the limits of depth and number."""
    found = Bodies()
    plain: list[str] = []
    note = ""
    tnef: Tnef | None = None
    for part in leaves(message):
        if len(found.parts) >= MAX_PARTS:
            found.truncated = True
            break
        found.parts.append(part)
        found.truncated = found.truncated or (part.is_multipart() and part.get_content_maintype() == "multipart")
        kind, name = part.get_content_type(), part.get_filename()
        attached = name is not None or str(part.get("content-disposition", "")).lower().startswith("attachment")
        if kind == "text/calendar":
            calendar = decoded(part)
            found.calendar_method = found.calendar_method or _method(part, calendar)
            note = note or _note(calendar)
        if kind in TNEF_TYPES or (name or "").lower() in {"winmail.dat", "win.dat"}:
            tnef = tnef or _tnef(part)
        elif attached:
            found.attachments.append(_SPACES.sub(" ", clean(header_text(name or kind))).strip()[:MAX_NAME])
        elif kind == "text/plain" and len(plain) < MAX_TEXTS:
            plain.append(unflowed(part, decoded(part)))
        elif kind == "text/html" and not found.html:
            found.html = decoded(part)
        elif part.get_content_maintype() == "multipart" and not plain and not found.html:
            _take_unparted(part, plain, found)
    found.truncated = found.truncated or any(len(text) >= MAX_TEXT for text in (*plain, found.html))
    found.plain = "\n".join(text for text in plain if text.strip())
    if tnef is not None:
        found.attachments += tnef.names
        if not found.plain and not found.html.strip():
            found.plain, found.html = tnef.text[:MAX_TEXT], tnef.html[:MAX_TEXT]
    if not found.plain and not found.html.strip():
        found.plain = note
    del found.attachments[MAX_ATTACHMENTS:]
    return found


def leaves(message: Part) -> Iterator[Part]:
    """The parts that have a body, in order. What is inside a returned or forwarded mail is not this mail's text."""
    stack: list[tuple[Part, int]] = [(message, 0)]
    while stack:
        part, depth = stack.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart() and depth < MAX_DEPTH:
            stack.extend((child, depth + 1) for child in reversed(inner_parts(part)[:MAX_PARTS]))
        else:
            yield part


def decoded(part: Part) -> str:
    """A part's text, whatever it claims to be encoded as."""
    data = _data(part)
    charset = part.get_content_charset() or ""
    if not charset and part.get_content_type() == "text/html":
        meta = _META_CHARSET.search(data[:2000])
        charset = meta.group(1).decode() if meta is not None else ""
    return decode_bytes(data[: 4 * MAX_TEXT], charset)[:MAX_TEXT]


def _data(part: Part) -> bytes:
    try:
        payload = part.get_payload()
        if isinstance(payload, str) and len(payload) > MAX_ENCODED:
            part.set_payload(payload[:MAX_ENCODED])
        data = part.get_payload(decode=True)
    except (ValueError, binascii.Error, LookupError):
        data = None
    return data if isinstance(data, bytes) else b""


def unflowed(part: Part, text: str) -> str:
    """Paragraphs as they were before the program wrapped them (format=flowed, RFC 3676)."""
    if str(part.get_param("format", "")).lower() != "flowed":
        return text
    deletes = str(part.get_param("delsp", "")).lower() == "yes"
    lines: list[str] = []
    open_at: int | None = None
    for raw in text.replace("\r\n", "\n").split("\n"):
        depth = len(_QUOTE_DEPTH.match(raw).group())  # type: ignore[union-attr]
        line = raw[depth:].removeprefix(" ") if depth or raw.startswith(" ") else raw
        signs = line == "-- "
        flows = line.endswith(" ") and not signs
        kept = line[:-1] if flows and deletes else line
        if open_at == depth and not signs:
            lines[-1] += kept
        else:
            lines.append("> " * depth + kept)
        open_at = depth if flows else None
    return "\n".join(lines)


def _take_unparted(part: Part, plain: list[str], found: Bodies) -> None:
    """A mail that calls itself multipart and whose boundary never comes: another one may be in use, or none."""
    text = _data(part)[: 2 * MAX_TEXT].decode("ascii", "surrogateescape")
    boundary = _FIRST_BOUNDARY.search(text)
    if boundary is None:
        plain.append(_decoded_raw(text)[:MAX_TEXT])
        return
    head = f'Content-Type: multipart/mixed; boundary="{boundary.group(1)}"\r\n\r\n'
    again: Part = BytesParser(policy=RAW_HEADERS).parsebytes((head + text).encode("utf-8", "surrogateescape"))
    for inner in leaves(again):
        if inner.get_content_type() == "text/plain" and inner is not again and not plain:
            plain.append(decoded(inner))
        elif inner.get_content_type() == "text/html" and not found.html:
            found.html = decoded(inner)


def _decoded_raw(text: str) -> str:
    return decode_bytes(text.encode("utf-8", "surrogateescape"), "")


def _tnef(part: Part) -> Tnef | None:
    data = _data(part)[:MAX_TNEF]
    return read_tnef(data) if data.startswith(SIGNATURE) else None


def _method(part: Part, calendar: str) -> str | None:
    stated = part.get_param("method")
    if stated:
        return clean(str(stated)).upper()[:20]
    found = _METHOD.search(calendar[:2000])
    return found.group(1).upper() if found else None


def _note(calendar: str) -> str:
    """What the writer adds to a calendar's entry (RFC 5545, 3.8.1.4 and .5), lines and escapes undone."""
    found = _NOTE.search(calendar.replace("\r\n", "\n"))
    if found is None:
        return ""
    text = re.sub(r"\n[ \t]", "", found.group(1))
    return re.sub(r"\\([nN,;\\])", lambda m: "\n" if m.group(1) in "nN" else m.group(1), text).strip()
