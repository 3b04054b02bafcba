"""`touchline enroll`: the leads of a file into a campaign."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.commands.context import CampaignId, Json, Office, command, console, grid, must_stand, office, print_json, run
from api.enrolling import needs_email
from api.errors import FAILED, UserError
from api.leads_file import LeadsFile, lead_id_of, read_leads

ANSWER_WAIT_S = 30.0


@command
def enroll(  # noqa: PLR0917 - options, which typer gives by name
    campaign: CampaignId,
    file: Annotated[Path, typer.Argument(help="CSV with a header; further columns become attributes.")],
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=field, for a header that is not known.")
    ] = None,
    mailbox: Annotated[str | None, typer.Option(help="Send from this mailbox.")] = None,
    variant: Annotated[str, typer.Option(help="a, b or random.")] = "random",
    re_enter: Annotated[
        str | None,
        typer.Option(help="A name for a further round: leads that have been through enter again, once for each name."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file and report.")] = False,
    as_json: Json = False,
) -> None:
    """Ask a campaign to take the leads of a file. Repeating it changes nothing; rows left out are reported."""
    must_stand(file)
    run(
        _enroll(
            campaign,
            file,
            column_mapping(mapping or []),
            mailbox,
            _variant(variant),
            re_enter,
            dry_run=dry_run,
            as_json=as_json,
        )
    )


def column_mapping(given: Sequence[str]) -> dict[str, str]:
    """COLUMN=field pairs as `read_leads` takes them. Raises UserError."""
    pairs = [item.partition("=") for item in given]
    if any(not found or not name or not target for name, found, target in pairs):
        raise UserError("--map takes COLUMN=field, for example --map 'Work mail=email'")
    return {name: target for name, _, target in pairs}


def _variant(given: str) -> Literal["a", "b", "random"]:
    if given not in ("a", "b", "random"):
        raise UserError(f"--variant is a, b or random, not {given!r}")
    return given


async def _enroll(  # noqa: PLR0917 - the options of the command
    campaign: str,
    file: Path,
    mapping: dict[str, str],
    mailbox: str | None,
    variant: Literal["a", "b", "random"],
    re_enter: str | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    from api.bootstrap import keys_of

    async with office("token_keys") as at:
        secret = keys_of(at.settings).hash_secret
        known = await at.store.head("campaign", campaign)
        is_mailed = known is None or needs_email(known)
        found = read_leads(file, lambda email: lead_id_of(secret, email), mapping, needs_email=is_mailed)
        added, repeated = 0, 0
        closed: Closed | None = None
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
                    re_enter=re_enter,
                    progress=lambda count: bar.update(task, completed=count),
                )
                bar.update(task, completed=len(found.rows))
            added, repeated = done.added, len(done.skipped)
            if done.closed_as is not None:
                closed = await _closed(at, campaign, done.closed_as, done.published)
    _report(campaign, found, added, repeated, closed, as_json=as_json)
    if closed is not None and (closed.refused or closed.unanswered):
        raise typer.Exit(FAILED)


@dataclass(frozen=True, slots=True)
class Closed:
    """What became of leads whose campaign was ended while they were on their way: refused (lead id -> code), and those
    that nothing is known of yet.
    """

    status: str
    refused: dict[str, str]
    unanswered: list[str]


async def _closed(at: Office, campaign: str, status: str, published: Sequence[str]) -> Closed:
    """Wait (half a minute at most) until each lead is enrolled or refused."""
    answers: dict[str, str | None] = {}
    try:
        async with asyncio.timeout(ANSWER_WAIT_S):
            for attempt in itertools.count(1):
                answers = await at.store.answers(campaign, published)
                if len(answers) == len(published):
                    break
                await asyncio.sleep(min(2.0, 0.2 * attempt))
    except TimeoutError:
        pass
    refused = {lead_id: code for lead_id, code in answers.items() if code is not None}
    return Closed(status, refused, [lead_id for lead_id in published if lead_id not in answers])


def _tell_closed(campaign: str, closed: Closed) -> None:
    sys.stderr.write(f"campaign {campaign!r} became {closed.status} while its leads were on their way\n")
    for what, leads in (
        ("were refused (campaign_closed)", sorted(closed.refused)),
        ("are not answered for yet; what leads has not read by now it refuses", closed.unanswered),
    ):
        if leads:
            more = f" and {len(leads) - 20} more (--json lists all)" if len(leads) > 20 else ""
            sys.stderr.write(f"{len(leads)} leads {what}: {', '.join(leads[:20])}{more}\n")
    if closed.refused or closed.unanswered:
        sys.stderr.write("A campaign that is over takes no leads: apply one with another id, and enroll them in that\n")


def _report(
    campaign: str, found: LeadsFile, added: int, repeated: int, closed: Closed | None, *, as_json: bool
) -> None:
    if as_json:
        ended = {} if closed is None else {"campaign_closed": closed.status, **asdict(closed)}
        ended.pop("status", None)
        print_json(
            {
                "campaign_id": campaign,
                "rows": len(found.rows) + len(found.faults),
                "added": added,
                "already_enrolled": repeated,
                "faults": [{"line": f.line, "code": f.code, "detail": f.detail} for f in found.faults],
                "columns": found.columns,
                **ended,
            }
        )
        return
    if closed is not None:
        _tell_closed(campaign, closed)
    out = console()
    out.print(f"{added} added, {repeated} there already, {len(found.faults)} rows left out", highlight=False)
    if found.faults:
        rows = [(f.line, f.code, f.detail) for f in found.faults[:50]]
        out.print(grid("rows left out", ("line", "why", "detail"), rows))
        if len(found.faults) > 50:
            out.print(f"... and {len(found.faults) - 50} more; --json lists all")


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(enroll)
