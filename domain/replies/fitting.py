"""What is kept of a mail that is too long to be kept whole (docs/behaviour.md 7.1): its headers, its text, the reports in it.

Attachments go first: the bytes of a part that nobody reads are cut out, its header with its name stays. The bytes are looked
at once, from front to back, whatever they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

KEPT_OF_A_PART: tuple[tuple[bytes, int], ...] = (
    (b"text/", 1024 * 1024),
    (b"message/", 256 * 1024),  # reports, and the mail that a report returns
    (b"application/ms-tnef", 1024 * 1024),  # winmail.dat: the text stands in it, before what is attached
    (b"", 0),
)
"""Bytes of a part's body that are kept, by the front of its type: the first that holds. A part without a type is text."""

MAX_HEADERS = 256 * 1024
MAX_LINES = 20_000
"""Lines that begin as a boundary does and are looked at. A mail with more of them is cut off where they end."""
MAX_BOUNDARIES = 50

_HEADERS_END = re.compile(rb"\r?\n\r?\n")
_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)*(<[^<>\r\n]{1,990}>)", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(
    rb"^content-type:\s*([^\s;]{1,100})([^\r\n]*(?:\r?\n[ \t][^\r\n]*){0,20})", re.IGNORECASE | re.MULTILINE
)
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_LINE_START = re.compile(rb"(?:^|\n)--")


def find_message_id(raw: bytes) -> str:
    """The Message-ID header, or, where a mail has none, one made from its bytes: the same mail counts once."""
    end = _HEADERS_END.search(raw, 0, MAX_HEADERS)
    found = _MESSAGE_ID.search(raw, 0, end.start() if end else MAX_HEADERS)
    stated = found[1].decode("utf-8", "replace") if found is not None else ""
    return stated if names_a_mail(stated) else made_message_id(raw)


def names_a_mail(message_id: str) -> bool:
    """Whether an id tells one mail from another: programs that have none to give write `<>`, `<@>` or `<@host>` in every mail."""
    return any(character.isalnum() for character in message_id.partition("@")[0])


def made_message_id(raw: bytes) -> str:
    """An id for a mail without one: the same bytes are the same mail."""
    return f"<{hashlib.sha256(raw).hexdigest()}@no-message-id.invalid>"


def fit(raw: bytes, limit: int) -> tuple[bytes, bool]:
    """The mail itself where it has `limit` bytes or fewer; else what is kept of it, and True."""
    if len(raw) <= limit:
        return raw, False
    kept = bytearray()
    for piece in _pieces(raw):
        kept += piece[: limit - len(kept)]
        if len(kept) >= limit:
            break
    return bytes(kept), True


def _pieces(raw: bytes) -> Iterator[bytes]:
    """The headers, then each part with as much of its body as is kept."""
    end = _HEADERS_END.search(raw, 0, MAX_HEADERS)
    if end is None:
        yield raw[:MAX_HEADERS]
        return
    boundaries: set[bytes] = set()
    yield raw[: end.end()]
    kept = _kept(raw[: end.end()], boundaries)
    start = end.end()
    for line, is_last in _boundary_lines(raw, start - 1, boundaries):
        if line < start - 1:
            continue  # inside a head that was kept already
        line = max(line, start)
        yield _cut(raw[start:line], kept)
        head = _HEADERS_END.search(raw, line, line + MAX_HEADERS)
        line_end = raw.find(b"\n", line + 1)
        if head is None or line_end < 0:
            yield raw[line : line + 1024]  # the last boundary, or a part without an end
            return
        if is_last or head.start() <= line_end:  # what follows has no headers
            start, kept = min(head.start(), line_end), KEPT_OF_A_PART[0][1]
            yield raw[line:start]
        else:
            start, kept = head.end(), _kept(raw[line : head.end()], boundaries)
            yield raw[line:start]
    yield _cut(raw[start:], kept)


def _kept(head: bytes, boundaries: set[bytes]) -> int:
    """How much is kept of the body under these headers. The boundary of a multipart is remembered."""
    found = _TYPE.search(head)
    if found is None:
        return KEPT_OF_A_PART[0][1]
    kind = found[1].lower()
    if kind.startswith(b"multipart/"):
        boundary = _BOUNDARY.search(found[2])
        if boundary is not None and len(boundaries) < MAX_BOUNDARIES:
            boundaries.add((boundary[1] or boundary[2]).rstrip())
        return KEPT_OF_A_PART[0][1]
    if b"attachment" in head.lower() and kind.startswith(b"text/") and kind != b"text/calendar":
        return 0
    return next(size for front, size in KEPT_OF_A_PART if kind.startswith(front))


def _boundary_lines(raw: bytes, start: int, boundaries: set[bytes]) -> Iterator[tuple[int, bool]]:
    """Where lines that are a known boundary begin (the line feed before them), in order, and which end their multipart."""
    position = start
    for _ in range(MAX_LINES):
        found = _LINE_START.search(raw, position)
        if found is None:
            return
        begin, after = found.start(), found.end()
        rest = raw[after : after + 210].split(b"\n", 1)[0].rstrip()
        if rest in boundaries:
            yield begin, False
        elif rest.endswith(b"--") and rest[:-2] in boundaries:
            yield begin, True
        position = after


def _cut(body: bytes, kept: int) -> bytes:
    """A body's beginning, up to the end of a line where lines are of a usual length: base64 stays whole."""
    if len(body) <= kept:
        return body
    end = body.rfind(b"\n", max(0, kept - 1000), kept)
    return body[:end] if end > 0 else body[:kept]
