"""Edited scoring rules reach every lead that has a history, also those that have nothing left to do."""

from typing import Any

from domain.campaign import Campaign, ScoringRule
from domain.predicates import Happened
from schemas.enrollments import Enroll, Exit, LeadData
from tests.support.leads import HOUR, LEAD, T0, campaign, email, hit, result
from tests.support.leads_role import Role

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
