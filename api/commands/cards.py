"""Cards whose task people have dealt with: done, blocked, rejected (docs/behaviour.md 4.4, 8.1)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.commands.context import Json, command, console, office, print_json, run
from api.errors import ConflictError, NotFoundError
from domain.cards import CardState, IllegalCardMoveError

app = typer.Typer(no_args_is_help=True, help="One card: done, blocked, rejected. (`cards` lists and moves them.)")

CardId = Annotated[UUID, typer.Argument(help="The card, as `cards list` prints it.")]
By = Annotated[str, typer.Option(help="Who says so.")]
Version = Annotated[int | None, typer.Option(help="Refuse when the card has another version.")]


@app.command("done")
@command
def done(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Its task is done: the sequence that waits for it goes on at once."""
    run(_close(card_id, "done", by, version, as_json=as_json))


@app.command("blocked")
@command
def blocked(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Its task cannot be done now: the sequence waits for its deadline."""
    run(_close(card_id, "blocked", by, version, as_json=as_json))


@app.command("rejected")
@command
def rejected(card_id: CardId, by: By = "operator", version: Version = None, as_json: Json = False) -> None:
    """Its task will not be done: the sequence goes on at once."""
    run(_close(card_id, "rejected", by, version, as_json=as_json))


async def _close(card_id: UUID, state: CardState, by: str, version: int | None, *, as_json: bool) -> None:
    from api.telling import Telling
    from sinks.postgres.cards import CardChangedError, UnknownCardError
    from streams.errors import Retryable

    async with office() as at:
        try:
            card = await at.cards.close(card_id, state, by, at.clock.now(), version)
        except UnknownCardError as error:
            raise NotFoundError(str(error)) from None
        except (CardChangedError, IllegalCardMoveError) as error:
            raise ConflictError(str(error)) from None
        told = True
        try:
            await Telling(at.notes, at.publisher).once()
        except Retryable:  # it is noted with the card: the API tells it when Kafka answers
            told = False
    if as_json:
        print_json({**card, "told": told})
        return
    later = "" if told else "; the sequence hears of it when Kafka answers"
    console().print(f"{card['title']}: {card['state']} (version {card['version']}){later}", highlight=False)


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="card")
