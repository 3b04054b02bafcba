"""`lead-ticks` and `pool-ticks` (internal, key partition): the clock as a stream."""

from typing import ClassVar

from schemas.base import Instant, Message


class Tick(Message):
    """One second of a partition. Whoever reads it decides with `at`; `wall` tells a jumping clock."""

    TOPIC: ClassVar[str] = "lead-ticks"
    at: Instant
    wall: Instant
