"""Header values and addresses that nothing can be injected into (docs/behaviour.md 4.2; RFC 5322, RFC 2047)."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import UTC, datetime

from domain.ids import normalise_email

_BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile(r"[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(
    r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE | re.ASCII
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,400}@[!-;=?-~]{1,400}>")
_MAX_RAW = 200
"""Longer values are written as encoded words, which fold: no line comes near the 998 octets of RFC 5322."""
_WORD_BYTES = 45

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class InvalidAddress(ValueError):
    """An address that no mail can be sent to. `code` is what the touch fails with; the message holds no address."""

    def __init__(self, reason: str, code: str = "invalid_address") -> None:
        super().__init__(reason)
        self.code = code


def check_address(address: str) -> str:
    """The address as it stands in an envelope and in a header: normalised, ASCII, one recipient. Raises InvalidAddress.

    A local part outside ASCII would need SMTPUTF8 (RFC 6531) all the way to its mailbox: it has a code of its own.
    """
    if len(address) > 320 or "@" not in address:
        raise InvalidAddress("the address has no @, or is longer than 320 characters")
    normal = normalise_email(address)
    local, _, domain = normal.rpartition("@")
    if not local.isascii() and local.isprintable():
        raise InvalidAddress("the local part is not ASCII and would need SMTPUTF8", "smtputf8_unsupported")
    if len(normal) > 254 or len(local) > 64 or _LOCAL.fullmatch(local) is None or _DOMAIN.fullmatch(domain) is None:
        raise InvalidAddress("the address is not one of the form local@domain.tld")
    return normal


def clean_header(value: str) -> str:
    """A value for one header line: control characters and line breaks are a space, direction marks are dropped."""
    if not value.isprintable():
        value = _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", _BREAKS.sub(" ", value)))
    return value.strip()


def header_text(value: str) -> str:
    """A cleaned value as it stands in a header: as it is where that is safe, else in encoded words (RFC 2047).

    A value that holds `=?` is encoded too, so a reader shows it as it is written and decodes nothing out of it.
    """
    if value.isascii() and len(value) <= _MAX_RAW and "=?" not in value:
        return value
    raw = value.encode()
    if len(raw) <= _WORD_BYTES:
        return f"=?utf-8?b?{b64encode(raw).decode()}?="
    words: list[str] = []
    word = bytearray()
    for character in value:
        encoded = character.encode()
        if len(word) + len(encoded) > _WORD_BYTES:
            words.append(b64encode(word).decode())
            word.clear()
        word += encoded
    words.append(b64encode(word).decode())
    return "\r\n ".join(f"=?utf-8?b?{text}?=" for text in words)


def mailbox_text(name: str, address: str) -> str:
    """`"Name" <address>` for a header; the name quoted, or in encoded words where it must be."""
    name = clean_header(name)
    if not name:
        return address
    if name.isascii() and len(name) <= _MAX_RAW and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{header_text(name)} <{address}>"


def date_text(at: datetime) -> str:
    """An instant as RFC 5322 writes it, in UTC."""
    at = at.astimezone(UTC)
    return (
        f"{_WEEKDAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d} "
        f"{at.hour:02d}:{at.minute:02d}:{at.second:02d} +0000"
    )


def is_message_id(text: str) -> bool:
    """Whether `text` is one Message-ID in angle brackets that may stand in a header."""
    return _MESSAGE_ID.fullmatch(text) is not None
