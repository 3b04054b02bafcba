"""Campaigns: enroll, launch, pause, resume, complete, cancel, archive, stop, status."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.commands.context import Json, Office, command, console, grid, office, print_json, run
from api.errors import UserError
from api.leads_file import LeadsFile, lead_id_of, read_leads
from domain.ids import event_id
from domain.lifecycle import check_move
from schemas.definitions import Definition
from schemas.enrollments import Exit

CampaignId = Annotated[str, typer.Argument(help="The campaign's id.")]
CANCEL_WAIT_S = 60.0


@command
def enroll(  # noqa: PLR0917 - options, which typer gives by name
    campaign: CampaignId,
    file: Annotated[Path, typer.Argument(help="CSV with a header; further columns become attributes.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=field, for a header that is not known.")
    ] = None,
    mailbox: Annotated[str | None, typer.Option(help="Send from this mailbox.")] = None,
    variant: Annotated[str, typer.Option(help="a, b or random.")] = "random",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file and report.")] = False,
    as_json: Json = False,
) -> None:
    """Ask a campaign to take the leads of a file. Repeating it changes nothing; rows left out are reported."""
    run(_enroll(campaign, file, _mapping(mapping or []), mailbox, _variant(variant), dry_run=dry_run, as_json=as_json))


def _mapping(given: list[str]) -> dict[str, str]:
    pairs = [item.partition("=") for item in given]
    if any(not found or not name or not target for name, found, target in pairs):
        raise UserError("--map takes COLUMN=field, for example --map 'Work mail=email'")
    return {name: target for name, _, target in pairs}


def _variant(given: str) -> Literal["a", "b", "random"]:
    if given not in ("a", "b", "random"):
        raise UserError(f"--variant is a, b or random, not {given!r}")
    return given


async def _enroll(
    campaign: str,
    file: Path,
    mapping: dict[str, str],
    mailbox: str | None,
    variant: Literal["a", "b", "random"],
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from api.bootstrap import keys_of

    async with office("token_keys") as at:
        secret = keys_of(at.settings).hash_secret
        found = read_leads(file, lambda email: lead_id_of(secret, email), mapping)
        added, repeated = 0, 0
        if not dry_run:
            bar = Progress(
                TextColumn("enrolling"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                disable=as_json or not sys.stderr.isatty(),
                console=None,
            )
            with bar:
                task = bar.add_task("enrolling", total=len(found.rows))
                done = await at.enroller.enroll(
                    campaign,
                    found.rows,
                    added_by="import",
                    mailbox_id=mailbox,
                    variant=variant,
                    progress=lambda count: bar.update(task, completed=count),
                )
                bar.update(task, completed=len(found.rows))
            added, repeated = done.added, len(done.skipped)
    _report(campaign, found, added, repeated, as_json=as_json)


def _report(campaign: str, found: LeadsFile, added: int, repeated: int, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "campaign_id": campaign,
                "rows": len(found.rows) + len(found.faults),
                "added": added,
                "already_enrolled": repeated,
                "faults": [{"line": f.line, "code": f.code, "detail": f.detail} for f in found.faults],
                "columns": found.columns,
            }
        )
        return
    out = console()
    out.print(f"{added} added, {repeated} there already, {len(found.faults)} rows left out", highlight=False)
    if found.faults:
        rows = [(f.line, f.code, f.detail) for f in found.faults[:50]]
        out.print(grid("rows left out", ("line", "why", "detail"), rows))
        if len(found.faults) > 50:
            out.print(f"... and {len(found.faults) - 50} more; --json lists all")


def _show(campaign: Definition, *, as_json: bool) -> None:
    if as_json:
        print_json({"campaign_id": campaign.id, "status": campaign.status, "version": campaign.revision})
    else:
        console().print(f"{campaign.id} is {campaign.status} (version {campaign.revision})", highlight=False)


async def _decide(name: str, campaign: str, *, as_json: bool) -> None:
    async with office() as at:
        _show(await getattr(at.control, name)(campaign), as_json=as_json)


@command
def launch(campaign: CampaignId, as_json: Json = False) -> None:
    """Start a draft; with a start in the future it is scheduled."""
    run(_decide("launch", campaign, as_json=as_json))


@command
def pause(campaign: CampaignId, as_json: Json = False) -> None:
    """Hold a campaign. Nothing of it passes the gate from the moment this returns."""
    run(_decide("pause", campaign, as_json=as_json))


@command
def resume(campaign: CampaignId, as_json: Json = False) -> None:
    """Let a paused campaign go on."""
    run(_decide("resume", campaign, as_json=as_json))


@command
def complete(campaign: CampaignId, as_json: Json = False) -> None:
    """End a campaign."""
    run(_decide("complete", campaign, as_json=as_json))


@command
def archive(campaign: CampaignId, as_json: Json = False) -> None:
    """Put a completed campaign away."""
    run(_decide("archive", campaign, as_json=as_json))


@command
def cancel(campaign: CampaignId, as_json: Json = False) -> None:
    """End a campaign now and take every lead out of it."""
    run(_cancel(campaign, as_json=as_json))


async def _cancel(campaign: str, *, as_json: bool) -> None:
    async with office() as at:
        head = await at.control.campaign(campaign)
        if head.status == "active":
            await at.control.pause(campaign)
        else:
            check_move(campaign, head.status or "draft", "completed")
        await _exit_all(at, campaign)
        _show(await at.control.complete(campaign), as_json=as_json)


async def _exit_all(at: Office, campaign: str) -> None:
    """Exits first, acknowledged; then wait (a minute at most) until the roles have followed them."""
    from api.publisher import Outgoing

    leads = await at.models.open_leads(campaign)
    exits = [
        Outgoing(
            "enrollments",
            Exit(
                event_id=event_id("cancel", campaign, lead),
                lead_id=lead,
                campaign_id=campaign,
                reason="campaign_cancelled",
                at=at.clock.now(),
            ),
            lead,
        )
        for lead in leads
    ]
    for start in range(0, len(exits), 1000):
        await at.publisher.publish(exits[start : start + 1000])
    try:
        async with asyncio.timeout(CANCEL_WAIT_S if exits else 0):
            await _followed(at, campaign)
    except TimeoutError:
        return


async def _followed(at: Office, campaign: str) -> None:
    for attempt in itertools.count(1):
        if not await at.models.open_leads(campaign):
            return
        await asyncio.sleep(min(2.0, 0.2 * attempt))


@command
def stop(
    everything: Annotated[bool, typer.Option("--all", help="Stop every send at the gate, now.")] = False,
    release: Annotated[bool, typer.Option("--release", help="Let sends go on.")] = False,
    as_json: Json = False,
) -> None:
    """Stop every send at once, or let them go on."""
    if everything == release:
        raise UserError("say either --all or --release")
    run(_stop(stopped=everything, as_json=as_json))


async def _stop(*, stopped: bool, as_json: bool) -> None:
    async with office() as at:
        await at.control.stop_all(stopped=stopped)
    if as_json:
        print_json({"stopped": stopped})
    else:
        console().print("everything is stopped at the gate" if stopped else "sends go on")


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
    async with office() as at:
        head = await at.control.campaign(campaign)
        figures = await at.models.progress(campaign)
        steps = await at.models.steps(campaign)
        mix = await at.models.disposition_mix(campaign)
        unclear = len(await at.models.ambiguous(campaign)) if figures["ambiguous"] else 0
    facts = {"campaign_id": campaign, "name": head.spec.get("name"), "status": head.status, "version": head.revision}
    if as_json:
        print_json({**facts, "progress": figures, "steps": steps, "dispositions": mix, "unsettled_ambiguous": unclear})
        return
    out = console()
    out.print(f"{facts['name']} ({campaign}): {head.status}, version {head.revision}", highlight=False)
    out.print(_window(head.spec, at.clock.now()), highlight=False)
    rows = [(name, value) for name, value in figures.items() if name != "campaign_id"]
    half = (len(rows) + 1) // 2
    pairs: list[tuple[Any, ...]] = [
        (*rows[n], *(rows[n + half] if n + half < len(rows) else ("", ""))) for n in range(half)
    ]
    out.print(grid("progress", ("figure", "n", "figure ", "n "), pairs))
    if steps:
        columns = [name for name in steps[0] if name != "campaign_id"]
        out.print(grid("steps", columns, ([row[name] for name in columns] for row in steps)))
    if mix:
        out.print(grid("replies", ("disposition", "n"), mix.items()))
    if unclear:
        out.print(
            f"{unclear} touches may or may not have arrived: touchline ambiguous list {campaign}", highlight=False
        )


def register(app: typer.Typer) -> None:
    """Add this family."""
    for function in (enroll, launch, pause, resume, complete, cancel, archive, stop, status):
        app.command()(function)
