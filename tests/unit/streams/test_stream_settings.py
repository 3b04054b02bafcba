"""Settings: strict, and telling when they are wrong."""

import base64
import subprocess
import sys
from pathlib import Path

import pytest

from streams.settings import SettingsError, env_name, example_file, load_settings

ROOT = Path(__file__).resolve().parents[3]


def test_a_missing_setting_stops_the_start_with_its_name_and_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHLINE_POSTGRES_DSN", raising=False)
    with pytest.raises(SettingsError) as error:
        load_settings(require=["postgres_dsn"])
    (line,) = error.value.problems
    assert line.startswith("TOUCHLINE_POSTGRES_DSN: is not set. Example: TOUCHLINE_POSTGRES_DSN=postgresql://")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOUCHLINE_PARTITIONS", "many"),
        ("TOUCHLINE_PARTITIONS", "0"),
        ("TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS", "broker"),
        ("TOUCHLINE_KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("TOUCHLINE_CLOCK_RATE", "-1"),
        ("TOUCHLINE_CLOCK_ORIGIN", "2026-01-05T09:00:00/2026-01-05T09:00:00"),
        ("TOUCHLINE_TOKEN_KEYS", "k1:c2hvcnQ="),
        ("TOUCHLINE_TOKEN_KEYS", "nonsense"),
        ("TOUCHLINE_PUBLIC_URL", "t.example.com"),
    ],
)
def test_a_malformed_setting_is_named_with_what_is_wrong_and_an_example(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert error.value.problems[0].startswith(f"{name}: ")
    assert f"Example: {name}=" in error.value.problems[0]


def test_all_problems_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_PARTITIONS", "x")
    monkeypatch.setenv("TOUCHLINE_METRICS_PORT", "y")
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert len(error.value.problems) == 2


def test_a_clock_at_another_rate_needs_the_shared_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_CLOCK_RATE", "3600")
    with pytest.raises(SettingsError, match="TOUCHLINE_CLOCK_ORIGIN"):
        load_settings()


def test_a_sasl_protocol_needs_a_user_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    with pytest.raises(SettingsError, match="TOUCHLINE_KAFKA_SASL_USERNAME: "):
        load_settings()


def test_two_token_keys_may_live_and_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [base64.b64encode(bytes([number]) * 64).decode() for number in (1, 2)]
    monkeypatch.setenv("TOUCHLINE_TOKEN_KEYS", f"k1:{keys[0]},k2:{keys[1]},hash:{keys[0]}")
    settings = load_settings()
    assert keys[0] not in repr(settings)


def test_the_example_file_names_every_setting_and_its_check_notices_drift(tmp_path: Path) -> None:
    text = example_file()
    for field in type(load_settings()).model_fields:
        assert f"#{env_name(field)}=" in text
    path = tmp_path / ".env.example"
    command = [sys.executable, "-m", "streams.settings", "--check", str(path)]
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 1
    path.write_text(text)
    assert subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0
