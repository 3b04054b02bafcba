"""What was granted, in chunks that a windowed table can hold: a minute, a mailbox, at most 50 grants.

A slot is known by its grant_id. Only an answer of the ledger ends it, never a timeout, and only the first one counts.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

from domain.dispatch.instants import HOUR, KEPT, MINUTE, SECOND

CHUNK = 50
"""Grants a chunk: each answer rewrites its chunk, so chunks are short."""
WINDOW_S = 60
_WARM = HOUR + MINUTE

State = Literal["open", "used", "unused"]


def grant_id_of(epoch: int, number: int) -> str:
    """`<pool epoch>-<number>`, padded so that ids of a partition sort as text in the order they were made."""
    return f"{epoch:07d}-{number:010d}"


@lru_cache(maxsize=65_536)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@dataclass(slots=True, eq=False)
class Slot:
    """One grant: who it is for, when it was made (microseconds), and what became of it.

    `ask_no` is 0 in what only the ledger told of: the first ask that is met for it is taken for the one it answers.
    """

    grant_id: str
    send_id: bytes
    ask_no: int
    mailbox_id: str
    campaign_id: str
    domain: str
    at: int
    state: State = "open"
    chunk: Chunk | None = field(default=None, repr=False)
    written: str = field(default="", init=False, repr=False)
    """What `write` made of it as it is now; kept while its chunk has open slots, and is written again and again."""

    def write(self) -> str:
        """The slot as a JSON array, without its mailbox (which is in the chunk's key)."""
        self.written = (
            f'["{self.grant_id}","{self.send_id.hex()}",{self.ask_no},{_quoted(self.campaign_id)},'
            f'{_quoted(self.domain)},{self.at},"{self.state}"]'
        )
        return self.written


class ChunkKey(NamedTuple):
    """Where a chunk stands: the window's start in seconds since 1970, the mailbox, and which of the minute's chunks."""

    start_s: int
    mailbox_id: str
    part: int

    @property
    def key(self) -> str:
        """The key in the windowed table."""
        return f"{self.mailbox_id}/{self.part}"

    @classmethod
    def read(cls, key: str, start_s: int) -> ChunkKey:
        mailbox_id, _, part = key.rpartition("/")
        return cls(start_s, mailbox_id, int(part))


@dataclass(slots=True, eq=False)
class Chunk:
    """Slots that are written together."""

    place: ChunkKey
    slots: list[Slot] = field(default_factory=list)
    open: int = 0
    is_cold: bool = False
    is_overdue: bool = False

    def write(self) -> bytes:
        value = f"[{','.join([slot.written or slot.write() for slot in self.slots])}]".encode()
        if self.open == 0:
            for slot in self.slots:
                slot.written = ""
        return value


def read_chunk(place: ChunkKey, value: bytes) -> Chunk:
    """A chunk as it was written."""
    chunk = Chunk(place)
    for grant_id, send_id, ask_no, campaign_id, domain, at, state in json.loads(value):
        slot = Slot(grant_id, bytes.fromhex(send_id), ask_no, place.mailbox_id, campaign_id, domain, at, state, chunk)
        chunk.slots.append(slot)
        chunk.open += state == "open"
    return chunk


class Change(NamedTuple):
    """What to write to the windowed table; value None deletes the window."""

    place: ChunkKey
    value: bytes | None


class GrantBook:
    """The grants of a partition: those of an hour and every open one in memory, those of 26 hours in the table."""

    def __init__(self) -> None:
        self.open: dict[str, Slot] = {}
        self._minutes: dict[tuple[int, str], list[Chunk]] = {}
        self._warm: deque[Chunk] = deque()
        self._stored: deque[ChunkKey] = deque()
        self._changed: dict[ChunkKey, Chunk | None] = {}
        self._asked: dict[bytes, int] = {}
        self._asked_before: dict[bytes, int] = {}
        self._turned_at = 0
        self._unnumbered: dict[bytes, Slot] = {}

    def add(self, slot: Slot) -> None:
        """Note a grant that was just made; instants never step back."""
        minute = _minute(slot)
        chunks = self._minutes.get(minute)
        if chunks is None:
            chunks = self._minutes[minute] = []
        if not chunks or len(chunks[-1].slots) >= CHUNK:
            chunks.append(Chunk(ChunkKey(*minute, chunks[-1].place.part + 1 if chunks else 0)))
            self._keep(chunks[-1])
        self._fill(chunks[-1], slot)
        self._index(slot)

    def answer(self, grant_id: str, *, used: bool) -> Slot | None:
        """The ledger's answer. None when the grant is not open: answered before, or never made here."""
        slot = self.open.pop(grant_id, None)
        if slot is None:
            return None
        chunk = self._settle(slot, "used" if used else "unused")
        if chunk.open == 0 and chunk.is_cold:
            self._drop(chunk)
            if chunk.is_overdue:
                self._changed[chunk.place] = None
        return slot

    def asked(self, send_id: bytes) -> int:
        """The highest ask_no that was granted for a touch (0: none is remembered)."""
        return self._asked.get(send_id) or self._asked_before.get(send_id, 0)

    def covers(self, send_id: bytes, ask_no: int) -> bool:
        """Whether that ask was granted before."""
        slot = self._unnumbered.pop(send_id, None)
        if slot is not None and slot.state == "open":
            slot.ask_no, slot.written = ask_no, ""
            self._index(slot)
        return ask_no <= self.asked(send_id)

    def open_for(self, send_id: bytes) -> Slot | None:
        """The unanswered grant of a touch, if there is one. Costs a look at each unanswered grant."""
        return next((slot for slot in self.open.values() if slot.send_id == send_id), None)

    def changes(self) -> list[Change]:
        """What the table must hold, since the last call."""
        changed, self._changed = self._changed, {}
        return [Change(place, None if chunk is None else chunk.write()) for place, chunk in changed.items()]

    def age(self, now: int) -> None:
        """Forget what can no longer count: from memory after an hour, from the table after 26; never what is open."""
        warm, cold_s = self._warm, (now - _WARM) // SECOND
        while warm and warm[0].place.start_s < cold_s:
            chunk = warm.popleft()
            chunk.is_cold = True
            if chunk.open == 0:
                self._drop(chunk)
        stored, gone_s = self._stored, (now - KEPT - MINUTE) // SECOND
        while stored and stored[0].start_s < gone_s:
            place = stored.popleft()
            kept = self._find(place)
            if kept is None:
                self._changed[place] = None
            else:
                kept.is_overdue = True
        if now - self._turned_at > KEPT:
            self._turned_at = now
            self._asked_before, self._asked = self._asked, {}

    def _find(self, place: ChunkKey) -> Chunk | None:
        chunks = self._minutes.get((place.start_s, place.mailbox_id), ())
        return next((chunk for chunk in chunks if chunk.place == place), None)

    def _drop(self, chunk: Chunk) -> None:
        minute = (chunk.place.start_s, chunk.place.mailbox_id)
        chunks = [kept for kept in self._minutes.get(minute, ()) if kept is not chunk]
        if chunks:
            self._minutes[minute] = chunks
        else:
            self._minutes.pop(minute, None)

    def restore(self, chunks: list[Chunk], foreign: list[Slot]) -> list[Slot]:
        """Take what the table holds and what only the ledger knows; returns every slot in the order of its instant.

        A `foreign` slot whose grant_id the table knows answers it at most; every other gets a place in a chunk.
        `changes` then tells what the table lacks.
        """
        known = {slot.grant_id: slot for chunk in chunks for slot in chunk.slots}
        minutes: dict[tuple[int, str], list[Chunk]] = {}
        for chunk in sorted(chunks, key=lambda chunk: chunk.place):
            minutes.setdefault((chunk.place.start_s, chunk.place.mailbox_id), []).append(chunk)
        for slot in foreign:
            mine = known.get(slot.grant_id)
            if mine is None:
                known[slot.grant_id] = slot
                self._adopt(slot, minutes)
            elif mine.state == "open" and slot.state != "open":
                self._settle(mine, slot.state)
        for _, kept in sorted(minutes.items()):
            for chunk in kept:
                self._keep(chunk)
        self._minutes = minutes
        slots = sorted(known.values(), key=lambda slot: (slot.at, slot.grant_id))
        for slot in slots:
            self._index(slot)
        return slots

    def _adopt(self, slot: Slot, minutes: dict[tuple[int, str], list[Chunk]]) -> None:
        minute = _minute(slot)
        chunks = minutes.setdefault(minute, [])
        if not chunks or len(chunks[-1].slots) >= CHUNK:
            chunks.append(Chunk(ChunkKey(*minute, chunks[-1].place.part + 1 if chunks else 0)))
        self._fill(chunks[-1], slot)

    def _fill(self, chunk: Chunk, slot: Slot) -> None:
        slot.chunk = chunk
        chunk.slots.append(slot)
        chunk.open += slot.state == "open"
        self._changed[chunk.place] = chunk

    def _settle(self, slot: Slot, state: State) -> Chunk:
        slot.state, slot.written = state, ""
        chunk = slot.chunk
        assert chunk is not None
        chunk.open -= 1
        self._changed[chunk.place] = chunk
        return chunk

    def _keep(self, chunk: Chunk) -> None:
        self._warm.append(chunk)
        self._stored.append(chunk.place)

    def _index(self, slot: Slot) -> None:
        if slot.state == "open":
            self.open[slot.grant_id] = slot
            if slot.ask_no == 0:
                self._unnumbered[slot.send_id] = slot
        if slot.ask_no >= self._asked.get(slot.send_id, 0):
            self._asked[slot.send_id] = slot.ask_no


def _minute(slot: Slot) -> tuple[int, str]:
    return (slot.at // (WINDOW_S * SECOND) * WINDOW_S, slot.mailbox_id)
