"""What every mailbox's loop works with, built once for the role."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agents.sending.book import Book
from agents.sending.hands import Hands
from agents.sending.letters import Letters
from agents.sending.teller import Teller
from domain.campaign import Sender
from sinks.ports import LedgerPort, StopPort
from sinks.smtp_answers import Delivery
from streams.clock import ClockLike


class Courier(Protocol):
    """A sender's way out: `sinks.smtp.MailboxSmtp`, or for texts `sinks.sms.SmsProvider`."""

    @property
    def limit(self) -> int: ...

    async def send(self, envelope_from: str, rcpt: str, data: bytes, check: Callable[[], None]) -> Delivery: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What every desk works with."""

    ledger: LedgerPort
    stops: StopPort
    book: Book
    letters: Letters
    hands: Hands
    teller: Teller
    clock: ClockLike
    check: Callable[[], None]
    """Raises NotAlive when this worker may not write or mail now."""
    courier: Callable[[Sender], Courier]
    clock_rate: float = 1.0
    failpoint: Callable[[str], None] = lambda name: None
    gate_numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
