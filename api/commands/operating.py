"""Running it: worker, api, up, migrate, topics, doctor."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.commands.context import DEFAULT_DATA, STACK_ENV, Json, command, console, grid, print_json, run, settings_for
from api.errors import UserError

SMTP_PORT = 2525


@command
def worker(role: Annotated[str, typer.Argument(help="leads, dispatch, sender, replies or projector.")]) -> None:
    """Run one role against the cluster that the settings name, until SIGTERM."""
    from api.bootstrap import NEEDS, ROLES, run_role
    from api.logs import configure_logs

    if role not in ROLES:
        raise UserError(f"there is no role {role!r}; there are {', '.join(ROLES)}")
    settings = settings_for(*NEEDS[role])
    configure_logs(settings, role)
    raise typer.Exit(run_role(role, settings))


@command
def api() -> None:
    """Run the HTTP API: tracking, unsubscribe, webhooks, control."""
    from api.bootstrap import NEEDS
    from api.logs import configure_logs
    from api.server import run_api

    settings = settings_for(*NEEDS["api"])
    configure_logs(settings, "api")
    raise typer.Exit(run_api(settings))


@command
def migrate(as_json: Json = False) -> None:
    """Bring the database up to this version."""
    from api.bootstrap import dsn_of
    from sinks.postgres.migrate import migrate as apply_migrations

    applied = run(apply_migrations(dsn_of(settings_for("postgres_dsn"))))
    if as_json:
        print_json({"applied": applied})
    else:
        console().print("\n".join(f"applied {name}" for name in applied) or "up to date", highlight=False)


@command
def topics(as_json: Json = False) -> None:
    """Create what is missing of the topics, and verify the rest."""
    from streams.provision import ensure_topics

    created = run(ensure_topics(settings_for()))
    if as_json:
        print_json({"created": created})
    else:
        console().print("\n".join(f"created {name}" for name in created) or "all there", highlight=False)


@command
def doctor(as_json: Json = False) -> None:
    """Check everything this needs; each failing check says what to do. Exit 1 when any fails."""
    from api.doctor import examine

    found = run(examine(settings_for()))
    if as_json:
        print_json([asdict(check) for check in found])
    else:
        rows = (("ok" if check.ok else "FAILS", check.name, check.found, check.remedy) for check in found)
        console().print(grid("doctor", ("", "check", "found", "remedy"), rows))
    if not all(check.ok for check in found):
        raise typer.Exit(1)


@command
def up(
    data: Annotated[Path, typer.Option(help="Where the local stack keeps its data.")] = DEFAULT_DATA,
    rate: Annotated[float, typer.Option(help="Campaign seconds a second.", min=0.001)] = 1.0,
    port: Annotated[int, typer.Option(help="Port of the API.")] = 8080,
) -> None:
    """Run everything here: Kafka, PostgreSQL, an SMTP sink, all roles, the API. Ctrl-C stops it in order."""
    run(_up(data.resolve(), rate, port))


async def _up(data: Path, rate: float, port: int) -> None:
    from api.local.child import is_free
    from api.local.choose import choose
    from api.local.stack import Part
    from api.supervisor import Supervisor, local_clock, local_secrets
    from streams.settings import load_settings

    out = console()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = load_settings()
    ports: dict[Part, int] = {"smtp": SMTP_PORT} if is_free(SMTP_PORT) else {}
    out.print(f"starting the local stack in {data} (the first start fetches the broker)", highlight=False)
    services = await choose(data, settings, ports=ports)
    stack_file = data / STACK_ENV
    try:
        env = {
            **local_secrets(data),
            **local_clock(data, rate),
            "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": services.bootstrap_servers,
            "TOUCHLINE_POSTGRES_DSN": services.postgres_dsn,
            "TOUCHLINE_DATA_DIR": str(data),
            "TOUCHLINE_API_PORT": str(port),
            "TOUCHLINE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        if not is_free(port):
            raise UserError(f"port {port} is taken: choose another with --port")
        stack_file.touch(mode=0o600)
        stack_file.write_text(json.dumps(env, indent=2))
        supervisor = Supervisor(env, data / "logs", on_restart=lambda name: _say(f"{name} ended and was started again"))
        supervisor.start()
        try:
            ready = asyncio.create_task(supervisor.ready())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({ready, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                ready.cancel()
                await asyncio.gather(ready, return_exceptions=True)
            else:
                await ready
                smtp = f"{services.stack.smtp_host}:{services.stack.smtp_port}"
                out.print(
                    f"ready: API http://127.0.0.1:{port}, SMTP sink {smtp}, logs in {data / 'logs'}", highlight=False
                )
                out.print(
                    "in another terminal: touchline apply FILE, enroll, launch, status. Ctrl-C stops", highlight=False
                )
                await stopping
        finally:
            out.print("stopping")
            await supervisor.stop()
    finally:
        stack_file.unlink(missing_ok=True)
        services.stop()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def register(app: typer.Typer) -> None:
    """Add this family."""
    for function in (worker, api, migrate, topics, doctor, up):
        app.command()(function)
