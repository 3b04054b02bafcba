"""Asking a campaign to take leads: noted first, published with the broker's ack, the same whenever it is repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from api.errors import ConflictError, NotFoundError
from api.leads_file import LeadRow
from api.publisher import Outgoing, PublisherPort
from domain.ids import event_id
from domain.lifecycle import CLOSED
from schemas.definitions import Definition
from schemas.enrollments import AddedBy, Enroll
from streams.clock import ClockLike

AT_ONCE = 1_000
Variant = Literal["a", "b", "random"]


class AsksPort(Protocol):
    """Where it is noted who was asked for (`sinks.postgres.control.ControlStore`)."""

    async def head(self, kind: str, definition_id: str) -> Definition | None: ...
    async def ask(self, campaign_id: str, lead_ids: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]: ...
    async def acked(self, campaign_id: str, lead_ids: Sequence[str]) -> None: ...


@dataclass(slots=True)
class Enrolled:
    """`added` leads were asked for the first time; `skipped` says why others were not, by lead id."""

    added: int = 0
    published: int = 0
    skipped: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The answer of docs/behaviour.md 2.1."""
        return {
            "success": True,
            "added": self.added,
            "skipped": [{"lead_id": lead_id, "reason": reason} for lead_id, reason in self.skipped.items()],
        }


class Enroller:
    """Enrolls leads in a campaign by publishing to `enrollments`."""

    def __init__(self, asks: AsksPort, publisher: PublisherPort, clock: ClockLike) -> None:
        self._asks = asks
        self._publisher = publisher
        self._clock = clock

    async def enroll(
        self,
        campaign_id: str,
        rows: Sequence[LeadRow],
        *,
        added_by: AddedBy,
        mailbox_id: str | None = None,
        variant: Variant = "random",
        progress: Callable[[int], None] = lambda done: None,
    ) -> Enrolled:
        """Ask the campaign to take these leads. All are noted before the first is published, so a campaign never looks
        finished in the middle of an import. Event ids are deterministic: a repeated import publishes only what the
        broker had not acknowledged, and changes nothing.

        Raises NotFoundError for an unknown campaign, ConflictError for a closed one, Retryable when a store is away.
        """
        await self.check(campaign_id)
        done = Enrolled()
        new, unacked = await self._asks.ask(campaign_id, [row.lead_id for row in rows])
        done.added = len(new)
        waiting: list[LeadRow] = []
        for row in rows:
            if row.lead_id in unacked:
                waiting.append(row)
            else:
                done.skipped[row.lead_id] = "already_enrolled"
        for start in range(0, len(waiting), AT_ONCE):
            some = waiting[start : start + AT_ONCE]
            await self._publisher.publish(
                [self._event(campaign_id, row, added_by, mailbox_id, variant) for row in some]
            )
            await self._asks.acked(campaign_id, [row.lead_id for row in some])
            done.published += len(some)
            progress(done.published)
        return done

    async def check(self, campaign_id: str) -> Definition:
        """The campaign's definition, if it takes leads."""
        campaign = await self._asks.head("campaign", campaign_id)
        if campaign is None:
            raise NotFoundError(f"there is no campaign {campaign_id!r}: apply its definition first")
        if campaign.status in CLOSED:
            raise ConflictError(
                f"campaign_closed: campaign {campaign_id!r} is {campaign.status} and takes no more leads"
            )
        return campaign

    def _event(
        self, campaign_id: str, row: LeadRow, added_by: AddedBy, mailbox_id: str | None, variant: Variant
    ) -> Outgoing:
        message = Enroll(
            event_id=event_id("enroll", campaign_id, row.lead_id),
            lead_id=row.lead_id,
            at=self._clock.now(),
            campaign_id=campaign_id,
            lead=row.lead,
            variant=variant,
            mailbox_id=mailbox_id,
            added_by=added_by,
        )
        return Outgoing("enrollments", message, row.lead_id)
