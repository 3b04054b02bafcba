"""Wrong input at the command line: everything wrong is named, nothing is changed, and the exit code says 2."""

import json
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS
from tests.support.touchline import touchline

WRONG = """\
kind: Mailbox
id: anna
pool: nowhere
from: Anna Berg <anna@sender.example>
smtp: {host: 127.0.0.1, port: 99999, security: none}
---
kind: Campaign
id: q1
name: Q1 Brokers
pool: main
mailboxes: [anna, ghost]
steps:
  - {id: intro, kind: email, subject: "", body: "Hi {{ first_name }"}
  - {id: intro, kind: email, body: "Hi {{ nickname }}", next_step_id: nowhere}
"""
LEADS = """\
lead_id,email,first_name
1,ann@x.example,Ann
2,not-an-address,Bob
,,Cy
4,ann@x.example,Double
"""


@pytest.fixture
async def env(servers: dict[str, str], postgres_dsn: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    """Settings of a database and topics of the test's own."""
    settings = servers | {
        "TOUCHLINE_POSTGRES_DSN": postgres_dsn,
        "TOUCHLINE_KAFKA_TOPIC_PREFIX": topic_prefix,
        "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
        "TOUCHLINE_DATA_DIR": str(tmp_path / "none"),
    }
    assert (await touchline("topics", env=settings)).code == 0
    return settings


async def test_a_file_with_several_faults_is_refused_whole_with_all_of_them(
    env: dict[str, str], tmp_path: Path
) -> None:
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    right.write_text(DOCUMENTS.replace("q1", "q2").replace("Q1", "Q2").replace("anna", "otto"))
    wrong.write_text(WRONG)

    ended = await touchline("apply", str(right), str(wrong), "--json", env=env)
    assert (ended.code, ended.err) == (2, "")
    found = ended.data
    assert all({"path", "code", "message"} <= set(item) for item in found)
    paths = " ".join(item["path"] for item in found)
    for place in ("smtp.port", "postal_address", "steps[0].body", "steps[1]"):
        assert place in paths
    assert len(found) >= 5

    for_people = await touchline("apply", str(right), str(wrong), env=env)
    assert (for_people.code, for_people.out) == (2, "")
    assert len(for_people.err.splitlines()) == len(found) + 1
    assert all("wrong.yaml" in line for line in for_people.err.splitlines()[1:])

    nothing = await touchline("status", "q2", env=env)
    assert (nothing.code, nothing.err) == (2, "error: there is no campaign 'q2'\n")


async def test_rows_that_cannot_be_enrolled_are_named_by_line_and_the_others_go_in(
    env: dict[str, str], tmp_path: Path
) -> None:
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text(LEADS)
    applied = await touchline("apply", str(documents), "--json", env=env)
    assert applied.data["created"] == ["pool:main", "mailbox:anna", "campaign:q1"]

    enrolled = (await touchline("enroll", "q1", str(leads), "--json", env=env)).data
    assert (enrolled["rows"], enrolled["added"]) == (4, 4 - len(enrolled["faults"]))
    assert {3, 4} <= {fault["line"] for fault in enrolled["faults"]}
    assert all(set(fault) == {"line", "code", "detail"} for fault in enrolled["faults"])

    nowhere = await touchline("enroll", "nope", str(leads), "--json", env=env)
    assert (nowhere.code, set(nowhere.data)) == (2, {"error", "problems"})
    missing = await touchline("enroll", "q1", str(tmp_path / "absent.csv"), env=env)
    assert missing.code == 2
    assert "absent.csv" in missing.err
    assert "Traceback" not in missing.err


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOUCHLINE_CLOCK_RATE", "fast"),
        ("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", "no port"),
        ("TOUCHLINE_PARTITIONS", "0"),
        ("TOUCHLINE_TOKEN_KEYS", "k1"),
        ("TOUCHLINE_POSTGRES_DSN", ""),
    ],
)
async def test_a_malformed_setting_stops_the_start_with_its_name_and_an_example(
    name: str, value: str, tmp_path: Path
) -> None:
    env = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "TOUCHLINE_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/none",
        "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
        "TOUCHLINE_DATA_DIR": str(tmp_path),
    }
    ended = await touchline("worker", "leads", env=env | {name: value})
    assert ended.code == 2
    assert f"{name}: " in ended.err
    assert f"Example: {name}=" in ended.err
    assert "Traceback" not in ended.err


async def test_a_missing_setting_is_named_for_machines_too(tmp_path: Path) -> None:
    ended = await touchline("status", "q1", "--json", env={"TOUCHLINE_DATA_DIR": str(tmp_path)})
    assert ended.code == 2
    missing, hint = json.loads(ended.out)["problems"]
    assert missing.startswith("TOUCHLINE_POSTGRES_DSN: ")
    assert "touchline up" in hint


async def test_servers_that_do_not_answer_are_said_in_a_line(tmp_path: Path) -> None:
    env = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "TOUCHLINE_POSTGRES_DSN": "postgresql://nobody@127.0.0.1:9/none",
        "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
        "TOUCHLINE_DATA_DIR": str(tmp_path),
    }
    for arguments in (("status", "q1"), ("lag",), ("dlq", "list")):
        ended = await touchline(*arguments, env=env, deadline_s=90)
        assert ended.code == 1
        assert ended.err.startswith("error: ")
        assert len(ended.err.splitlines()) == 1
