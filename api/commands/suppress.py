"""Whom not to write to: suppress, show with its proof, lift, import, export (docs/behaviour.md 5.3)."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run
from api.errors import FAILED, UserError

if TYPE_CHECKING:
    from api.commands.context import Office
    from api.suppressing import Imported, Suppressing
    from sinks.postgres.consent import Consents

app = typer.Typer(no_args_is_help=True, help="Suppressions: show an address with its proof, lift, import, export.")

Address = Annotated[str, typer.Argument(help="An address, or a number with its country (+46...).")]
Scope = Annotated[str | None, typer.Option(help="all, campaign:ID or goal:NAME; without it every scope.")]
EXPORTED: tuple[str, ...] = ("key", "scope", "reason", "at", "way", "source", "suppressed_at", "lifted_at", "lifted_by")
"""The columns of an export; an import takes the first four and leaves the others alone."""
PAGE = 1000
SHOWN = 50


@command
def suppress(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Addresses, or numbers (+46...).")],
    campaign: Annotated[str | None, typer.Option(help="Only mail of this campaign.")] = None,
    goal: Annotated[str | None, typer.Option(help="Only mail of campaigns with this goal.")] = None,
    reason: Annotated[str, typer.Option(help="A code that names nobody, such as asked_by_phone.")] = "operator",
    as_json: Json = False,
) -> None:
    """Never write to these again. When it returns nothing passes the gate; what was in the air at that instant is named."""
    if campaign is not None and goal is not None:
        raise UserError("--campaign and --goal are two scopes: suppress twice")
    scope = "all" if campaign is goal is None else f"goal:{goal}" if campaign is None else f"campaign:{campaign}"
    run(_suppress(addresses, scope, reason, as_json=as_json))


async def _suppress(addresses: list[str], scope: str, reason: str, *, as_json: bool) -> None:
    async with _desk() as desk:
        done = await desk.suppressing.suppress(addresses, scope, reason, "command")
        told = await _tell(desk.office)
    if as_json:
        print_json({"suppressed": done, "told": told})
        return
    out = console()
    for one in done:
        out.print(
            f"{one['address']}: {'suppressed' if one['new'] else 'was suppressed already'} ({scope})", highlight=False
        )
        _print_proof(one["proof"])
    if not told:
        out.print("Sequences end when Kafka answers; until then the gate refuses their touches")


@app.command("show")
@command
def show(address: Address, as_json: Json = False) -> None:
    """Every record about an address, and the proof: what passed the gate after a commit (nothing), what was in the air.

    Exit 1 when something passed after a commit.
    """
    told = run(_show(address))
    if as_json:
        print_json(told)
    else:
        rows = [
            (one["scope"], one["reason"], one["way"], one["of"], one["suppressed_at"], one["lifted_at"], one["source"])
            for one in told["records"]
        ]
        scopes = ", ".join(told["in_force"])
        console().print(
            f"{told['address']}: {f'suppressed ({scopes})' if scopes else 'not suppressed'}", highlight=False
        )
        if rows:
            columns = ("scope", "reason", "way", "of", "since", "lifted", "source")
            console().print(grid("records", columns, rows))
        _print_proof(told["proof"])
    if not told["proof"]["holds"]:
        raise typer.Exit(FAILED)


async def _show(address: str) -> dict[str, Any]:
    async with _desk() as desk:
        return await desk.suppressing.show(address)


@app.command("lift")
@command
def lift(address: Address, scope: Scope = None, as_json: Json = False) -> None:
    """Let an address be written to again, where an operator, a server or a campaign suppressed it.

    What the person asked for stays: only they take it back, on the page that every mail links to.
    """
    run(_lift(address, scope, as_json=as_json))


async def _lift(address: str, scope: str | None, *, as_json: bool) -> None:
    async with _desk() as desk:
        lifted, left = await desk.suppressing.lift(address, scope)
    if as_json:
        print_json({"lifted": [one._asdict() for one in lifted], "in_force": left})
        return
    console().print(f"{len(lifted)} lifted, {len(left)} in force", highlight=False)
    for one in left:
        console().print(f"  {one['scope']}: {one['reason']} ({one['way']}) of {one['at']}", highlight=False)


@app.command("import")
@command
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header: email or key, and scope, reason, at.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file and report.")] = False,
    as_json: Json = False,
) -> None:
    """Suppress everybody in a file. Good lines are taken whatever the others say; the bad ones are named, and the exit is 1.

    Repeating it changes nothing. It only adds: no import ever lifts a suppression.
    """
    run(_import(file, dry_run=dry_run, as_json=as_json))


async def _import(file: Path, *, dry_run: bool, as_json: bool) -> None:
    from rich.progress import Progress, SpinnerColumn, TextColumn

    from api.bootstrap import keys_of
    from api.suppressions_file import SuppressionsFile

    async with _desk() as desk:
        at = desk.office
        campaigns = frozenset(head.id for head in await at.store.heads() if head.kind == "campaign")
        found = SuppressionsFile(file, keys_of(at.settings).hash_secret, campaigns, at.clock.wall())
        quiet = as_json or not sys.stderr.isatty()
        with Progress(SpinnerColumn(), TextColumn("line {task.completed}"), disable=quiet) as bar:
            task = bar.add_task("importing", total=None)
            done = await desk.suppressing.bring(
                found.rows(), dry_run=dry_run, progress=lambda line: bar.update(task, completed=line)
            )
        told = dry_run or await _tell(at)
    _report(done, list(found.columns), told=told, dry_run=dry_run, as_json=as_json)
    if done.bad:
        raise typer.Exit(FAILED)


def _report(done: Imported, columns: list[str], *, told: bool, dry_run: bool, as_json: bool) -> None:
    if as_json:
        faults = [asdict(fault) for fault in done.faults]
        counts = {"rows": done.rows, "added": done.added, "already": done.rows - done.added, "bad": done.bad}
        print_json({**counts, "columns": columns, "dry_run": dry_run, "told": told, "faults": faults})
        return
    out = console()
    added = "would be added" if dry_run else "added"
    out.print(
        f"{done.added} {added}, {done.rows - done.added} there already, {done.bad} lines left out", highlight=False
    )
    if done.faults:
        rows = [(fault.line, fault.code, fault.detail) for fault in done.faults[:SHOWN]]
        out.print(grid("lines left out", ("line", "why", "detail"), rows))
        if done.bad > SHOWN:
            out.print(f"... and {done.bad - SHOWN} more; --json lists a thousand")


@app.command("export")
@command
def export(
    lifted: Annotated[bool, typer.Option("--all", help="Those that were lifted, too.")] = False,
    as_json: Json = False,
) -> None:
    """All suppressions on stdout, as CSV or as a JSON list: keyed hashes, because addresses are not stored.

    `touchline suppressions import` takes the CSV back where the hashing key is the same.
    """
    run(_export(lifted=lifted, as_json=as_json))


async def _export(*, lifted: bool, as_json: bool) -> None:
    async with _desk() as desk:
        rows = _listed(desk, lifted=lifted)
        if not as_json:
            writer = csv.DictWriter(sys.stdout, EXPORTED, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            async for row in rows:
                writer.writerow(row)
            return
        before = "["
        async for row in rows:
            sys.stdout.write(before + json.dumps({name: row[name] for name in EXPORTED}, ensure_ascii=False))
            before = ",\n"
        sys.stdout.write("[]\n" if before == "[" else "]\n")


async def _listed(desk: Desk, *, lifted: bool) -> AsyncIterator[dict[str, Any]]:
    """Every suppression, a page at a time: those that come meanwhile may be missing."""
    from api.bootstrap import keys_of
    from api.suppressing import listed

    secret = keys_of(desk.office.settings).hash_secret
    after = (b"", "", "")
    while rows := await desk.consents.page(after, lifted=lifted, at_most=PAGE):
        for row in rows:
            yield listed(secret, row)
        after = (rows[-1]["key"], rows[-1]["scope"], rows[-1]["source_id"])


@dataclass(frozen=True, slots=True)
class Desk:
    """What these commands work with."""

    office: Office
    consents: Consents
    suppressing: Suppressing


@asynccontextmanager
async def _desk() -> AsyncGenerator[Desk]:
    from api.bootstrap import dsn_of, keys_of
    from api.suppressing import Suppressing
    from sinks.postgres.connect import LEDGER_PLAN, connect
    from sinks.postgres.consent import Consents

    async with office("token_keys") as at, AsyncExitStack() as closing:
        pool = await connect(dsn_of(at.settings), name="command consent", plan=LEDGER_PLAN)
        closing.push_async_callback(pool.close)
        consents = Consents(pool, keys_of(at.settings).hash_secret)
        yield Desk(at, consents, Suppressing(consents, at.store, at.clock))


async def _tell(at: Office) -> bool:
    """Publish what is noted; the API does it when Kafka answers, where it does not now."""
    from api.telling import AT_ONCE, Telling
    from streams.errors import Retryable

    telling = Telling(at.notes, at.publisher)
    try:
        while await telling.once() == AT_ONCE:
            pass
    except Retryable:
        return False
    return True


def _print_proof(proof: Mapping[str, Any]) -> None:
    out = console()
    if proof["holds"]:
        out.print(
            f"  nothing passed the gate after a commit ({proof['sent']} sent before or while none held)",
            highlight=False,
        )
    for title, touches in (("PASSED AFTER A COMMIT", proof["after_commit"]), ("in the air", proof["in_the_air"])):
        if touches:
            rows = [
                (one["send_id"], one["campaign_id"], one["step_id"], one["state"], one["passed_at"], one["suppressed_at"],
                 one["finished_at"]) for one in touches
            ]  # fmt: skip
            columns = ("send", "campaign", "step", "state", "passed the gate", "suppressed", "outcome")
            out.print(grid(title, columns, rows))


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.command()(suppress)
    parent.add_typer(app, name="suppressions")
