"""An SMTP server that accepts everything a script does not refuse, and keeps the record the judges read.

In a test it runs in the test's own loop (`SmtpSink`); beside the roles it is a process of its own
(`python -m api.local.smtp --port 2525 --record FILE`). It never relays a message.
"""

import argparse
import asyncio
import logging
import signal
import ssl
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from api.local.smtp_record import Accepted, RecordReader, SmtpRecord, kept_headers
from api.local.smtp_script import FileScript, Rule, Script, Stage

MAX_BYTES = 30 * 1024 * 1024
IDLE_S = 300.0


class SmtpSink:
    """The server on the running loop. `port` 0 takes a free one; `port` then says which.

    With `users` (name to password) a login is asked for; with `starttls` it is offered, with `tls` the connection is
    encrypted from its first byte. `keep_raw` keeps whole messages in the record, for correspondents to answer.
    """

    def __init__(
        self,
        record: Path,
        *,
        port: int = 0,
        script: Script | None = None,
        keep_raw: bool = False,
        users: Mapping[str, str] | None = None,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self.record = record
        self.script = script or Script()
        self._keep_raw = keep_raw
        self._users = users
        self._starttls = starttls
        self._tls = tls
        self._reader = RecordReader(record)
        self._seen: list[Accepted] = []
        self._server: asyncio.Server | None = None
        self._written: SmtpRecord | None = None
        self._sessions: set[_Server] = set()

    @property
    def connections(self) -> int:
        """How many clients are connected now."""
        return len(self._sessions)

    @property
    def accepted(self) -> list[Accepted]:
        """Everything in the record so far, in order."""
        self._seen.extend(self._reader.new())
        return self._seen

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._written = SmtpRecord(self.record)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, self.host, self.port, ssl=self._tls, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut the connections that are open; what was answered with 250 is in the record."""
        if self._server is None or self._written is None:
            return
        self._server.close()
        self.drop_all()
        await self._written.close()
        self._server = None

    def drop_all(self) -> None:
        """Cut every open connection, as a crash of the server would."""
        for session in list(self._sessions):
            session.cut()

    async def accept(self, envelope: Envelope) -> None:
        """Put a message on the record; returns when it is on the disk."""
        if self._written is None:
            raise RuntimeError("the sink is not running")
        raw = envelope.original_content or b""
        message = Accepted(
            accepted_wall=datetime.now(UTC),
            mail_from=envelope.mail_from or "",
            recipients=tuple(envelope.rcpt_tos),
            size=len(raw),
            headers=kept_headers(raw),
            raw=raw if self._keep_raw else None,
        )
        await self._written.append(message.to_line())

    def login(self, name: bytes, password: bytes) -> bool:
        """Whether these are the credentials of one of the `users`."""
        users = self._users or {}
        return users.get(name.decode(errors="replace")) == password.decode(errors="replace")

    def _session(self) -> "_Server":
        return _Server(self, self._sessions, users=self._users is not None, starttls=self._starttls)


class _Server(SMTP):
    """One client's session: aiosmtpd's, asking the script at each stage."""

    def __init__(
        self, sink: SmtpSink, sessions: "set[_Server]", *, users: bool, starttls: ssl.SSLContext | None
    ) -> None:
        with warnings.catch_warnings():  # it warns of logins without encryption; this server is on loopback only
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            super().__init__(
                _Handler(sink, self),
                data_size_limit=MAX_BYTES,
                enable_SMTPUTF8=True,
                hostname="sink.localhost",
                ident="ESMTP",
                timeout=IDLE_S,
                tls_context=starttls,
                auth_required=users,
                auth_require_tls=False,
                authenticator=_authenticate(sink) if users else None,
                loop=asyncio.get_running_loop(),
            )
        self._sink = sink
        self._open = sessions

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._open.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """End the connection without a word."""
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.abort()  # (one of TLS that was closed twice cannot be aborted in Python 3.11.2)

    async def smtp_DATA(self, arg: str) -> None:
        """DATA, unless the script answers before the body for one of the recipients."""
        for address in self.envelope.rcpt_tos if self.envelope is not None else ():
            reply = await self.scripted("data", address)
            if reply is not None:
                await self.push(reply)
                return
        await super().smtp_DATA(arg)

    async def scripted(self, at: Stage, address: str) -> str | None:
        """The script's answer for this address at this stage, None to go on. May cut the connection instead."""
        rule = self._sink.script.answer(at, address)
        return None if rule is None else await self.obey(rule)

    async def obey(self, rule: Rule) -> str | None:
        """Wait, cut, or answer, as the rule says."""
        if rule.delay_s:
            await asyncio.sleep(rule.delay_s)
        if rule.drop == "before":
            self.cut()
            raise asyncio.CancelledError
        if rule.reply is not None and rule.reply.startswith("421"):
            await self.push(rule.reply)
            if self.transport is not None:
                self.transport.close()
            raise asyncio.CancelledError
        return rule.reply


class _Handler:
    """The hooks aiosmtpd calls."""

    def __init__(self, sink: SmtpSink, server: _Server) -> None:
        self._sink = sink
        self._server = server

    async def handle_MAIL(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._server.scripted("mail", address)
        if reply is not None:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._server.scripted("rcpt", address)
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        for address in envelope.rcpt_tos:
            rule = self._sink.script.answer("body", address)
            if rule is not None and rule.drop == "after_accept":
                await self._sink.accept(envelope)
                self._server.cut()
                raise asyncio.CancelledError
            reply = None if rule is None else await self._server.obey(rule)
            if reply is not None:
                return reply
        await self._sink.accept(envelope)
        return "250 2.0.0 accepted"


def _authenticate(sink: SmtpSink):
    def check(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
        known = isinstance(data, LoginPassword) and sink.login(data.login, data.password)
        return AuthResult(success=known, handled=False)

    return check


async def serve(record: Path, port: int, script: Path | None, *, keep_raw: bool) -> None:
    """Run until SIGTERM or SIGINT."""
    sink = SmtpSink(record, port=port, script=FileScript(script) if script else None, keep_raw=keep_raw)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await sink.start()
    await over.wait()
    await sink.stop()


def main() -> None:
    """The sink as a process."""
    options = argparse.ArgumentParser(prog="python -m api.local.smtp", description=__doc__)
    options.add_argument("--port", type=int, required=True, help="TCP port on loopback")
    options.add_argument("--record", type=Path, required=True, help="JSON-lines file, appended to")
    options.add_argument("--script", type=Path, help="JSON file with scripted answers")
    options.add_argument("--keep-raw", action="store_true", help="keep whole messages in the record")
    given = options.parse_args()
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("mail.log").setLevel(logging.ERROR)  # it logs addresses
    import uvloop

    uvloop.run(serve(given.record, given.port, given.script, keep_raw=given.keep_raw))


if __name__ == "__main__":
    main()
