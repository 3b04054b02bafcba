"""Scoring rules that could never do what they say are refused with their path (docs/behaviour.md 6.1)."""

from typing import Any

import pytest
import yaml

from domain.compile import InvalidDefinitions, read_documents

CAMPAIGN = """
{kind: Pool, id: main}
---
{kind: Mailbox, id: anna, pool: main, from: Anna <anna@sender.example>, postal_address: Street 1, smtp: {host: h}}
---
{kind: Campaign, id: q1, name: Q1, pool: main, mailboxes: [anna],
 steps: [{id: intro, kind: email, subject: Hello, body: "Hi {{ first_name }}"}]}
"""


def problems(**rule: Any) -> list[tuple[str, str]]:
    documents = list(yaml.safe_load_all(CAMPAIGN))
    documents[2]["lead_scoring_rules"] = [{"id": "r", "score_change": 5, **rule}]
    try:
        read_documents(yaml.safe_dump_all(documents))
    except InvalidDefinitions as error:
        return [(problem.path, problem.code) for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "email_opened", "operator": "equals", "value": True},
        {"event": "replied"},
        {"disposition": "INTERESTED"},
        {"all": [{"event": "clicked"}, {"field": "budget", "operator": "greater_than", "value": 10}]},
    ],
)
def test_a_rule_about_what_happens_may_repeat(condition: dict[str, Any]) -> None:
    assert problems(condition=condition, repeat=True) == []


def test_a_rule_about_the_lead_alone_cannot_repeat() -> None:
    condition = {"field": "budget", "operator": "greater_than", "value": 10}
    assert problems(condition=condition) == []
    assert problems(condition=condition, repeat=True) == [("lead_scoring_rules[0].repeat", "nothing_repeats")]


def test_delivery_gives_no_points() -> None:
    assert problems(condition={"not": {"event": "delivered"}}) == [("lead_scoring_rules[0].condition", "never_scored")]
