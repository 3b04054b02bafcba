"""Scores and stages in Postgres: the sum that leads tell, the changes that add up to it, where a lead stands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import asyncpg

from domain.history import MATTERS, RESCORED, mark_of, trend
from domain.scoring import ANSWERS, worth_of
from schemas.engagements import Engagement
from sinks.postgres.connect import classified
from sinks.postgres.fact_rows import columns, fact_id
from sinks.postgres.queries import queries

SQL = queries("scores")

Key = tuple[str, str, str]
"""lead_id, campaign_id, rule_id."""


async def record_scores(connection: Any, told: Sequence[Engagement]) -> dict[str, int]:
    """Bring the scores to what these facts say they are; answers by how much each campaign's sum moved.

    A fact says what its rule has given after it, so the recorded change is the step from what was known: whatever a crash
    lets leads tell twice, or otherwise, the changes add up to the score.
    """
    facts = [(key, fact) for fact in told if (key := _key(fact)) is not None]
    if not facts:
        return {}
    keys = sorted({key for key, _ in facts})
    known: dict[Key, int] = {tuple(row[:3]): row[3] for row in await connection.fetch(SQL["points"], *columns(keys))}
    sums: defaultdict[str, int] = defaultdict(int)
    changes: list[tuple[Any, ...]] = []
    for key, fact in facts:
        points = int(fact.data["points"])
        change = points - known.get(key, 0)
        if change:
            known[key] = points
            sums[key[1]] += change
            data = fact.data
            changes.append(
                (*key, change, data.get("half_life_days"), fact.code, str(data.get("cause", "")), fact_id(fact.event_id), fact.at)
            )  # fmt: skip
    if changes:
        await connection.execute(SQL["insert_changes"], *columns(changes))
        await connection.execute(SQL["put_points"], *columns([(*key, known[key]) for key in keys if key in known]))
    return {campaign_id: change for campaign_id, change in sums.items() if change}


def _key(fact: Engagement) -> Key | None:
    if fact.type != "score_changed" or fact.campaign_id is None or not isinstance(fact.data.get("points"), int):
        return None
    return fact.lead_id, fact.campaign_id, str(fact.data.get("rule_id", ""))


@dataclass(frozen=True, slots=True)
class Standing:
    """What facts say about where a lead stands; None: nothing."""

    stage: str | None = None
    stage_at: datetime | None = None
    assigned_to: str | None = None
    assigned_at: datetime | None = None
    last_positive_at: datetime | None = None
    replied_at: datetime | None = None
    disposition: str | None = None
    sentiment: float | None = None


_STANDS = MATTERS | {"progressed", "action_done"}


def standings(facts: Iterable[Engagement]) -> dict[str, Standing]:
    """Lead id -> what these facts, in their order, say about where it stands."""
    found: dict[str, Standing] = {}
    for fact in facts:
        if fact.type not in _STANDS:
            continue
        was = found.get(fact.lead_id, Standing())
        now = _after(was, fact)
        if now is not was:
            found[fact.lead_id] = now
    return found


def _after(was: Standing, fact: Engagement) -> Standing:
    data = fact.data
    if fact.type == "progressed":
        return replace(was, stage=data.get("to"), stage_at=fact.at)
    if fact.type == "action_done":
        assigned = data.get("assigned_to")
        return was if assigned is None else replace(was, assigned_to=str(assigned), assigned_at=fact.at)
    mark = mark_of(fact)
    if mark is None:
        return was
    now = was
    if mark.is_positive and (was.last_positive_at is None or was.last_positive_at < fact.at):
        now = replace(now, last_positive_at=fact.at)
    if mark.kind in ANSWERS and (was.replied_at is None or was.replied_at <= fact.at):
        now = replace(now, replied_at=fact.at, disposition=mark.disposition, sentiment=mark.sentiment)
    return now


async def record_standings(connection: Any, told: Iterable[Engagement]) -> None:
    """Note where leads stand after these facts."""
    found = standings(told)
    if found:
        rows = [
            (
                lead_id, one.stage, one.stage_at, one.assigned_to, one.assigned_at, one.last_positive_at, one.replied_at,
                one.disposition, one.sentiment,
            )
            for lead_id, one in sorted(found.items())
        ]  # fmt: skip
        await connection.execute(SQL["put_standings"], *columns(rows))


class Scores:
    """Answers what people ask about one lead (docs/behaviour.md 6.1, 6.5)."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def of_lead(self, lead_id: str, now: datetime) -> dict[str, Any]:
        """Where a lead stands at `now`: `score` is the sum of its changes, `engagement_score` what they are worth with the
        half-lives of their rules, and the trend compares the last 30 days with the 30 before.
        """
        with classified:
            row = await self._pool.fetchrow(SQL["standing"], lead_id)
        changes = await self.changes(lead_id)
        happened = [(one["change"], one["at"]) for one in changes if one["code"] != RESCORED]
        faded = worth_of(((one["change"], one["half_life_days"], one["at"]) for one in changes), now)
        return {
            "lead_id": lead_id,
            **dict(row or {}),
            "engagement_score": round(faded, 2),
            "trend": trend(happened, now),
        }

    async def changes(self, lead_id: str) -> list[dict[str, Any]]:
        """The changes that the score is the sum of, each with its rule and what caused it, oldest first."""
        return await self._rows("changes", lead_id)

    async def threads(self, lead_id: str) -> list[dict[str, Any]]:
        """Each touch that was sent, what came of it, and the replies to it."""
        rows = await self._rows("threads", lead_id)
        return [{**row, "replies": json.loads(row["replies"])} for row in rows]

    async def faults(self) -> list[dict[str, Any]]:
        """Leads whose score is not the sum of its changes: none, unless somebody changed a table."""
        return await self._rows("faults")

    async def _rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL[statement], *arguments)]


def by_campaign(sums: Mapping[str, int]) -> dict[tuple[str, str, str, str], int]:
    """The figures that scores add to."""
    return {(campaign_id, "", "", "score"): change for campaign_id, change in sums.items()}
