"""`touchline simulate`: no broker, no database; files in, figures, a picture and sends out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app

POOL = "kind: Pool\nid: main\n---\n"
MAILBOX = """
kind: Mailbox
id: anna
pool: main
from: Anna Berg <anna@sender.example>
postal_address: Storgatan 1
smtp: {host: 127.0.0.1, port: 2525, security: none}
timezone: UTC
daily_limit: 20
gap_seconds: 0
---
"""
CAMPAIGN = """
kind: Campaign
id: spring
name: Spring
pool: main
mailboxes: [anna]
preset: standard
start_at: 2026-03-02T09:00:00Z
ab_testing_enabled: true
steps:
  - {id: intro, kind: email, subject: Spring, body: Hello, variant_b: {subject: Summer}}
  - {id: pause, kind: wait, duration: 1, unit: business_days}
  - {id: nudge, kind: email, body: "Did it reach you?"}
"""
LEADS = 50


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("TOUCHLINE_POSTGRES_DSN", "TOUCHLINE_TOKEN_KEYS", "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    Path("spring.yaml").write_text(POOL + MAILBOX + CAMPAIGN)
    rows = [f"lead-{n},guest-{n}@hotel-{n}.example" for n in range(LEADS)]
    Path("leads.csv").write_text("\n".join(["lead_id,email", *rows]) + "\n")
    return tmp_path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["simulate", *arguments])
    assert result.exit_code == code, result.output
    return result.output


def told(*arguments: str) -> dict[str, Any]:
    return json.loads(run(*arguments, "--json"))


def test_json_has_the_promised_figures_and_they_fit_each_other(files: Path) -> None:
    found = told("spring", "--definitions", "spring.yaml", "--leads", "leads.csv", "--reply-rate", "0")
    assert found["leads"] == LEADS
    assert found["sends"] == 2 * LEADS == sum(found["per_day"].values()) == sum(found["mailboxes"].values())
    assert found["per_day"]["2026-03-02"] == 20
    assert found["mailboxes"] == {"anna": 100}
    assert found["waiting_hours"]["mailbox_day"] > 0
    assert found["finished_at"].startswith("2026-03-0")


def test_the_same_command_twice_says_the_same_and_a_file_with_one_campaign_needs_no_id(files: Path) -> None:
    named = told("spring", "--definitions", "spring.yaml", "--leads", "leads.csv", "--seed", "3", "--reply-rate", "0.3")
    assert named == told("spring.yaml", "--leads", "leads.csv", "--seed", "3", "--reply-rate", "0.3")


def test_sends_are_a_line_each_in_the_order_of_their_instants(files: Path) -> None:
    run("spring.yaml", "--leads", "leads.csv", "--sends", "sends.jsonl", "--reply-rate", "0")
    lines = [json.loads(line) for line in Path("sends.jsonl").read_text().splitlines()]
    assert len(lines) == 2 * LEADS
    assert all(line.keys() == {"lead_id", "step_id", "variant", "mailbox_id", "at"} for line in lines)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert {line["variant"] for line in lines if line["step_id"] == "intro"} == {"a", "b"}


@pytest.mark.parametrize(("name", "begins"), [("run.svg", b"<?xml"), ("run.png", b"\x89PNG")])
def test_a_picture_is_drawn_and_the_same_run_draws_the_same(files: Path, name: str, begins: bytes) -> None:
    pytest.importorskip("matplotlib")
    run("spring.yaml", "--leads", "leads.csv", "--plot", name)
    first = Path(name).read_bytes()
    assert first.startswith(begins)
    assert len(first) > 10_000
    run("spring.yaml", "--leads", "leads.csv", "--plot", name)
    assert Path(name).read_bytes() == first


def test_people_get_each_day_against_its_cap_and_what_waited_for_what(files: Path) -> None:
    text = run("spring.yaml", "--leads", "leads.csv")
    assert "2026-03-02 Mon" in text
    assert "█" in text
    assert "the mailbox's daily_limit is used up" in text
    assert "the last lead finishes on 2026-03-" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("other", "--definitions", "spring.yaml", "--leads", "leads.csv"), "campaigns there: spring"),
        (("spring.yaml", "--leads", "none.csv"), "No such file"),
        (("spring.yaml", "--leads", "leads.csv", "--open-rate", "40"), "share from 0 to 1"),
        (("spring.yaml", "--leads", "leads.csv", "--days", "0"), "from 1 to"),
        (("spring.yaml", "--leads", "leads.csv", "--start", "2026-03-02T09:00:00"), "no offset from UTC"),
        (("spring.yaml", "--leads", "leads.csv", "--start", "9999-12-31T00:00:00Z"), "outside of the years"),
        (("spring.yaml", "--leads", "leads.csv", "--plot", "run.gif"), ".png or .svg"),
        (("spring.yaml", "--leads", "leads.csv", "--plot", "nowhere/run.png"), "no directory nowhere"),
        (("spring.yaml", "--leads", "leads.csv", "--sends", "nowhere/sends"), "no directory nowhere"),
        (("broken.yaml", "--leads", "leads.csv"), "nothing was simulated"),
        (("spring", "--leads", "leads.csv"), "--definitions"),
        (("spring.yaml", "--leads", "empty.csv"), "no row can be enrolled"),
    ],
)
def test_bad_input_is_named_with_its_remedy_and_nothing_is_written(
    files: Path, arguments: tuple[str, ...], said: str
) -> None:
    Path("broken.yaml").write_text(POOL + MAILBOX + CAMPAIGN.replace("pool: main", "pool: other"))
    Path("empty.csv").write_text("email\nnot an address\n")
    before = set(files.iterdir())
    assert said in run(*arguments, code=2)
    assert set(files.iterdir()) == before
