"""The `waiting` table as decisions see it: asks and withdrawals by send_id, written once a batch."""

from __future__ import annotations

from datetime import datetime

from pydantic_core import from_json

from domain.answering import is_answer
from domain.dispatch.asks import Ask, Withdrawn, known_zone
from domain.dispatch.instants import micros
from streams.tables import Table
from streams.work import Work

NEAR = 10_000
"""Asks of a partition that are kept besides as they came (some 3 MB): to read one back costs more than to decide."""
_WITHDRAWN = b'{"withdrawn":'


def write_entry(entry: Ask | Withdrawn) -> bytes:
    """An entry as it stands in the table: the `due-sends` message as it came, or a tombstone."""
    if isinstance(entry, Withdrawn):
        return _WITHDRAWN + f'{entry.ask_no},"at":{entry.at}}}'.encode()
    return entry.touch


def read_entry(send_id: bytes, value: bytes) -> Ask | Withdrawn:
    """An entry from the table. What stands there was validated when it came in."""
    row = from_json(value)
    if value.startswith(_WITHDRAWN):
        return Withdrawn(row["withdrawn"], row["at"])
    return Ask(
        send_id,
        row["ask_no"],
        row["campaign_id"],
        row.get("mailbox_id"),
        known_zone(row.get("timezone")),
        row["domain"],
        row["priority"],
        micros(datetime.fromisoformat(row["due_at"])),
        value,
        is_answer(row["step_id"]),
    )


class Shelf:
    """One partition's asks. `open` binds it to a batch, `close` writes what the batch left.

    An ask that comes and is granted in one batch is never written at all; one that waits only for a while is not read back.
    """

    __slots__ = ("_changed", "_near", "_partition", "_table", "_work")

    def __init__(self, table: Table, partition: int) -> None:
        self._table = table
        self._partition = partition
        self._work: Work | None = None
        self._changed: dict[bytes, Ask | Withdrawn | None] = {}
        self._near: dict[bytes, Ask] = {}

    def get(self, send_id: bytes) -> Ask | Withdrawn | None:
        """The entry as this batch's earlier events left it."""
        if send_id in self._changed:
            return self._changed[send_id]
        if send_id in self._near:
            return self._near[send_id]
        value = self._table.get(send_id) if self._work is None else self._work.get(self._table, send_id)
        return None if value is None else read_entry(send_id, value)

    def put(self, send_id: bytes, entry: Ask | Withdrawn) -> None:
        """Set the entry."""
        self._changed[send_id] = entry

    def remove(self, send_id: bytes) -> None:
        """Take the entry out."""
        self._changed[send_id] = None

    def open(self, work: Work) -> None:
        """Begin a batch."""
        self._work = work

    def close(self) -> None:
        """Write what changed."""
        work, table, near = self._work, self._table, self._near
        assert work is not None
        for send_id, entry in self._changed.items():
            near.pop(send_id, None)
            if isinstance(entry, Ask) and len(near) < NEAR:
                near[send_id] = entry
            if entry is not None:
                work.put(table, send_id, write_entry(entry), self._partition)
            elif work.get(table, send_id) is not None:
                work.put(table, send_id, None, self._partition)
        self._changed.clear()
        self._work = None
