"""Running it: worker, api, up, migrate, topics, doctor."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from api.commands.context import DEFAULT_DATA, Json, command, console, grid, print_json, run, settings_for
from api.errors import UserError


@command
def worker(role: Annotated[str, typer.Argument(help="leads, dispatch, sender, replies, projector or inbox.")]) -> None:
    """Run one role against the cluster that the settings name, until SIGTERM."""
    from api.bootstrap import NEEDS, run_role
    from api.logs import configure_logs

    roles = [name for name in NEEDS if name != "api"]
    if role not in roles:
        raise UserError(f"there is no role {role!r}; there are {', '.join(roles)}")
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
    data: Annotated[
        Path,
        typer.Option("--data-dir", "--data", envvar="TOUCHLINE_DATA_DIR", help="Where the local stack keeps its data."),
    ] = DEFAULT_DATA,
    rate: Annotated[float, typer.Option(help="Campaign seconds a second.", min=0.001)] = 1.0,
    port: Annotated[int, typer.Option(help="Port of the API.", min=1, max=65535)] = 8080,
) -> None:
    """Run everything here: Kafka, PostgreSQL, an SMTP sink, all roles, the API. Ctrl-C stops it in order."""
    from api.local.up import up as run_up

    run(run_up(data.resolve(), rate, port, console()))


def register(app: typer.Typer) -> None:
    """Add this family."""
    for function in (worker, api, migrate, topics, doctor, up):
        app.command()(function)
