"""Reading: a lead, cards, consumer lag."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run, settings_for
from api.commands.lead import lead
from api.errors import ConflictError, NotFoundError, UserError
from domain.cards import MOVES, CardState, IllegalCardMoveError


@command
def lag(
    partitions: Annotated[bool, typer.Option("--partitions", help="One line a partition.")] = False,
    as_json: Json = False,
) -> None:
    """What each role has not read yet, and how long the oldest of it has stood; asked of the broker itself."""
    from api.lag import read_lag, totals

    found = run(read_lag(settings_for(), ages=True))
    if as_json:
        print_json([item.as_json() for item in found])
        return
    if partitions:
        rows = [(item.group, item.topic, item.partition, item.lag, _age(item.oldest_age_s)) for item in found]
        console().print(grid("lag", ("group", "topic", "partition", "unread", "oldest"), rows))
        return
    sums = [(item.group, item.topic, item.lag, _age(item.oldest_age_s)) for item in totals(found)]
    console().print(grid("lag", ("group", "topic", "unread", "oldest"), sums))


def _age(seconds: float | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


cards = typer.Typer(no_args_is_help=True, help="Cards for people: list them, move them.")


@cards.command("list")
@command
def list_cards(
    queue: Annotated[str | None, typer.Option(help="Only this queue.")] = None,
    state: Annotated[str | None, typer.Option(help="Only this state.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    as_json: Json = False,
) -> None:
    """Cards, newest first."""
    run(_list_cards(queue, None if state is None else _state(state), campaign, as_json=as_json))


def _state(given: str) -> CardState:
    for state in MOVES:
        if state == given:
            return state
    raise UserError(f"a card's state is one of {', '.join(MOVES)}, not {given!r}")


async def _list_cards(queue: str | None, state: CardState | None, campaign: str | None, *, as_json: bool) -> None:
    async with office() as at:
        rows = await at.cards.board(queue=queue, state=state, campaign_id=campaign)
    if as_json:
        print_json(rows)
        return
    columns = ("queue", "priority", "state", "title", "campaign_id", "lead_id", "card_id", "version")
    console().print(grid("cards", columns, ([row[name] for name in columns] for row in rows)))


@cards.command("move")
@command
def move_card(
    card_id: Annotated[UUID, typer.Argument(help="The card.")],
    to: Annotated[str, typer.Argument(help="The state it moves to.")],
    by: Annotated[str, typer.Option(help="Who moves it.")] = "operator",
    version: Annotated[int | None, typer.Option(help="Refuse when the card has another version.")] = None,
    as_json: Json = False,
) -> None:
    """Move a card: suggested, in_review, approved, executing, done; blocked; rejected."""
    run(_move_card(card_id, _state(to), by, version, as_json=as_json))


async def _move_card(card_id: UUID, to: CardState, by: str, version: int | None, *, as_json: bool) -> None:
    from sinks.postgres.cards import CardChangedError, UnknownCardError

    async with office() as at:
        try:
            seen = version if version is not None else (await at.cards.card(card_id))["version"]
            moved = await at.cards.move(card_id, seen, to, by, at.clock.now())
        except UnknownCardError as error:
            raise NotFoundError(str(error)) from None
        except (CardChangedError, IllegalCardMoveError) as error:
            raise ConflictError(str(error)) from None
    if as_json:
        print_json(dict(moved))
    else:
        console().print(f"{moved['title']}: {moved['state']} (version {moved['version']})", highlight=False)


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(lead)
    app.command()(lag)
    app.add_typer(cards, name="cards")
