"""Ambiguous touches: the connection was lost after the body began, so nobody can know whether they arrived."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run

app = typer.Typer(no_args_is_help=True, help="Touches of which nobody can know whether they arrived.")


@app.command("list")
@command
def list_ambiguous(campaign: Annotated[str, typer.Argument(help="The campaign's id.")], as_json: Json = False) -> None:
    """What nothing has proved yet. It is never sent again by itself; an open, a click, a reply or a bounce settles it."""
    found = run(_list(campaign))
    if as_json:
        print_json(found)
        return
    columns = ("granted_at", "lead_id", "step_id", "mailbox_id", "code", "send_id", "message_id")
    console().print(
        grid(f"{len(found)} ambiguous touches", columns, ([row[name] for name in columns] for row in found))
    )


async def _list(campaign: str) -> list[dict[str, Any]]:
    async with office() as at:
        await at.control.campaign(campaign)
        return await at.models.ambiguous(campaign)


def register(to: typer.Typer) -> None:
    """Add this family."""
    to.add_typer(app, name="ambiguous")
