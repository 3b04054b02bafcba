"""`touchline status`: how a campaign stands, what it waits for, and why nothing leaves when nothing does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from api.commands.context import CampaignId, Json, command, console, grid, office, print_json, run

if TYPE_CHECKING:
    from rich.console import Console

    from api.waiting import Waiting


def _window(spec: Mapping[str, Any], now: datetime) -> str:
    """When mail may go out, and what the time is: the first question when nothing does."""
    days = ", ".join(str(day)[:3] for day in spec.get("send_days", ()))
    hours = f"{spec.get('send_time_start')}-{spec.get('send_time_end')}"
    return f"sends {days}, {hours} o'clock in each lead's own time zone; campaign time is {now:%a %d %b %Y %H:%M} UTC"


@command
def status(campaign: CampaignId, as_json: Json = False) -> None:
    """A campaign's figures: where its leads stand, what was sent, what came of it."""
    run(_status(campaign, as_json=as_json))


async def _status(campaign: str, *, as_json: bool) -> None:
    from api.waiting import waiting_for
    from domain.winners import winners_of

    async with office() as at:
        head = await at.control.campaign(campaign)
        figures = await at.models.progress(campaign)
        steps = await at.models.steps(campaign)
        mix = await at.models.disposition_mix(campaign)
        unclear = len(await at.models.ambiguous(campaign)) if figures["ambiguous"] else 0
        waiting = await waiting_for(head, await at.store.heads(), at.outlook, at.settings, at.clock)
        now = at.clock.now()
    won = winners_of(head.spec, steps)
    facts = {"campaign_id": campaign, "name": head.spec.get("name"), "status": head.status, "version": head.revision}
    if as_json:
        told = {"progress": figures, "steps": steps, "dispositions": mix, "unsettled_ambiguous": unclear}
        told["winners"] = [one.as_json() for one in won]
        print_json({**facts, **told, "waiting": waiting.as_json()})
        return
    out = console()
    out.print(f"{facts['name']} ({campaign}): {head.status}, version {head.revision}", highlight=False)
    out.print(_window(head.spec, now), highlight=False)
    _print_waiting(out, waiting, figures["active"] + figures["paused"], now)
    rows = [(name, value) for name, value in figures.items() if name != "campaign_id"]
    half = (len(rows) + 1) // 2
    pairs: list[tuple[Any, ...]] = [
        (*rows[n], *(rows[n + half] if n + half < len(rows) else ("", ""))) for n in range(half)
    ]
    out.print(grid("progress", ("figure", "n", "figure ", "n "), pairs))
    if steps:
        columns = [name for name in steps[0] if name != "campaign_id"]
        out.print(grid("steps", columns, ([row[name] for name in columns] for row in steps)))
    for one in won:
        out.print(
            f"step {one.step_id}: {one.variant} is {one.metric} more than {', '.join(one.beaten)} "
            f"({one.rate:.1%}, confidence {one.confidence:.1f} %)",
            highlight=False,
        )
    if mix:
        out.print(grid("replies", ("disposition", "n"), mix.items()))
    if unclear:
        out.print(
            f"{unclear} touches may or may not have arrived: touchline ambiguous list {campaign}", highlight=False
        )


REMEDIES: Mapping[str, str] = {
    "stopped": "touchline stop --release",
    "campaign_draft": "touchline launch",
    "campaign_paused": "touchline resume",
    "mailbox_paused": "touchline mailbox resume",
    "mailbox_unknown": "touchline apply",
    "mailbox_open_grants": "the sender answers: see touchline lag",
}
"""What frees that which no instant does."""


def _print_waiting(out: Console, waiting: Waiting, open_leads: int, now: datetime) -> None:
    """What is in the way and where leads stand; in words where nothing is."""
    if waiting.holds:
        rows = [
            (hold.scope, hold.why, _until(hold.until, now) or REMEDIES.get(hold.code, "")) for hold in waiting.holds
        ]
        out.print(grid("what holds it", ("of", "why", "until, or by"), rows))
    elif open_leads:
        out.print(
            "nothing holds it: what is due goes at once (if not, touchline lag tells which role is behind)",
            highlight=False,
        )
    if waiting.places:
        places = [(place.leads, place.step_id, place.why, _until(place.first_at, now)) for place in waiting.places]
        some = f" ({waiting.looked_at} of them)" if waiting.looked_at < open_leads else ""
        out.print(grid(f"where open leads stand{some}", ("leads", "step", "what", "first goes on"), places))
    if waiting.unpublished:
        out.print(
            f"{waiting.unpublished} leads were noted and never published: repeat touchline enroll", highlight=False
        )
    if waiting.unanswered:
        some = ", ".join(waiting.unanswered_leads) + (
            " ..." if waiting.unanswered > len(waiting.unanswered_leads) else ""
        )
        out.print(
            f"{waiting.unanswered} leads were published and neither enrolled nor refused yet: {some}\n"
            "  leads has not read them (touchline lag), or they were set aside (touchline dlq list); until then it does not complete",
            highlight=False,
        )
    if not waiting.pauses_known:
        out.print("Kafka does not tell which mailboxes are paused", highlight=False)


def _until(at: datetime | None, now: datetime) -> str:
    if at is None:
        return ""
    return "now" if at <= now else f"{at:%a %d %b %Y %H:%M:%S} UTC"


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(status)
