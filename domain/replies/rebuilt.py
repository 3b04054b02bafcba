"""A mail put together again from what a provider made of it: fields for its headers, its text, its parts.

What comes out is read like any other mail, so every header that tells who answered what is kept, and nothing that a field
holds can become a header or a part of its own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MAX_HEADER = 16 * 1024
MAX_HEADERS = 500
MAX_PARTS = 50
KEPT_PARTS = ("text/calendar", "message/", "text/rfc822-headers", "application/ms-tnef")
"""Fronts of types whose bytes mean something to a reader; of any other attachment only the name is kept."""
MAX_PART = 256 * 1024

_NAME = re.compile(r"[!-9;-~]{1,100}")
_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}", re.IGNORECASE)
_OURS = frozenset(
    {"content-type", "content-transfer-encoding", "content-disposition", "mime-version", "content-length"}
)
LETTERS_A_WORD = 10
"""Letters in an encoded word, which has 75 characters at most."""
_DELIMITERS = re.compile(r"([\s<>()\",]+)")
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Attached:
    """A part besides the texts. `data` is None where the provider keeps it."""

    name: str
    content_type: str = "application/octet-stream"
    data: bytes | None = None


def rebuild(
    headers: Iterable[tuple[str, str]], text: str | None, html: str | None, attached: Sequence[Attached] = ()
) -> bytes:
    """A message (RFC 5322, MIME) with these headers, in their order, and one or two texts. The same in, the same out."""
    parts = [_text("plain", text or "")] if text or not html else []
    if html:
        parts.append(_text("html", html))
    body = parts[0] if len(parts) == 1 else multipart("multipart/alternative", parts)
    if attached:
        body = multipart("multipart/mixed", [body, *(_attachment(part) for part in attached[:MAX_PARTS])])
    return _header_block(headers) + b"MIME-Version: 1.0\r\n" + body


def header_line(name: str, value: str) -> bytes:
    """One header on one line, other letters than ASCII's as encoded words (RFC 2047). Empty where the name is none."""
    if _NAME.fullmatch(name) is None:
        return b""
    one_line = _CONTROLS.sub(" ", value)[:MAX_HEADER].strip()
    return f"{name}: {_in_ascii(one_line)}\r\n".encode()


def _in_ascii(text: str) -> str:
    """Words with other letters encoded; those in a row together, because the space between encoded words is not read."""
    if text.isascii():
        return text
    pieces: list[str] = []
    for piece in _DELIMITERS.split(text):
        if not piece.isascii() and len(pieces) > 1 and pieces[-1].isspace() and not pieces[-2].isascii():
            space = pieces.pop()
            pieces[-1] += space + piece
        elif piece:
            pieces.append(piece)
    return "".join(piece if piece.isascii() else _encoded(piece) for piece in pieces)


def _encoded(text: str) -> str:
    parts = (text[start : start + LETTERS_A_WORD] for start in range(0, len(text), LETTERS_A_WORD))
    words = (base64.b64encode(part.encode("utf-8", "replace")).decode() for part in parts)
    return " ".join(f"=?utf-8?b?{word}?=" for word in words)


def _header_block(headers: Iterable[tuple[str, str]]) -> bytes:
    kept = [(name.strip(), value) for name, value in headers if name.strip().lower() not in _OURS]
    return b"".join(header_line(name, value) for name, value in kept[:MAX_HEADERS])


def _text(kind: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return _leaf(f'text/{kind}; charset="utf-8"', data)


def _attachment(part: Attached) -> bytes:
    content_type = part.content_type.split(";")[0].strip().lower()
    if _TYPE.fullmatch(content_type) is None or content_type.startswith("multipart/"):
        content_type = "application/octet-stream"
    name = part.name.replace('"', "'").replace("\\", "_")
    disposition = header_line("Content-Disposition", f'attachment; filename="{name}"')
    data = part.data if part.data is not None and content_type.startswith(KEPT_PARTS) else b""
    if content_type.startswith(("message/", "text/rfc822-headers")):  # may not be encoded (RFC 2046 5.2.1)
        named = disposition if part.name else b""
        return header_line("Content-Type", content_type) + named + b"\r\n" + data[:MAX_PART]
    return _leaf(content_type, data[:MAX_PART], disposition)


def _leaf(content_type: str, data: bytes, more: bytes = b"") -> bytes:
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return (
        header_line("Content-Type", content_type) + b"Content-Transfer-Encoding: base64\r\n" + more + b"\r\n" + encoded
    )


def multipart(content_type: str, parts: Sequence[bytes]) -> bytes:
    """Parts under a boundary that is a digest of them all: no part can hold it."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8) + part)
    boundary = digest.hexdigest()[:40]
    lines = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    return (
        header_line("Content-Type", f'{content_type}; boundary="{boundary}"')
        + b"\r\n"
        + lines
        + f"--{boundary}--\r\n".encode()
    )
