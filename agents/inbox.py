"""inbox: the reply mailboxes that are read by IMAP (docs/behaviour.md 7.1).

Reads `definitions`. Writes `inbound-replies`. Owns the tables `inboxes` and `inbox_stuck` in Postgres. It is no consumer group:
each mailbox is read by one worker at a time, which holds a claim in Postgres; two at once would only mean repeats.

What happens when an answer arrives in a mailbox: `agents/inbox_reader.py` fetches it, puts it on the broker, and then moves the
mailbox's position. From there on it goes the way of every reply (`agents/replies.py`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from agents.inbox_ports import Store, Tools
from agents.inbox_reader import Reader
from agents.repeating import repeat
from domain.compile import compile_definition
from domain.documents import InvalidDefinitions
from domain.inbox import account_of
from domain.senders import Imap, Mailbox
from schemas.definitions import Definition
from sinks.postgres.inboxes import Claimed
from streams.errors import is_infrastructure

log = structlog.get_logger("touchline.inbox")

ROLE = "inbox"
HELD_S = 30.0
"""Wall seconds after which the mailboxes of a worker that was killed are read by another."""
RENEW_S = 10.0
LOOK_S = 5.0
DRAIN_S = 5.0
SKEW = timedelta(minutes=5)
"""How far a mail server's clock may be behind when mail counts as new."""


class Claims(Store, Protocol):
    """The store, with its claims (sinks/postgres/inboxes.py)."""

    async def claim(
        self, account: str, mailboxes: Sequence[str], since: datetime, seconds: float, /
    ) -> Claimed | None: ...
    async def renew(self, accounts: Sequence[str], seconds: float, /) -> set[str]: ...
    async def let_go(self, accounts: Sequence[str], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mailbox on a server, and the definitions that name it; the first of them, by id, says how it is read."""

    account: str
    mailboxes: tuple[str, ...]
    imap: Imap
    since: datetime


class Inbox:
    """Follows the broadcast: register `learn` with `Definitions.on_change`. `store` is also the tools' store."""

    def __init__(self, store: Claims, tools: Tools) -> None:
        self._store = store
        self._tools = tools
        self._mailboxes: dict[str, tuple[Mailbox, datetime]] = {}
        self._readers: dict[str, tuple[Wanted, asyncio.Task[None]]] = {}
        self._woken = asyncio.Event()
        self._renewed = 0.0

    def learn(self, key: tuple[str, str], definition: Definition | None) -> None:
        """A definition has changed; None: it was deleted. One that does not compile leaves the last good one in force."""
        kind, name = key
        if kind != "mailbox":
            return
        if definition is None:
            self._mailboxes.pop(name, None)
        else:
            try:
                compiled = compile_definition(definition)
            except InvalidDefinitions as error:
                log.error("definition_skipped", kind=kind, id=name, revision=definition.revision, error=str(error))
                return
            if isinstance(compiled, Mailbox):
                self._mailboxes[name] = (compiled, definition.at)
        self._woken.set()

    def wanted(self) -> dict[str, Wanted]:
        """The mailboxes to read, by account."""
        found: dict[str, Wanted] = {}
        for name, (mailbox, at) in sorted(self._mailboxes.items()):
            imap = mailbox.imap
            if imap is None:
                continue
            account = account_of(imap)
            first = found.get(account)
            if first is not None:
                found[account] = Wanted(account, (*first.mailboxes, name), first.imap, first.since)
            else:
                applied = at if self._tools.is_real_time else self._tools.clock.wall()
                found[account] = Wanted(account, (name,), imap, imap.since or applied - SKEW)
        return found

    @property
    def reading(self) -> frozenset[str]:
        """The accounts that this worker reads now."""
        return frozenset(self._readers)

    async def run(self) -> None:
        """Read what may be read until it is cancelled; then let go of everything."""
        try:
            await repeat(self._look, self._woken, LOOK_S, "inbox")
        finally:
            await self._stop(list(self._readers))

    async def _look(self) -> bool:
        """Claim what nobody reads, give up what is not wanted any more or not ours. There is never more to do at once."""
        wanted = self.wanted()
        await self._stop(
            [account for account, (reads, task) in self._readers.items() if self._is_over(reads, task, wanted)]
        )
        await self._renew()
        for account, one in wanted.items():
            if account in self._readers:
                continue
            claimed = await self._store.claim(account, one.mailboxes, one.since, HELD_S)
            if claimed is not None:
                reader = Reader(account, one.mailboxes[0], one.imap, claimed, self._tools)
                task = asyncio.create_task(reader.run(), name=f"inbox {one.mailboxes[0]}")
                self._readers[account] = one, task
        return False

    @staticmethod
    def _is_over(reads: Wanted, task: asyncio.Task[None], wanted: dict[str, Wanted]) -> bool:
        now = wanted.get(reads.account)
        return task.done() or now is None or (now.mailboxes, now.imap) != (reads.mailboxes, reads.imap)

    async def _renew(self) -> None:
        if self._readers and time.monotonic() - self._renewed >= RENEW_S:
            still = await self._store.renew(list(self._readers), HELD_S)
            self._renewed = time.monotonic()
            await self._end([account for account in self._readers if account not in still])

    async def _stop(self, accounts: Sequence[str]) -> None:
        """Read these no more, and let others."""
        if not accounts:
            return
        await self._end(accounts)
        try:
            async with asyncio.timeout(DRAIN_S):
                await self._store.let_go(accounts)
        except Exception as error:
            if not is_infrastructure(error):
                raise
            log.info("claims_lapse_by_themselves", error=type(error).__name__)

    async def _end(self, accounts: Sequence[str]) -> None:
        tasks = [self._readers.pop(account)[1] for account in accounts]
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                log.error("inbox_reader_ended", exc_info=result)
