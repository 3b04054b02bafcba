"""What waits: asks of `leads` for a touch, and withdrawals that outlive them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol
from zlib import crc32

from domain.answering import is_answer
from domain.dispatch.instants import micros
from domain.windows import zone_of
from schemas.sending import DueSend

_ENTRY = struct.Struct(">BQ16sI")


def known_zone(name: str | None) -> str | None:
    """The zone where it is a known one, else None: the mailbox's or the campaign's then counts."""
    return name if name and zone_of(name, None, None).key == name else None


@dataclass(slots=True)
class Ask:
    """A touch that is due. `zone` is the lead's where it is a known one, else None; `due_at` is in microseconds since 1970.
    Never changed; frozen it would cost four times as much to make, and one is made of each touch that comes or goes.

    `touch` is the message it came in, as JSON: what the sender will get, and nothing that decisions look at.
    """

    send_id: bytes
    ask_no: int
    campaign_id: str
    mailbox_id: str | None
    zone: str | None
    domain: str
    priority: int
    due_at: int
    touch: bytes = b""
    is_answer: bool = False
    """It answers a reply and is no step of the campaign: it may go when that is over."""

    @classmethod
    def of(cls, touch: DueSend, raw: bytes) -> Ask:
        """The ask in a `due-sends` message, decoded and as it stands in the topic."""
        return cls(
            touch.send_id.bytes,
            touch.ask_no,
            touch.campaign_id,
            touch.mailbox_id,
            known_zone(touch.timezone),
            touch.domain,
            touch.priority,
            micros(touch.due_at),
            raw,
            is_answer(touch.step_id),
        )


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A tombstone: asks up to `ask_no` are ignored. `at` (microseconds) says when it may be forgotten."""

    ask_no: int
    at: int


class WaitingStore(Protocol):
    """Where asks and withdrawals stand, by send_id: the `waiting` table in a role, a dict in the simulator."""

    def get(self, send_id: bytes) -> Ask | Withdrawn | None: ...
    def put(self, send_id: bytes, entry: Ask | Withdrawn) -> None: ...
    def remove(self, send_id: bytes) -> None: ...


def entry_of(ask: Ask) -> bytes:
    """The ask's place in a queue, 29 bytes that sort: priority, due instant, send_id; then its domain's code.

    Bytes, because a million of them wait: 64 bytes of memory each, compared by memcmp.
    """
    return _ENTRY.pack(min(ask.priority, 255), max(ask.due_at, 0), ask.send_id, crc32(ask.domain.encode()))


def same_place(one: Ask, other: Ask) -> bool:
    """Whether two asks for a touch stand at the same place of the same queue."""
    return (
        one.campaign_id == other.campaign_id
        and one.mailbox_id == other.mailbox_id
        and one.zone == other.zone
        and entry_of(one) == entry_of(other)
    )


def entry_send_id(entry: bytes) -> bytes:
    return entry[9:25]


def entry_domain(entry: bytes) -> int:
    """The domain's 32-bit code. Two domains that share one may share a side queue, never a count."""
    return int.from_bytes(entry[25:29], "big")
