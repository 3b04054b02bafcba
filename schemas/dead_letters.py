"""`dead-letters`: what could not be processed. The value is the original record's bytes; the story is in the headers."""

from typing import ClassVar

from schemas.base import Instant, Message


class DeadLetter(Message):
    """The `dl-*` headers of a dead letter, as a model for those who list and replay them."""

    TOPIC: ClassVar[str] = "dead-letters"
    role: str
    reason: str
    detail: str = ""
    topic: str
    partition: int
    offset: int
    at: Instant
    truncated: bool = False
