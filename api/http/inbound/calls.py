"""A provider's call, what it brings, and how it is refused."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

WINDOW_S = 300
"""Wall seconds by which a call's clock may differ from ours."""
REMEMBERED_S = 24 * 3600
"""Wall seconds for which the ids of calls are kept (`forget_calls`): longer than any signature is accepted."""

_SECONDS = re.compile(r"[0-9]{1,12}")
_CALL_ID = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came: its headers (in any case), the exact bytes of its body, and the wall's seconds at its arrival."""

    headers: Mapping[str, str]
    body: bytes
    now_s: float


@dataclass(frozen=True, slots=True)
class Received:
    """A mail that a call brought. What is not known of it is read from its own headers."""

    raw: bytes
    message_id: str | None = None
    envelope_to: Sequence[str] = ()
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A verified call: the id that it is remembered by, and its mail. Without one there is nothing to record, as `why` says.

    `act` is what it asks for besides; it is done before the call counts as taken, and raises Retryable.
    """

    call_id: str
    mail: Received | None
    why: str = ""
    act: Callable[[], Awaitable[None]] | None = None


class Refused(Exception):
    """The answer to a call that is not taken."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Provider(Protocol):
    """One way in. `about` tells an operator how it is set up, without secrets."""

    @property
    def about(self) -> str: ...

    async def read(self, call: Call) -> Taken:
        """Verify first, then read. Raises Refused (401 forged or expired, 400 malformed) and Retryable."""
        ...


def mac(secret: bytes, signed: bytes) -> bytes:
    """HMAC-SHA256."""
    return hmac.new(secret, signed, hashlib.sha256).digest()


def octets(text: str) -> bytes:
    """A header's or a field's exact bytes, whatever they are."""
    return text.encode("utf-8", "surrogateescape")


def any_same(expected: Sequence[bytes], given: Sequence[bytes]) -> bool:
    """Whether any of these is any of those. Takes as long for a wrong one as for a right one."""
    found = False
    for one in expected:
        for other in given:
            found |= hmac.compare_digest(one, other)
    return found


def check_age(timestamp: str, now_s: float, *, oldest_s: float = WINDOW_S) -> None:
    """Raises Refused (401) for a time (Unix seconds) more than five minutes ahead or `oldest_s` ago."""
    if _SECONDS.fullmatch(timestamp) is None:
        raise Refused(401, "the timestamp is not in Unix seconds")
    age_s = now_s - int(timestamp)
    if not -WINDOW_S <= age_s <= oldest_s:
        raise Refused(
            401, f"the timestamp is {abs(age_s):.0f} s {'ago' if age_s > 0 else 'ahead'}: is the clock right?"
        )


def check_call_id(call_id: str, field: str) -> str:
    """An id by which a call can be remembered. Raises Refused (400)."""
    if _CALL_ID.fullmatch(call_id) is None:
        raise Refused(400, f"{field}: must have 1 to 200 printable characters without spaces")
    return call_id
