"""How a mailbox fares: told in Postgres, in metrics and in the log; how long it rests after a fault."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime

import structlog

from agents import inbox_metrics as metrics
from agents.inbox_ports import Tools
from domain.inbox import pause_s, rest_s
from domain.senders import Imap
from sinks.imap import ImapRefused
from sinks.postgres.connect import retrying
from sinks.smtp_connect import SecretError, read_secret

log = structlog.get_logger("touchline.inbox")


class Fares:
    """Of one mailbox. What Postgres is to hear waits while it is away."""

    def __init__(self, account: str, mailbox_id: str, imap: Imap, tools: Tools) -> None:
        self._account = account
        self._mailbox = mailbox_id
        self._imap = imap
        self._tools = tools
        self._lost = 0
        self._refused = 0

    async def abreast(self, unmarked: str | None) -> datetime:
        """Everything is read; when. `unmarked`: why processed mail could not be marked."""
        self._lost = self._refused = 0
        read_at = self._tools.clock.wall()
        metrics.WATCHED.labels(self._mailbox).set(1)
        metrics.READ_AT.labels(self._mailbox).set(read_at.timestamp())
        await self.say("watching", why="unmarked" if unmarked else None, detail=unmarked, all_read=True)
        return read_at

    async def away(self, why: str, detail: str) -> None:
        """The connection is gone: wait, longer each time, and try again."""
        self._lost += 1
        seconds = pause_s(self._lost, random.random())
        metrics.LOST.labels(self._mailbox, why).inc()
        metrics.WATCHED.labels(self._mailbox).set(0)
        log.warning("inbox_away", mailbox=self._mailbox, why=why, detail=detail, again_in_s=round(seconds, 1))
        await self.say("away", why=why, detail=detail, retry_s=seconds)
        await asyncio.sleep(seconds)

    async def rest(self, error: ImapRefused) -> None:
        """A person has to mend it: tried again rarely, or as soon as another secret stands where it is read from."""
        self._refused += 1
        seconds = rest_s(self._refused)
        metrics.REFUSED.labels(self._mailbox, error.reason).inc()
        metrics.WATCHED.labels(self._mailbox).set(0)
        log.error(
            "inbox_refused", mailbox=self._mailbox, why=error.reason, detail=str(error), again_in_s=round(seconds)
        )
        await self.say("refused", why=error.reason, detail=str(error), retry_s=seconds)
        refused = await asyncio.to_thread(self._secret)
        until = asyncio.get_running_loop().time() + seconds
        while (left := until - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(left, self._tools.pace.secret_s))
            if await asyncio.to_thread(self._secret) != refused:
                return

    def _secret(self) -> str | None:
        try:
            return read_secret(self._imap.password_ref or self._imap.token_ref or "")
        except SecretError:
            return None

    async def say(
        self,
        state: str,
        *,
        why: str | None = None,
        detail: str | None = None,
        retry_s: float | None = None,
        all_read: bool = False,
    ) -> None:
        """Tell the operator (`touchline inbox status`)."""
        await retrying(
            "inbox",
            lambda: self._tools.store.note(
                self._account, state, why=why, detail=detail, retry_s=retry_s, all_read=all_read
            ),
        )
