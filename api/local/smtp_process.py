"""The SMTP sink as a server of the local stack: a process of its own, so that no role's trouble touches the witness."""

import asyncio
import signal
import sys
from pathlib import Path

from api.local.child import Child, StackError, free_ports, is_free, plain_environment

ROOT = Path(__file__).resolve().parents[2]
START_S = 20.0
STOP_S = 10.0


class SmtpProcess:
    """The sink on a directory: `record` is its record, `script` the file it reads its answers from (may be absent)."""

    def __init__(self, directory: Path, *, port: int | None = None, keep_raw: bool = True) -> None:
        self.directory = directory
        self.record = directory / "accepted.jsonl"
        self.script = directory / "script.json"
        self.host = "127.0.0.1"
        self._port = port
        self._keep_raw = keep_raw
        self._child = Child("the SMTP sink", directory / "smtp.log", on_orphan=signal.SIGTERM)

    @property
    def port(self) -> int:
        """TCP port on loopback; known from the first start."""
        if self._port is None:
            raise StackError("the SMTP sink has not been started")
        return self._port

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self._child.pid

    async def start(self, deadline_s: float = START_S) -> None:
        """Start and wait until it greets. The port is that of the last start where it is still free."""
        self.directory.mkdir(parents=True, exist_ok=True)
        kept = self.directory / "port"
        wanted = self._port or (int(kept.read_text()) if kept.exists() else 0)
        if wanted and not is_free(wanted):
            if self._port is not None:
                raise StackError(f"port {wanted}, which the SMTP sink should listen on, is taken by another process")
            wanted = 0
        self._port = wanted or free_ports(1)[0]
        kept.write_text(str(self._port))
        command = [sys.executable, "-m", "api.local.smtp", "--port", str(self._port)]
        command += ["--record", str(self.record), "--script", str(self.script)]
        command += ["--keep-raw"] if self._keep_raw else []
        self._child.start(command, env=plain_environment(PYTHONPATH=str(ROOT)), cwd=ROOT)
        await self._child.ready(self._greets, deadline_s)

    def stop(self) -> None:
        """An orderly stop."""
        self._child.stop(signal.SIGTERM, STOP_S)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self._child.kill()

    async def restart(self) -> None:
        """An orderly stop, then a start at the same address."""
        self.stop()
        await self.start()

    async def _greets(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            return False
        try:
            return (await reader.readline()).startswith(b"220")
        finally:
            writer.close()
