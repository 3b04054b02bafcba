"""`touchline simulate`: a whole campaign over virtual weeks, with the production decisions and no infrastructure."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from api.commands.context import Json, command, console, grid, print_json, run, settings_for
from api.commands.enroll import column_mapping
from api.errors import UserError
from api.leads_file import LeadsFile, lead_id_of, read_leads
from domain.leads.requests import writes_emails

if TYPE_CHECKING:
    from api.simulation import Cast
    from domain.simulation.run import Report, Run

MAX_DAYS = 3660
STAND_IN = b"touchline simulate: lead ids of files without any, where no key is set"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for."""

    campaign: str
    leads: Path
    definitions: tuple[Path, ...]
    mapping: tuple[str, ...]
    seed: int
    rates: tuple[float, float, float]
    start: str | None
    days: int
    plot: Path | None
    sends: Path | None
    as_json: bool


@command
def simulate(  # noqa: PLR0917 - options, which typer gives by name
    campaign: Annotated[str, typer.Argument(help="The campaign's id; or a YAML file with one campaign.")],
    leads: Annotated[Path, typer.Option(help="CSV with a header, as for enroll.")],
    definitions: Annotated[
        list[Path] | None, typer.Option(help="YAML files; without any, what was applied (Postgres).")
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="COLUMN=field, for a header that is not known.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed, other correspondents.")] = 0,
    open_rate: Annotated[float, typer.Option(help="Share of emails that are opened, 0 to 1.")] = 0.4,
    click_rate: Annotated[float, typer.Option(help="Share of emails that are clicked, 0 to 1.")] = 0.05,
    reply_rate: Annotated[float, typer.Option(help="Share of emails that a person answers, 0 to 1.")] = 0.03,
    start: Annotated[
        str | None,
        typer.Option(help="When the leads come in; else start_at, else last midnight in the campaign's zone."),
    ] = None,
    days: Annotated[int, typer.Option(help="Stop after so many days.")] = 366,
    plot: Annotated[Path | None, typer.Option(help="Draw it: a .png or .svg file.")] = None,
    sends: Annotated[Path | None, typer.Option(help="Write a JSON line a send to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Play a campaign over virtual weeks: sends a day against caps, what waits for which limit, when it is over."""
    _simulate(
        Wish(
            campaign,
            leads,
            tuple(definitions or ()),
            tuple(mapping or ()),
            seed,
            (open_rate, click_rate, reply_rate),
            start,
            days,
            plot,
            sends,
            as_json,
        )
    )


def _simulate(wish: Wish) -> None:
    from api.plot import check_plot, draw
    from api.plot_text import show
    from api.simulation import start_of
    from domain.simulation.people import Rates, people
    from domain.simulation.run import Run

    _check(wish)
    if wish.plot is not None:
        check_plot(wish.plot)
    playing = _cast(wish)
    found = _leads(wish, is_mailed=writes_emails(playing.definitions.campaigns[playing.campaign_id]))
    starts = start_of(playing, wish.start, datetime.now(UTC))
    rows = [(row.lead_id, row.lead) for row in found.rows]
    acting = people(Rates(*wish.rates), wish.seed)
    happening = Run(playing.definitions, playing.campaign_id, rows, acting, start=starts, days=wish.days)
    report = _play(happening, len(rows), quiet=wish.as_json)
    if wish.sends is not None:
        _write_sends(wish.sends, report)
    if wish.plot is not None:
        draw(report, wish.plot)
    if wish.as_json:
        faults = [{"line": fault.line, "code": fault.code, "detail": fault.detail} for fault in found.faults]
        print_json({**report.as_json(), "rows_left_out": faults})
        return
    out = console()
    show(report, out)
    if found.faults:
        left_out = [(fault.line, fault.code, fault.detail) for fault in found.faults[:20]]
        out.print(grid(f"{len(found.faults)} rows left out", ("line", "why", "detail"), left_out))


def _check(wish: Wish) -> None:
    for option, rate in zip(("--open-rate", "--click-rate", "--reply-rate"), wish.rates, strict=True):
        if not 0 <= rate <= 1:
            raise UserError(f"{option} {rate:g}: a rate is a share from 0 to 1, such as 0.4 for forty in a hundred")
    if not 1 <= wish.days <= MAX_DAYS:
        raise UserError(f"--days {wish.days}: from 1 to {MAX_DAYS}")
    if wish.sends is not None and not wish.sends.parent.is_dir():
        raise UserError(f"--sends {wish.sends}: there is no directory {wish.sends.parent}")


def _cast(wish: Wish) -> Cast:
    from api.simulation import from_file, from_files

    if wish.definitions:
        return from_files(wish.campaign, wish.definitions)
    path = Path(wish.campaign)
    if path.suffix.lower() in (".yaml", ".yml"):
        return from_file(path)
    return run(_applied(wish.campaign))


async def _applied(campaign: str) -> Cast:
    from api.commands.context import office
    from api.simulation import cast
    from streams.settings import SettingsError

    try:
        async with office() as at:
            return cast(campaign, await at.store.heads(), "what was applied")
    except SettingsError as error:
        raise UserError(
            f"where does campaign {campaign!r} stand? Name its file with --definitions, or the database it was applied to",
            error.problems,
        ) from None


def _leads(wish: Wish, *, is_mailed: bool) -> LeadsFile:
    from api.bootstrap import keys_of

    settings = settings_for()
    secret = keys_of(settings).hash_secret if settings.token_keys is not None else STAND_IN
    found = read_leads(
        wish.leads, lambda email: lead_id_of(secret, email), column_mapping(wish.mapping), needs_email=is_mailed
    )
    if not found.rows:
        lines = [f"line {fault.line}: {fault.code}: {fault.detail}" for fault in found.faults[:20]]
        raise UserError(f"{wish.leads}: no row can be enrolled", lines)
    return found


def _play(happening: Run, leads: int, *, quiet: bool) -> Report:
    """Let it run, with a bar of how many leads are through, on stderr and only for people."""
    bar = Progress(
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} leads through, {task.fields[sends]} sends, {task.fields[day]}"),
        TimeElapsedColumn(),
        disable=quiet or not sys.stderr.isatty(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("simulating", total=leads, sends=0, day="")
        for glance in happening:
            through = leads - glance.open if glance.sends else 0
            bar.update(task, completed=through, sends=glance.sends, day=f"{glance.at:%Y-%m-%d}")
    return happening.report()


def _write_sends(path: Path, report: Report) -> None:
    lines = (
        json.dumps({**sent._asdict(), "at": sent.at.isoformat()}, ensure_ascii=False) + "\n" for sent in report.sends
    )
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError as error:
        raise UserError(f"--sends {path}: {error.strerror or error}") from None


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(simulate)
