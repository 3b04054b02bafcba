"""One partition of pools: what waits, what was granted, and the next decisions (docs/behaviour.md 3).

Time is given, and only moves forward: `max(given, the last grant)`. A repeated or older event never opens an older
window.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, heapreplace
from typing import NamedTuple

from domain.campaign import Definitions
from domain.dispatch.agenda import Agenda
from domain.dispatch.asks import Ask, WaitingStore, Withdrawn, entry_of, entry_send_id, same_place
from domain.dispatch.blocks import Block, later, sooner
from domain.dispatch.grants import Change, Chunk, GrantBook, Slot, grant_id_of
from domain.dispatch.instants import DAY, NEVER
from domain.dispatch.lanes import Cause, Lane, Queue
from domain.dispatch.limits import MAX_OPEN, MailboxMeter
from domain.dispatch.present import Present
from domain.dispatch.registry import Registry
from domain.dispatch.standing import Trouble

TOMBSTONES_KEPT = 7 * DAY
MAX_MOVES = 10_000
"""Touches that one call moves to side queues; what is left goes on with the next call."""
MAX_PURGED = 500
_STOPPED = Block("stopped")
_NO_MAILBOX = Block("mailbox_unknown")


class Granted(NamedTuple):
    """A decision: this touch may go, from the slot's mailbox, at the slot's instant."""

    slot: Slot
    ask: Ask


class Explanation(NamedTuple):
    """Why a touch has not gone: the block's code, when it frees (NEVER: by an event), how many go before it."""

    code: str
    frees_at: int
    position: int


class PoolPartition:
    """Everything that dispatch knows of one partition. `store` holds the asks themselves.

    `number` is the last grant's number that this process gave in this epoch: the grants that tell it may have been
    forgotten, and a number that comes again would be older than what the ledger knows.
    """

    def __init__(self, store: WaitingStore, epoch: int = 1, *, number: int = 0, max_open: int = MAX_OPEN) -> None:
        self.now = 0
        self.epoch = epoch
        self.waiting = 0
        self._store = store
        self._max_open = max_open
        self.number = number
        self._moves = 0
        self._registry = Registry()
        self._agenda = Agenda()
        self._book = GrantBook()
        self._present = Present(max_open)
        self._tombstones: list[tuple[int, bytes]] = []
        self._leftovers: list[bytes] = []
        self.rested: list[tuple[str, str]] = []
        """(mailbox, why) of those that were paused here for their bounces or complaints: whoever tells of it takes them."""

    # What happens

    def define(self, definitions: Definitions) -> None:
        """Take the definitions in force; whatever they unblock goes with the next `advance`."""
        self._registry.define(definitions)
        for lane in self._registry.lanes.values():
            self._agenda.wake(lane, Cause.DEFINITIONS)

    def offer(self, ask: Ask) -> Granted | None:
        """A touch is due. A repeat changes nothing; the repeat of one whose grant is open tells that grant again.

        One that waits and is asked for again keeps the place that its due instant gives it.
        """
        known = self._store.get(ask.send_id)
        if known is not None and ask.ask_no <= known.ask_no:
            return None
        if self._book.covers(ask.send_id, ask.ask_no):
            return self._again(ask)
        self._store.put(ask.send_id, ask)
        if isinstance(known, Ask):
            if same_place(known, ask):
                return None
            self._drop(known)
        self._queue(ask)
        return None

    def withdraw(self, send_id: bytes, ask_no: int, at: int) -> bool:
        """Take asks up to `ask_no` back. A late withdrawal never kills a newer ask; True when one was waiting."""
        known = self._store.get(send_id)
        if self._book.asked(send_id) > ask_no or (known is not None and known.ask_no > ask_no):
            return False
        if isinstance(known, Withdrawn) and known.ask_no == ask_no:
            return False
        self._store.put(send_id, Withdrawn(ask_no, at))
        heappush(self._tombstones, (at, send_id))
        if isinstance(known, Ask):
            self._drop(known)
            return True
        return False

    def answer(self, grant_id: str, *, used: bool) -> bool:
        """The ledger's answer to a grant. One that was not used frees its slot; a repeat frees nothing twice."""
        slot = self._book.answer(grant_id, used=used)
        if slot is None:
            return False
        mailbox = self._registry.mailbox(slot.mailbox_id)
        was_full = mailbox.open >= self._max_open
        mailbox.open -= 1
        if not used:
            self._registry.uncount(slot)
            for lane in (*self._registry.campaign(slot.campaign_id).lanes, *mailbox.lanes):
                self._agenda.wake(lane, Cause.SLOT)
        elif was_full:
            for lane in mailbox.lanes:
                self._agenda.wake(lane, Cause.EVENT)
        return True

    def pause(self, mailbox_id: str, until: int, reason: str = "") -> int:
        """The mailbox gets no grants before `until` (NEVER: until resumed). The longer pause holds; returns its end."""
        mailbox = self._registry.mailbox(mailbox_id)
        mailbox.standing.pause(until, reason)
        self._registry.soon(mailbox, 0)
        return mailbox.standing.paused_until

    def resume(self, mailbox_id: str, now: int = 0) -> None:
        """The mailbox may send again. Where it rested for its bounces or complaints, they are counted anew from now on."""
        mailbox = self._registry.mailbox(mailbox_id)
        mailbox.standing.resume(max(now, self.now))
        self._registry.soon(mailbox, 0)
        for lane in mailbox.lanes:
            self._agenda.wake(lane, Cause.SLOT)

    def note(self, mailbox_id: str, kind: Trouble, send_id: bytes, now: int) -> str | None:
        """A touch bounced for good, or was complained about. Answers why the mailbox pauses for that, if it does."""
        mailbox = self._registry.mailbox(mailbox_id)
        now = max(now, self.now)
        if not mailbox.note(kind, send_id, now):
            return None
        self._registry.soon(mailbox, 0)
        return self._look_at(mailbox, now)

    def _look_at(self, mailbox: MailboxMeter, now: int) -> str | None:
        """Let a mailbox rest that bounces too much, until a person has looked."""
        reason = mailbox.verdict(now)
        if reason is None or mailbox.standing.paused_until == NEVER:
            return None
        self.pause(mailbox.mailbox_id, NEVER, reason)
        self.rested.append((mailbox.mailbox_id, reason))
        return reason

    def advance(self, to: int, since: int | None = None) -> list[Granted]:
        """Let time pass to `to` (microseconds) and grant all that may go, each at its own instant.

        What frees inside (now, to] is granted at that very instant, what was free before at its start. `since` is a
        later start, for time that passed while nobody decided: no grant gets an instant before it. The first call
        starts at `to`.
        """
        if self.now == 0:
            since = to
        if since is not None:
            self.now = max(self.now, min(since, to))
        self._moves = 0
        granted: list[Granted] = []
        self._agenda.rise(self.now)
        self._settle(granted)
        while (rises_at := self._agenda.next_at) <= to:
            self.now = max(self.now, rises_at)
            self._agenda.rise(self.now)
            self._settle(granted)
        self.now = max(self.now, to)
        self._book.age(self.now)
        self._purge()
        return granted

    # What is known

    def rows(self) -> list[tuple[str, bytes | None]]:
        """Rows of the `mailboxes` table that must now be written (None: deleted)."""
        return self._registry.rows(self.now)

    def changes(self) -> list[Change]:
        """Chunks of grants that the table must now hold."""
        return self._book.changes()

    @property
    def next_at(self) -> int:
        """The next instant at which a limit or window frees something that waits (NEVER: only an event can)."""
        return self._agenda.next_at

    @property
    def open(self) -> int:
        """Grants without an answer."""
        return len(self._book.open)

    def by_reason(self) -> dict[tuple[str, str], int]:
        """How many touches wait, by pool ("" while unknown) and block code. Costs a look at each queue, not touch."""
        counts: dict[tuple[str, str], int] = {}
        for lane in self._registry.lanes.values():
            campaign = lane.campaign.campaign
            pool_id = "" if campaign is None else campaign.pool_id
            for code, count in lane.by_reason().items():
                counts[(pool_id, code)] = counts.get((pool_id, code), 0) + count
        return counts

    def explain(self, send_id: bytes) -> Explanation | None:
        """Why this touch has not gone yet; None for one that does not wait. Costs a look at each touch that it competes with."""
        ask = self._store.get(send_id)
        if not isinstance(ask, Ask):
            return Explanation("granted", self.now, 0) if self._book.open_for(send_id) is not None else None
        lane = self._registry.lane(ask.campaign_id, ask.mailbox_id, answers=ask.is_answer)
        block = later(self._campaign_block(lane), self._queue_block(lane, ask.zone, ask.domain))
        code, frees_at = ("ready", self.now) if block is None else (block.code, block.frees_at)
        mine = entry_of(ask)
        ahead = sum(1 for rival in self._rivals(lane, code) for entry in rival.entries() if entry < mine)
        return Explanation(code, frees_at, ahead)

    def _rivals(self, lane: Lane, code: str) -> list[Lane]:
        """The lanes whose touches take of what a block of this lane counts: itself among them."""
        if code.startswith("campaign_"):
            return lane.campaign.lanes
        if not code.startswith(("mailbox_", "workday_", "domain_")):
            return [lane]
        lanes = {other.number: other for mailbox in lane.mailboxes for other in mailbox.lanes}
        return [lane, *(one for one in lanes.values() if one is not lane and not self._stands_still(one))]

    def _stands_still(self, lane: Lane) -> bool:
        block = self._campaign_block(lane)
        return block is not None and block.is_event

    # Recovery

    def restore_mailbox(self, mailbox_id: str, value: bytes) -> None:
        """Take a row of the `mailboxes` table. Before the grants are restored."""
        self._registry.mailbox(mailbox_id).standing.read(value)

    def restore(self, chunks: list[Chunk], foreign: list[Slot]) -> None:
        """Take the table's grants, merged by grant_id with the ledger's. Before the asks are restored."""
        for slot in self._book.restore(chunks, foreign):
            self.now = max(self.now, slot.at)
            epoch, _, number = slot.grant_id.partition("-")
            if int(epoch) == self.epoch:
                self.number = max(self.number, int(number))
            if slot.state != "unused":
                self._registry.count(slot)

    def restore_waiting(self, send_id: bytes, entry: Ask | Withdrawn) -> None:
        """Queue what waits. An ask that was already granted is kept for `leftovers`: it is not granted anew."""
        if isinstance(entry, Withdrawn):
            heappush(self._tombstones, (entry.at, send_id))
        elif self._book.covers(send_id, entry.ask_no):
            self._leftovers.append(send_id)
        else:
            self._queue(entry)

    def leftovers(self) -> list[Granted]:
        """Grants to tell again under their own ids, once after a restore: the store still held their asks."""
        send_ids, self._leftovers = self._leftovers, []
        again: list[Granted] = []
        for send_id in send_ids:
            ask = self._store.get(send_id)
            assert isinstance(ask, Ask)
            self._store.remove(send_id)
            if (granted := self._again(ask)) is not None:
                again.append(granted)
        return again

    def _again(self, ask: Ask) -> Granted | None:
        slot = self._book.open_for(ask.send_id)
        return Granted(slot, ask) if slot is not None and slot.ask_no == ask.ask_no else None

    def _queue(self, ask: Ask) -> None:
        lane = self._registry.lane(ask.campaign_id, ask.mailbox_id, answers=ask.is_answer)
        lane.add(ask)
        self.waiting += 1
        self._agenda.stir(lane)

    def _drop(self, ask: Ask) -> None:
        self._registry.lane(ask.campaign_id, ask.mailbox_id, answers=ask.is_answer).withdraw(ask)
        self.waiting -= 1

    def _purge(self) -> None:
        for _ in range(MAX_PURGED):
            if not self._tombstones or self._tombstones[0][0] > self.now - TOMBSTONES_KEPT:
                return
            at, send_id = heappop(self._tombstones)
            known = self._store.get(send_id)
            if isinstance(known, Withdrawn) and known.at == at:
                self._store.remove(send_id)

    # Decisions

    def _settle(self, granted: list[Granted]) -> None:
        """Grant all that may go at `now`: follow-ups, then first touches, each by due time."""
        lanes = self._agenda.take()
        if not lanes:
            return
        self._present.begin(self.now)
        line = [(head[0], lane.number, lane) for lane in lanes if (head := lane.head()) is not None]
        heapify(line)
        unfinished: list[Lane] = []
        while line:
            entry, _, lane = line[0]
            head = lane.head()
            if head is not None and head[0] is entry:
                if not self._try(lane, *head, granted):
                    head = None
                elif self._moves > MAX_MOVES:
                    unfinished.append(lane)
                    head = None
                else:
                    head = lane.head()
            if head is None:
                heappop(line)
            else:
                heapreplace(line, (head[0], lane.number, lane))
        for lane in unfinished:
            self._agenda.stir(lane)

    def _try(self, lane: Lane, entry: bytes, queue: Queue, granted: list[Granted]) -> bool:
        """Grant the lane's first entry, or put aside what is in its way. False: the lane as a whole now sleeps."""
        now = self.now
        free, busy = self._present.free(lane.mailboxes)
        block = self._campaign_block(lane)
        if not free:
            block = later(block, busy or _NO_MAILBOX)
        if block is not None:
            self._agenda.sleep(lane, block)
            return False
        window, zone = lane.campaign.window, queue.zone
        if zone is None:
            shut = [at for at in lane.mailbox_zones if window(None, at, now) is not None]
            if shut:
                free = [mailbox for mailbox in free if mailbox.zone not in shut]
        elif window(zone, None, now) is not None:
            free = []
        if queue.domain is not None:
            free = [mailbox for mailbox in free if mailbox.domain_block(queue.name, now) is None]
        if not free:
            self._rest(lane, queue, queue.name or None)
            return True
        capped = lane.caps_domains
        if capped and queue.domain is None and lane.is_parked(queue, entry):
            self._moves += 1
            lane.park(queue)
            return True
        ask = self._store.get(entry_send_id(entry))
        assert isinstance(ask, Ask)
        if capped:
            free = [mailbox for mailbox in free if mailbox.domain_block(ask.domain, now) is None]
            if not free:
                self._rest(lane, lane.park(queue, ask.domain) if queue.domain is None else queue, ask.domain)
                return True
        lane.pop(queue)
        granted.append(self._grant(ask, self._present.best(free)))
        return True

    def _grant(self, ask: Ask, mailbox: MailboxMeter) -> Granted:
        self.number += 1
        grant_id = grant_id_of(self.epoch, self.number)
        slot = Slot(grant_id, ask.send_id, ask.ask_no, mailbox.mailbox_id, ask.campaign_id, ask.domain, self.now)
        self._book.add(slot)
        self._registry.count(slot)
        if mailbox.standing.health.has_trouble:
            self._look_at(mailbox, self.now)
        self._present.granted(mailbox)
        self._store.remove(ask.send_id)
        self.waiting -= 1
        return Granted(slot, ask)

    def _campaign_block(self, lane: Lane) -> Block | None:
        if self._registry.definitions.stopped:
            return _STOPPED
        return lane.campaign.block(self.now, answers=lane.answers)

    def _rest(self, lane: Lane, queue: Queue, domain: str | None) -> None:
        block = self._queue_block(lane, queue.zone, domain)
        assert block is not None
        self._agenda.rest(lane, queue, block)

    def _queue_block(self, lane: Lane, zone: str | None, domain: str | None) -> Block | None:
        """The first instant at which one of the lane's mailboxes may write to that zone and domain, as known now."""
        best: Block | None = None
        after_event: list[int] = []
        for mailbox in lane.mailboxes:
            block = lane.campaign.window(zone, mailbox.zone if zone is None else None, self.now)
            if domain is not None:
                block = later(block, mailbox.domain_block(domain, self.now))
            held = mailbox.block(self.now, self._max_open)
            if held is not None and held.is_event:
                after_event.append(0 if block is None else block.frees_at)
            block = later(held, block)
            if block is None:
                return None
            best = sooner(best, block)
        if best is None:
            return _NO_MAILBOX
        return best._replace(or_event=best.is_event or any(at < best.frees_at for at in after_event))
