"""`touchline suppress` and `touchline suppressions` on a real database: what they print, take, refuse and keep."""

import asyncio
import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from sinks.postgres.connect import connect
from sinks.postgres.consent import Consents, Written
from sinks.postgres.migrate import migrate
from sinks.postgres.stops import PostgresStops

Touchline = Callable[..., Result]


@pytest.fixture
def touchline(kafka_bootstrap: str, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Touchline:
    """Runs a command on this test's own database; `code` is the exit code it must have."""
    settings = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "TOUCHLINE_POSTGRES_DSN": postgres_dsn,
        "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
        "TOUCHLINE_DATA_DIR": str(tmp_path),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return run


def data_of(result: Result) -> Any:
    return json.loads(result.stdout)


def in_database(dsn: str, act: Callable[[asyncpg.Pool], Any]) -> Any:
    async def run() -> Any:
        await migrate(dsn)
        pool = await connect(dsn, name="test")
        try:
            return await act(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def test_addresses_are_suppressed_shown_and_lifted(touchline: Touchline) -> None:
    told = data_of(touchline("suppress", "Zoe@Example.com", "+46 70 123 45 67", "--reason", "Asked by phone", "--json"))
    assert [(one["address"], one["reason"], one["new"], one["proof"]["holds"]) for one in told["suppressed"]] == [
        ("zoe@example.com", "asked_by_phone", True, True), ("+46701234567", "asked_by_phone", True, True),
    ]  # fmt: skip
    assert "was suppressed already" in touchline("suppress", "zoe@example.com", "--reason", "asked_by_phone").output

    shown = data_of(touchline("suppressions", "show", "ZOE@example.com", "--json"))
    assert (shown["in_force"], len(shown["records"]), shown["records"][0]["way"]) == (["all"], 1, "command")
    assert "nothing passed the gate after a commit" in touchline("suppressions", "show", "zoe@example.com").output
    assert "not suppressed" in touchline("suppressions", "show", "max@example.com").output

    assert "1 lifted, 0 in force" in touchline("suppressions", "lift", "zoe@example.com").output
    shown = data_of(touchline("suppressions", "show", "zoe@example.com", "--json"))
    assert (shown["in_force"], shown["records"][0]["lifted_by"]) == ([], "operator")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["suppress", "zoe@example.com", "nobody"], "address 2"),
        (["suppress", "zoe@example.com", "--campaign", "q9"], "there is no campaign 'q9'"),
        (["suppress", "zoe@example.com", "--goal", "spam"], "there is no goal 'spam'"),
        (["suppress", "zoe@example.com", "--campaign", "q1", "--goal", "nurture"], "suppress twice"),
        (["suppress", "zoe@example.com", "--reason", "Herr Möller"], "names nobody"),
        (["suppressions", "show", "070-1234567"], "with its country"),
        (["suppressions", "import", "nowhere.csv"], "No such file"),
    ],
)
def test_what_cannot_be_is_refused_whole_with_its_reason(touchline: Touchline, arguments: list[str], says: str) -> None:
    assert says in touchline(*arguments, code=2).output
    assert data_of(touchline("suppressions", "export", "--json")) == []


def test_no_command_lifts_what_a_person_asked_for(touchline: Touchline, postgres_dsn: str) -> None:
    touchline("suppress", "zoe@example.com", "--reason", "unsubscribe")
    told = touchline("suppressions", "lift", "zoe@example.com").output
    assert "0 lifted, 1 in force" in told
    assert "unsubscribe (command)" in told


def test_a_list_is_imported_exported_and_imported_again(touchline: Touchline, tmp_path: Path) -> None:
    path, exported = tmp_path / "list.csv", tmp_path / "export.csv"
    lines = ["zoe@example.com,all,", "bad,all,", "max@example.com,goal:nurture,2026-01-31", "+46701234567,,"]
    path.write_text("\ufeff" + "\r\n".join(["email,scope,at", *lines]))

    dry = data_of(touchline("suppressions", "import", str(path), "--dry-run", "--json", code=1))
    assert (dry["rows"], dry["added"], dry["bad"], dry["dry_run"]) == (3, 3, 1, True)
    assert data_of(touchline("suppressions", "export", "--json")) == []

    done = data_of(touchline("suppressions", "import", str(path), "--json", code=1))
    assert (done["rows"], done["added"], done["bad"]) == (3, 3, 1)
    assert [(fault["line"], fault["code"]) for fault in done["faults"]] == [(3, "invalid_address")]
    again = touchline("suppressions", "import", str(path), code=1).output
    assert "0 added, 3 there already, 1 lines left out" in again
    assert "invalid_address" in again

    exported.write_text(touchline("suppressions", "export").stdout)
    rows = list(csv.DictReader(exported.read_text().splitlines()))
    found = [(row["scope"], row["reason"], row["at"][:10]) for row in rows]
    assert ("goal:nurture", "import", "2026-01-31") in found
    assert "@" not in exported.read_text()
    back = data_of(touchline("suppressions", "import", str(exported), "--json"))
    assert (back["rows"], back["added"], back["bad"]) == (3, 0, 0)


def test_an_export_is_taken_by_an_empty_database_with_the_same_key_and_refused_under_another(
    touchline: Touchline, tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    touchline("suppress", "zoe@example.com", "max@example.com")
    exported = tmp_path / "export.csv"
    exported.write_text(touchline("suppressions", "export").stdout)
    in_database(postgres_dsn, lambda pool: pool.execute("truncate suppressions, consents"))

    monkeypatch.setenv("TOUCHLINE_TOKEN_KEYS", "k1:" + "B" * 43 + "=")
    refused = data_of(touchline("suppressions", "import", str(exported), "--json", code=1))
    assert (refused["added"], {fault["code"] for fault in refused["faults"]}) == (0, {"invalid_key"})

    rotated = f"k2:{'B' * 43}=,k1:{'A' * 43}=,hash:{'A' * 43}="  # as operations.md says to rotate
    monkeypatch.setenv("TOUCHLINE_TOKEN_KEYS", rotated)
    assert data_of(touchline("suppressions", "import", str(exported), "--json"))["added"] == 2
    assert data_of(touchline("suppressions", "show", "zoe@example.com", "--json"))["in_force"] == ["all"]


def test_an_import_brings_back_nobody_who_has_come_back(
    touchline: Touchline, tmp_path: Path, postgres_dsn: str
) -> None:
    from domain.tokens import TokenKeys
    from sinks.ports import Suppression

    secret = TokenKeys.parse("k1:" + "A" * 43 + "=").hash_secret
    exported = tmp_path / "export.csv"

    async def leave(pool: asyncpg.Pool) -> None:
        told = Suppression("all", "unsubscribe", "unsubscribe:1", email="zoe@example.com", via="page")
        await PostgresStops(pool, secret).suppress([told])

    async def come_back(pool: asyncpg.Pool) -> None:
        consents = Consents(pool, secret)
        await consents.take_back("zoe", Written(consents.key_of("zoe@example.com"), "nurture"), ["unsubscribe:1"])

    in_database(postgres_dsn, leave)
    exported.write_text(touchline("suppressions", "export").stdout)
    in_database(postgres_dsn, come_back)
    assert data_of(touchline("suppressions", "import", str(exported), "--json"))["added"] == 0
    assert data_of(touchline("suppressions", "show", "zoe@example.com", "--json"))["in_force"] == []
