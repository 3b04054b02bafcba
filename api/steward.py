"""The steward: small duties that nobody asks for. It runs in every api process and is safe with several.

Publishes what the topic lacks, puts gates right after a crash, starts scheduled campaigns, promotes winners,
completes finished ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import structlog

from api.control import Control
from api.errors import UserError
from domain.lifecycle import IllegalMoveError
from domain.settling import Look, Settling
from domain.winners import promoted, winners_of
from schemas.definitions import Definition
from sinks.postgres.control import ControlStore
from streams.clock import ClockLike
from streams.errors import Retryable

LOG = structlog.get_logger("steward")
FORGET_EVERY = 600


class ProgressPort(Protocol):
    """Where a campaign's figures are read (`sinks.postgres.read_models.ReadModels`)."""

    async def progress(self, campaign_id: str) -> dict[str, Any]: ...

    async def steps(self, campaign_id: str) -> list[dict[str, Any]]: ...


class UnreadPort(Protocol):
    """How far what could still add leads is read (`api.lag.Unread`). Raises Retryable when nobody tells."""

    async def look(self) -> Look: ...


def is_done(campaign: Definition, figures: Mapping[str, Any], now: datetime) -> bool:
    """Whether an active campaign is complete: past its end date, or every lead asked for came and none can still move.

    An evergreen campaign, and one that nobody was enrolled in yet, never completes by itself (docs/behaviour.md 1.7).
    """
    if has_ended(campaign, now):
        return True
    if campaign.spec.get("evergreen") or not figures["enrolled"]:
        return False
    all_here = figures["enrolled"] + figures["refused"] >= figures["total_leads"]
    return bool(all_here and not figures["active"] and not figures["paused"])


def has_ended(campaign: Definition, now: datetime) -> bool:
    """Whether its end date is past."""
    end = campaign.spec.get("end_date")
    return isinstance(end, str) and now.astimezone(_zone(campaign)).date() > date.fromisoformat(end)


def _zone(campaign: Definition) -> ZoneInfo:
    return ZoneInfo(str(campaign.spec.get("timezone") or "UTC"))


def has_started(campaign: Definition, now: datetime) -> bool:
    """Whether a scheduled campaign's start has come."""
    start = campaign.spec.get("start_at")
    return not isinstance(start, str) or datetime.fromisoformat(start).astimezone(UTC) <= now


class Steward:
    """`run` repeats `once` until it is cancelled; an error of one round is logged and the next round tries again."""

    def __init__(
        self,
        control: Control,
        store: ControlStore,
        models: ProgressPort,
        clock: ClockLike,
        unread: UnreadPort,
        *,
        every_s: float = 2.0,
    ) -> None:
        self._control = control
        self._store = store
        self._models = models
        self._clock = clock
        self._unread = unread
        self._every_s = every_s
        self._settling: dict[tuple[str, int], Settling] = {}

    async def run(self) -> None:
        """Go round for ever."""
        rounds = 0
        while True:
            try:
                await self.once()
                if rounds % FORGET_EVERY == 0:
                    await self._store.forget_calls()
                rounds += 1
            except Retryable as error:
                LOG.warning("round_failed", error=str(error))
            await asyncio.sleep(self._every_s)

    async def once(self) -> None:
        """One round."""
        if await self._store.unpublished():
            await self._control.reconcile_gates()
            await self._control.publish_pending()
        now = self._clock.now()
        done: list[Definition] = []
        for head in await self._store.heads():
            if head.kind != "campaign":
                continue
            try:
                if await self._tend(head, now):
                    done.append(head)
            except (IllegalMoveError, UserError) as error:
                LOG.info("left_alone", campaign_id=head.id, why=str(error))
        await self._settle(done)

    async def _tend(self, head: Definition, now: datetime) -> bool:
        """Start or end what the clock says. True for a campaign that seems to be finished."""
        if head.status == "scheduled" and has_started(head, now):
            if await self._control.activate(head.id, head.revision):
                LOG.info("campaign_started", campaign_id=head.id)
        elif head.status == "active":
            if has_ended(head, now):
                await self._finish(head)
            else:
                await self._promote(head)
                return is_done(head, await self._models.progress(head.id), now)
        return False

    async def _promote(self, head: Definition) -> None:
        """Let the better arm take over where the campaign asks for it and the figures say so (docs/behaviour.md 1.3)."""
        if not head.spec.get("promote_winner"):
            return
        won = winners_of(head.spec, await self._models.steps(head.id))
        spec = promoted(head.spec, won)
        if spec is not None and await self._control.edit(head.id, head.revision, spec):
            for one in won:
                LOG.info("winner_promoted", campaign_id=head.id, **one.as_json())

    async def _settle(self, done: Sequence[Definition]) -> None:
        """Complete what still seems finished when all that stood on the broker when it first did has come through."""
        self._settling = {
            (head.id, head.revision): self._settling[head.id, head.revision]
            for head in done
            if (head.id, head.revision) in self._settling
        }
        if not done:
            return
        look = await self._unread.look()
        for head in done:
            settling = self._settling.get((head.id, head.revision))
            if settling is None:
                self._settling[head.id, head.revision] = Settling(look)
            elif settling.is_settled(look):
                del self._settling[head.id, head.revision]
                try:
                    await self._complete(head)
                except (IllegalMoveError, UserError) as error:
                    LOG.info("left_alone", campaign_id=head.id, why=str(error))

    async def _complete(self, head: Definition) -> None:
        """The figures again, now that they are whole. Refusals and second entries make up for leads that are still on
        their way, so they are asked for one by one; whoever is asked for after that is seen under the lock.
        """
        asked = await self._store.asked(head.id)
        if is_done(
            head, await self._models.progress(head.id), self._clock.now()
        ) and not await self._store.awaits_leads(head.id):
            await self._finish(head, asked)

    async def _finish(self, head: Definition, asked: int | None = None) -> None:
        if await self._control.finish(head.id, head.revision, asked):
            LOG.info("campaign_completed", campaign_id=head.id)
