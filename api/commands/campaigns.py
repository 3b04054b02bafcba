"""Campaigns: launch, pause, resume, complete, cancel, archive, stop."""

from __future__ import annotations

import asyncio
import itertools
from typing import Annotated

import typer

from api.commands.context import CampaignId, Json, Office, command, console, office, print_json, run
from api.errors import UserError
from domain.ids import event_id
from domain.lifecycle import check_move
from schemas.definitions import Definition
from schemas.enrollments import Exit

CANCEL_WAIT_S = 60.0


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


def register(app: typer.Typer) -> None:
    """Add this family."""
    for function in (launch, pause, resume, complete, cancel, archive, stop):
        app.command()(function)
