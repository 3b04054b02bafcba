"""An IMAP server in the test's own loop: one folder in memory, and faults that can be scripted, byte for byte."""

import asyncio
import base64
import re
import ssl
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from domain.senders import Imap

DROP = "drop"
"""Hang up in place of an answer."""
HANG = "hang"
"""Say nothing more on this connection."""
SILENT = "silent"
"""Swallow this one command."""
Action = str | bytes | Callable[["Session"], Awaitable[None]]

AT = datetime(2026, 3, 2, 10, tzinfo=UTC)


def letter(number: int, text: str = "Sounds good", size: int = 0) -> bytes:
    """A mail with a Message-ID of its own."""
    head = f"Message-ID: <m{number}@corp.example>\r\nFrom: a@corp.example\r\nSubject: Re: {number}\r\n\r\n{text}\r\n"
    return head.encode() + b"x" * max(0, size - len(head))


@dataclass
class Held:
    raw: bytes
    at: datetime = AT
    flags: set[str] = field(default_factory=set[str])
    stated_size: int | None = None


class ImapServer:
    """`answer("UID FETCH", DROP)` hangs up at the next UID FETCH. An action is one of the words above, bytes that are sent in
    place of the answer (`TAG` stands for the command's tag), or a coroutine function that does what it likes.
    """

    def __init__(self, *, capabilities: str = "IMAP4rev1 IDLE SASL-IR MOVE UIDPLUS AUTH=PLAIN AUTH=XOAUTH2") -> None:
        self.capabilities = capabilities
        self.greeting = "* OK ready"
        self.secrets = {"hunter2"}
        self.uid_validity = 7
        self.uid_next = 1
        self.states_uid_next = True
        self.held: dict[int, Held] = {}
        self.folders: dict[str, list[bytes]] = {"INBOX": [], "Done": []}
        self.commands: list[str] = []
        self.script: dict[str, deque[Action]] = defaultdict(deque)
        self.always: dict[str, Action] = {}
        self.sessions: set[Session] = set()
        self.logins = 0
        self.tls: ssl.SSLContext | None = None
        self.port = 0
        self._server: asyncio.Server | None = None

    def answer(self, command: str, *actions: Action) -> None:
        """At the next times that this command comes: `UID FETCH`, or `BODY` for the fetch of mails themselves."""
        self.script[command].extend(actions)

    def add(self, raw: bytes, at: datetime = AT, *, uid: int | None = None, stated_size: int | None = None) -> int:
        """A mail comes in; everybody who idles is told."""
        uid = uid or self.uid_next
        self.uid_next = max(self.uid_next, uid + 1)
        self.held[uid] = Held(raw, at, stated_size=stated_size)
        for session in self.sessions:
            session.tell(f"* {len(self.held)} EXISTS")
        return uid

    def imap(self, **changes: object) -> Imap:
        """How it is reached."""
        known = {
            "host": "127.0.0.1", "port": self.port, "security": "none", "username": "anna@sender.example",
            "password_ref": "env:INBOX_PASSWORD", "token_ref": None,
        }  # fmt: skip
        return Imap(**{**known, **changes})  # pyright: ignore[reportArgumentType]

    def count(self, command: str) -> int:
        """How often a command that begins so has come."""
        return sum(one.startswith(command) for one in self.commands)

    @property
    def idling(self) -> bool:
        """Whether somebody waits for mail."""
        return any(session.idle_tag for session in self.sessions)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=1 << 22)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self.drop_all()
        await self._server.wait_closed()

    async def drop_all(self) -> None:
        """Hang up on everybody, and wait until all have ended."""
        ending = [session.task for session in self.sessions]
        for session in self.sessions:
            session.task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        session = Session(self, reader, writer, task)
        self.sessions.add(session)
        try:
            await session.run()
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.sessions.discard(session)
            writer.transport.abort()


class Session:
    """One connection."""

    def __init__(
        self, server: ImapServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.task = task
        self.idle_tag = ""
        self.folder: str | None = None
        self.news: list[str] = []

    def send(self, line: str | bytes) -> None:
        self.writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def tell(self, line: str) -> None:
        """Now where it idles, else with the next answer."""
        if self.folder is None:
            return
        if self.idle_tag:
            self.send(line)
        else:
            self.news.append(line)

    async def run(self) -> None:
        self.send(self.server.greeting)
        while True:
            line = await self._command()
            if line is None:
                return
            tag, _, rest = line.partition(" ")
            self.server.commands.append(rest)
            if not await self._scripted(tag, rest):
                await self._obey(tag, rest)
            await self.writer.drain()

    async def _command(self) -> str | None:
        line = b""
        while True:
            part = await self.reader.readline()
            if not part:
                return None
            line += part.rstrip(b"\r\n")
            found = re.search(rb"\{(\d+)(\+?)\}$", line)
            if found is None:
                return line.decode("utf-8", "surrogateescape")
            if not found[2]:
                self.send("+ go on")
            literal = await self.reader.readexactly(int(found[1]))
            escaped = literal.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
            line = line[: found.start()] + b'"' + escaped + b'"'

    async def _scripted(self, tag: str, rest: str) -> bool:
        for name in self._names(rest):
            action = self.server.script[name].popleft() if self.server.script[name] else self.server.always.get(name)
            if action is None:
                continue
            if action == DROP:
                raise ConnectionResetError
            if action == HANG:
                await asyncio.Event().wait()
            elif isinstance(action, bytes):
                self.writer.write(action.replace(b"TAG", tag.encode()))
            elif callable(action):
                await action(self)
                return False
            return True
        return False

    @staticmethod
    def _names(rest: str) -> list[str]:
        words = rest.upper().split()
        name = " ".join(words[:2]) if words[0] == "UID" else words[0]
        return ["BODY", name] if "BODY.PEEK" in rest else [name]

    async def _obey(self, tag: str, rest: str) -> None:
        words = rest.split(" ")
        name = words[0].upper() if words[0].upper() != "UID" else f"UID_{words[1].upper()}"
        method = getattr(self, "_" + name.lower(), None)
        if method is None:
            self.send(f"{tag} BAD unknown")
            return
        answer = await method(tag, rest)
        news, self.news = self.news, []
        for line in news:
            self.send(line)
        if answer:
            self.send(f"{tag} {answer}")

    # -- before a folder is open

    async def _capability(self, tag: str, rest: str) -> str:
        self.send(f"* CAPABILITY {self.server.capabilities}")
        return "OK done"

    async def _starttls(self, tag: str, rest: str) -> str:
        if self.server.tls is None:
            return "BAD no"
        self.send(f"{tag} OK begin")
        await self.writer.drain()
        await self.writer.start_tls(self.server.tls)
        return ""

    def _logged_in(self, secret: str) -> str:
        if secret not in self.server.secrets:
            return "NO [AUTHENTICATIONFAILED] anna@sender.example: wrong"
        self.server.logins += 1
        return "OK in"

    async def _login(self, tag: str, rest: str) -> str:
        given = re.search(r'"((?:[^"\\]|\\.)*)"$', rest)
        assert given is not None
        secret = re.sub(r"\\(.)", r"\1", given[1]).encode("utf-8", "surrogateescape").decode()
        return self._logged_in(secret)

    async def _authenticate(self, tag: str, rest: str) -> str:
        words = rest.split(" ")
        if len(words) < 3:
            self.send("+ ")
            words.append((await self.reader.readline()).decode().strip())
        told = base64.b64decode(words[2]).decode()
        self.server.commands.append(told)
        if words[1].upper() == "PLAIN":
            return self._logged_in(told.split("\0")[2])
        answer = self._logged_in(told.split("auth=Bearer ")[1].rstrip("\x01"))
        if answer.startswith("NO"):
            self.send("+ " + base64.b64encode(b'{"status":"400"}').decode())
            assert await self.reader.readline() == b"\r\n", "the refusal is asked about with an empty line"
        return answer

    async def _logout(self, tag: str, rest: str) -> str:
        self.send("* BYE bye")
        self.send(f"{tag} OK bye")
        raise ConnectionResetError

    # -- the folder

    async def _select(self, tag: str, rest: str) -> str:
        name = rest.split(" ", 1)[1].strip('"')
        if name not in self.server.folders:
            return "NO [NONEXISTENT] no such folder"
        self.folder = name
        self.send(f"* {len(self.server.held)} EXISTS")
        self.send(f"* OK [UIDVALIDITY {self.server.uid_validity}] valid")
        if self.server.states_uid_next:
            self.send(f"* OK [UIDNEXT {self.server.uid_next}] next")
        return "OK [READ-WRITE] open" if rest.startswith("SELECT") else "OK [READ-ONLY] open"

    _examine = _select

    async def _noop(self, tag: str, rest: str) -> str:
        return "OK"

    async def _create(self, tag: str, rest: str) -> str:
        self.server.folders.setdefault(rest.split(" ", 1)[1].strip('"'), [])
        return "OK made"

    async def _uid_search(self, tag: str, rest: str) -> str:
        found = re.match(r"UID SEARCH UID (\S+)(?: SINCE (\S+))?", rest)
        assert found is not None, rest
        uids = self._uids(found[1])
        if found[2]:
            day = datetime.strptime(found[2], "%d-%b-%Y").replace(tzinfo=UTC)
            uids = [uid for uid in uids if self.server.held[uid].at >= day]
        self.send("* SEARCH" + "".join(f" {uid}" for uid in uids))
        return "OK"

    def _uids(self, text: str) -> list[int]:
        held, last = sorted(self.server.held), max(self.server.held, default=0)
        found: set[int] = set()
        for part in text.split(","):
            low, _, high = part.partition(":")
            ends = sorted(last if end == "*" else int(end) for end in (low, high or low))
            found |= {uid for uid in held if ends[0] <= uid <= ends[1]}
        return sorted(found)

    async def _uid_fetch(self, tag: str, rest: str) -> str:
        words = rest.split(" ", 3)
        limit = re.search(r"<0\.(\d+)>", words[3])
        for uid in self._uids(words[2]):
            held = self.server.held[uid]
            number = sorted(self.server.held).index(uid) + 1
            if limit is None:
                size = len(held.raw) if held.stated_size is None else held.stated_size
                at = f"{held.at:%d-%b-%Y %H:%M:%S +0000}"
                self.send(f'* {number} FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE "{at}")')
            else:
                raw = held.raw[: int(limit[1])]
                self.writer.write(b"* %d FETCH (UID %d BODY[]<0> {%d}\r\n%b)\r\n" % (number, uid, len(raw), raw))
        return "OK"

    async def _uid_store(self, tag: str, rest: str) -> str:
        words = rest.split(" ", 4)
        for uid in self._uids(words[2]):
            self.server.held[uid].flags |= set(words[4].strip("()").split())
        return "OK"

    async def _uid_copy(self, tag: str, rest: str) -> str:
        words = rest.split(" ", 3)
        folder = words[3].strip('"')
        if folder not in self.server.folders:
            return "NO [TRYCREATE] no such folder"
        self.server.folders[folder] += [self.server.held[uid].raw for uid in self._uids(words[2])]
        return "OK copied"

    async def _uid_move(self, tag: str, rest: str) -> str:
        answer = await self._uid_copy(tag, rest)
        if answer.startswith("OK"):
            for uid in self._uids(rest.split(" ")[2]):
                del self.server.held[uid]
        return answer

    async def _uid_expunge(self, tag: str, rest: str) -> str:
        for uid in self._uids(rest.split(" ")[2]):
            if "\\Deleted" in self.server.held[uid].flags:
                del self.server.held[uid]
        return "OK"

    async def _idle(self, tag: str, rest: str) -> str:
        news, self.news = self.news, []
        for line in news:
            self.send(line)
        self.send("+ idling")
        self.idle_tag = tag
        try:
            line = await self.reader.readline()
        finally:
            self.idle_tag = ""
        if not line:
            raise ConnectionResetError
        return "OK idled" if line.strip().upper() == b"DONE" else "BAD what"
