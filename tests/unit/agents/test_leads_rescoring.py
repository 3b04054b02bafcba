"""Edited scoring rules reach every lead that has a history, also those that have nothing left to do."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from domain.campaign import Campaign, ScoringRule
from domain.leads import scores
from domain.predicates import Happened
from schemas.enrollments import Enroll, Exit, LeadData
from tests.support.leads import HOUR, LEAD, T0, campaign, email, hit, result
from tests.support.leads_role import Role
from tests.support.streaming import ROOT

STEPS = (email("intro", "last"), email("last"))


def opened(points: int, revision: int = 1) -> Campaign:
    return campaign(STEPS, scoring=(ScoringRule("opened", Happened("opened"), points),), revision=revision)


def changes(out: list[tuple[str, Any]]) -> list[tuple[int, int]]:
    told = [body for topic, body in out if topic == "engagements" and body.type == "score_changed"]
    return [(fact.data["change"], fact.data["points"]) for fact in told]


async def with_an_open() -> tuple[Role, list[tuple[str, Any]]]:
    role = Role(opened(5))
    await role.start()
    await role.tick(T0)
    out = await role.batch(
        Enroll(event_id="e1", lead_id=LEAD, campaign_id="q1", lead=LeadData(email="x@y.example", first_name="X"))
    )
    (ask,) = [body for topic, body in out if topic == "due-sends"]
    return role, await role.batch(result(ask), hit("open"))


async def test_an_edit_of_the_rules_changes_the_score_of_a_lead_that_is_done() -> None:
    role, out = await with_an_open()
    assert changes(out) == [(5, 5)]
    await role.batch(Exit(event_id="x1", lead_id=LEAD))
    role.definitions = type(role.definitions)({"q1": opened(8, 2)}, role.definitions.mailboxes)
    assert changes(await role.tick(T0 + HOUR)) == [(3, 8)]
    assert changes(await role.tick(T0 + 2 * HOUR)) == []


async def test_an_edit_made_while_nobody_ran_changes_the_score_at_the_next_start() -> None:
    role, _ = await with_an_open()
    role.definitions = type(role.definitions)({"q1": opened(8, 2)}, role.definitions.mailboxes)
    await role.start()
    assert changes(await role.tick(T0 + HOUR)) == [(3, 8)]


async def test_an_edit_that_leaves_the_rules_as_they_are_changes_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "MARKS_AT_MOST", 0)  # beyond what is remembered of a lead's story
    role, _ = await with_an_open()
    known = opened(5)
    other = replace(known, smart_send_time=True, revision=2)
    role.definitions = type(role.definitions)({"q1": other}, role.definitions.mailboxes)
    assert changes(await role.tick(T0 + HOUR)) == []
    await role.start()
    assert changes(await role.tick(T0 + 2 * HOUR)) == []
    role.definitions = type(role.definitions)(
        {"q1": replace(other, scoring=(), revision=3)}, role.definitions.mailboxes
    )
    assert changes(await role.tick(T0 + 3 * HOUR)) == [(-5, 0)]


def test_what_stands_for_a_rule_is_the_same_in_every_process() -> None:
    code = (
        "from domain.predicates import AllOf, Answered, Not; from domain.scoring import digest_of, digest_of_all;"
        "from domain.sequence import ScoringRule;"
        "names = frozenset({'INTERESTED', 'AUTOMATED', 'OUT_OF_OFFICE', 'NOT_INTERESTED'});"
        "rule = ScoringRule('r', AllOf((Answered(names), Not(Answered(names)))), 1);"
        "print(digest_of(rule), digest_of_all((rule,)))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }
    assert len(told) == 1
