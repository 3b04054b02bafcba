"""IMAP's answers as bytes become values (RFC 3501, 7 and 9). Strict about limits, lenient about style.

A response is a list of pieces: text, literal, text, literal, ..., text, as they stood on the wire without line ends.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

MAX_DEPTH = 20
MAX_UID = (1 << 32) - 1


class Garbled(Exception):
    """The server said what no IMAP server says, or more than it may: the connection is of no more use."""


Value = bytes | None | list["Value"]
"""An atom, string or literal; NIL; a list in parentheses."""

LITERAL = re.compile(rb"~?\{(\d{1,10})\+?\}$")
"""At the end of a line: so many bytes follow."""

_TOKEN = re.compile(
    rb"""
      (?P<space>[ ]+)
    | (?P<open>\()
    | (?P<close>\))
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<atom>[^\s()"\[]*(?:\[[^\]]*\][^\s()"\[]*)?)
    """,
    re.VERBOSE | re.DOTALL,
)
_STATUS = re.compile(rb"(OK|NO|BAD|BYE|PREAUTH)(?:[ ]+(?:\[([^\]\r\n]*)\])?[ ]?(.*))?", re.IGNORECASE | re.DOTALL)
_NUMBERED = re.compile(rb"(\d{1,10}) +([A-Za-z]+)(?: +(.*))?", re.DOTALL)
_DATE = re.compile(r"[ ]?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d{2}):(\d{2}):(\d{2})(?: ([+-])(\d{2})(\d{2}))?")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Status:
    """OK, NO, BAD, BYE or PREAUTH, with the code in brackets (upper case), its argument, and the text for people."""

    kind: str
    code: str = ""
    argument: str = ""
    text: str = ""

    @property
    def said(self) -> str:
        """The server's words, its code in front."""
        code = f"[{self.code} {self.argument}".rstrip() + "] " if self.code else ""
        return (code + self.text).strip() or self.kind


def status_of(line: bytes) -> Status | None:
    """The status that a response states, after its tag; None for one that states none."""
    found = _STATUS.fullmatch(line.strip())
    if found is None:
        return None
    code, _, argument = (found[2] or b"").decode("utf-8", "replace").partition(" ")
    return Status(
        found[1].decode().upper(), code.upper(), argument.strip(), (found[3] or b"").decode("utf-8", "replace").strip()
    )


def values(pieces: Sequence[bytes]) -> list[Value]:
    """Everything in a response, in order. Raises Garbled."""
    stack: list[list[Value]] = [[]]
    for number, piece in enumerate(pieces):
        if number % 2:
            stack[-1].append(piece)
            continue
        text = LITERAL.sub(b"", piece) if number + 1 < len(pieces) else piece
        _take(text, stack)
    if len(stack) != 1:
        raise Garbled("a list that does not end")
    return stack[0]


def _take(text: bytes, stack: list[list[Value]]) -> None:
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or found.end() == position:
            raise Garbled("a response that cannot be read")
        position = found.end()
        match found.lastgroup:
            case "open":
                if len(stack) > MAX_DEPTH:
                    raise Garbled("lists too deep")
                stack[-1].append(inner := [])
                stack.append(inner)
            case "close":
                if len(stack) == 1:
                    raise Garbled("a list that never began")
                stack.pop()
            case "quoted":
                stack[-1].append(re.sub(rb"\\(.)", rb"\1", found["quoted"], flags=re.DOTALL))
            case "atom":
                stack[-1].append(None if found["atom"].upper() == b"NIL" else found["atom"])
            case _:
                pass


def fetched(pieces: Sequence[bytes]) -> Mapping[str, Value] | None:
    """The items of a FETCH response by upper-case name; None for any other response. Raises Garbled."""
    found = _NUMBERED.match(pieces[0])
    if found is None or found[2].upper() != b"FETCH":
        return None
    inside = values([found[3] or b"", *pieces[1:]])
    if len(inside) != 1 or not isinstance(inside[0], list):
        raise Garbled("a FETCH without its items")
    items = inside[0]
    return {
        name.decode("ascii", "replace").upper(): value
        for name, value in zip(items[::2], items[1::2], strict=False)
        if isinstance(name, bytes)
    }


def body_of(items: Mapping[str, Value]) -> bytes | None:
    """The message in a FETCH response, whole or its front; None where there is none."""
    for name, value in items.items():
        if name.startswith("BODY[]"):
            return value if isinstance(value, bytes) else b""
    return None


def number(value: Value) -> int | None:
    """A number as a server writes it; None for anything else."""
    return int(value) if isinstance(value, bytes) and re.fullmatch(rb"\d{1,19}", value) else None


def uid_of(items: Mapping[str, Value]) -> int | None:
    """The UID of a FETCH response; None where it states none that can be."""
    uid = number(items.get("UID"))
    return uid if uid is not None and 0 < uid <= MAX_UID else None


def numbered(line: bytes) -> tuple[int, str] | None:
    """`23 EXISTS` as (23, "EXISTS"); None for what is not of this form."""
    found = _NUMBERED.match(line)
    return (int(found[1]), found[2].decode().upper()) if found else None


def searched(line: bytes) -> list[int] | None:
    """The numbers of a SEARCH response; None for any other. Raises Garbled."""
    name, _, rest = line.partition(b" ")
    if name.upper() != b"SEARCH":
        return None
    found = [number(word) for word in rest.partition(b"(")[0].split()]  # (MODSEQ n) may follow
    if any(one is None for one in found):
        raise Garbled("a SEARCH that is not of numbers")
    return [one for one in found if one is not None and 0 < one <= MAX_UID]


def internal_date(value: Value) -> datetime | None:
    """INTERNALDATE (RFC 3501, date-time) as an aware UTC instant; None for what is none."""
    found = _DATE.fullmatch(value.decode("ascii", "replace")) if isinstance(value, bytes) else None
    if found is None or found[2].title() not in MONTHS:
        return None
    offset = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0)) * (-1 if found[7] == "-" else 1)
    with suppress(ValueError, OverflowError):
        month = MONTHS.index(found[2].title()) + 1
        parts = (int(found[3]), month, int(found[1]), int(found[4]), int(found[5]), int(found[6]))
        return datetime(*parts, tzinfo=timezone(offset)).astimezone(UTC)
    return None


def search_date(instant: datetime) -> str:
    """The day before the instant's, as SEARCH takes it: servers compare days in a zone of their own."""
    day = instant - timedelta(days=1) if instant.year > 1 else instant
    return f"{day.day}-{MONTHS[day.month - 1]}-{day.year:04}"


def uid_set(uids: Sequence[int]) -> str:
    """Sorted UIDs as a sequence set: runs as ranges."""
    return ",".join(f"{low}:{high}" if high > low else str(low) for low, high in _runs(uids))


def _runs(uids: Sequence[int]) -> Iterator[tuple[int, int]]:
    low = high = None
    for uid in uids:
        if low is None or high is None:
            low = high = uid
        elif uid == high + 1:
            high = uid
        else:
            yield low, high
            low = high = uid
    if low is not None and high is not None:
        yield low, high


def folder_name(name: str) -> bytes:
    """A folder's name on the wire: modified UTF-7 (RFC 3501, 5.1.3)."""
    found = bytearray()
    for run in re.findall(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        if " " <= run[0] <= "~":
            found += run.encode().replace(b"&", b"&-")
        else:
            coded = base64.b64encode(run.encode("utf-16-be", "surrogatepass")).rstrip(b"=").replace(b"/", b",")
            found += b"&" + coded + b"-"
    return bytes(found)


def quoted(text: bytes) -> bytes | None:
    """As a quoted string; None for what can only stand in a literal."""
    if len(text) > 900 or any(byte < 32 or byte > 126 for byte in text):
        return None
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
