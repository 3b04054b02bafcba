"""`touchline up`: a local stack that keeps its data, with all roles and the API, until a signal."""

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from api.commands.context import STACK_ENV
from api.errors import UserError
from api.inboxes import reads_by_imap
from api.local.child import is_free
from api.local.choose import Services, choose
from api.local.stack import Part, refuse_if_in_use
from api.supervisor import Supervisor, local_clock, local_secrets
from sinks.postgres.connect import connect, retrying
from sinks.postgres.control import ControlStore
from streams.settings import load_settings

SMTP_PORT = 2525
"""Where examples/campaign.yaml looks for a mail server."""
KAFKA_PORT = 9092
"""Where a producer of one's own looks first."""
PATIENCE_S = 5.0
WANTED_S = 2.0
LOOK_S = 0.1


async def up(data: Path, rate: float, port: int, out: Console) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP, then stop in order. Raises StackError, UserError (the port is taken)."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = load_settings()
    refuse_if_in_use(data)
    if not await _soon_free(port):
        raise UserError(f"port {port} is taken: choose another with --port")
    ports = await _ports(data)
    _say(out, f"Starting the local stack in {data} (the first start fetches the broker) ...")
    starting = asyncio.create_task(choose(data, settings, ports=ports))
    if not await _first(starting, stop):
        _say(out, "Stopped before it was up.")
        return
    services = starting.result()
    stack_file = data / STACK_ENV
    try:
        env = _environment(services, data, rate, port)
        stack_file.touch(mode=0o600)
        stack_file.write_text(json.dumps(env, indent=2))
        supervisor = Supervisor(env, data / "logs", on_restart=_warn)
        supervisor.start()
        try:
            _say(out, "Kafka and PostgreSQL are up; starting the roles and the API ...")
            ready = asyncio.create_task(supervisor.ready())
            if await _first(ready, stop):
                ready.result()
                _tell(out, services, data, port)
                reading = asyncio.create_task(_inbox_when_wanted(supervisor, services.postgres_dsn, out))
                await stop.wait()
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
        finally:
            _say(out, "Stopping: what is being sent is finished first ...")
            await supervisor.stop()
    finally:
        stack_file.unlink(missing_ok=True)
        await asyncio.to_thread(services.stop)
    _say(out, f"Stopped. Everything is kept in {data}: start it again and it goes on.")


async def _inbox_when_wanted(supervisor: Supervisor, dsn: str, out: Console) -> None:
    """One more process from when the first mailbox is applied that is read by IMAP: nobody else needs it."""
    async with await retrying("inbox", lambda: connect(dsn, name="up", max_size=1)) as pool:
        store = ControlStore(pool)
        while True:
            if reads_by_imap(await retrying("inbox", store.heads)):
                break
            await asyncio.sleep(WANTED_S)
    supervisor.add("inbox")
    _say(out, "A mailbox has imap: the inbox role reads it (touchline inbox status).")


async def _ports(data: Path) -> dict[Part, int]:
    """The mail server's port and the broker's: as at the last start, else the usual ones where they are free.

    Raises UserError when another program took the mail server's: the mailboxes of this directory would mail to it.
    """
    kept = data / "smtp" / "port"
    if kept.exists():
        number = int(kept.read_text())
        if not await _soon_free(number):
            raise UserError(f"port {number} is taken: the mailboxes of {data} send their mail there. Stop what listens")
        return {"smtp": number}
    usual: dict[Part, int] = {"smtp": SMTP_PORT, "kafka": KAFKA_PORT}
    return {part: number for part, number in usual.items() if is_free(number)}


async def _soon_free(port: int) -> bool:
    """Whether the port is free now or within a moment: what a killed start left behind is just ending."""
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if is_free(port):
            return True
        await asyncio.sleep(LOOK_S)
    return is_free(port)


async def _first(task: asyncio.Task[Services] | asyncio.Task[None], stop: asyncio.Event) -> bool:
    """Wait for the task or the signal: whether the task has ended. On the signal it is cancelled."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        return True
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return False


def _environment(services: Services, data: Path, rate: float, port: int) -> Mapping[str, str]:
    """The settings that the roles, and the commands of another terminal, share."""
    return {
        **local_secrets(data),
        **local_clock(data, rate),
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": services.bootstrap_servers,
        "TOUCHLINE_POSTGRES_DSN": services.postgres_dsn,
        "TOUCHLINE_DATA_DIR": str(data),
        "TOUCHLINE_API_PORT": str(port),
        "TOUCHLINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }


def _tell(out: Console, services: Services, data: Path, port: int) -> None:
    stack = services.stack
    _say(out, f"Ready. API http://127.0.0.1:{port}, Kafka {services.bootstrap_servers}.")
    _say(
        out, f"Mail to {stack.smtp_host}:{stack.smtp_port} is accepted, kept in {stack.smtp_record}, and goes nowhere."
    )
    if stack.smtp_port != SMTP_PORT:
        _say(
            out, f"Port {SMTP_PORT} was taken: write smtp port {stack.smtp_port} into your mailboxes, not {SMTP_PORT}."
        )
    _say(out, f"Logs: {data / 'logs'}")
    _say(out, "In another terminal here: touchline apply FILE, enroll, launch, status. Ctrl-C stops.")


def _warn(name: str) -> None:
    sys.stderr.write(f"{name} ended and was started again; its log says why\n")


def _say(out: Console, text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)
