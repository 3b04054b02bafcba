"""Sending finished messages through one mailbox's server, over kept connections (docs/behaviour.md 4.1, 4.3).

Every failure is told by how far the attempt came. Before the message's first octet has left, nothing can have been
delivered: the touch is deferred and may be tried again. From then until the server's last word, a lost connection
leaves it unknowable: ambiguous. A server's last word is believed.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from domain.campaign import Mailbox
from domain.ids import email_domain
from domain.replies.bounces import POLICY_DOMAINS
from sinks.smtp_answers import UNTIL_RESUMED, Delivery, MailboxPause, PauseReason, judge, without_addresses
from sinks.smtp_connect import ConnectError, Timeouts, connect
from sinks.smtp_connection import Answer, Connection

FIRST_PAUSE_S = 300.0
LONGEST_PAUSE_S = 3600.0
POLICY_WINDOW_S = 3600.0
LOWERED_FOR_S = 600.0
"""How long fewer connections are used after a server refused one more."""

_ENVELOPE = re.compile(rb"[!-;=?-~]{1,320}")


class MailboxSmtp:
    """A mailbox's way out: up to `max_connections` kept connections, used by as many `send` calls at a time.

    A server that refuses a further connection lowers how many are used for ten minutes. `now` gives seconds that only
    move forward: the pauses double, and refusals by policy are counted, in its time.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        *,
        max_connections: int = 20,
        max_uses: int = 100,
        idle_s: float = 60.0,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mailbox = mailbox
        self._max_connections = max_connections
        self._max_uses = max_uses
        self._idle_s = idle_s
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._now = now
        self._limit = max_connections
        self._lowered_at = 0.0
        self._idle: list[Connection] = []
        self._open = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._pauses = 0
        self._paused_until = float("-inf")
        self._policy: dict[str, float] = {}

    @property
    def limit(self) -> int:
        """How many messages can be in the air at a time now."""
        return self._limit

    async def send(self, envelope_from: str, rcpt: str, data: bytes, check: Callable[[], None]) -> Delivery:
        """Send one finished message (CRLF lines) to one recipient, and tell what became of it.

        `check` may raise to forbid it: nothing is delivered then, the connection is dropped and the error goes through.
        A cancelled call drops its connection; cancelled after its first octet left, the message is ambiguous.
        """
        mail_from, to = envelope_from.encode("utf-8", "replace"), rcpt.encode("utf-8", "replace")
        if not _ENVELOPE.fullmatch(mail_from) or not _ENVELOPE.fullmatch(to):
            return Delivery("failed", "mail", detail="invalid_address")
        message = _stuffed(data)
        while True:
            try:
                connection = await self._acquire()
            except ConnectError as error:
                return self._told(error.delivery, rcpt)
            was_used = connection.uses > 0
            try:
                answer = await connection.deliver(mail_from, to, message, check)
            except BaseException:
                self._discard(connection, abort=True)
                raise
            if answer.reply is None:
                self._discard(connection, abort=True)
                if was_used and answer.phase != "body":
                    continue  # the server gave up a kept connection; nothing was begun, so take a new one
            else:
                self._release(connection)
            return self._told(_delivery(answer), rcpt)

    async def aclose(self) -> None:
        """Say goodbye on every idle connection; those in use end when their message is done."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        while self._idle:
            self._discard(self._idle.pop())
        await asyncio.sleep(0)

    # --- connections --------------------------------------------------------------------------------------------------
    async def _acquire(self) -> Connection:
        while True:
            if self._closed:
                raise ConnectError(Delivery("deferred", "connect", detail="the mailbox's connections are being closed"))
            while self._idle:
                connection = self._idle.pop()
                if connection.dialogue.is_quiet:
                    return connection
                self._discard(connection)
            if self._limit < self._max_connections and time.monotonic() - self._lowered_at > LOWERED_FOR_S:
                self._limit = self._max_connections
            if self._open < self._limit:
                try:
                    return await self._connected()
                except ConnectError as error:
                    if self._open == 0:
                        self._limit = self._max_connections  # it refuses them all: that says nothing about how many
                    if not error.is_refusal or self._open == 0:
                        raise
                    self._limit, self._lowered_at = self._open, time.monotonic()
            else:
                await self._turn()

    async def _connected(self) -> Connection:
        self._open += 1
        try:
            hello = email_domain(self.mailbox.from_email)
            dialogue, pipelining = await connect(self.mailbox.smtp, hello, self._timeouts, self._tls)
        except BaseException:
            self._open -= 1
            self._wake()
            raise
        return Connection(dialogue, self._timeouts, pipelining=pipelining)

    async def _turn(self) -> None:
        """Wait until a connection may be free. Raises CancelledError after passing its turn on."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake()
            raise

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _release(self, connection: Connection) -> None:
        if self._closed or connection.uses >= self._max_uses or not connection.dialogue.is_quiet:
            self._discard(connection)
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        self._wake()
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self._idle_s, self._sweep)

    def _discard(self, connection: Connection, *, abort: bool = False) -> None:
        self._open -= 1
        if abort:
            connection.dialogue.abort()
        else:
            connection.dialogue.close(b"QUIT\r\n")
        self._wake()

    def _sweep(self) -> None:
        """Close what has stood idle for too long. The most recently used are taken first, so the others age."""
        self._sweeper = None
        before = time.monotonic() - self._idle_s
        for connection in [connection for connection in self._idle if connection.idle_since <= before]:
            self._idle.remove(connection)
            self._discard(connection)
        if self._idle:
            self._sweeper = asyncio.get_running_loop().call_later(self._idle_s, self._sweep)

    # --- pauses -------------------------------------------------------------------------------------------------------
    def _told(self, delivery: Delivery, rcpt: str) -> Delivery:
        """The delivery with the pause that it means for the mailbox."""
        if delivery.outcome == "sent":
            self._pauses = 0
            return delivery
        if delivery.bounce == "policy" and self._refused_by_policy(email_domain(rcpt)):
            return replace(delivery, pause=self._pause("policy", delivery.detail))
        if delivery.pause is not None:
            return replace(delivery, pause=self._pause(delivery.pause.reason, delivery.pause.detail))
        return delivery

    def _pause(self, reason: PauseReason, detail: str) -> MailboxPause:
        """Until resumed, or 5 minutes that double up to an hour. Answers that come within one pause count once."""
        if reason in UNTIL_RESUMED:
            return MailboxPause(reason, None, detail)
        now = self._now()
        if now >= self._paused_until:
            self._paused_until = now + min(FIRST_PAUSE_S * 2**self._pauses, LONGEST_PAUSE_S)
            self._pauses = min(self._pauses + 1, 10)
        return MailboxPause(reason, self._paused_until - now, detail)

    def _refused_by_policy(self, domain: str) -> bool:
        """Whether, with this one, enough recipient domains refused the mailbox within the hour."""
        now = self._now()
        self._policy = {name: at for name, at in self._policy.items() if now - at < POLICY_WINDOW_S} | {domain: now}
        return len(self._policy) >= POLICY_DOMAINS


def _delivery(answer: Answer) -> Delivery:
    if answer.reply is None:
        outcome = "ambiguous" if answer.phase == "body" else "deferred"
        return Delivery(outcome, answer.phase, detail=without_addresses(answer.fault))
    reply = answer.reply
    judgement = judge(answer.phase, reply)
    detail = without_addresses(reply.text)
    pause = MailboxPause(judgement.pause, None, detail) if judgement.pause else None
    return Delivery(judgement.outcome, answer.phase, reply.code, reply.enhanced, detail, pause)


def _stuffed(data: bytes) -> bytes:
    """As on the wire: a line that begins with a dot gets another, a lone dot ends the message (RFC 5321, 4.5.2)."""
    if data[:1] == b".":
        data = b"." + data
    end = b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"
    return data.replace(b"\r\n.", b"\r\n..") + end


__all__ = ["Delivery", "MailboxPause", "MailboxSmtp", "Timeouts"]
