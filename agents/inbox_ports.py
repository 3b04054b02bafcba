"""What the inbox role works with: where positions stand, the broker, the servers, the pace."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from domain.inbox import Position
from domain.senders import Imap
from schemas.replies import InboundMail
from sinks.imap import ImapSession
from sinks.postgres.inboxes import Stuck
from streams.clock import ClockLike


class Store(Protocol):
    """Where positions stand (sinks/postgres/inboxes.py)."""

    async def begin(self, account: str, position: Position, /) -> bool: ...
    async def advance(self, account: str, position: Position, taken: int, /) -> None: ...
    async def note(
        self,
        account: str,
        state: str,
        *,
        why: str | None = None,
        detail: str | None = None,
        retry_s: float | None = None,
        all_read: bool = False,
    ) -> None: ...
    async def set_aside(
        self, account: str, uid_validity: int, stuck: Stuck, detail: str, again_in: timedelta, /
    ) -> None: ...
    async def stuck(self, account: str, uid_validity: int, /) -> list[Stuck]: ...
    async def unstuck(self, account: str, uid_validity: int, uid: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Pace:
    """Wall seconds: IDLE is issued anew, with a search in between, soon after something came and then ever later, for servers
    announce nothing that came between a search and IDLE; always long before the server's half hour (RFC 2177) and before
    routers forget the connection. Servers without it are asked. A secret that was refused may have been replaced."""

    first_idle_s: float = 5.0
    idle_s: float = 270.0
    poll_s: float = 30.0
    secret_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What all readers of a process share. `publish` returns when the broker has acknowledged the mails; `is_real_time`:
    campaign time is the wall's, so that a mail's date is an instant of it."""

    store: Store
    publish: Callable[[Sequence[InboundMail]], Awaitable[None]]
    open: Callable[[Imap], Awaitable[ImapSession]]
    clock: ClockLike
    is_real_time: bool = True
    pace: Pace = Pace()
    small: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(32))
    large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """How many slices, and how many large mails, are in memory at a time."""
