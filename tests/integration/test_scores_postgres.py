"""Scores and stages in the database: whatever leads tell twice, or otherwise after a crash, the changes add up to the score."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid5

import asyncpg
import pytest

from api.engagement import engagement_history
from api.errors import NotFoundError
from domain.compile_sequence import DEFAULT_SCORING
from domain.ids import NAMESPACE, enrollment_id, event_id, send_id
from domain.leads.effects import Tell
from domain.predicates import Happened
from domain.sequence import ScoringRule
from schemas.engagements import Engagement
from schemas.replies import Disposition
from sinks.postgres.read_models import Facts, ReadModels
from tests.support.leads import LEAD, Story, asks, campaign, disposition, email, enroll, hit, in_force, result

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CAMPAIGN = "q1-brokers"


@pytest.fixture
def models(pool: asyncpg.Pool) -> ReadModels:
    return ReadModels(pool)


def fact(kind: str, number: int, lead: str = "lead-1", **more: Any) -> Engagement:
    told: dict[str, Any] = {
        "type": kind,
        "event_id": event_id(kind, lead, number),
        "lead_id": lead,
        "campaign_id": CAMPAIGN,
        "enrollment_id": enrollment_id(CAMPAIGN, lead),
        "at": AT + timedelta(minutes=number),
    }
    return Engagement(**(told | more))


def change(number: int, rule: str, change: int, points: int, **more: Any) -> Engagement:
    data = {"rule_id": rule, "change": change, "points": points, "score": points, "cause": f"cause-{number}"}
    return fact("score_changed", number, data=data | more.pop("data", {}), **more)


async def scores(models: ReadModels, lead: str = "lead-1") -> tuple[int, list[int]]:
    """A lead's score, and its changes; they must always agree."""
    standing = await models.scores.of_lead(lead, AT)
    changes = [row["change"] for row in await models.scores.changes(lead)]
    assert standing["score"] == sum(changes)
    assert await models.scores.faults() == []
    return standing["score"], changes


async def test_a_score_is_the_sum_of_changes_that_name_their_rule_and_cause(models: ReadModels) -> None:
    await models.record(Facts([change(1, "opened", 5, 5), change(2, "clicked", 15, 15)]))
    assert await scores(models) == (20, [5, 15])
    first, _ = await models.scores.changes("lead-1")
    assert (first["rule_id"], first["cause"], first["campaign_id"]) == ("opened", "cause-1", CAMPAIGN)


async def test_a_repeat_scores_nothing_whatever_batch_it_comes_in(models: ReadModels) -> None:
    told = [change(1, "opened", 5, 5), change(2, "opened", 5, 10)]
    await models.record(Facts(told))
    await models.record(Facts(told))
    await models.record(Facts([told[0], told[0]]))
    assert await scores(models) == (10, [5, 5])


async def test_what_is_told_otherwise_after_a_crash_corrects_the_score(models: ReadModels) -> None:
    await models.record(Facts([change(1, "opened", 5, 5)]))
    await models.record(Facts([change(1, "opened", 8, 8)]))  # the same event, under a rule that was edited meanwhile
    assert await scores(models) == (8, [5, 3])


async def test_the_average_score_of_a_campaign_follows_the_recorded_changes(models: ReadModels) -> None:
    both = [fact("enrolled", 1, lead, status="enrolled") for lead in ("lead-1", "lead-2")]
    await models.record(Facts([*both, change(2, "opened", 5, 5)]))
    await models.record(Facts([change(3, "clicked", 15, 15), change(2, "opened", 5, 5)]))
    assert (await models.progress(CAMPAIGN))["avg_score"] == 10


async def test_points_with_a_half_life_fade_when_they_are_read_and_not_in_their_sum(models: ReadModels) -> None:
    await models.record(Facts([change(0, "opened", 40, 40, data={"half_life_days": 10})]))
    later = await models.scores.of_lead("lead-1", AT + timedelta(days=10))
    assert (later["score"], later["engagement_score"]) == (40, 20)


async def test_the_trend_compares_the_last_thirty_days_with_those_before(models: ReadModels) -> None:
    rescored = change(3, "old", 500, 500, code="rescored", at=AT + timedelta(days=1))
    await models.record(Facts([change(1, "opened", 5, 5), rescored]))
    found = [(await models.scores.of_lead("lead-1", AT + timedelta(days=days)))["trend"] for days in (1, 40, 90)]
    assert found == ["rising", "falling", "steady"]


async def test_a_lead_nobody_knows_stands_at_nothing(models: ReadModels) -> None:
    found = await models.scores.of_lead("nobody", AT)
    assert (found["score"], found["stage"], found["last_positive_interaction_at"]) == (0, None, None)


async def test_where_a_lead_stands_is_the_latest_of_each_whatever_comes_late(models: ReadModels) -> None:
    moved = fact("progressed", 9, data={"rule_id": "hot", "to": "meeting", "cause": "c"})
    early = fact("progressed", 3, data={"rule_id": "warm", "to": "engaged", "cause": "c"})
    clicked = fact("clicked", 4, first=True)
    sad = fact("replied", 6, data={"reply_id": "r", "disposition": "NOT_INTERESTED", "sentiment": -0.6})
    late = fact("replied", 5, lead="lead-1", data={"reply_id": "q", "disposition": "INTERESTED", "sentiment": 0.9})
    await models.record(Facts([moved, clicked, sad]))
    await models.record(Facts([early, late]))
    found = await models.scores.of_lead("lead-1", AT)
    assert (found["stage"], found["disposition"], found["sentiment"]) == ("meeting", "NOT_INTERESTED", -0.6)
    assert found["replied_at"] == sad.at
    assert found["last_positive_interaction_at"] == late.at


async def test_each_send_shows_the_replies_to_it(models: ReadModels) -> None:
    entry = enrollment_id(CAMPAIGN, "lead-1")
    touch: dict[str, Any] = {"step_id": "intro", "send_id": send_id(entry, "intro")}
    reply = uuid5(NAMESPACE, "reply")
    said = Disposition(
        event_id=event_id("d", 1), reply_id=reply, lead_id="lead-1", campaign_id=CAMPAIGN, enrollment_id=entry,
        disposition="INTERESTED", confidence=0.9, sentiment=0.7, matched_by="references", decided_by="model", at=AT, **touch,
    )  # fmt: skip
    await models.record(Facts([fact("sent", 1, **touch), fact("replied", 2, **touch)], [said]))
    (thread,) = await models.scores.threads("lead-1")
    assert thread["replied_at"] == AT + timedelta(minutes=2)
    assert [one["reply_id"] for one in thread["replies"]] == [str(reply)]


async def test_what_leads_decide_stands_in_the_database_also_after_the_rules_have_changed(models: ReadModels) -> None:
    def defined(*rules: ScoringRule, revision: int = 1) -> Any:
        return campaign((email("intro"),), scoring=rules, revision=revision)

    story = Story(in_force(defined(*DEFAULT_SCORING)))
    (ask,) = asks(story.event(enroll()))
    for event in (result(ask), hit("open"), hit("click", event_id="hit-2"), disposition("INTERESTED")):
        story.event(event)
    story.define(defined(ScoringRule("email_opened", Happened("opened"), 7), revision=2))
    told = [effect.fact for effect in story.effects if isinstance(effect, Tell)]
    read = [Engagement.read(one.write()) for one in told]
    await models.record(Facts(read))
    await models.record(Facts(read[3:]))
    assert story.lead is not None
    assert await scores(models, LEAD) == (sum(one.points for one in story.lead.tally.points), [5, 15, 30, -15, 2, -30])
    history = await engagement_history(models, LEAD, story.now)
    assert (history["standing"]["score"], history["standing"]["stage"]) == (7, "meeting")
    assert [row["change"] for row in history["changes"]] == [5, 15, 30, -15, 2, -30]
    assert json.loads(json.dumps(history)) == history
    with pytest.raises(NotFoundError):
        await engagement_history(models, "nobody", story.now)
