"""The map of the system says what is really there: topics, tables, who reads what, how long it is kept."""

import importlib
import re
from pathlib import Path

import pytest

from schemas.registry import HEADER_MODELS, PUBLIC_TOPICS, TOPIC_MODELS
from streams.topology import DAY_MS, FOREVER, ROLES, TABLES, TICKS, TOPICS

ROOT = Path(__file__).resolve().parents[3]
BOOTSTRAP = (ROOT / "api" / "bootstrap.py").read_text()
DECLARED = re.compile(r'stream\.(table|window_table)\("(\w+)"')

PERSONAL = {
    "enrollments", "due-sends", "sends", "tracking-hits", "inbound-replies", "replies", "dispositions", "tasks",
    "draft-requests", "drafts",
}  # fmt: skip
"""Topics that may carry addresses, names or texts: what stands on them is gone after 30 days."""


def test_every_topic_has_a_model_and_every_model_a_topic() -> None:
    assert set(TOPICS) == set(TOPIC_MODELS) | set(HEADER_MODELS)
    assert set(TOPICS) >= PUBLIC_TOPICS


def test_every_table_of_the_map_is_one_that_a_role_really_has() -> None:
    """A table that nobody uses costs a changelog, and misleads whoever reads the map."""
    really = {(name, how == "window_table") for how, name in DECLARED.findall(BOOTSTRAP)}
    assert really
    assert {(spec.name, spec.window_s is not None) for spec in TABLES} == really


@pytest.mark.parametrize("role", sorted(ROLES))
def test_a_roles_first_lines_name_what_it_reads(role: str) -> None:
    text = importlib.import_module(f"agents.{role}").__doc__ or ""
    for topic in ROLES[role]:
        assert f"`{topic}`" in text, topic
    if role in TICKS:
        assert TICKS[role] in ROLES[role]


@pytest.mark.parametrize("topic", sorted(PERSONAL))
def test_what_may_be_personal_is_kept_for_thirty_days_at_most(topic: str) -> None:
    assert TOPICS[topic].cleanup == "delete"
    assert 0 < TOPICS[topic].retention_ms <= 30 * DAY_MS


def test_the_facts_are_kept_for_ever() -> None:
    assert TOPICS["engagements"].retention_ms == FOREVER
    assert TOPICS["engagements"].cleanup == "delete"
