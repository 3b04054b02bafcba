"""The files for containers, Prometheus and Grafana say what the program really has, and open nothing to the world."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ROLES = ["leads", "dispatch", "sender", "replies", "projector", "inbox"]


def test_the_compose_file_holds_to_the_compose_specification() -> None:
    """Checked after YAML's own merging, as Docker does."""
    assert set(PyCompose.from_yaml(yaml.safe_dump(COMPOSE)).service_names()) == set(SERVICES)


def test_the_check_of_the_compose_file_finds_a_wrong_key() -> None:
    with pytest.raises(ValueError, match="prots"):
        PyCompose.from_yaml("services: {a: {image: x, prots: [80]}}")


@pytest.mark.skipif(shutil.which("docker") is None, reason="the docker command is not installed")
def test_docker_itself_accepts_the_compose_file() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this docker command has no compose")
    done = subprocess.run(
        ["docker", "compose", "-f", str(COMPOSE_FILE), "config", "--quiet"],
        env={"PATH": "/usr/bin:/bin:/usr/local/bin", "TOUCHLINE_TOKEN_KEYS": "k1:AAAA"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_compose_file_has_every_server_and_role() -> None:
    assert set(SERVICES) == {"kafka", "postgres", "mailpit", "api", "prometheus", "grafana", *ROLES}
    assert SERVICES["kafka"]["image"] == "apache/kafka:4.3.1"
    assert SERVICES["postgres"]["image"].startswith("postgres:18")
    for role in ROLES:
        assert SERVICES[role]["command"] == ["worker", role]


def test_a_group_that_stands_empty_is_remembered_for_a_year() -> None:
    """Forgotten groups read their topics from the beginning, and count their generations anew."""
    from api.local.kafka import PROPERTIES

    assert "offsets.retention.minutes=525600" in PROPERTIES.splitlines()
    assert SERVICES["kafka"]["environment"]["KAFKA_OFFSETS_RETENTION_MINUTES"] == str(365 * 24 * 60)


def test_every_published_port_is_on_loopback_and_published_once() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports), ports
    outer = [port.split(":")[1] for port in ports]
    assert len(set(outer)) == len(outer)


def test_every_service_is_checked_and_waits_only_for_services_that_are() -> None:
    for name, service in SERVICES.items():
        assert "test" in service["healthcheck"], name
        for wanted, how in service.get("depends_on", {}).items():
            assert wanted in SERVICES
            assert how == {"condition": "service_healthy"}


def test_every_named_volume_and_every_mounted_file_exists() -> None:
    mounts = [mount.split(":")[0] for service in SERVICES.values() for mount in service.get("volumes", [])]
    for source in mounts:
        assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"], source


def test_the_roles_settings_exist() -> None:
    from streams.settings import Settings, env_name

    known = {env_name(field) for field in Settings.model_fields}
    assert set(SERVICES["leads"]["environment"]) <= known


def test_the_image_copies_every_package_and_nothing_that_is_not_there() -> None:
    text = (ROOT / "deploy" / "Containerfile").read_text()
    copied = set(re.findall(r"^COPY (\S+) ", text, re.MULTILINE))
    assert {"api", "agents", "sinks", "streams", "domain", "schemas", "requirements/run.txt"} == copied
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source}" in allowed


def _expressions() -> list[str]:
    board = json.loads((ROOT / "deploy" / "grafana" / "boards" / "touchline.json").read_text())
    alerts = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())
    return [
        *(target["expr"] for panel in board["panels"] for target in panel["targets"]),
        *(rule["expr"] for group in alerts["groups"] for rule in group["rules"]),
    ]


def test_every_metric_of_the_board_and_the_alerts_is_one_the_program_has() -> None:
    from api.metric_list import every_metric

    declared = {metric.name for metric in every_metric()}
    used = {name for expression in _expressions() for name in re.findall(r"touchline_[a-z_]+", expression)}
    assert used
    missing = {
        name for name in used if name not in declared and re.sub(r"_(bucket|sum|count)$", "", name) not in declared
    }
    assert missing == set()


def test_every_alert_says_what_to_do() -> None:
    alerts = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())
    for rule in (rule for group in alerts["groups"] for rule in group["rules"]):
        assert {"summary", "remedy"} <= set(rule["annotations"]), rule["alert"]
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_prometheus_reads_every_role_where_the_compose_file_runs_it() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    targets = {one["labels"]["role"]: one["targets"][0] for one in job["static_configs"]}
    port = SERVICES["leads"]["environment"]["TOUCHLINE_METRICS_PORT"]
    assert targets == {role: f"{role}:{port}" for role in ROLES} | {"api": "api:8080"}
    for name in config["rule_files"]:
        assert (ROOT / "deploy" / name).exists()
