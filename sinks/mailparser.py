"""Parses mail in a process that can be killed: a bomb costs one mail, two seconds and 256 MB
(docs/behaviour.md 7.9)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
import structlog

from domain.replies.mail import Mail
from sinks.mailparser_child import MEMORY_VARIABLE
from streams.errors import Retryable

log = structlog.get_logger("touchline.mailparser")

LIMIT_S = 2.0
PATIENCE_S = 15.0
"""Wall seconds after which a mail is given up even if the machine was too busy to let the parser work."""
MEMORY_BYTES = 256 * 1024 * 1024
START_S = 60.0
_LENGTH = struct.Struct(">I")
_MAX_ANSWER = 8 * 1024 * 1024
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A mail that could not be parsed within the limits."""

    reason: Literal["parse_timeout", "parse_memory", "parse_crash"]
    detail: str


class _DiedError(Exception):
    """The child ended or was killed while it held a mail."""

    def __init__(self, unreadable: Unreadable) -> None:
        super().__init__(unreadable.reason)
        self.unreadable = unreadable


class MailParser:
    """One parsing process, started when first needed and again after it was killed. Calls take turns."""

    def __init__(
        self, *, limit_s: float = LIMIT_S, memory_bytes: int = MEMORY_BYTES, module: str = "sinks.mailparser_child"
    ) -> None:
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._module = module
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Have the process ready, so that the first mail does not wait for it."""
        async with self._turn:
            await self._ready()

    async def stop(self) -> None:
        """End the process."""
        async with self._turn:
            await self._kill()

    async def parse(self, raws: Sequence[bytes]) -> list[Mail | Unreadable]:
        """Parse mails, in order. A mail that breaks the process or a limit is `Unreadable`; its neighbours are parsed.

        Raises Retryable when no process can be started.
        """
        answers: list[Mail | Unreadable] = []
        async with self._turn:
            while len(answers) < len(raws):
                try:
                    await self._parse_into(answers, raws)
                except _DiedError as death:
                    log.warning("mail_unreadable", reason=death.unreadable.reason, size=len(raws[len(answers)]))
                    answers.append(death.unreadable)
                except BaseException:
                    await self._kill()  # answers may be left in the pipe: they belong to nobody
                    raise
        return answers

    async def _parse_into(self, answers: list[Mail | Unreadable], raws: Sequence[bytes]) -> None:
        """Feed what has no answer yet in one go and read the answers as they come."""
        child = await self._ready()
        feeding = asyncio.create_task(self._feed(child, raws[len(answers) :]))
        try:
            for _ in range(len(raws) - len(answers)):
                raw = await self._answer(child)
                if raw == b"null":
                    raise _DiedError(Unreadable("parse_memory", f"more than {self._memory_bytes} bytes"))
                answers.append(Mail.from_json(json.loads(raw)))
        except _DiedError:
            await self._kill()
            raise
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)

    @staticmethod
    async def _feed(child: asyncio.subprocess.Process, raws: Sequence[bytes]) -> None:
        assert child.stdin is not None
        with contextlib.suppress(ConnectionError, RuntimeError):
            for raw in raws:
                child.stdin.write(_LENGTH.pack(len(raw)))
                child.stdin.write(raw)
                await child.stdin.drain()

    async def _answer(self, child: asyncio.subprocess.Process) -> bytes:
        """The next answer. A child that is still within its limit of CPU time is waited for on a busy machine."""
        reading = asyncio.ensure_future(self._frame(child))
        cpu, waited = _cpu_s(child.pid), 0.0
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=self._limit_s)
                waited += self._limit_s
                if not reading.done() and (_cpu_s(child.pid) - cpu >= self._limit_s / 2 or waited >= PATIENCE_S):
                    raise _DiedError(Unreadable("parse_timeout", f"no answer within {self._limit_s:g} s"))
        finally:
            if not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        try:
            return reading.result()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise _DiedError(Unreadable("parse_crash", "the parser ended")) from error

    @staticmethod
    async def _frame(child: asyncio.subprocess.Process) -> bytes:
        assert child.stdout is not None
        (size,) = _LENGTH.unpack(await child.stdout.readexactly(_LENGTH.size))
        if size > _MAX_ANSWER:
            raise ConnectionError("the parser's answer is no frame")
        return await child.stdout.readexactly(size)

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._child is not None and self._child.returncode is None:
            return self._child
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "MALLOC_ARENA_MAX": "1",
            MEMORY_VARIABLE: str(self._memory_bytes),
        }
        try:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                env=environment, limit=_MAX_ANSWER,
            )  # fmt: skip
        except OSError as error:
            raise Retryable(f"the mail parser cannot be started: {error}") from error
        self._child = child
        try:
            async with asyncio.timeout(START_S):
                await self._frame(child)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            await self._kill()
            raise Retryable("the mail parser did not start") from error
        return child

    async def _kill(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
        await child.communicate()


def _cpu_s(pid: int) -> float:
    """CPU seconds that a process has used; a process that is gone has used everything it ever will."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return float("inf")
    return times.user + times.system
