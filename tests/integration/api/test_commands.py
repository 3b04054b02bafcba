"""The command line on a real broker and database: what it prints, what it publishes, how it ends."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from typer.testing import CliRunner, Result

from api.cli import app
from api.lag import Unread
from schemas.engagements import Engagement
from sinks.postgres.control import ControlStore
from sinks.postgres.read_models import Facts, ReadModels
from streams.dead_letters import letter
from streams.inbound import Raw
from streams.partitioning import partition_of
from streams.settings import load_settings
from tests.support.documents import DOCUMENTS
from tests.support.streaming import ROOT
from tests.support.waiting import wait_for_sync

Touchline = Callable[..., Result]


@pytest.fixture
def touchline(
    kafka_bootstrap: str, postgres_dsn: str, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Touchline:
    """Runs a command against this test's own topics and database; `code` is the exit code it must have."""
    settings = {
        "TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap,
        "TOUCHLINE_POSTGRES_DSN": postgres_dsn,
        "TOUCHLINE_KAFKA_TOPIC_PREFIX": topic_prefix,
        "TOUCHLINE_PARTITIONS": "2",
        "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
        "TOUCHLINE_DATA_DIR": str(tmp_path),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    run("topics")
    return run


def read_topic(bootstrap: str, topic: str) -> list[Any]:
    """Everything that stands on a topic of two partitions."""

    async def read() -> list[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            tps = [TopicPartition(topic, number) for number in range(2)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends = await consumer.end_offsets(tps)
            records: list[Any] = []
            while [await consumer.position(tp) for tp in tps] < [ends[tp] for tp in tps]:
                for some in (await consumer.getmany(timeout_ms=200)).values():
                    records += some
            return records
        finally:
            await consumer.stop()

    return asyncio.run(read())


def data_of(result: Result) -> Any:
    return json.loads(result.stdout)


def test_a_campaign_from_files_to_launch(
    touchline: Touchline, tmp_path: Path, kafka_bootstrap: str, topic_prefix: str
) -> None:
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text("lead_id,email,first_name\n1,ann@x.example,Ann\n2,no,Bob\n3,cy@x.example,Cy\n")

    applied = data_of(touchline("apply", str(documents), "--json"))
    assert applied == {
        "created": ["pool:main", "mailbox:anna", "campaign:q1"],
        "changed": [],
        "unchanged": [],
        "published": True,
    }
    enrolled = data_of(touchline("enroll", "q1", str(leads), "--json"))
    assert (enrolled["added"], [fault["line"] for fault in enrolled["faults"]]) == (2, [3])
    assert data_of(touchline("enroll", "q1", str(leads), "--json"))["added"] == 0
    assert data_of(touchline("launch", "q1", "--json"))["status"] == "active"
    assert data_of(touchline("status", "q1", "--json"))["progress"]["total_leads"] == 2
    assert "Q1 Brokers (q1): active" in touchline("status", "q1").stdout

    definitions = read_topic(kafka_bootstrap, f"{topic_prefix}definitions")
    assert sorted({record.key for record in definitions}) == [b"campaign:q1", b"mailbox:anna", b"pool:main"]
    records = read_topic(kafka_bootstrap, f"{topic_prefix}enrollments")
    assert sorted(record.key for record in records) == [b"1", b"3"]
    headers = dict(records[0].headers)
    assert headers["ce_specversion"] == b"1.0"
    assert json.loads(records[0].value)["event_id"] == headers["ce_id"].decode()


AMBIGUOUS = """
insert into sends (send_id, enrollment_id, granted_at, expires_at, grant_order, pool_epoch, sender_epoch, outcome_at,
    campaign_version, entry_no, ask_no, attempt, pool_partition, sender_partition, owns_address, used, state, lead_key,
    address_key, lead_id, campaign_id, goal, step_id, variant, pool_id, mailbox_id, grant_id, message_id, code)
select gen_random_uuid(), gen_random_uuid(), $1, $1, 1, 1, 1, $1, 1, 1, 1, 1, 0, 0, true, true, state, ''::bytea,
    ''::bytea, 'lead-' || state, 'q1', 'nurture', 'intro', 'a', 'main', 'anna', '1-1', '<' || state || '@x.example>', 'lost'
from unnest(array['ambiguous', 'sent']) as state
"""


def test_touches_that_nobody_can_know_of_are_counted_and_listed(
    touchline: Touchline, tmp_path: Path, postgres_dsn: str
) -> None:
    documents = tmp_path / "q1.yaml"
    documents.write_text(DOCUMENTS)
    touchline("apply", str(documents))
    assert data_of(touchline("ambiguous", "list", "q1", "--json")) == []
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    told = [
        Engagement(type="ambiguous", event_id=f"e{number}", lead_id="lead-ambiguous", campaign_id="q1", at=at)
        for number in range(2)
    ]

    async def happen() -> None:
        async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1) as pool:
            await pool.execute(AMBIGUOUS, at)
            await ReadModels(pool).record(Facts(engagements=told))

    asyncio.run(happen())
    (found,) = data_of(touchline("ambiguous", "list", "q1", "--json"))
    assert (found["lead_id"], found["step_id"], found["message_id"]) == (
        "lead-ambiguous",
        "intro",
        "<ambiguous@x.example>",
    )
    assert "lead-ambiguous" in touchline("ambiguous", "list", "q1").stdout
    assert data_of(touchline("status", "q1", "--json"))["unsettled_ambiguous"] == 1
    assert "touchline ambiguous list q1" in touchline("status", "q1").stdout
    assert "there is no campaign" in touchline("ambiguous", "list", "none", code=2).stderr


PAUSE = b'{"until": 4611686018427387904, "reason": "login failed"}'
"""As dispatch writes it: until it is resumed."""


def test_status_says_what_holds_a_campaign_and_where_its_leads_stand(
    touchline: Touchline, tmp_path: Path, postgres_dsn: str, kafka_bootstrap: str, topic_prefix: str
) -> None:
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(
        DOCUMENTS.replace("mailboxes: [anna]", "mailboxes: [anna]\nsend_rate_per_hour: 1\nsend_days: [monday]")
    )
    leads.write_text("lead_id,email\n1,ann@x.example\n2,bo@x.example\n")
    touchline("apply", str(documents))
    touchline("enroll", "q1", str(leads))
    assert "touchline launch" in touchline("status", "q1").stdout
    touchline("launch", "q1")
    now = datetime.now(UTC)
    told: dict[str, Any] = {"campaign_id": "q1", "at": now, "status": "enrolled"}
    facts = [
        Engagement(type="enrolled", event_id=f"e{n}", lead_id=f"{n}", enrollment_id=uuid4(), **told) for n in (1, 2)
    ]

    async def happen() -> None:
        async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1) as pool:
            await pool.execute(AMBIGUOUS, now)
            await pool.execute("UPDATE sends SET pool_partition = $1", partition_of(b"main", 2))
            await pool.execute("UPDATE campaign_gates SET is_open = false WHERE scope = '*'")
            await pool.execute("UPDATE campaign_asks SET acked_wall = NULL WHERE lead_id = '2'")
            await ReadModels(pool).record(Facts(engagements=facts))
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        await producer.start()
        try:
            topic = f"{topic_prefix}touchline-dispatch-mailboxes-changelog"
            for mailbox, value in ((b"anna", PAUSE), (b"bert", PAUSE), (b"bert", None)):
                await producer.send_and_wait(topic, value, mailbox, partition=1)
        finally:
            await producer.stop()

    asyncio.run(happen())
    waiting = data_of(touchline("status", "q1", "--json"))["waiting"]
    codes = {(hold["scope"], hold["code"]) for hold in waiting["holds"]} - {("window", "window_closed")}
    assert codes == {("campaign", "campaign_hour"), ("mailbox anna", "mailbox_paused"), ("everything", "gate_closed")}
    assert waiting["pauses_known"]
    assert waiting["never_published"] == 1
    (place,) = waiting["leads"]
    assert (place["code"], place["step_id"], place["leads"]) == ("due", "intro", 2)
    shown = touchline("status", "q1").stdout
    for words in (
        "the mailbox is paused (login failed)",
        "send_rate_per_hour is used up",
        "repeat touchline enroll",
        "due: it goes",
    ):
        assert words in shown


def test_bad_input_ends_with_two_and_says_what_is_wrong(touchline: Touchline, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("kind: Campaign\nid: q1\nname: Q1\npool: none\nmailboxes: [none]\nsteps: []\n")
    refused = touchline("apply", str(bad), code=2)
    assert f"{bad}:6" in refused.stderr
    assert {"path", "code", "message", "file"} <= set(data_of(touchline("apply", str(bad), "--json", code=2))[0])
    assert "there is no campaign 'q1'" in touchline("launch", "q1", code=2).stderr
    assert data_of(touchline("status", "q1", "--json", code=2))["error"] == "there is no campaign 'q1'"
    assert "--all or --release" in touchline("stop", code=2).stderr
    assert "there is no role" in touchline("worker", "nobody", code=2).stderr


def test_an_illegal_move_lists_the_legal_ones(touchline: Touchline, tmp_path: Path) -> None:
    documents = tmp_path / "q1.yaml"
    documents.write_text(DOCUMENTS)
    touchline("apply", str(documents))
    assert "legal moves: scheduled, active" in touchline("pause", "q1", code=2).stderr


def test_a_missing_setting_is_named_with_an_example(touchline: Touchline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHLINE_POSTGRES_DSN")
    refused = touchline("status", "q1", code=2)
    assert "TOUCHLINE_POSTGRES_DSN: is not set. Example: TOUCHLINE_POSTGRES_DSN=postgresql://" in refused.stderr


def test_a_server_that_is_away_ends_with_one_and_no_traceback(
    touchline: Touchline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:9/none")
    refused = touchline("status", "q1", code=1)
    assert "Traceback" not in refused.output
    assert "doctor" in refused.stderr


def test_lag_is_what_a_group_has_not_read(
    touchline: Touchline, tmp_path: Path, kafka_bootstrap: str, topic_prefix: str
) -> None:
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text("email\n" + "".join(f"l{n}@x.example\n" for n in range(7)))
    touchline("apply", str(documents))
    touchline("enroll", "q1", str(leads))

    def lag() -> int:
        rows = data_of(touchline("lag", "--json"))
        return sum(row["lag"] for row in rows if row["topic"] == "enrollments" and row["group"].endswith("leads"))

    assert lag() == 7
    by_topic = touchline("lag").stdout
    assert sum("enrollments" in line for line in by_topic.splitlines()) == 1
    (line,) = (line for line in by_topic.splitlines() if "enrollments" in line)
    assert [cell.strip() for cell in line.split("│")][3] == "7"
    assert [cell.strip() for cell in line.split("│")][4].endswith(" s")
    by_partition = touchline("lag", "--partitions").stdout
    assert sum("enrollments" in line for line in by_partition.splitlines()) == 2
    ages = [row["oldest_age_s"] for row in data_of(touchline("lag", "--json")) if row["topic"] == "enrollments"]
    assert all(0 <= age < 600 for age in ages)
    look = asyncio.run(Unread(load_settings()).look())
    assert (sum(look.read["enrollments"].values()), sum(look.ends["enrollments"].values())) == (0, 7)

    async def commit_all() -> None:
        topic = f"{topic_prefix}enrollments"
        group = f"{topic_prefix}touchline-leads"
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            tps = [TopicPartition(topic, number) for number in range(2)]
            consumer.assign(tps)
            ends = await consumer.end_offsets(tps)
            await consumer.commit(ends)
        finally:
            await consumer.stop()

    asyncio.run(commit_all())
    assert wait_for_sync(lambda: lag() == 0, 10)
    look = asyncio.run(Unread(load_settings()).look())
    assert look.read["enrollments"] == look.ends["enrollments"]
    assert all(
        row["oldest_age_s"] is None for row in data_of(touchline("lag", "--json")) if row["topic"] == "enrollments"
    )


def test_commands_and_roles_refuse_another_number_of_partitions_than_the_topics_have_in_one_sentence(
    touchline: Touchline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text("email\nann@x.example\n")
    touchline("apply", str(documents))
    monkeypatch.setenv("TOUCHLINE_PARTITIONS", "6")
    told = "TOUCHLINE_PARTITIONS: is 6, but the topics have 2 partitions"
    for arguments in (
        ("enroll", "q1", str(leads)),
        ("lag",),
        ("dlq", "list"),
        ("topics",),
        ("mailbox", "resume", "anna"),
    ):
        refused = touchline(*arguments, code=2).stderr
        assert told in refused, arguments
        assert "Traceback" not in refused
    documents.write_text(DOCUMENTS.replace("Hello", "Hi"))
    assert told in touchline("apply", str(documents)).stdout  # it is stored, and says why it is not published
    for process in (["worker", "projector"], ["api"]):
        ended = subprocess.run(
            [sys.executable, "-m", "api.cli", *process],
            env=os.environ | {"TOUCHLINE_API_PORT": "0"},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 2, ended.stderr
        assert told in ended.stderr
        assert "Traceback" not in ended.stderr


def test_leads_that_a_campaign_refuses_because_it_was_ended_meanwhile_are_named(
    touchline: Touchline, tmp_path: Path, postgres_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text("lead_id,email\n1,ann@x.example\n2,bo@x.example\n")
    touchline("apply", str(documents))
    touchline("launch", "q1")
    acked = ControlStore.acked

    async def then_somebody_ends_it(store: ControlStore, campaign_id: str, lead_ids: Sequence[str]) -> None:
        await acked(store, campaign_id, lead_ids)
        async with asyncpg.create_pool(postgres_dsn, min_size=1, max_size=1) as pool:
            await pool.execute("UPDATE definitions SET status = 'completed' WHERE kind = 'campaign'")
            told: dict[str, Any] = {"campaign_id": "q1", "at": datetime(2026, 3, 2, 9, tzinfo=UTC)}
            facts = [
                Engagement(
                    type="enrolled", event_id="e1", lead_id="1", enrollment_id=uuid4(), status="enrolled", **told
                ),
                Engagement(type="refused", event_id="e2", lead_id="2", code="campaign_closed", **told),
            ]
            await ReadModels(pool).record(Facts(engagements=facts))

    monkeypatch.setattr(ControlStore, "acked", then_somebody_ends_it)
    refused = touchline("enroll", "q1", str(leads), code=1)
    assert "'q1' became completed while its leads were on their way" in refused.stderr
    assert "1 leads were refused (campaign_closed): 2\n" in refused.stderr
    assert "apply one with another id" in refused.stderr


def test_dead_letters_are_listed_shown_and_put_back(
    touchline: Touchline, kafka_bootstrap: str, topic_prefix: str
) -> None:
    source = Raw("enrollments", 1, 41, b"lead-9", b'{"type":"enroll"}', [("ce_id", b"e")])
    told = letter(source, "leads", "invalid", "campaign_id: missing", datetime(2026, 3, 2, tzinfo=UTC))

    async def publish() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
        await producer.start()
        try:
            topic = f"{topic_prefix}dead-letters"
            await producer.send_and_wait(topic, told.value, told.key, partition=1, headers=list(told.headers))
        finally:
            await producer.stop()

    asyncio.run(publish())
    (item,) = data_of(touchline("dlq", "list", "--json"))
    assert (item["role"], item["reason"], item["topic"], item["offset"]) == ("leads", "invalid", "enrollments", 41)
    assert data_of(touchline("dlq", "show", item["place"], "--json"))["value"] == '{"type":"enroll"}'
    assert touchline("dlq", "show", item["place"]).stdout.strip().endswith('{"type":"enroll"}')
    assert len(data_of(touchline("dlq", "replay", item["place"], "--json"))) == 1
    (back,) = read_topic(kafka_bootstrap, f"{topic_prefix}enrollments")
    assert (back.key, back.value, list(back.headers)) == (b"lead-9", source.value, [("ce_id", b"e")])
    assert "not PARTITION:OFFSET" in touchline("dlq", "show", "x", code=2).stderr
    for nowhere in ("1:7", "99:0"):
        assert f"no dead letter stands at {nowhere}" in touchline("dlq", "show", nowhere, code=2).stderr


def test_doctor_names_each_failing_check_and_its_remedy(
    touchline: Touchline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    touchline("migrate")
    assert all(check["ok"] for check in data_of(touchline("doctor", "--json")))
    documents, leads = tmp_path / "q1.yaml", tmp_path / "leads.csv"
    documents.write_text(DOCUMENTS)
    leads.write_text("email\nann@x.example\n")
    touchline("apply", str(documents))
    touchline("enroll", "q1", str(leads))
    checks = {check["name"]: check for check in data_of(touchline("doctor", "--json", code=1))}
    assert checks["kafka"]["ok"]
    assert checks["postgres"]["ok"]
    assert checks["definitions"] == {"name": "definitions", "ok": True, "found": "3 in force", "remedy": ""}
    assert not checks["lag"]["ok"]  # no role has ever read
    assert "worker" in checks["lag"]["remedy"]
    monkeypatch.setenv("TOUCHLINE_POSTGRES_DSN", "postgresql://nobody@127.0.0.1:9/none")
    broken = {check["name"]: check for check in data_of(touchline("doctor", "--json", code=1))}
    assert "TOUCHLINE_POSTGRES_DSN" in broken["postgres"]["remedy"]
    assert broken["definitions"]["remedy"] == "see postgres above"


def test_a_mailbox_is_paused_and_resumed_by_hand(
    touchline: Touchline, tmp_path: Path, kafka_bootstrap: str, topic_prefix: str
) -> None:
    documents = tmp_path / "q1.yaml"
    documents.write_text(DOCUMENTS)
    touchline("apply", str(documents))
    touchline("mailbox", "pause", "anna", "--reason", "holiday")
    assert data_of(touchline("mailbox", "resume", "anna", "--json")) == {"mailbox_id": "anna", "state": "resumed"}
    records = read_topic(kafka_bootstrap, f"{topic_prefix}grant-outcomes")
    told = [(record.key, json.loads(record.value)["type"], json.loads(record.value)["reason"]) for record in records]
    assert told == [(b"main", "mailbox_paused", "holiday"), (b"main", "mailbox_resumed", "operator")]
    assert "no mailbox" in touchline("mailbox", "resume", "bert", code=2).stderr


def test_every_topic_of_the_map_is_there(touchline: Touchline) -> None:
    assert data_of(touchline("topics", "--json"))["created"] == []
