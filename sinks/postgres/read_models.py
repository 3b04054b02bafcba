"""Read models in Postgres: facts once each by event_id, figures that add only what was really inserted, cards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from domain.cards import card_of_task
from domain.progress import Move, UnknownStatusError, places, tally
from schemas.engagements import Engagement
from schemas.replies import Disposition
from schemas.tasks import TaskDue
from schemas.tracking import Hit
from sinks.postgres.answers import settle_answers
from sinks.postgres.card_changes import put_up, put_up_judged
from sinks.postgres.connect import classified
from sinks.postgres.fact_rows import (
    columns,
    disposition_columns,
    engagement_columns,
    fact_id,
    hit_columns,
)
from sinks.postgres.queries import queries
from sinks.postgres.scores import Scores, by_campaign, record_scores, record_standings
from streams.errors import Poison

SQL = queries("read_models")
F = TypeVar("F", Engagement, Disposition)


@dataclass(frozen=True, slots=True)
class Facts:
    """One batch for the read models, in the order it was read."""

    engagements: list[Engagement] = field(default_factory=list)
    dispositions: list[Disposition] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    tasks: list[TaskDue] = field(default_factory=list)


class ReadModels:
    """Writes batches, one transaction each, and answers the questions people ask."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.scores = Scores(pool)

    async def record(self, facts: Facts) -> int:
        """Store a batch; returns how many engagements were new. Repeats change nothing.

        Raises Retryable when Postgres is away, Poison when a row's data is refused (the caller bisects).
        """
        engagements = engagement_columns(facts.engagements) if facts.engagements else []
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                fresh = 0
                if engagements:
                    inserted = await connection.fetch(SQL["insert_engagements"], *engagements)
                    fresh = len(inserted)
                    new = told = facts.engagements
                    if fresh != len(facts.engagements):
                        new = _only(facts.engagements, inserted)
                        told = await _told_otherwise(connection, facts.engagements, new)
                    await _count(connection, new, _places(told), await record_scores(connection, told))
                    await record_standings(connection, told)
                    await settle_answers(connection, new)
                    await self._judge(connection, facts.engagements)
                if facts.dispositions:
                    judged = await connection.fetch(
                        SQL["insert_dispositions"], *disposition_columns(facts.dispositions)
                    )
                    await put_up_judged(connection, _only(facts.dispositions, judged))
                if facts.hits:
                    await connection.execute(SQL["insert_hits"], *hit_columns(facts.hits))
                await put_up(connection, [card_of_task(due) for due in facts.tasks])
                return fresh

    @staticmethod
    async def _judge(connection: Any, engagements: Sequence[Engagement]) -> None:
        told = [(fact_id(str(e.data["hit_id"])), str(e.data["verdict"]), e.at) for e in engagements if _judges(e)]
        if told:
            await connection.execute(SQL["judge_hits"], *columns(told))

    async def progress(self, campaign_id: str) -> dict[str, Any]:
        """A campaign's figures by their names in docs/behaviour.md 6.4; all zero when nothing has happened."""
        with classified:
            row = await self._pool.fetchrow(SQL["progress"], campaign_id)
        figures: dict[str, Any] = {name: _number(row[name]) if row else 0 for name in FIGURES}
        asked = figures.pop("asked", 0)
        return {"campaign_id": campaign_id, "total_leads": max(asked, figures["enrolled"]), **figures}

    async def steps(self, campaign_id: str) -> list[dict[str, Any]]:
        """Figures by step and variant."""
        return await self._rows(SQL["steps"], campaign_id)

    async def disposition_mix(self, campaign_id: str) -> dict[str, int]:
        """Disposition -> how often it was given."""
        return {row["disposition"]: row["n"] for row in await self._rows(SQL["disposition_mix"], campaign_id)}

    async def timeline(self, lead_id: str) -> list[dict[str, Any]]:
        """All that happened to a lead, oldest first (docs/behaviour.md 6.5)."""
        return await self._rows(SQL["timeline"], lead_id)

    async def known_leads(self, lead_ids: Sequence[str]) -> frozenset[str]:
        """Those of the leads that have a history."""
        return frozenset(row["lead_id"] for row in await self._rows(SQL["leads_known"], list(lead_ids)))

    async def open_leads(self, campaign_id: str) -> list[str]:
        """Leads whose enrollment in the campaign can still move."""
        return [row["lead_id"] for row in await self._rows(SQL["open_leads"], campaign_id)]

    async def ambiguous(self, campaign_id: str) -> list[dict[str, Any]]:
        """Touches of which nobody can know whether they arrived, and that nothing has proved yet, oldest first."""
        return await self._rows(SQL["ambiguous"], campaign_id)

    async def _rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        with classified:
            return [dict(row) for row in await self._pool.fetch(statement, *arguments)]


FIGURES = (
    "asked",
    "enrolled",
    "active",
    "completed",
    "paused",
    "exited",
    "refused",
    "emails_sent",
    "emails_delivered",
    "emails_opened",
    "emails_clicked",
    "emails_replied",
    "sms_sent",
    "sms_replied",
    "calls_completed",
    "tasks_pending",
    "tasks_completed",
    "avg_score",
    "bounced",
    "soft_bounced",
    "complained",
    "unsubscribed",
    "deferred",
    "failed",
    "ambiguous",
    "skipped",
)


def _number(value: Any) -> Any:
    number = float(value or 0)
    return int(number) if number.is_integer() else number


def _only(told: Iterable[F], inserted: Iterable[Any]) -> list[F]:
    """Those that were really inserted; an id that stands twice in one batch counts once."""
    left = {row[0] for row in inserted}
    new: list[F] = []
    for fact in told:
        known = fact_id(fact.event_id)
        if known in left:
            left.discard(known)
            new.append(fact)
    return new


async def _told_otherwise(
    connection: Any, engagements: Sequence[Engagement], new: Sequence[Engagement]
) -> list[Engagement]:
    """The facts that say where enrollments stand, of a batch that repeats some.

    A plain repeat says nothing. One that differs from what was stored under its id was told again after a crash, from
    another order of events: where it puts its enrollment, and what follows it, counts.
    """
    fresh = {id(fact) for fact in new}
    repeats = [fact_id(fact.event_id) for fact in engagements if id(fact) not in fresh and _may_differ(fact)]
    stored = {row[0]: row[1:] for row in await connection.fetch(SQL["tellings"], repeats)} if repeats else {}
    told: list[Engagement] = []
    moved: set[UUID] = set()
    for fact in engagements:
        enrollment = fact.enrollment_id
        if id(fact) in fresh or enrollment in moved:
            told.append(fact)
        elif stored.get(fact_id(fact.event_id)) != (fact.status, fact.previous_status, fact.at, _points(fact)):
            told.append(fact)
            if enrollment is not None:
                moved.add(enrollment)
    return told


def _may_differ(fact: Engagement) -> bool:
    """Whether a fact says something that may have been said otherwise before: a status, or points."""
    return fact.status is not None or _points(fact) is not None


def _points(fact: Engagement) -> str | None:
    """A score's points after a fact, as the database says them."""
    points = fact.data.get("points") if fact.data else None
    return str(points) if points is not None else None


def _places(facts: Iterable[Engagement]) -> dict[UUID, Engagement]:
    try:
        return places(facts)
    except UnknownStatusError as error:
        raise Poison("unknown_status", str(error)) from error


async def _count(
    connection: Any, new: Sequence[Engagement], standing: Mapping[UUID, Engagement], scores: Mapping[str, int]
) -> None:
    """Note where enrollments stand, and add what came of it, of the new facts and of the scores to the figures."""
    moves: list[Move] = []
    if standing:
        facts = standing.values()
        moved = await connection.fetch(
            SQL["place_enrollments"],
            list(standing),
            [fact.campaign_id for fact in facts],
            [fact.lead_id for fact in facts],
            [fact.status for fact in facts],
        )
        moves = [Move(*row) for row in moved]
    sums = tally(new, moves) | by_campaign(scores)
    if sums:
        await connection.execute(SQL["add_figures"], *columns([(*key, change) for key, change in sorted(sums.items())]))


def _judges(engagement: Engagement) -> bool:
    return bool(engagement.data) and "hit_id" in engagement.data and "verdict" in engagement.data
