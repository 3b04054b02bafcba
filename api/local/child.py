"""A server process that belongs to this one: started tied to it, watched, ended."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

TETHER = Path(__file__).with_name("tether.py")
POLL_S = 0.03


class StackError(RuntimeError):
    """A part of the local stack cannot run. The message says what was tried, why it failed and what to do."""


class Child:
    """One server: at most one process at a time, its output appended to `log`.

    `on_orphan` is the signal the kernel sends when this process dies without having stopped it. `account` is the
    numeric user to run as (None: the same user). `start` must be called from a thread that outlives the server.
    """

    def __init__(self, name: str, log: Path, *, on_orphan: signal.Signals, account: int | None = None) -> None:
        self.name = name
        self.log = log
        self._on_orphan = on_orphan
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def command(self, command: Sequence[str | Path]) -> list[str]:
        """`command` wrapped in the tie to this process."""
        account = "-" if self._account is None else str(self._account)
        tether = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(self._on_orphan)), account]
        return [*tether, *map(str, command)]

    def start(self, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path) -> None:
        """Start `command` in its own session, so that a Ctrl-C at the terminal does not reach it before us."""
        if self.pid is not None:
            raise StackError(f"{self.name} is already running as process {self.pid}")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )

    async def ready(self, check: Callable[[], Awaitable[bool]], deadline_s: float) -> None:
        """Wait until `check` is true. Raises StackError with the end of the log when it exits first or is too slow."""
        until = time.monotonic() + deadline_s
        while not await check():
            if self.pid is None:
                code = self._process.returncode if self._process is not None else None
                raise StackError(f"{self.name} ended with code {code} before it was ready; {self.tail()}")
            if time.monotonic() > until:
                raise StackError(f"{self.name} was not ready within {deadline_s:.0f} s; {self.tail()}")
            await asyncio.sleep(POLL_S)

    def stop(self, how: signal.Signals, grace_s: float) -> None:
        """Ask it to end, wait, and kill what did not: it and every process it started."""
        if self._process is None:
            return
        family = _family(self._process.pid) if self._process.poll() is None else []
        self._process.send_signal(how)  # does nothing once it has ended
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _end(family)
        self._process = None

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would, and wait until its own children have noticed or were ended too."""
        self.stop(signal.SIGKILL, grace_s=10)

    def tail(self, lines: int = 15) -> str:
        """The end of its log, for a message."""
        if not self.log.exists():
            return f"it wrote no log ({self.log})"
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return f"the end of {self.log}:\n" + "\n".join(f"    {line}" for line in text)


async def run_once(command: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> tuple[int, str]:
    """Run a program to its end: exit code and output. Cancelled, it ends the program first."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
        raise
    return process.returncode or 0, output.decode(errors="replace").strip()


def kill(process: psutil.Process) -> None:
    """SIGKILL, unless it has ended by itself meanwhile."""
    with suppress(psutil.NoSuchProcess):
        process.kill()


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _end(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=5)
    for process in alive:
        kill(process)
    psutil.wait_procs(alive, timeout=5)


def end_leftover(pid: int, marker: str, how: signal.Signals, grace_s: float) -> None:
    """End a server that an earlier, killed run left on the same directory: only if its command line holds `marker`.

    The caller holds the directory's lock, so nobody who still lives can own that process.
    """
    try:
        process = psutil.Process(pid)
        if marker not in " ".join(process.cmdline()):
            return
        family = [process, *process.children(recursive=True)]
        process.send_signal(how)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return
    psutil.wait_procs(family, timeout=grace_s)
    for left in family:
        kill(left)
    psutil.wait_procs(family, timeout=5)


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports that are free on loopback at this moment."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def is_free(port: int) -> bool:
    """Whether `port` can be bound on loopback now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def plain_environment(**more: str) -> dict[str, str]:
    """The few variables a server needs: nothing of the user's Java, Kafka or Postgres settings leaks in."""
    kept = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"TZ": "UTC"} | more
