"""An SMTP server whose every answer a test can script, byte for byte, drops and silence included."""

import asyncio
from base64 import b64decode
from collections import defaultdict, deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from domain.campaign import Mailbox, Smtp

DROP = "drop"
HANG = "hang"
STAGES = ("greeting", "ehlo", "mail", "rcpt", "data", "body", "rset", "quit")
ANSWERS = {
    "greeting": "220 scripted ESMTP",
    "mail": "250 2.1.0 sender fine",
    "rcpt": "250 2.1.5 recipient fine",
    "data": "354 go on",
    "body": "250 2.0.0 accepted",
    "rset": "250 2.0.0 reset",
    "quit": "221 2.0.0 bye",
}


class ScriptedSmtp:
    """`answer("rcpt", "550 5.1.1 no")` answers the next RCPT so; `DROP` hangs up there, `HANG` falls silent."""

    def __init__(self, *, pipelining: bool = True, max_connections: int = 1000) -> None:
        self.pipelining = pipelining
        self.max_connections = max_connections
        self.script: dict[str, deque[str]] = defaultdict(deque)
        self.accepted: list[bytes] = []
        self.envelopes: list[tuple[str, str]] = []
        self.commands: list[str] = []
        self.body_bytes = 0
        self.connections = 0
        self.most_open = 0
        self.sessions: set[_Session] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    def answer(self, stage: str, *answers: str) -> None:
        """Use these answers, one after the other, at a stage."""
        assert stage in STAGES
        self.script[stage].extend(answers)

    def drop_all(self) -> None:
        """Hang up on everybody."""
        for session in list(self.sessions):
            session.transport.abort()

    def tokens(self) -> list[str]:
        """What was given with AUTH XOAUTH2, decoded."""
        return [b64decode(line.split()[2]).decode() for line in self.commands if line.startswith("AUTH XOAUTH2")]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Session(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.drop_all()
        await asyncio.sleep(0)


class _Session(asyncio.Protocol):
    def __init__(self, server: ScriptedSmtp) -> None:
        self.server = server
        self.buffer = b""
        self.in_body = False
        self.is_mute = False
        self.mail_from = ""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections += 1
        self.server.sessions.add(self)
        self.server.most_open = max(self.server.most_open, len(self.server.sessions))
        if len(self.server.sessions) > self.server.max_connections:
            transport.write(b"421 4.7.0 too many connections\r\n")
            transport.close()
        else:
            self.say("greeting")

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.sessions.discard(self)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.in_body:
            self.server.body_bytes += len(data)
        while not self.transport.is_closing():
            if self.in_body:
                if not self._body():
                    return
            elif b"\r\n" in self.buffer:
                line, _, self.buffer = self.buffer.partition(b"\r\n")
                self._command(line.decode())
            else:
                return

    def _body(self) -> bool:
        if self.server.script["body"] and self.server.script["body"][0] == DROP:
            self.say("body")
            return False
        end = self.buffer.find(b"\r\n.\r\n")
        if end < 0:
            return False
        message, self.buffer = self.buffer[: end + 2], self.buffer[end + 5 :]
        self.in_body = False
        if self.say("body").startswith("2"):
            self.server.accepted.append(message.replace(b"\r\n..", b"\r\n."))
        return True

    def _command(self, line: str) -> None:
        self.server.commands.append(line)
        verb = line.split(maxsplit=1)[0].upper() if line else ""
        if verb in {"EHLO", "HELO"}:
            offers: Iterable[str] = ["scripted", *(["PIPELINING"] if self.server.pipelining else []), "8BITMIME"]
            lines = [f"250-{offer}" for offer in offers]
            self.say("ehlo", "\r\n".join([*lines[:-1], lines[-1].replace("250-", "250 ")]))
        elif verb == "MAIL":
            self.mail_from = line
            self.say("mail")
        elif verb == "RCPT":
            self.server.envelopes.append((self.mail_from, line))
            self.say("rcpt")
        elif verb == "DATA":
            self.in_body = self.say("data").startswith("354")
            self.server.body_bytes += len(self.buffer) if self.in_body else 0
        elif verb == "AUTH":
            self.transport.write(b"235 2.7.0 welcome\r\n")
        elif verb == "RSET":
            self.say("rset")
        elif verb == "QUIT":
            self.say("quit")
            self.transport.close()
        else:
            self.transport.write(b"502 5.5.1 what?\r\n")

    def say(self, stage: str, usual: str | None = None) -> str:
        scripted = self.server.script[stage]
        answer = scripted.popleft() if scripted else (usual or ANSWERS[stage])
        if answer == DROP:
            self.transport.abort()
        elif answer == HANG:
            self.is_mute = True
        elif not self.is_mute:
            self.transport.write(answer.encode() + b"\r\n")
            if answer.startswith("421"):
                self.transport.close()
        return answer


def mailbox_at(port: int, **smtp: object) -> Mailbox:
    """A mailbox that submits to a port of this machine."""
    facts = {"security": "none", "username": None, "auth": "login", "password_ref": None} | smtp
    server = Smtp(host="127.0.0.1", port=port, **facts)  # type: ignore[arg-type]
    return Mailbox("anna", 1, "main", "Anna", "anna@sender.example", "Storgatan 1", server)
