"""`touchline explain`: why a lead has or has not been sent each touch of a campaign."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.commands.context import CampaignId, Json, command, console, grid, office, print_json, run

if TYPE_CHECKING:
    from api.explaining import Explained


@command
def explain(
    lead_id: Annotated[str, typer.Argument(help="The lead's id.")],
    campaign: CampaignId,
    at: Annotated[
        str | None, typer.Option(help="As it stood at this instant, for example 2026-03-02T09:00:00+01:00.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Each touch: done, waiting (for which limit, until when, how many go first), skipped or stopped, and by what."""
    run(_explain(lead_id, campaign, at, as_json=as_json))


async def _explain(lead_id: str, campaign: str, given: str | None, *, as_json: bool) -> None:
    from api.explaining import Sources
    from api.explaining import explain as explained
    from api.simulation import instant_of

    moment = None if given is None else instant_of(given, "--at")
    async with office() as at:
        sources = Sources(at.settings, at.store, at.models, at.outlook)
        found = await explained(sources, lead_id, campaign, at.clock.now(), moment)
    if as_json:
        print_json(found.as_json())
    else:
        _show(found)


def _show(found: Explained) -> None:
    out = console()
    entry = f", entry {found.entry_no}" if found.entry_no is not None and found.entry_no > 1 else ""
    told = (
        f"lead {found.lead_id} in {found.campaign_id}{entry}: {found.status} at {_instant(found.at)} ({found.source})"
    )
    out.print(told, highlight=False, markup=False)
    rows = (
        (
            touch.step_id,
            touch.kind,
            touch.state,
            touch.code,
            touch.why,
            _instant(touch.at),
            _instant(touch.until),
            touch.position,
            touch.mailbox_id,
            touch.variant,
        )
        for touch in found.touches
    )
    out.print(grid("", ("touch", "kind", "", "code", "why", "at", "until", "before it", "mailbox", "variant"), rows))
    for note in found.notes:
        out.print(note, highlight=False, markup=False)


def _instant(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(sep=" ", timespec="seconds")


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(explain)
