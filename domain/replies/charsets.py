"""Text from bytes, whatever they claim to be encoded as."""

from __future__ import annotations

import binascii
import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.policy import Compat32
from typing import Any

MAX_HEADER = 10_000

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_ONE_BYTE = re.compile(r"(?:iso-?8859|windows-?125|cp125|latin)")
_NOT_TEXT_CODECS = frozenset(
    {"idna", "punycode", "unicode_escape", "unicode-escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


class RawHeaders(Compat32):
    """How mail is parsed: a header's 8-bit bytes are kept, as surrogates; the policy that comes with Python loses them."""

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        """The value as it stands."""
        return value


RAW_HEADERS = RawHeaders()


def decode_bytes(data: bytes, charset: str) -> str:
    """Text from bytes: the stated charset where it is one, else UTF-8 where it fits, else Windows-1252."""
    charset = charset.strip().lower()
    if charset and charset not in _NOT_TEXT_CODECS and charset not in {"us-ascii", "ascii", "utf-8", "utf8"}:
        if _ONE_BYTE.match(charset) is not None and _is_utf8(data):
            return data.decode("utf-8")
        if charset in {"iso-8859-1", "latin1", "latin-1"}:
            charset = "cp1252"  # what programs mean by it: it has the curly quotes and the euro
        elif charset in {"gb2312", "gbk"}:
            charset = "gb18030"
        try:
            return data.decode(charset, "replace")
        except (LookupError, ValueError):
            pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    broken = data.decode("utf-8", "replace")
    some_fits = any(character > "\x7f" and character != "\ufffd" for character in broken)
    return broken if some_fits else data.decode("cp1252", "replace")


def _is_utf8(data: bytes) -> bool:
    """Whether bytes that claim to be of another charset are UTF-8: no text in those looks like it by chance."""
    try:
        return not data.isascii() and bool(data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def header_text(value: object) -> str:
    """A header's value with its encoded words (RFC 2047) and raw 8-bit bytes decoded."""
    text = str(value)[:MAX_HEADER]
    if "=?" not in text:
        return raw_text(text)
    try:
        chunks = decode_header(text)
    except (HeaderParseError, ValueError, binascii.Error):
        chunks = [(text, None)]
    return "".join(
        decode_bytes(chunk, charset or "") if isinstance(chunk, bytes) else raw_text(chunk) for chunk, charset in chunks
    )


def raw_text(text: str) -> str:
    """A header's text whose raw 8-bit bytes the parser has kept as surrogates."""
    if text.isascii():
        return text
    return decode_bytes(text.encode("utf-8", "surrogateescape"), "")


def clean(text: str) -> str:
    """Without NUL, other control characters and lone surrogates; Postgres and JSON can hold the rest."""
    return _ODD.sub("", text)
