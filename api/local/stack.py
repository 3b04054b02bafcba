"""The local stack: a broker, a database and an SMTP sink on one data directory, started together, ended together."""

import asyncio
import atexit
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Protocol, Self

from api.local.child import StackError
from api.local.jars import Progress
from api.local.kafka import Kafka
from api.local.postgres import Postgres
from api.local.smtp_process import SmtpProcess


class DirectoryInUseError(StackError):
    """Another living process has its local stack there."""


Part = Literal["kafka", "postgres", "smtp"]
ALL_PARTS: tuple[Part, ...] = ("kafka", "postgres", "smtp")


class Server(Protocol):
    """What every part can do."""

    async def start(self) -> None: ...

    def stop(self) -> None: ...


class LocalStack:
    """Kafka, PostgreSQL and an SMTP sink below `directory`. Prints nothing; every server keeps a log there.

    Started again on the same directory, after a stop or a SIGKILL, it has lost nothing and has the same addresses
    where they are still free. One living process holds a directory at a time. Start it from a thread that lives as
    long as the stack (the main one): on Linux the servers end with that thread, whatever ends it. `ports` fixes
    addresses, `durable=False` lets the database skip forcing commits to the disk.
    """

    def __init__(
        self,
        directory: Path,
        *,
        parts: Iterable[Part] = ALL_PARTS,
        ports: dict[Part, int] | None = None,
        durable: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self.directory = directory.resolve()
        fixed = ports or {}
        self.kafka = Kafka(self.directory / "kafka", port=fixed.get("kafka"), progress=progress)
        self.postgres = Postgres(self.directory / "postgres", port=fixed.get("postgres"), durable=durable)
        self.smtp = SmtpProcess(self.directory / "smtp", port=fixed.get("smtp"))
        servers: dict[Part, Server] = {"kafka": self.kafka, "postgres": self.postgres, "smtp": self.smtp}
        self._servers = [servers[part] for part in parts]
        self._lock: IO[str] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """`127.0.0.1:PORT` of the broker."""
        return self.kafka.bootstrap_servers

    @property
    def postgres_dsn(self) -> str:
        """Of the database `touchline`, as asyncpg takes it."""
        return self.postgres.dsn

    @property
    def smtp_host(self) -> str:
        """Loopback."""
        return self.smtp.host

    @property
    def smtp_port(self) -> int:
        """Port of the SMTP sink."""
        return self.smtp.port

    @property
    def smtp_record(self) -> Path:
        """The sink's record: read it with `api.local.smtp_record`."""
        return self.smtp.record

    async def start(self) -> None:
        """Start all parts at once. Raises StackError with what each failing part said, and leaves none running."""
        self._take_directory()
        atexit.register(self.stop)
        results = await asyncio.gather(*(server.start() for server in self._servers), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if not failures:
            return
        self.stop()
        for failure in failures:
            if not isinstance(failure, (StackError, OSError)):
                raise failure
        raise StackError("\n".join(str(failure) for failure in failures))

    def stop(self) -> None:
        """Stop all parts in order and let the directory go. Does nothing when it is not running."""
        atexit.unregister(self.stop)
        for server in reversed(self._servers):
            server.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _take_directory(self) -> None:
        """Hold the directory until `stop`, or until this process is gone, however it ends."""
        if self._lock is not None:
            raise StackError("this local stack is already running")
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            lock = (self.directory / "stack.lock").open("a+")
        except OSError as error:
            raise StackError(f"the data directory {self.directory} cannot be written: {error.strerror}") from error
        _lock(lock, self.directory)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock


def refuse_if_in_use(directory: Path) -> None:
    """Raises DirectoryInUseError when a living process has its local stack in `directory`."""
    path = directory.resolve() / "stack.lock"
    if path.exists():
        with path.open("a+") as lock:
            _lock(lock, path.parent)


def _lock(lock: IO[str], directory: Path) -> None:
    """Take the lock, or raise with the process that has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise DirectoryInUseError(
            f"the data directory {directory} is in use by process {owner}. Stop that one, or name another directory."
        ) from None
