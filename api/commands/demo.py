"""The demo command."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from api.commands.context import Json, command, print_json
from api.errors import FAILED


@command
def demo(  # noqa: PLR0917 - options, which typer gives by name
    leads: Annotated[int, typer.Option(min=1, max=5000, help="How many leads.")] = 300,
    rate: Annotated[float, typer.Option(min=1.0, max=50000.0, help="Campaign seconds a second.")] = 18000.0,
    campaign: Annotated[
        Path | None,
        typer.Option(
            hidden=True, exists=True, dir_okay=False, help="Another campaign file whose touches have the same texts."
        ),
    ] = None,
    claude: Annotated[
        bool, typer.Option("--claude", help="Classify with Claude (ANTHROPIC_API_KEY) instead of a stand-in.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(file_okay=False, help="Keep the mail server's record and the logs in this directory.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a three-step campaign over virtual weeks on a local stack, and judge it by what the mail server accepted."""
    from api.demo.rig import Options
    from api.demo.run import run_demo

    options = Options(leads=leads, clock_rate=rate, use_claude=claude)
    if campaign is not None:
        options.campaign = campaign
    try:
        result, clean = asyncio.run(run_demo(options, as_json=as_json, keep=keep))
    except asyncio.CancelledError:  # SIGTERM, or the terminal was closed
        raise typer.Exit(143) from None
    if as_json:
        print_json(result)
    if not clean:
        raise typer.Exit(FAILED)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
