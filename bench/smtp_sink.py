"""An SMTP server that is never the limit: it accepts everything, keeps a count and nothing else.

python -m bench.smtp_sink --port 2599
"""

import argparse
import asyncio
import contextlib
import signal
from typing import cast

import uvloop

REPLIES: dict[bytes, bytes] = {
    b"EHLO": b"250-bench\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 50000000\r\n",
    b"HELO": b"250 bench\r\n",
    b"MAIL": b"250 2.1.0 ok\r\n",
    b"RCPT": b"250 2.1.5 ok\r\n",
    b"RSET": b"250 2.0.0 ok\r\n",
    b"NOOP": b"250 2.0.0 ok\r\n",
}
END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """One connection. Understands pipelined commands; the body ends at a lone dot."""

    accepted = 0

    def __init__(self) -> None:
        self.buffer = b""
        self.in_body = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class
        self.transport.write(b"220 bench ready\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while self._body() if self.in_body else self._command():
            pass

    def _body(self) -> bool:
        end = self.buffer.find(END)
        if end < 0:
            return False
        self.buffer = self.buffer[end + len(END) :]
        self.in_body = False
        Sink.accepted += 1
        self.transport.write(b"250 2.0.0 queued\r\n")
        return True

    def _command(self) -> bool:
        line, newline, rest = self.buffer.partition(b"\r\n")
        if not newline:
            return False
        self.buffer = rest
        verb = line[:4].upper()
        if verb == b"DATA":
            self.in_body = True
            self.transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(REPLIES.get(verb, b"500 what\r\n"))
        return True


async def serve(port: int, ready: asyncio.Event | None = None) -> None:
    """Serve on loopback until cancelled or told to stop by a signal."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    if ready is not None:
        ready.set()
    async with server:
        await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
