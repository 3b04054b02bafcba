"""When a campaign that looks finished is finished: nothing that could still add a lead to it is unread.

Figures show only what has come through. A producer may have published enrollments that leads has not read, or leads
may have told of enrollments that the projector has not stored. What stood on the broker when the campaign was first
seen done has to be read before the figures are believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

CHAIN = ("enrollments", "enrollments", "engagements")
"""Topics on the way from a producer to the figures, each waited for after the one before. Enrollments stand twice: a record
in the wrong partition is published again in the right one, behind what was on the topic when it was read."""

TOPICS = tuple(dict.fromkeys(CHAIN))


class Look(NamedTuple):
    """Topic -> partition -> offset. `read` (how far the topic's reader has committed) was asked for before `ends`: what
    the reader wrote before it committed therefore lies before the ends.
    """

    read: Mapping[str, Mapping[int, int]]
    ends: Mapping[str, Mapping[int, int]]


class Settling:
    """One campaign that looks finished, since the look that it is made with."""

    __slots__ = ("_mark", "_stage")

    def __init__(self, first: Look) -> None:
        self._stage = 0
        self._mark = first.ends[CHAIN[0]]

    def is_settled(self, look: Look) -> bool:
        """Whether everything that stood on the broker at the first look has come through by this later one."""
        while self._stage < len(CHAIN):
            read = look.read[CHAIN[self._stage]]
            if any(read.get(partition, 0) < end for partition, end in self._mark.items()):
                return False
            self._stage += 1
            if self._stage < len(CHAIN):
                self._mark = look.ends[CHAIN[self._stage]]
        return True
