"""One message over one open connection (RFC 5321, RFC 2920)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sinks.smtp_answers import Phase
from sinks.smtp_connect import Timeouts
from sinks.smtp_wire import Dialogue, DroppedError, Reply

_OK: dict[Phase, frozenset[int]] = {
    "mail": frozenset({250}),
    "rcpt": frozenset({250, 251}),
    "data": frozenset({354}),
}


class Answer(NamedTuple):
    """How an attempt on a connection ended: the reply that ended it, or what went wrong instead."""

    phase: Phase
    reply: Reply | None
    fault: str = ""


class Connection:
    """One open connection and how often it was used."""

    __slots__ = ("dialogue", "idle_since", "pipelining", "timeouts", "uses")

    def __init__(self, dialogue: Dialogue, timeouts: Timeouts, *, pipelining: bool) -> None:
        self.dialogue = dialogue
        self.pipelining = pipelining
        self.timeouts = timeouts
        self.uses = 0
        self.idle_since = 0.0

    async def deliver(self, mail_from: bytes, rcpt: bytes, message: bytes, check: Callable[[], None]) -> Answer:
        """One message to one recipient. `check` is called before MAIL, before DATA and before the first octet."""
        self.uses += 1
        commands: list[tuple[Phase, bytes]] = [
            ("mail", b"MAIL FROM:<%b>\r\n" % mail_from),
            ("rcpt", b"RCPT TO:<%b>\r\n" % rcpt),
            ("data", b"DATA\r\n"),
        ]
        refused = await (self._ahead if self.pipelining else self._in_turn)(commands, check)
        if refused is not None:
            return refused
        if not self.dialogue.is_quiet:  # a reply nobody asked for would be taken for the last word on the message
            return Answer("data", None, "the server hung up or spoke out of turn")
        check()
        try:
            self.dialogue.write(message)
        except DroppedError as error:
            return Answer("data", None, str(error))
        try:
            return Answer("body", await self.dialogue.reply(self.timeouts.final_s))
        except (DroppedError, TimeoutError) as error:
            return Answer("body", None, str(error))

    async def _in_turn(self, commands: list[tuple[Phase, bytes]], check: Callable[[], None]) -> Answer | None:
        for phase, command in commands:
            if phase != "rcpt":
                check()
            try:
                self.dialogue.write(command)
                reply = await self.dialogue.reply(self.timeouts.command_s)
            except (DroppedError, TimeoutError) as error:
                return Answer(phase, None, str(error))
            if reply.code not in _OK[phase]:
                await self._reset(reply)
                return Answer(phase, reply)
        return None

    async def _ahead(self, commands: list[tuple[Phase, bytes]], check: Callable[[], None]) -> Answer | None:
        """The three commands in one segment (RFC 2920). The first refusal counts; a DATA accepted after one is left."""
        refused: Answer | None = None
        reply: Reply | None = None
        phase: Phase = "mail"
        check()
        try:
            self.dialogue.write(b"".join(command for _, command in commands))
            for phase, _ in commands:
                reply = await self.dialogue.reply(self.timeouts.command_s)
                if refused is None and reply.code not in _OK[phase]:
                    refused = Answer(phase, reply)
        except (DroppedError, TimeoutError) as error:
            self.dialogue.abort()
            return refused or Answer(phase, None, str(error))
        if refused is not None:
            if reply is not None and reply.code == 354:
                self.dialogue.abort()
            else:
                await self._reset(refused.reply)
        return refused

    async def _reset(self, reply: Reply | None) -> None:
        """Make the connection ready for the next message after a refusal, or end it."""
        if reply is None or reply.code == 421:
            self.dialogue.close()
            return
        try:
            self.dialogue.write(b"RSET\r\n")
            if (await self.dialogue.reply(self.timeouts.command_s)).code != 250:
                self.dialogue.close()
        except (DroppedError, TimeoutError):
            self.dialogue.abort()
