"""Every process reads its settings before it does anything: what is missing or malformed ends the start, named."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api import bootstrap, logs, server
from api.cli import app
from api.commands.context import settings_for
from streams.settings import Settings, SettingsError, env_name

PROCESSES = [["worker", "leads"], ["api"]]
GOOD = {
    "TOUCHLINE_POSTGRES_DSN": "postgresql://touchline@127.0.0.1/touchline",
    "TOUCHLINE_TOKEN_KEYS": "k1:" + "A" * 43 + "=",
}
MALFORMED = [
    ("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", "broker"),
    ("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", "k1:9092,k2"),
    ("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", "k1:99999"),
    ("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", "k1:0"),
    ("TOUCHLINE_KAFKA_SECURITY_PROTOCOL", "TLS"),
    ("TOUCHLINE_KAFKA_SASL_MECHANISM", "GSSAPI"),
    ("TOUCHLINE_KAFKA_SSL_CAFILE", "/nowhere/ca.pem"),
    ("TOUCHLINE_KAFKA_SSL_CERTFILE", "/nowhere/client.pem"),
    ("TOUCHLINE_KAFKA_SSL_KEYFILE", "/nowhere/client.key"),
    ("TOUCHLINE_KAFKA_REPLICATION_FACTOR", "0"),
    ("TOUCHLINE_KAFKA_REPLICATION_FACTOR", "three"),
    ("TOUCHLINE_KAFKA_TOPIC_PREFIX", "a b"),
    ("TOUCHLINE_KAFKA_TOPIC_PREFIX", "p" * 200),
    ("TOUCHLINE_PARTITIONS", "0"),
    ("TOUCHLINE_PARTITIONS", "many"),
    ("TOUCHLINE_POSTGRES_DSN", "127.0.0.1:5432/touchline"),
    ("TOUCHLINE_POSTGRES_DSN", "mysql://touchline@127.0.0.1/touchline"),
    ("TOUCHLINE_POSTGRES_DSN", "postgresql://touchline:secret@127.0.0.1:many/touchline"),
    ("TOUCHLINE_CLOCK_RATE", "0"),
    ("TOUCHLINE_CLOCK_RATE", "inf"),
    ("TOUCHLINE_CLOCK_RATE", "fast"),
    ("TOUCHLINE_CLOCK_ORIGIN", "2026-01-05"),
    ("TOUCHLINE_CLOCK_ORIGIN", "2026-01-05T09:00:00/2026-01-05T09:00:00"),
    ("TOUCHLINE_TICK_SECONDS", "0"),
    ("TOUCHLINE_SESSION_TIMEOUT_S", "0.1"),
    ("TOUCHLINE_PUBLIC_URL", "t.example.com"),
    ("TOUCHLINE_PUBLIC_URL", "https://t.example.com/path"),
    ("TOUCHLINE_TOKEN_KEYS", "nonsense"),
    ("TOUCHLINE_TOKEN_KEYS", "k1:c2hvcnQ="),
    ("TOUCHLINE_DATA_DIR", __file__),
    ("TOUCHLINE_API_PORT", "70000"),
    ("TOUCHLINE_METRICS_PORT", "-1"),
    ("TOUCHLINE_LOG_FORMAT", "xml"),
    ("TOUCHLINE_LOG_LEVEL", "loud"),
    ("TOUCHLINE_CLOCK_FILE", "/nowhere/clock"),
    ("TOUCHLINE_API_TOKENS", "kim"),
    ("TOUCHLINE_CLASSIFIER_BATCH", "0"),
    ("TOUCHLINE_CLASSIFIER_PATIENCE_S", "soon"),
    ("TOUCHLINE_CLAUDE_DAILY_BUDGET_USD", "0"),
    ("TOUCHLINE_CLAUDE_PRICES", "claude=5"),
    ("ANTHROPIC_BASE_URL", "127.0.0.1:8089"),
    ("TOUCHLINE_INBOUND_STANDARD_SECRETS", "whsec_c2VjcmV0"),
    ("TOUCHLINE_INBOUND_MAILGUN_KEYS", ","),
    ("TOUCHLINE_INBOUND_SES_TOPICS", "arn:aws:sqs:eu-west-1:123456789012:queue"),
]
ANY_TEXT = {
    "kafka_sasl_username",
    "kafka_sasl_password",
    "api_token",
    "webhook_secret",
    "classifier_model",
    "writer_model",
    "anthropic_api_key",
    "host",  # the start fails where nothing can listen on it: test_processes
}
"""Settings that nothing can be wrong with by themselves."""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A whole environment, and processes that only say that they were started."""
    monkeypatch.chdir(tmp_path)  # no local stack here
    for field in Settings.model_fields:
        monkeypatch.delenv(env_name(field), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)

    def started(*_: object) -> int:
        return 99

    monkeypatch.setattr(bootstrap, "run_role", started)
    monkeypatch.setattr(server, "run_api", started)
    monkeypatch.setattr(logs, "configure_logs", started)


def start(process: list[str], code: int) -> Result:
    result = CliRunner().invoke(app, process, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("process", PROCESSES, ids=" ".join)
def test_a_whole_environment_starts_it(process: list[str]) -> None:
    start(process, 99)


@pytest.mark.parametrize("process", PROCESSES, ids=" ".join)
@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_a_malformed_setting_ends_the_start_with_its_name_and_an_example(
    name: str, value: str, process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    refused = start(process, 2).stderr
    assert f"\n  {name}: " in refused
    assert f" Example: {name}=" in refused
    assert "secret" not in refused


@pytest.mark.parametrize("process", PROCESSES, ids=" ".join)
@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_ends_the_start_with_its_name_and_an_example(
    name: str, process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for nothing in (None, ""):
        monkeypatch.setenv(name, nothing) if nothing is not None else monkeypatch.delenv(name)
        refused = start(process, 2).stderr
        assert f"\n  {name}: is not set. Example: {name}=" in refused


@pytest.mark.parametrize("process", PROCESSES, ids=" ".join)
@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"TOUCHLINE_CLOCK_RATE": "60"}, "TOUCHLINE_CLOCK_ORIGIN"),
        ({"TOUCHLINE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "TOUCHLINE_KAFKA_SASL_USERNAME"),
        (
            {"TOUCHLINE_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "TOUCHLINE_KAFKA_SASL_USERNAME": "u"},
            "TOUCHLINE_KAFKA_SASL_PASSWORD",
        ),
        ({"TOUCHLINE_KAFKA_SSL_KEYFILE": __file__}, "TOUCHLINE_KAFKA_SSL_CERTFILE"),
    ],
)
def test_a_setting_that_another_one_needs_is_named(
    given: dict[str, str], missing: str, process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    refused = start(process, 2).stderr
    assert f"\n  {missing}: " in refused
    assert f" Example: {missing}=" in refused


def test_every_setting_is_tried_here() -> None:
    tried = {name for name, _ in MALFORMED} | {env_name(field) for field in ANY_TEXT}
    assert tried == {env_name(field) for field in Settings.model_fields}


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://touchline:p%40ss@db.example:5432/touchline?sslmode=require",
        "postgres://touchline@[::1]:5432/touchline",
        "postgresql:///touchline?host=/var/run/postgresql&user=a@b",
        "postgresql://u@one:5432,two:5433/touchline",
        "postgresql://u:p@w@one/touchline",
    ],
)
def test_every_usual_form_of_a_dsn_is_taken(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_POSTGRES_DSN", dsn)
    start(["worker", "leads"], 99)


def test_a_command_without_a_stack_says_how_to_start_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TOUCHLINE_")]:
        monkeypatch.delenv(name)
    with pytest.raises(SettingsError) as refused:
        settings_for("postgres_dsn")
    assert refused.value.problems[0].startswith("TOUCHLINE_POSTGRES_DSN: is not set")
    assert "`touchline up`" in refused.value.problems[-1]


@pytest.mark.parametrize("words", [["apply", "gone.yaml", "also-gone.yaml"], ["enroll", "spring", "gone.csv"]])
def test_a_file_that_is_not_there_is_said_before_any_setting_is_missed(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (name for name in os.environ if name.startswith("TOUCHLINE_")):
        monkeypatch.delenv(name)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    files = [word for word in words if "gone" in word]
    assert result.stderr.splitlines() == [
        "error: cannot be read", *(f"  {name}: No such file or directory" for name in files)
    ]  # fmt: skip
