"""What waits for one campaign and one mailbox (or any of them), in the order in which it may go.

A lane is the unit that a campaign's or a mailbox's limit puts to sleep. Inside it, queues keep apart what a window or a
recipient domain's limit can block alone: one queue a lead's zone, and a side queue for each domain that was found full.
A blocked queue or lane is not looked at again before the instant its block frees, or the event that may free it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from heapq import heapify, heappop, heappush

from domain.dispatch.asks import Ask, entry_domain, entry_of
from domain.dispatch.blocks import Block
from domain.dispatch.limits import CampaignMeter, MailboxMeter

_MIN_DEAD = 64


class Cause(Enum):
    """What may have freed a queue before its instant came."""

    EVENT = "a mailbox got room for another open grant, or was resumed"
    SLOT = "a grant was not used"
    DEFINITIONS = "a definition changed"


def may_free(cause: Cause, block: Block) -> bool:
    """Whether that can have freed this block. No slot opens a window."""
    if cause is Cause.DEFINITIONS or block.or_event:
        return True
    return cause is Cause.SLOT and block.code != "window_closed"


class Queue:
    """A heap of entries (`asks.entry_of`) that one window, and perhaps one domain, can block.

    `dead` are the entries of its zone, in whichever queue of the lane, that were withdrawn and not met yet. By zone,
    because a touch that is asked for again has the same entry, and may have another zone by then.
    """

    __slots__ = ("block", "dead", "domain", "heap", "name", "zone")

    def __init__(self, zone: str | None, domain: int | None, dead: set[bytes]) -> None:
        self.zone = zone
        self.dead = dead
        self.domain = domain
        """The code of the only domain in a side queue; None in the zone's main queue."""
        self.name = ""
        """That domain."""
        self.heap: list[bytes] = []
        self.block: Block | None = None

    def __lt__(self, other: Queue) -> bool:
        """Heaps of (entry, queue) compare queues only where an entry was listed twice: either may be first."""
        return False


class Lane:
    """The queues of one campaign and one sticky mailbox (`mailbox_id` None: any of the campaign's); answers to replies have
    their own.
    """

    __slots__ = (
        "_dead",
        "_heads",
        "answers",
        "block",
        "campaign",
        "caps_domains",
        "is_awake",
        "mailbox_id",
        "mailbox_zones",
        "mailboxes",
        "number",
        "queues",
        "wake_at",
    )

    def __init__(self, number: int, campaign: CampaignMeter, mailbox_id: str | None, *, answers: bool = False) -> None:
        self.number = number
        self.answers = answers
        self.campaign = campaign
        self.mailbox_id = mailbox_id
        self.mailboxes: list[MailboxMeter] = []
        self.mailbox_zones: frozenset[str | None] = frozenset()
        self.caps_domains = False
        self.queues: dict[tuple[str | None, int | None], Queue] = {}
        self.block: Block | None = None
        self.is_awake = False
        self.wake_at: int | None = None
        self._heads: list[tuple[bytes, Queue]] = []
        self._dead: dict[str | None, set[bytes]] = {}

    def __len__(self) -> int:
        """How many touches wait here."""
        return sum(len(queue.heap) for queue in self.queues.values()) - self._count_dead()

    def add(self, ask: Ask) -> None:
        """Queue an ask in its zone's main queue."""
        entry = entry_of(ask)
        queue = self._queue(ask.zone, None)
        if entry in queue.dead:  # withdrawn and asked for again before its old entry was met
            queue.dead.remove(entry)
        else:
            self._push(queue, entry)

    def withdraw(self, ask: Ask) -> None:
        """Take an ask back. Its entry is dropped when it is met, or when the dead are the majority."""
        dead = self._queue(ask.zone, None).dead
        dead.add(entry_of(ask))
        if len(dead) > _MIN_DEAD and self._count_dead() > len(self):
            self._compact()

    def head(self) -> tuple[bytes, Queue] | None:
        """The entry that goes next and its queue, or None when no queue here may go."""
        heads = self._heads
        while heads:
            entry, queue = heads[0]
            if queue.block is not None or not queue.heap or queue.heap[0] is not entry:
                heappop(heads)
            elif entry in queue.dead:
                queue.dead.remove(entry)
                self.pop(queue)
            else:
                return heads[0]
        return None

    def pop(self, queue: Queue) -> bytes:
        """Take the first entry of `queue`."""
        entry = heappop(queue.heap)
        if self._heads and self._heads[0][0] is entry:
            heappop(self._heads)
        self._show(queue)
        return entry

    def is_parked(self, queue: Queue, entry: bytes) -> bool:
        """Whether the entry's domain has a side queue that is blocked."""
        side = self.queues.get((queue.zone, entry_domain(entry)))
        return side is not None and side.block is not None

    def park(self, queue: Queue, name: str = "") -> Queue:
        """Move the first entry of a main queue to the side queue of its domain (`name`), and return that."""
        entry = self.pop(queue)
        side = self._queue(queue.zone, entry_domain(entry))
        side.name = side.name or name
        self._push(side, entry)
        return side

    def open(self, queue: Queue) -> None:
        """Look at `queue` again. An empty side queue is given up."""
        queue.block = None
        if queue.heap:
            self._show(queue)
        elif queue.domain is not None:
            self.queues.pop((queue.zone, queue.domain), None)

    def wake(self, cause: Cause) -> None:
        """Look again at every queue that `cause` may have freed."""
        for queue in list(self.queues.values()):
            if queue.block is not None and may_free(cause, queue.block):
                self.open(queue)

    def entries(self) -> Iterator[bytes]:
        """Everything that waits, in no order."""
        for queue in self.queues.values():
            for entry in queue.heap:
                if entry not in queue.dead:
                    yield entry

    def by_reason(self) -> dict[str, int]:
        """How many wait for what. Costs a look at each queue, not at each touch."""
        counts: dict[str, int] = {}
        whole = self.block
        for queue in self.queues.values():
            code = whole.code if whole is not None else queue.block.code if queue.block is not None else "ready"
            counts[code] = counts.get(code, 0) + len(queue.heap)
        dead = self._count_dead()
        for code in sorted(counts, key=lambda code: -counts[code]):
            taken = min(dead, counts[code])  # which queue a withdrawn entry stands in is not known before it is met
            counts[code] -= taken
            dead -= taken
        return {code: count for code, count in counts.items() if count}

    def _queue(self, zone: str | None, domain: int | None) -> Queue:
        queue = self.queues.get((zone, domain))
        if queue is None:
            queue = self.queues[(zone, domain)] = Queue(zone, domain, self._dead.setdefault(zone, set()))
        return queue

    def _count_dead(self) -> int:
        return sum(map(len, self._dead.values()))

    def _push(self, queue: Queue, entry: bytes) -> None:
        heappush(queue.heap, entry)
        if queue.block is None and queue.heap[0] is entry:
            heappush(self._heads, (entry, queue))

    def _show(self, queue: Queue) -> None:
        if queue.block is None and queue.heap:
            heappush(self._heads, (queue.heap[0], queue))

    def _compact(self) -> None:
        for queue in self.queues.values():
            queue.heap = [entry for entry in queue.heap if entry not in queue.dead]
            heapify(queue.heap)
        for dead in self._dead.values():
            dead.clear()
        self._heads = [(queue.heap[0], queue) for queue in self.queues.values() if queue.heap and queue.block is None]
        heapify(self._heads)
