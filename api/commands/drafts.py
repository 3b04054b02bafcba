"""Drafts: touches that Claude wrote, and those that wait to be written (docs/behaviour.md 1.4, 8.2)."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run
from api.errors import ConflictError, NotFoundError, UserError

if TYPE_CHECKING:
    from api.commands.context import Office
    from sinks.postgres.draft_reviews import Decided, DraftReviews

app = typer.Typer(no_args_is_help=True, help="Touches that Claude writes: read, approve, reject, change, write anew.")

SendId = Annotated[UUID, typer.Argument(help="The draft, as `drafts list` prints it.")]
By = Annotated[str, typer.Option(help="Who says so.")]
Version = Annotated[int | None, typer.Option(help="Refuse when the draft has another version.")]
OPEN = ("wanted", "review", "held")


@app.command("list")
@command
def list_drafts(
    campaign: Annotated[str | None, typer.Option(help="Only of this campaign.")] = None,
    lead: Annotated[str | None, typer.Option(help="Only of this lead.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only in this state; may be given several times.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    as_json: Json = False,
) -> None:
    """Drafts that wait (or those in a state), oldest first, and why they wait."""
    rows = run(_list(campaign, lead, tuple(state) if state else OPEN, limit))
    if as_json:
        print_json(rows)
        return
    columns = ("state", "reason", "campaign_id", "step_id", "lead_id", "subject", "version", "send_id")
    console().print(grid(f"{len(rows)} drafts", columns, ([row[name] for name in columns] for row in rows)))


async def _list(campaign: str | None, lead: str | None, states: tuple[str, ...], limit: int) -> list[dict[str, Any]]:
    async with _reviews() as (_, drafts):
        return await drafts.drafts(campaign_id=campaign, lead_id=lead, states=states, limit=limit)


@app.command("show")
@command
def show(send_id: SendId, as_json: Json = False) -> None:
    """One draft with what it was written from: personal data."""
    draft = run(_show(send_id))
    if as_json:
        print_json(draft)
        return
    out = console()
    for name, told in draft.items():
        if name not in {"subject", "body"} and told not in (None, {}, []):
            out.print(f"{name:16} {told}", highlight=False, markup=False)
    out.print(
        f"\n{draft['subject'] or '(in the thread)'}\n\n{draft['body'] or '(not written)'}",
        highlight=False,
        markup=False,
    )


async def _show(send_id: UUID) -> dict[str, Any]:
    async with _reviews() as (_, drafts):
        return await drafts.draft(send_id)


@app.command("approve")
@command
def approve(  # noqa: PLR0917 - options, which typer gives by name
    send_id: Annotated[UUID | None, typer.Argument(help="The draft, as `drafts list` prints it.")] = None,
    campaign: Annotated[str | None, typer.Option(help="All that stand for bulk review in this campaign.")] = None,
    step: Annotated[str | None, typer.Option(help="Of them, only those of this step.")] = None,
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Let a draft go out, within all limits. Steps with `ai_review: bulk` can be approved together (--campaign)."""
    if (send_id is None) == (campaign is None) or (step is not None and campaign is None):
        raise UserError("say either a draft or --campaign (with or without --step)")
    if send_id is not None:
        _say(run(_approve(send_id, by, version)), as_json=as_json)
        return
    done = run(_approve_all(campaign or "", step, by))
    approved, refused = sum(one.changed for one in done), [one for one in done if one.refused is not None]
    if as_json:
        print_json({"approved": approved, "refused": {str(one.send_id): one.refused for one in refused}})
        return
    console().print("\n".join([f"{approved} approved", *(str(one.refused) for one in refused)]), highlight=False)


async def _approve(send_id: UUID, by: str, version: int | None) -> Decided:
    async with _reviews() as (at, drafts):
        return await drafts.approve(send_id, by, at.clock.now(), seen=version)


async def _approve_all(campaign: str, step: str | None, by: str) -> list[Decided]:
    found: list[Decided] = []
    async with _reviews() as (at, drafts):
        await at.control.campaign(campaign)
        while some := await drafts.approve_all(campaign, step, by, at.clock.now()):
            found += some
            if not any(one.changed for one in some):
                break
    return found


@app.command("reject")
@command
def reject(  # noqa: PLR0917 - options, which typer gives by name
    send_id: SendId,
    instead: Annotated[str | None, typer.Option(help="skip or template; else as the step's ai_on_reject says.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Let it not go out: the touch is skipped, or its template goes."""
    if instead not in {None, "skip", "template"}:
        raise UserError(f"--instead: skip or template, not {instead!r}")
    _say(run(_reject(send_id, instead, reason, by, version)), as_json=as_json)  # pyright: ignore[reportArgumentType]


async def _reject(
    send_id: UUID, instead: Literal["skip", "template"] | None, reason: str | None, by: str, version: int | None
) -> Decided:
    async with _reviews() as (at, drafts):
        return await drafts.reject(send_id, by, at.clock.now(), instead=instead, reason=reason, seen=version)


@app.command("edit")
@command
def edit(  # noqa: PLR0917 - options, which typer gives by name
    send_id: SendId,
    body: Annotated[Path, typer.Option(help="A file with the words, or - for standard input.")],
    subject: Annotated[str | None, typer.Option(help="The subject; without one it stays as it is.")] = None,
    by: By = "operator",
    version: Version = None,
    as_json: Json = False,
) -> None:
    """Other words for a draft whose step allows it (`ai_review: edit` or `bulk`), or for one that could not be written."""
    try:
        words = sys.stdin.read() if str(body) == "-" else body.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--body {body}: {error}") from None
    _say(run(_edit(send_id, subject, words, by, version)), as_json=as_json)


async def _edit(send_id: UUID, subject: str | None, body: str, by: str, version: int | None) -> Decided:
    async with _reviews() as (at, drafts):
        if subject is None:
            subject = (await drafts.draft(send_id))["subject"]
        return await drafts.edit(send_id, subject, body, by, at.clock.now(), seen=version)


@app.command("retry")
@command
def retry(send_id: SendId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Have it written anew."""
    _say(run(_retry(send_id, by, version)), as_json=as_json)


async def _retry(send_id: UUID, by: str, version: int | None) -> Decided:
    async with _reviews() as (at, drafts):
        return await drafts.retry(send_id, by, at.clock.now(), seen=version)


@asynccontextmanager
async def _reviews() -> AsyncGenerator[tuple[Office, DraftReviews]]:
    """The office with its drafts; their errors as what a person can put right."""
    from domain.drafting import DraftRefusedError
    from sinks.postgres.draft_reviews import BadWordsError, UnknownDraftError

    async with office() as at:
        try:
            yield at, at.drafts
        except UnknownDraftError as error:
            raise NotFoundError(str(error)) from None
        except DraftRefusedError as error:
            raise ConflictError(str(error)) from None
        except BadWordsError as error:
            raise UserError("these words cannot go out", error.faults) from None


def _say(decided: Decided, *, as_json: bool) -> None:
    if as_json:
        print_json({name: value for name, value in asdict(decided).items() if name != "refused"})
        return
    again = "" if decided.changed else ", as before"
    console().print(f"draft {decided.send_id}: {decided.state}{again} (version {decided.version})", highlight=False)


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="drafts")
