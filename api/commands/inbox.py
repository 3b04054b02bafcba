"""Reply mailboxes that are read by IMAP: how each fares (docs/behaviour.md 7.1)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from api.commands.context import Json, command, console, grid, print_json, run, settings_for

if TYPE_CHECKING:
    from api.inboxes import InboxState

app = typer.Typer(no_args_is_help=True, help="Reply mailboxes that are read by IMAP.")


@app.callback()
def family() -> None:
    """Keeps `status` a command of its own, beside those to come."""


@app.command("status")
@command
def status(as_json: Json = False) -> None:
    """Show each reply mailbox: who waits for what since when, and what to do about it."""
    run(_status(as_json=as_json))


async def _status(*, as_json: bool) -> None:
    from api.bootstrap import dsn_of
    from api.inboxes import faults, read_states
    from sinks.postgres.migrate import migrate

    settings = settings_for("postgres_dsn")
    await migrate(dsn_of(settings))
    states = await read_states(settings)
    if as_json:
        print_json([asdict(state) for state in states])
        return
    if not states:
        console().print("no mailbox has imap", highlight=False)
        return
    rows = ((", ".join(s.mailboxes), s.state, _words(s), str(s.taken), str(s.stuck), _when(s.read_at)) for s in states)
    console().print(grid("inboxes", ("mailbox", "state", "why", "read", "set aside", "abreast at"), rows))
    for found, remedy in faults(states, datetime.now(UTC)):
        console().print(f"{found}\n  {remedy}", highlight=False, markup=False, soft_wrap=True)


def _words(state: InboxState) -> str:
    again = f"; again at {_when(state.retry_at)}" if state.retry_at and state.state in ("away", "refused") else ""
    return (state.detail or state.why or "") + again


def _when(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%d %H:%M:%S}"


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="inbox")
