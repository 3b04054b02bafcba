"""The body inside winmail.dat: what Exchange makes of a formatted mail that goes to somebody it takes for a colleague.

Formats: MS-OXTNEF (the attachment), MS-OXRTFCP (the compressed rich text in it). Every length is checked against what
is there, and everything is bounded: broken or hostile data gives the part that could be read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from domain.replies.rtf import rtf_to_text

SIGNATURE = b"\x78\x9f\x3e\x22"
MAX_ATTRIBUTES = 2000
MAX_PROPERTIES = 2000
MAX_BODY = 400_000
MAX_NAMES = 20

_BODY, _MAPI, _TITLE, _CODEPAGE = 0x0002800C, 0x00069003, 0x00018010, 0x00069007
_PR_BODY, _PR_RTF, _PR_HTML = 0x1000, 0x1009, 0x1013
_TEXT8, _TEXT16, _OBJECT, _BINARY = 0x001E, 0x001F, 0x000D, 0x0102
_FIXED = {
    0x0002: 4,
    0x0003: 4,
    0x0004: 4,
    0x0005: 8,
    0x0006: 8,
    0x0007: 8,
    0x000A: 4,
    0x000B: 4,
    0x0014: 8,
    0x0040: 8,
    0x0048: 16,
}
_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier"
    b"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


@dataclass(frozen=True, slots=True)
class Tnef:
    """What a winmail.dat says: at most one of the two bodies is needed, the plain one first."""

    text: str = ""
    html: str = ""
    names: tuple[str, ...] = ()
    """File names of the attachments inside."""


def read_tnef(data: bytes) -> Tnef:
    """Read as far as it goes. Never raises on its contents."""
    codec, text, html, names = "cp1252", "", "", list[str]()
    for attribute, value in _attributes(data):
        if attribute == _CODEPAGE and len(value) >= 4:
            codec = f"cp{int.from_bytes(value[:4], 'little')}"
        elif attribute == _BODY:
            text = text or _decoded(value, codec)
        elif attribute == _TITLE and len(names) < MAX_NAMES:
            names.append(_decoded(value, codec)[:200])
        elif attribute == _MAPI:
            for kind, number, content in _properties(value):
                if number == _PR_BODY:
                    text = text or _decoded(content, "utf-16-le" if kind == _TEXT16 else codec)
                elif number == _PR_HTML:
                    html = html or _decoded(content, "utf-16-le" if kind == _TEXT16 else "utf-8")
                elif number == _PR_RTF:
                    text = text or rtf_to_text(decompressed(content))
    return Tnef(text, html, tuple(names))


def decompressed(data: bytes) -> bytes:
    """Rich text out of its compressed form, as much of it as there is, at most MAX_BODY bytes."""
    if len(data) < 16:
        return b""
    _, raw_size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == 0x414C454D:  # "MELA": stored as it is
        return data[16 : 16 + min(raw_size, MAX_BODY)]
    if kind != 0x75465A4C:  # "LZFu"
        return b""
    window = bytearray(4096)
    window[: len(_RTF_START)] = _RTF_START
    write, at, out = len(_RTF_START), 16, bytearray()
    limit = min(raw_size, MAX_BODY)
    while at < len(data) and len(out) < limit:
        flags = data[at]
        at += 1
        for bit in range(8):
            if flags >> bit & 1:
                if at + 2 > len(data):
                    return bytes(out)
                reference = data[at] << 8 | data[at + 1]
                at += 2
                start, length = reference >> 4, (reference & 15) + 2
                if start == write:
                    return bytes(out)
                for offset in range(length):
                    byte = window[(start + offset) % 4096]
                    out.append(byte)
                    window[write] = byte
                    write = (write + 1) % 4096
            else:
                if at >= len(data):
                    return bytes(out)
                byte = data[at]
                at += 1
                out.append(byte)
                window[write] = byte
                write = (write + 1) % 4096
    return bytes(out[:limit])


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    if data[:4] != SIGNATURE:
        return
    at = 6
    for _ in range(MAX_ATTRIBUTES):
        if at + 9 > len(data):
            return
        attribute, length = struct.unpack_from("<II", data, at + 1)
        value = data[at + 9 : at + 9 + length]
        yield attribute, value
        if len(value) < length:
            return
        at += 9 + length + 2


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, number, first value) of the MAPI properties."""
    if len(data) < 4:
        return
    at = 4
    for _ in range(min(int.from_bytes(data[:4], "little"), MAX_PROPERTIES)):
        if at + 4 > len(data):
            return
        kind, number = struct.unpack_from("<HH", data, at)
        at += 4
        if number >= 0x8000:
            at = _past_name(data, at)
        many, kind = kind & 0x1000, kind & 0x0FFF
        variable = kind in {_TEXT8, _TEXT16, _OBJECT, _BINARY}
        count = 1
        if many or variable:
            if at + 4 > len(data):
                return
            count = int.from_bytes(data[at : at + 4], "little")
            at += 4
        if not variable and kind not in _FIXED:
            return
        for nth in range(min(count, MAX_PROPERTIES)):
            size = _FIXED.get(kind, 0)
            if variable:
                size = int.from_bytes(data[at : at + 4], "little")
                at += 4
            if at + size > len(data):
                if variable and nth == 0:
                    yield kind, number, data[at : at + MAX_BODY]
                return
            if nth == 0:
                yield kind, number, data[at : at + min(size, MAX_BODY)]
            at += size + -size % 4


def _past_name(data: bytes, at: int) -> int:
    """Behind the name of a named property."""
    if int.from_bytes(data[at + 16 : at + 20], "little") == 0:
        return at + 24
    length = int.from_bytes(data[at + 20 : at + 24], "little")
    return at + 24 + length + -length % 4


def _decoded(value: bytes, codec: str) -> str:
    try:
        text = value[:MAX_BODY].decode(codec, "replace")
    except (LookupError, ValueError):
        text = value[:MAX_BODY].decode("cp1252", "replace")
    return text.rstrip("\x00")
