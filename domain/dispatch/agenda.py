"""Which lanes to try now, and when the sleeping ones rise: nothing is looked at before its block can have freed."""

from __future__ import annotations

from heapq import heappop, heappush

from domain.dispatch.blocks import Block
from domain.dispatch.instants import NEVER
from domain.dispatch.lanes import Cause, Lane, Queue


class Agenda:
    """Lanes that are awake, and a heap of instants at which lanes and queues rise."""

    __slots__ = ("_awake", "_naps", "_sleeping")

    def __init__(self) -> None:
        self._awake: list[Lane] = []
        self._sleeping: list[tuple[int, int, Lane, Queue | None]] = []
        self._naps = 0

    @property
    def next_at(self) -> int:
        """The next instant at which something rises (NEVER: only an event can)."""
        return self._sleeping[0][0] if self._sleeping else NEVER

    def take(self) -> list[Lane]:
        """The lanes to try now; each is taken once."""
        awake, self._awake = self._awake, []
        for lane in awake:
            lane.is_awake = False
        return awake

    def stir(self, lane: Lane) -> None:
        """Something changed inside the lane: try it, unless it sleeps as a whole."""
        if lane.block is None and not lane.is_awake:
            lane.is_awake = True
            self._awake.append(lane)

    def wake(self, lane: Lane, cause: Cause) -> None:
        """An event may have freed the lane, or some of its queues."""
        lane.block = None
        lane.wake(cause)
        self.stir(lane)

    def sleep(self, lane: Lane, block: Block) -> None:
        """Try the lane no more before its block frees."""
        lane.block = block
        if not block.is_event and lane.wake_at != block.frees_at:
            lane.wake_at = block.frees_at
            self._nap(block.frees_at, lane, None)

    def rest(self, lane: Lane, queue: Queue, block: Block) -> None:
        """Look at one queue of the lane no more before its block frees."""
        queue.block = block
        if not block.is_event:
            self._nap(block.frees_at, lane, queue)

    def rise(self, now: int) -> None:
        """`now` has come. An entry says nothing where an event lifted the block, or put it off, since."""
        while self._sleeping and self._sleeping[0][0] <= now:
            _, _, lane, queue = heappop(self._sleeping)
            if queue is None:
                lane.wake_at = None
                if lane.block is not None and lane.block.frees_at <= now:
                    lane.block = None
                    self.stir(lane)
            elif queue.block is not None and queue.block.frees_at <= now:
                lane.open(queue)
                self.stir(lane)

    def _nap(self, until: int, lane: Lane, queue: Queue | None) -> None:
        self._naps += 1
        heappush(self._sleeping, (until, self._naps, lane, queue))
