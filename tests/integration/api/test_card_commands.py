"""`touchline cards` on a real broker and database: found by the beginning of an id, moved, told, read aloud."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from api.cli import app
from domain.ids import enrollment_id, event_id
from schemas.cards import CardEvent
from schemas.tasks import TaskDue
from sinks.postgres.migrate import migrate
from sinks.postgres.read_models import Facts, ReadModels
from streams.settings import load_settings
from tests.support.streaming import stored

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOWHERE = "127.0.0.1:9"

Run = Callable[..., Result]


@pytest.fixture
def run(
    kafka_bootstrap: str, postgres_dsn: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Runs `touchline cards ...` as kim; `code` is the exit code it must have."""
    settings = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap, "TOUCHLINE_POSTGRES_DSN": postgres_dsn,
        "TOUCHLINE_KAFKA_TOPIC_PREFIX": topic_prefix, "TOUCHLINE_PARTITIONS": "2", "TOUCHLINE_DATA_DIR": str(tmp_path),
        "USER": "kim",
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def touchline(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    touchline("topics")
    return lambda *arguments, code=0: touchline("cards", *arguments, code=code)


def put_up(dsn: str, count: int = 2) -> None:
    async def record() -> None:
        await migrate(dsn)
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=1)
        entries = [enrollment_id("q1", f"lead-{number}") for number in range(count)]
        tasks = [
            TaskDue(
                event_id=event_id("task", entry), lead_id=f"lead-{number}", campaign_id="q1", enrollment_id=entry,
                step_id="call", title=f"Call the lead with the number {number} and a long name", queue="sales",
                task_kind="schedule_call", due_at=AT, at=AT,
            )
            for number, entry in enumerate(entries)
        ]  # fmt: skip
        await ReadModels(pool).record(Facts(tasks=tasks))
        await pool.close()

    asyncio.run(record())


def data_of(result: Result) -> Any:
    return json.loads(result.stdout)


def test_cards_are_worked_on_from_the_command_line_and_every_change_is_on_the_topic_in_order(
    run: Run, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_up(postgres_dsn)
    listed = data_of(run("list", "--json"))
    assert [(card["state"], card["overdue"]) for card in listed] == [("suggested", True)] * 2
    lines = run("list", "--overdue").stdout.splitlines()
    assert all(cell_len(line) <= 100 for line in lines)
    assert lines[-1] == "2 cards, 2 overdue"
    short = lines[1].split()[0]
    card_id = next(card["card_id"] for card in listed if card["card_id"].startswith(short))

    assert "(version 2), kim has it" in run("assign", short, "kim").stdout
    assert [card["card_id"] for card in data_of(run("list", "--mine", "--json"))] == [card_id]
    run("note", short, "Called twice, [bold]no answer[/bold].")
    run("move", short, "in_review", "--as", "ann")
    assert "legal moves: approved, rejected" in run("move", short, "done", code=2).output
    assert "is at version 3, not 2" in run("approve", short, "--version", "2", code=2).output
    assert "four or more of its first characters" in run("show", "zz", code=2).output
    told = run("show", short).stdout
    for words in (
        "kim gave it to kim",
        "ann moved it from suggested to in_review",
        "      Called twice, [bold]no answer[/bold].",
    ):
        assert words in told

    with monkeypatch.context() as away:
        away.setenv("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", NOWHERE)
        assert data_of(run("approve", card_id, "--json"))["told"] is False  # committed, and not told
    assert data_of(run("done", card_id, "--json"))["told"] is True
    records = [
        record for record in asyncio.run(stored(load_settings(), "card-events")) if record.key == card_id.encode()
    ]
    events = [CardEvent.read(record.value or b"") for record in records]
    assert [event.type for event in events] == ["created", "assigned", "noted", *["moved"] * 4]
    assert [event.card_version for event in events] == [1, 2, 2, 3, 4, 5, 6]
    assert [event.actor for event in events] == ["touchline", "kim", "kim", "ann", "kim", "kim", "kim"]
    assert {record.headers["ce_type"] for record in records} == {
        f"touchline.card-events.{event.type}" for event in events
    }
    assert [record.headers["ce_id"] for record in records] == [event.event_id for event in events]


def test_of_several_cards_one_that_cannot_be_approved_holds_up_no_other(run: Run, postgres_dsn: str) -> None:
    put_up(postgres_dsn, 3)
    ids = [card["card_id"] for card in data_of(run("list", "--json"))]
    run("rejected", ids[0])
    done = data_of(run("approve", *ids, "--json"))
    assert [card["card_id"] for card in done["approved"]] == ids[1:]
    assert list(done["refused"]) == ids[:1]
    assert run("counts").stdout.strip() == "sales: 2 approved, 1 rejected (2 overdue)"
    assert data_of(run("approve", "--queue", "sales", "--json")) == {"approved": [], "refused": {}}
    run("approve", code=2)
    run("list", "--mine", "--unassigned", code=2)
