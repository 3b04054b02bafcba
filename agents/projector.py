"""projector: cards and read models.

Reads `engagements`, `dispositions`, `tracking-hits`, `tasks`. Writes Postgres only: facts, figures, cards. Owns no table.
A repeat under a new offset changes nothing: facts are unique by event_id, figures add only what was really inserted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from schemas.engagements import Engagement
from schemas.replies import Disposition
from schemas.tasks import TaskDue
from schemas.tracking import Hit
from sinks.postgres.read_models import Facts
from streams.inbound import Inbound
from streams.work import Work

ROLE = "projector"


class FactsPort(Protocol):
    """Where facts are stored. Raises Retryable when it is away and Poison when it refuses a row's data."""

    async def record(self, facts: Facts) -> int: ...


class Projector:
    """The role's handler: one transaction a batch."""

    def __init__(self, facts: FactsPort) -> None:
        self._facts = facts

    async def start(self) -> None:
        """Nothing to prepare."""

    async def stop(self) -> None:
        """Nothing is in flight between batches."""

    async def recovered(self, partitions: frozenset[int]) -> None:
        """There is no table to recover."""

    async def revoked(self, partitions: frozenset[int]) -> None:
        """Nothing is in flight between batches."""

    async def reset(self) -> None:
        """There is no state in memory to rebuild."""

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        """Store the batch. The offsets are acked by the runner after this returns, so after the commit."""
        facts = Facts()
        for event in batch:
            body = event.body
            if isinstance(body, Engagement):
                facts.engagements.append(body)
            elif isinstance(body, Disposition):
                facts.dispositions.append(body)
            elif isinstance(body, Hit):
                facts.hits.append(body)
            elif isinstance(body, TaskDue):
                facts.tasks.append(body)
        await self._facts.record(facts)
