"""The SMTP dialogue on an open connection: commands out, replies in (RFC 5321, RFC 2920).

aiosmtplib connects, negotiates TLS and logs in; then this protocol takes the transport over. Where the server offers
PIPELINING, the three commands of an envelope leave in one segment, which is what a kept connection spends its time on.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import NamedTuple

MAX_REPLY_BYTES = 32_768
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?!\S)")


class Reply(NamedTuple):
    """A server's answer: the three-digit code, and its lines joined by newlines."""

    code: int
    text: str

    @property
    def enhanced(self) -> str | None:
        """The enhanced status code (RFC 3463) in front of the text."""
        match = _ENHANCED.match(self.text)
        return match[0] if match else None


class DroppedError(ConnectionError):
    """The connection ended, or what came was no SMTP, before the reply."""


class Dialogue(asyncio.Protocol):
    """Replies in the order of the commands. Not for two callers at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._buffer = b""
        self._lines: list[str] = []
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._ended: DroppedError | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._rings_at = 0.0
        self._loop = asyncio.get_running_loop()
        transport.set_protocol(self)

    @property
    def is_quiet(self) -> bool:
        """Whether the connection stands and the server has said nothing unasked (such as a 421 before it hangs up)."""
        return self._ended is None and not self._replies and not self._buffer and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send; raises DroppedError where nothing can leave any more."""
        if self._ended is not None:
            raise self._ended
        self._transport.write(data)

    async def reply(self, timeout_s: float) -> Reply:
        """The next reply. Raises DroppedError, or TimeoutError after `timeout_s`."""
        if not self._replies:
            if self._ended is not None:
                raise self._ended
            waiter = self._waiter = self._loop.create_future()
            self._expect(timeout_s)
            try:
                await waiter
            finally:
                self._waiter = None
        return self._replies.popleft()

    def close(self, farewell: bytes = b"") -> None:
        """End the connection, after a last word if there is one."""
        if farewell and self._ended is None:
            self._transport.write(farewell)
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once: what has not left yet never does."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for ended in lines:
            line = ended.rstrip(b"\r")
            if not line[:3].isdigit() or line[3:4] not in {b" ", b"-", b""}:
                self._end("the server did not answer in SMTP")
                return
            self._lines.append(line[4:].decode("utf-8", "replace"))
            if line[3:4] != b"-":
                self._replies.append(Reply(int(line[:3]), "\n".join(self._lines)))
                self._lines = []
                self._wake(None)
        if len(self._buffer) + sum(map(len, self._lines)) > MAX_REPLY_BYTES:
            self._end("the server's answer is too long")

    def _expect(self, timeout_s: float) -> None:
        """A reply is due. One timer serves a whole dialogue: it goes off when the first reply would have been late, and looks."""
        self._due = self._loop.time() + timeout_s
        if self._timer is not None and self._rings_at > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._ring()

    def _ring(self) -> None:
        # uvloop counts in milliseconds, and for less than half of one it gives a handle that knows no instant
        self._rings_at = max(self._due, self._loop.time() + 0.001)
        self._timer = self._loop.call_at(self._rings_at, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._due:
            self._ring()
        else:
            self._wake(TimeoutError("no reply in time"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._ended is None:
            self._ended = DroppedError(f"connection lost: {exc}" if exc else "the server closed the connection")
        self._wake(self._ended)

    def _end(self, reason: str) -> None:
        self._ended = DroppedError(reason)
        self._transport.abort()
        self._wake(self._ended)

    def _wake(self, error: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            if error is None:
                self._waiter.set_result(None)
            else:
                self._waiter.set_exception(error)
