"""What every command needs: settings (the local stack's as defaults), output for people or machines, clear errors."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from api.errors import BAD_INPUT, FAILED, UserError
from streams.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from api.control import Control
    from api.enrolling import Enroller
    from api.publisher import Publisher
    from sinks.postgres.board import Board
    from sinks.postgres.cards import Cards
    from sinks.postgres.control import ControlStore
    from sinks.postgres.draft_reviews import DraftReviews
    from sinks.postgres.outlook import Outlook
    from sinks.postgres.read_models import ReadModels
    from sinks.postgres.reply_desk import ReplyDesk
    from sinks.postgres.untold import NotedEvents
    from streams.clock import ClockLike

P = ParamSpec("P")
T = TypeVar("T")

STACK_ENV = "stack.json"
DEFAULT_DATA = Path(".touchline")

CampaignId = Annotated[str, typer.Argument(help="The campaign's id.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def settings_for(*require: str, **overrides: Any) -> Settings:
    """The settings; what the environment leaves out is taken from the local stack that `touchline up` runs here."""
    known = local_environment()
    for name, value in known.items():
        os.environ.setdefault(name, value)
    try:
        return load_settings(require, **overrides)
    except SettingsError as error:
        if known or not any("is not set" in line for line in error.problems):
            raise
        hint = "or start a local stack in this directory with `touchline up`, in another terminal"
        raise SettingsError([*error.problems, hint]) from None


def local_environment() -> Mapping[str, str]:
    """What the local stack of this directory wrote down; nothing when there is none, or another Kafka is named."""
    path = Path(os.environ.get("TOUCHLINE_DATA_DIR", DEFAULT_DATA)) / STACK_ENV
    try:
        known: dict[str, str] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    name = "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS"
    return known if os.environ.get(name) in (None, known.get(name)) else {}


def command(function: Callable[P, T]) -> Callable[P, T]:
    """Errors of the known kinds become one clear message and an exit code; a defect keeps its traceback."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            message, problems, code = told
            if kwargs.get("as_json"):
                print_json({"error": message, "problems": problems})
            else:
                sys.stderr.write("\n".join([f"error: {message}", *(f"  {line}" for line in problems)]) + "\n")
            raise typer.Exit(code) from None

    return wrapped


def explain(error: Exception) -> tuple[str, list[str], int] | None:
    """(message, problems, exit code) of an error that a person can put right; None for a defect."""
    from aiokafka.errors import KafkaError

    from api.local.child import StackError
    from domain.lifecycle import IllegalMoveError
    from sinks.postgres.connect import NoDatabase
    from sinks.postgres.migrate import MigrationError
    from streams.errors import Poison, Retryable
    from streams.provision import TopologyError
    from streams.settings import SettingsError

    if isinstance(error, UserError):
        return error.message, error.problems, error.exit_code
    if isinstance(error, SettingsError):
        return "settings are missing or wrong", error.problems, BAD_INPUT
    if isinstance(error, IllegalMoveError | NoDatabase):
        return str(error), [], BAD_INPUT
    if isinstance(error, MigrationError | TopologyError | StackError | Poison):
        return str(error), [], FAILED
    if isinstance(error.__cause__, SettingsError):
        return explain(error.__cause__)
    if isinstance(error, Retryable | KafkaError | ConnectionError | TimeoutError):
        return f"{error or type(error).__name__}. Is it running? `touchline doctor` tells what is missing", [], FAILED
    return None


def must_stand(*files: Path) -> None:
    """Say at once which files are not there, before settings and servers are looked for. Raises UserError."""
    missing: list[str] = []
    for file in files:
        try:
            file.stat()
        except OSError as error:
            missing.append(f"{file}: {error.strerror or error}")
    if missing:
        raise UserError("cannot be read", missing)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(main)


def print_json(data: Any) -> None:
    """One JSON value on stdout."""
    sys.stdout.write(json.dumps(data, ensure_ascii=False, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Path):
        return str(value)
    return float(value)


def console() -> Console:
    """Where people read. A pipe gets plain text of a fixed, wide width."""
    return Console() if sys.stdout.isatty() else Console(width=160, no_color=True)


def grid(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """A table for people; numbers stand to the right."""
    table = Table(title=title, title_justify="left")
    content = [list(row) for row in rows]
    for number, name in enumerate(columns):
        numeric = bool(content) and all(isinstance(row[number], int | float) for row in content)
        table.add_column(name, justify="right" if numeric else "left")
    for row in content:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    return table


@dataclass(frozen=True, slots=True)
class Office:
    """What commands that decide or ask work with."""

    settings: Settings
    control: Control
    store: ControlStore
    models: ReadModels
    outlook: Outlook
    cards: Cards
    board: Board
    enroller: Enroller
    publisher: Publisher
    clock: ClockLike
    notes: NotedEvents
    drafts: DraftReviews
    replies: ReplyDesk


@asynccontextmanager
async def office(*require: str) -> AsyncGenerator[Office]:
    """Connections for the time of one command."""
    from api.bootstrap import clock_of, dsn_of
    from api.control import Control
    from api.enrolling import Enroller
    from api.publisher import Publisher
    from sinks.postgres.board import Board
    from sinks.postgres.cards import Cards
    from sinks.postgres.connect import connect
    from sinks.postgres.control import ControlStore
    from sinks.postgres.draft_reviews import DraftReviews
    from sinks.postgres.leases import PostgresGates
    from sinks.postgres.migrate import migrate
    from sinks.postgres.outlook import Outlook
    from sinks.postgres.read_models import ReadModels
    from sinks.postgres.reply_desk import ReplyDesk
    from sinks.postgres.untold import NotedEvents

    settings = settings_for("postgres_dsn", *require)
    async with AsyncExitStack() as closing:
        await migrate(dsn_of(settings))
        pool = await connect(dsn_of(settings), name="command")
        closing.push_async_callback(pool.close)
        publisher = Publisher(settings)
        closing.push_async_callback(publisher.stop)
        clock = clock_of(settings)
        store = ControlStore(pool)
        control = Control(store, PostgresGates(pool), publisher, clock)
        models = ReadModels(pool)
        enroller = Enroller(store, publisher, clock)
        notes = NotedEvents(pool)
        drafts = DraftReviews(pool)
        yield Office(
            settings,
            control,
            store,
            models,
            Outlook(pool),
            Cards(pool),
            Board(pool),
            enroller,
            publisher,
            clock,
            notes,
            drafts,
            ReplyDesk(pool),
        )
