"""Asking a campaign to take leads: noted first, published with the broker's ack, the same whenever it is repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from api.errors import ConflictError, NotFoundError
from api.leads_file import LeadRow
from api.publisher import Outgoing, PublisherPort
from domain.ids import event_id
from domain.lifecycle import CLOSED, ClosedError, check_takes_leads
from schemas.definitions import CampaignStatus, Definition
from schemas.enrollments import AddedBy, Enroll
from streams.clock import ClockLike

AT_ONCE = 1_000


def needs_email(campaign: Definition) -> bool:
    """Whether the campaign sends emails: then a lead without an address cannot enter it (`no_email`)."""
    return any(step.get("kind") == "email" for step in campaign.spec.get("steps", ()))


Variant = Literal["a", "b", "random"]


class AsksPort(Protocol):
    """Where it is noted who was asked for (`sinks.postgres.control.ControlStore`). `ask` raises ClosedError."""

    async def head(self, kind: str, definition_id: str) -> Definition | None: ...
    async def ask(self, campaign_id: str, lead_ids: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]: ...
    async def acked(self, campaign_id: str, lead_ids: Sequence[str]) -> None: ...


@dataclass(slots=True)
class Enrolled:
    """`added` leads were asked for the first time; `skipped` says why others were not, by lead id.

    `closed_as` is the campaign's status when somebody ended it in the meantime: those of the `published` leads that had
    not been enrolled by then are refused (`campaign_closed`).
    """

    added: int = 0
    published: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    closed_as: CampaignStatus | None = None

    def as_json(self) -> dict[str, Any]:
        """The answer of docs/behaviour.md 2.1."""
        closed = {"campaign_closed": self.closed_as} if self.closed_as is not None else {}
        return {
            "success": self.closed_as is None,
            "added": self.added,
            "skipped": [{"lead_id": lead_id, "reason": reason} for lead_id, reason in self.skipped.items()],
            **closed,
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
        re_enter: str | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Enrolled:
        """Ask the campaign to take these leads. All are noted before the first is published, and no campaign completes by
        itself while it awaits somebody who was noted. A person, or its end date, may end it in the middle: the answer
        says so. Event ids are deterministic: a repeated import publishes only what the broker had not acknowledged, and
        changes nothing.

        `re_enter` names a further round: leads that were asked for before are asked to enter once more, once for each
        name. Leads refuses those that are in the campaign still (`still_enrolled`).

        Raises NotFoundError for an unknown campaign, ConflictError for a closed one, Retryable when a store is away.
        """
        await self.check(campaign_id)
        done = Enrolled()
        try:
            new, unacked = await self._asks.ask(campaign_id, [row.lead_id for row in rows])
        except ClosedError as error:
            raise ConflictError(str(error)) from None
        done.added = len(new)
        waiting: list[LeadRow] = []
        again: set[str] = set()
        for row in rows:
            if row.lead_id in unacked:
                waiting.append(row)
            elif re_enter is not None:
                waiting.append(row)
                again.add(row.lead_id)
            else:
                done.skipped[row.lead_id] = "already_enrolled"
        done.added += len(again)
        for start in range(0, len(waiting), AT_ONCE):
            some = waiting[start : start + AT_ONCE]
            await self._publisher.publish(
                [
                    self._event(
                        campaign_id, row, added_by, mailbox_id, variant, re_enter if row.lead_id in again else None
                    )
                    for row in some
                ]
            )
            await self._asks.acked(campaign_id, [row.lead_id for row in some])
            done.published += [row.lead_id for row in some]
            progress(len(done.published))
        head = await self._asks.head("campaign", campaign_id) if waiting else None
        if head is not None and head.status in CLOSED:
            done.closed_as = head.status
        return done

    async def check(self, campaign_id: str) -> Definition:
        """The campaign's definition, if it takes leads."""
        campaign = await self._asks.head("campaign", campaign_id)
        if campaign is None:
            raise NotFoundError(f"there is no campaign {campaign_id!r}: apply its definition first")
        try:
            check_takes_leads(campaign_id, campaign.status)
        except ClosedError as error:
            raise ConflictError(str(error)) from None
        return campaign

    def _event(  # noqa: PLR0917 - each is one field of the event
        self,
        campaign_id: str,
        row: LeadRow,
        added_by: AddedBy,
        mailbox_id: str | None,
        variant: Variant,
        re_enter: str | None,
    ) -> Outgoing:
        round_of = () if re_enter is None else ("re-enter", re_enter)
        message = Enroll(
            event_id=event_id("enroll", campaign_id, row.lead_id, *round_of),
            lead_id=row.lead_id,
            at=self._clock.now(),
            campaign_id=campaign_id,
            lead=row.lead,
            variant=variant,
            mailbox_id=mailbox_id,
            re_enter=re_enter is not None,
            added_by=added_by,
        )
        return Outgoing("enrollments", message, row.lead_id)
