"""Running `touchline` as a user does: a child process, its answers and its mail server's record."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from api.demo.leads import LeadRow
from api.demo.letters import Letter, read_letter
from api.local.child import kill
from api.local.smtp_record import read_record

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The one JSON value on its stdout."""
        return json.loads(self.out)


def plain_environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings, and with `more`."""
    dropped = ("TOUCHLINE_", "ANTHROPIC_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"TOUCHLINE_CACHE_DIR": os.environ.get("TOUCHLINE_CACHE_DIR", "")} | dict(more)


def _as_from_a_terminal() -> None:
    """A shell starts what runs in its background with Ctrl-C ignored; these tests press it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@asynccontextmanager
async def child(
    *arguments: str, env: Mapping[str, str] | None = None, module: str = "api.cli"
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A command in a process group of its own; whatever is left of it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        cwd=ROOT,
        env=plain_environment(env or {}),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=_as_from_a_terminal,
    )
    family = psutil.Process(process.pid)
    started: list[psutil.Process] = []
    try:
        yield process
    finally:
        if process.returncode is None:
            started = family.children(recursive=True)
            process.kill()
        await process.wait()
        for left in started:
            kill(left)


async def touchline(
    *arguments: str, env: Mapping[str, str] | None = None, module: str = "api.cli", deadline_s: float = 60.0
) -> Ended:
    """Run a command to its end."""
    async with child(*arguments, env=env, module=module) as process:
        async with asyncio.timeout(deadline_s):
            out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())


def letters(record: Path) -> list[Letter]:
    """What a mail server accepted, as its recipients read it."""
    return [read_letter(message.raw or b"") for message in read_record(record)]


def local_time(lead: LeadRow, mailbox_zone: str, at: datetime) -> datetime:
    """An instant on the clock that counts for a lead: its own zone's, else the mailbox's."""
    return at.astimezone(ZoneInfo(lead.row.get("timezone") or mailbox_zone))


def family_of(pid: int) -> list[psutil.Process]:
    """A process and all that it started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def kill_group(pid: int) -> None:
    """SIGKILL to the process group, as `kill -9 -- -PID`."""
    os.killpg(pid, signal.SIGKILL)
