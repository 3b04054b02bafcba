"""The board on the command line: cards by queue and state, how many there are, one card's story (docs/behaviour.md 8.3)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.card_desk import By, Campaign, CardId, Queue, Type, desk, find, name_of, one_of, say, state_of
from api.commands.context import Json, command, office, print_json, run
from api.errors import UserError
from domain.card_states import MOVES

if TYPE_CHECKING:
    from sinks.postgres.board import Filter

PAGE = 500


@command
def list_cards(  # noqa: PLR0917 - options, which typer gives by name
    queue: Queue = None,
    state: Annotated[list[str] | None, typer.Option(help="Only this state; may be given several times.")] = None,
    campaign: Campaign = None,
    assignee: Annotated[str | None, typer.Option(help="Only cards that this person has.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only cards that you (--as) have.")] = False,
    unassigned: Annotated[bool, typer.Option("--unassigned", help="Only cards that nobody has.")] = False,
    priority: Annotated[str | None, typer.Option(help="Only low, medium or high.")] = None,
    card_type: Type = None,
    lead: Annotated[str | None, typer.Option(help="Only about this lead.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only open ones that should have been done by now.")
    ] = False,
    search: Annotated[str | None, typer.Option(help="Only with these words in what the card says.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 200,
    by: By = "operator",
    as_json: Json = False,
) -> None:
    """Cards, newest first."""
    from sinks.postgres.board import NOBODY_HAS_IT, Filter

    if mine + unassigned + (assignee is not None) > 1:
        raise UserError("say one of --assignee, --mine and --unassigned")
    has_it = name_of(by) if mine else NOBODY_HAS_IT if unassigned else assignee
    one_of(priority, ("low", "medium", "high"), "--priority")
    wanted = Filter(
        queue=queue, states=[state_of(one) for one in state] if state else None, campaign_id=campaign, assigned_to=has_it,
        priority=priority, type=card_type, lead_id=lead, text=search,
    )  # fmt: skip
    run(_list_cards(wanted, limit, overdue=overdue, as_json=as_json))


async def _list_cards(wanted: Filter, limit: int, *, overdue: bool, as_json: bool) -> None:
    from dataclasses import replace

    from api.card_story import HEADER, row_of
    from sinks.postgres.board import overdue as is_overdue

    async with office() as at:
        now = at.clock.now()
        wanted = replace(wanted, due_before=now) if overdue else wanted
        cards: list[dict[str, Any]] = []
        after: str | None = None
        while len(cards) < limit:
            some, after = await at.board.page(wanted, limit=min(PAGE, limit - len(cards)), after=after)
            cards += some
            if after is None:
                break
    if as_json:
        print_json([{**card, "overdue": is_overdue(card, now)} for card in cards])
        return
    late = sum(is_overdue(card, now) for card in cards)
    more = ", and more: --limit" if after is not None else ""
    lines = [HEADER, *(row_of(card, now) for card in cards)] if cards else []
    say("\n".join([*lines, f"{len(cards)} cards, {late} overdue{more}"]))


@command
def counts(campaign: Campaign = None, as_json: Json = False) -> None:
    """How many cards stand in each queue and state."""
    rows = run(_counts(campaign))
    if as_json:
        print_json(rows)
        return
    for queue in dict.fromkeys(row["queue"] for row in rows):
        states = {row["state"]: row["n"] for row in rows if row["queue"] == queue}
        late = sum(row["overdue"] for row in rows if row["queue"] == queue)
        told = ", ".join(f"{states[state]} {state}" for state in MOVES if state in states)
        say(f"{queue}: {told}" + (f" ({late} overdue)" if late else ""))


async def _counts(campaign: str | None) -> list[dict[str, Any]]:
    async with office() as at:
        return await at.board.counts(at.clock.now(), campaign)


@command
def show(card_id: CardId, as_json: Json = False) -> None:
    """One card with its story, the reply that made it and its thread: personal data."""
    card, now = run(_show(card_id))
    if as_json:
        print_json(card)
        return
    from api.card_story import story

    say("\n".join(story(card, now)))


async def _show(given: str) -> tuple[dict[str, Any], datetime]:
    async with desk() as at:
        return await at.board.card(await find(at, given)), at.clock.now()


def register(app: typer.Typer) -> None:
    """Add these commands to `cards`."""
    app.command("list")(list_cards)
    app.command("counts")(counts)
    app.command("show")(show)
