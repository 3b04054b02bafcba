"""One IMAP connection: commands out, responses in, all of it bounded in bytes and in time (RFC 3501).

Whatever goes wrong with the connection is `ImapLost`, and then it is of no more use.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from sinks.imap_wire import LITERAL, Garbled, Status, numbered, quoted, status_of
from sinks.smtp_answers import without_addresses

MAX_LINE = 1024 * 1024
MAX_LITERAL = 26 * 1024 * 1024
MAX_ANSWER = 32 * 1024 * 1024
"""Bytes of all responses to one command."""
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for a connection with its TLS; without a byte while an answer is due; for a whole answer."""

    connect_s: float = 30.0
    silence_s: float = 60.0
    answer_s: float = 600.0


LossReason = Literal["connect", "closed", "bye", "timeout", "garbled", "busy"]


class ImapLost(Exception):
    """There is no connection, or none any more: try again soon. The message names no address."""

    def __init__(self, reason: LossReason, detail: str = "") -> None:
        super().__init__(without_addresses(detail) or reason)
        self.reason: LossReason = reason


class ImapFailed(Exception):
    """A command was answered NO or BAD; the connection goes on."""

    def __init__(self, command: str, status: Status) -> None:
        super().__init__(f"{command}: {without_addresses(status.said)}")
        self.command = command
        self.status = status


@dataclass(frozen=True, slots=True)
class Text:
    """An argument that stands quoted, or in a literal where it cannot."""

    value: bytes


Argument = str | Text


@dataclass(frozen=True, slots=True)
class Response:
    """`tag` is `*`, `+` or a command's; the pieces are what follows it (`sinks/imap_wire.py`)."""

    tag: str
    pieces: list[bytes]

    @property
    def status(self) -> Status | None:
        """The status it states."""
        return status_of(self.pieces[0])


@asynccontextmanager
async def losing(what: str) -> AsyncGenerator[None]:
    """Faults of the connection come out as ImapLost."""
    try:
        yield
    except TimeoutError as error:
        raise ImapLost("timeout", f"{what} took too long") from error
    except asyncio.IncompleteReadError as error:
        raise ImapLost("closed", f"the server hung up during {what}") from error
    except asyncio.LimitOverrunError as error:
        raise ImapLost("garbled", f"{what}: a line of more than {MAX_LINE} bytes") from error
    except Garbled as error:
        raise ImapLost("garbled", f"{what}: {error}") from error
    except (OSError, ssl.SSLError) as error:
        raise ImapLost("closed", f"{what}: {error}") from error


class ImapStream:
    """`news` is set when the server has announced mail since somebody last cleared it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, timeouts: Timeouts) -> None:
        self._reader = reader
        self._writer = writer
        self._timeouts = timeouts
        self._in_clear: asyncio.StreamWriter | None = None
        self._commands = 0
        self._read = 0
        self._is_idle = False
        self.literal_plus = False
        self.news = False

    # -- commands

    async def command(self, name: str, *arguments: Argument) -> tuple[Status, list[Response]]:
        """Send it; its status and the responses before it. Raises ImapLost; a NO or BAD is the caller's to judge."""
        async with losing(name), asyncio.timeout(self._timeouts.answer_s):
            tag, refused = await self._send(name, arguments)
            untagged: list[Response] = []
            if refused is not None:
                return refused, untagged
            while True:
                response = await self._next()
                if response.tag == tag:
                    return _stated(response), untagged
                untagged.append(response)

    async def done(self, name: str, *arguments: Argument) -> list[Response]:
        """`command`, where anything but OK raises ImapFailed."""
        status, untagged = await self.command(name, *arguments)
        if status.kind != "OK":
            raise ImapFailed(name, status)
        return untagged

    async def exchange(self, name: str, first: bytes, answers: Sequence[bytes]) -> Status:
        """A command in which the server asks: each `+` gets the next answer, and an empty one after the last."""
        async with losing(name), asyncio.timeout(self._timeouts.answer_s):
            tag = self._tag()
            self._writer.write(tag.encode() + b" " + name.encode() + (b" " + first if first else b"") + b"\r\n")
            waiting = list(answers)
            while True:
                response = await self._next()
                if response.tag == tag:
                    return _stated(response)
                if response.tag == "+":
                    self._writer.write((waiting.pop(0) if waiting else b"") + b"\r\n")

    async def idle(self, seconds: float) -> bool:
        """IDLE (RFC 2177) until there is news, the server ends it, or `seconds` have passed. False: the server would not.

        An announcement may come before the server says that it idles, and other responses at any time.
        """
        tag = self._tag()
        async with losing("IDLE"):
            self._writer.write(f"{tag} IDLE\r\n".encode())
            async with asyncio.timeout(self._timeouts.answer_s):
                while (response := await self._next()).tag != "+":
                    if response.tag == tag:
                        _stated(response)
                        return False
            self._is_idle = True
            until = asyncio.get_running_loop().time() + seconds
            while not self.news:
                try:
                    async with asyncio.timeout_at(until):
                        line = await self._line()
                except TimeoutError:
                    break
                async with asyncio.timeout(self._timeouts.answer_s):
                    response = await self._whole(line)
                if response.tag == tag:
                    self._is_idle = False
                    return _stated(response).kind == "OK"
        async with losing("DONE"), asyncio.timeout(self._timeouts.silence_s):
            self._end_idle()
            while (response := await self._next()).tag != tag:
                pass
            return _stated(response).kind == "OK"

    def _end_idle(self) -> None:
        self._is_idle = False
        self._writer.write(b"DONE\r\n")

    def _tag(self) -> str:
        self._commands += 1
        self._read = 0
        return f"t{self._commands}"

    async def _send(self, name: str, arguments: Sequence[Argument]) -> tuple[str, Status | None]:
        """The command's tag, and the status where the server did not want a literal of it."""
        tag = self._tag()
        out = bytearray(f"{tag} {name}".encode())
        for argument in arguments:
            out += b" "
            if isinstance(argument, str):
                out += argument.encode("ascii")
                continue
            short = quoted(argument.value)
            if short is not None:
                out += short
                continue
            out += f"{{{len(argument.value)}{'+' if self.literal_plus else ''}}}\r\n".encode()
            if not self.literal_plus:
                self._writer.write(bytes(out))
                out.clear()
                while (response := await self._next()).tag != "+":
                    if response.tag == tag:
                        return tag, _stated(response)
            out += argument.value
        self._writer.write(bytes(out) + b"\r\n")
        await self._writer.drain()
        return tag, None

    # -- responses

    async def greeting(self) -> Status:
        """How the server begins. Raises ImapLost, also where it does not want us now."""
        async with losing("the greeting"), asyncio.timeout(self._timeouts.silence_s):
            return _stated(await self._next())

    async def _next(self) -> Response:
        """The next response, which must begin within the time for silence."""
        async with asyncio.timeout(self._timeouts.silence_s):
            line = await self._line()
        return await self._whole(line)

    async def _line(self) -> bytes:
        """A line without its end. Cancelling loses nothing: it is taken whole or not at all."""
        line = await self._reader.readuntil(b"\n")
        self._count(len(line))
        return line.rstrip(b"\r\n")

    async def _whole(self, line: bytes) -> Response:
        tag, _, rest = line.partition(b" ")
        pieces = [rest]
        if tag != b"+" and (status_of(rest) is None):
            while (found := LITERAL.search(pieces[-1])) is not None:
                pieces.append(await self._literal(int(found[1])))
                async with asyncio.timeout(self._timeouts.silence_s):
                    pieces.append(await self._line())
        response = Response(tag.decode("ascii", "replace"), pieces)
        if response.tag == "*":
            self._note(response)
        return response

    async def _literal(self, size: int) -> bytes:
        if size > MAX_LITERAL:
            raise Garbled(f"a literal of {size} bytes")
        self._count(size)
        body = bytearray()
        while len(body) < size:
            async with asyncio.timeout(self._timeouts.silence_s):
                body += await self._reader.readexactly(min(CHUNK, size - len(body)))
        return bytes(body)

    def _count(self, size: int) -> None:
        self._read += size
        if self._read > MAX_ANSWER:
            raise Garbled(f"more than {MAX_ANSWER} bytes in one answer")

    def _note(self, response: Response) -> None:
        status = response.status
        if status is not None and status.kind == "BYE":
            raise ImapLost("bye", status.said)
        told = numbered(response.pieces[0])
        if told is not None and told[1] == "EXISTS":
            self.news = True

    # -- its end, and TLS

    async def to_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on in TLS. What the server, or somebody between, said in clear after its OK is thrown away."""
        loop = asyncio.get_running_loop()
        async with losing("TLS"):
            reader = asyncio.StreamReader(limit=MAX_LINE)
            protocol = asyncio.StreamReaderProtocol(reader)
            transport = await loop.start_tls(
                self._writer.transport,
                protocol,
                context,
                server_hostname=host,
                ssl_handshake_timeout=self._timeouts.connect_s,
            )
            assert transport is not None
            reader.set_transport(transport)
            self._in_clear = self._writer  # kept: a writer that is collected closes the connection beneath this one
            self._reader, self._writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def log_out(self) -> None:
        """Say goodbye, for a second at most, and hang up."""
        with suppress(ImapLost, TimeoutError):
            async with asyncio.timeout(1.0):
                if self._is_idle:
                    self._end_idle()
                await self.command("LOGOUT")
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


def _stated(response: Response) -> Status:
    status = response.status
    if status is None:
        raise Garbled("an answer without a status")
    return status
