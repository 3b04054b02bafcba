"""A grant on its way out: the `sends` message, spliced around the touch's own bytes.

The touch was validated when it came in and is not looked at by dispatch: decoding and encoding it again would be half of
what a grant costs. A test holds this to what `schemas.sending.Grant` writes and reads.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache

from domain.dispatch.instants import instant
from domain.dispatch.partition import Granted


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def _stamp_of(at: int) -> str:
    """The same for all grants of an instant."""
    return _stamp(instant(at))


def _uuid(raw: bytes) -> str:
    """What `str(UUID(bytes=raw))` says, at half its cost."""
    digits = raw.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Told:
    """What `Work.emit` asks of a message."""

    __slots__ = ("_granted", "_pool", "_wall")

    def __init__(self, granted: Granted, pool: tuple[int, int], wall: str) -> None:
        self._granted = granted
        self._pool = pool
        self._wall = wall

    def write(self) -> bytes:
        """The value on the wire (`schemas.sending.Grant`)."""
        slot, ask = self._granted
        partition, epoch = self._pool
        head = (
            f'{{"version":1,"event_id":"grant:{_uuid(slot.send_id)}:{slot.grant_id}","grant_id":"{slot.grant_id}",'
            f'"mailbox_id":{_quoted(slot.mailbox_id)},"pool_partition":{partition},"pool_epoch":{epoch},'
            f'"granted_at":"{_stamp_of(slot.at)}",{self._wall},"touch":'
        )
        return head.encode() + ask.touch + b"}"


def walls(wall: datetime, expires: datetime) -> str:
    """The part that is the same for all grants of a batch."""
    return f'"granted_wall":"{_stamp(wall)}","expires_wall":"{_stamp(expires)}"'
