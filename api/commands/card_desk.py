"""What the commands about cards share: which card is meant, doing something with it, telling of it."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError

from api.commands.context import console, office, print_json, run
from api.errors import ConflictError, NotFoundError, UserError
from domain.card_states import MOVES
from schemas.base import Instant
from schemas.cards import CardState

if TYPE_CHECKING:
    from api.commands.context import Office

CardId = Annotated[str, typer.Argument(help="The card: its id as `cards list` prints it, or the beginning of it.")]
By = Annotated[str, typer.Option("--as", "--by", envvar="USER", help="Who does it.")]
Version = Annotated[int | None, typer.Option(min=1, help="Refuse when the card has another version.")]
Queue = Annotated[str | None, typer.Option(help="Only this queue.")]
Campaign = Annotated[str | None, typer.Option(help="Only this campaign.")]
Type = Annotated[str | None, typer.Option("--type", help="Only this type.")]
INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)
MOST_NAME = 120


def act(given: str, do: Callable[[Office, UUID], Awaitable[Mapping[str, Any]]], *, as_json: bool) -> None:
    """Do it with a card, tell of it, and say how the card stands."""
    card, told = run(_acted(given, do))
    if as_json:
        print_json({**card, "told": told})
        return
    later = "" if told else "; the sequence hears of it when Kafka answers"
    who = f", {card['assigned_to']} has it" if card["assigned_to"] else ""
    say(f"{card['title']}: {card['state']} (version {card['version']}){who}{later}")


async def _acted(
    given: str, do: Callable[[Office, UUID], Awaitable[Mapping[str, Any]]]
) -> tuple[Mapping[str, Any], bool]:
    from domain.answering_cards import payload_of

    async with desk() as at:
        card = await do(at, await find(at, given))
        return {**card, "action_payload": payload_of(card)}, await tell(at)


async def tell(at: Office) -> bool:
    """Tell what was noted with the change; False: the API does it when Kafka answers."""
    from api.telling import Telling
    from streams.errors import Retryable

    try:
        await Telling(at.notes, at.publisher).once()
    except Retryable:
        return False
    return True


@asynccontextmanager
async def desk() -> AsyncGenerator[Office]:
    """The office; what cannot be done with a card as what a person can put right."""
    from api.boarding import REFUSALS
    from sinks.postgres.cards import UnknownCardError
    from sinks.postgres.draft_reviews import BadWordsError, UnknownDraftError

    async with office() as at:
        try:
            yield at
        except (UnknownCardError, UnknownDraftError) as error:
            raise NotFoundError(str(error)) from None
        except BadWordsError as error:
            raise UserError("these words cannot go out", error.faults) from None
        except REFUSALS as error:
            raise ConflictError(str(error)) from None


async def find(at: Office, given: str) -> UUID:
    """The card that is meant: by its id, or by the beginning of it that no other card shares."""
    try:
        return UUID(given)
    except ValueError:
        start = given.lower()
    if len(start) < 4 or set(start) - set("0123456789abcdef-"):
        raise UserError(f"{given!r} is no card's id: four or more of its first characters, as `cards list` prints them")
    found = await at.board.like(start)
    if len(found) > 1:
        raise UserError(
            f"{given} is the beginning of several cards", [f"{card['card_id']}  {card['title']}" for card in found]
        )
    if not found:
        raise NotFoundError(f"no card begins with {given}")
    return found[0]["card_id"]


def state_of(given: str) -> CardState:
    for state in MOVES:
        if state == given:
            return state
    raise UserError(f"a card's state is one of {', '.join(MOVES)}, not {given!r}")


def one_of(given: str | None, names: tuple[str, ...], option: str) -> None:
    if given is not None and given not in names:
        raise UserError(f"{option}: one of {', '.join(names)}, not {given!r}")


def name_of(given: str, option: str = "--as") -> str:
    if not given.strip() or len(given) > MOST_NAME or not given.isprintable():
        raise UserError(f"{option}: a name of 1 to {MOST_NAME} characters in one line, not {given[:MOST_NAME]!r}")
    return given


def instant(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        return INSTANT.validate_python(given)
    except ValidationError as error:
        raise UserError(f"--due {given!r}: {error.errors()[0]['msg']}. Example: 2026-03-04T09:00:00Z") from None


def read_words(path: Path) -> str:
    try:
        return sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--body {path}: {error}") from None


def say(text: str) -> None:
    console().print(text, highlight=False, markup=False, soft_wrap=True)
