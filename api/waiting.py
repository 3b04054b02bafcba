"""What a campaign waits for, for `touchline status`: asked of Postgres, and of the broker for the mailboxes' pauses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError

from api.changelogs import read_values
from domain.compile import compile_definitions
from domain.dispatch.instants import NEVER, instant
from domain.outlook import Hold, Pause, Place, holds, places
from schemas.definitions import Definition
from sinks.postgres.outlook import Outlook
from streams.clock import ClockLike
from streams.partitioning import partition_of
from streams.provision import verify_partitions
from streams.settings import Settings, SettingsError

LOOKED_AT = 20_000
"""Open leads whose place is worked out: a walk over more would take seconds."""
PAUSES_S = 10.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is in the way, and where leads stand. `looked_at` of the open leads were looked at; `pauses_known` is False
    when the broker did not tell which mailboxes are paused. `unanswered` leads were published and came to nothing yet, of them
    the first `unanswered_leads`.
    """

    holds: list[Hold]
    places: list[Place]
    looked_at: int
    unpublished: int
    pauses_known: bool
    unanswered: int
    unanswered_leads: list[str]

    def as_json(self) -> dict[str, Any]:
        """All of it by name."""
        return {
            "holds": [hold._asdict() for hold in self.holds],
            "leads": [place._asdict() for place in self.places],
            "leads_looked_at": self.looked_at,
            "never_published": self.unpublished,
            "pauses_known": self.pauses_known,
            "unanswered": self.unanswered,
            "unanswered_leads": self.unanswered_leads,
        }


async def waiting_for(
    campaign: Definition, heads: Sequence[Definition], outlook: Outlook, settings: Settings, clock: ClockLike
) -> Waiting:
    """What holds the campaign back now. Raises Retryable when Postgres is away."""
    definitions, problems = compile_definitions(heads)
    pauses = await read_pauses(settings)
    compiled = definitions.campaigns.get(campaign.id)
    used = await outlook.used(partition_of(compiled.pool_id.encode(), settings.partitions)) if compiled else []
    now = clock.now()
    found = holds(campaign.id, definitions, used, pauses or {}, now)
    concerned = {campaign.id, *map(str, campaign.spec.get("mailboxes") or ()), str(campaign.spec.get("sms_sender"))}
    found += [
        Hold(problem.document, problem.code, f"cannot be used: {problem.path}: {problem.message}", None)
        for problem in problems
        if problem.document.rpartition(" ")[2] in concerned
    ]
    told = {hold.scope for hold in found if hold.until is None}
    found += [
        Hold(scope, "gate_closed", "the gate is closed, though nothing above says so: the api opens it again", None)
        for scope in await outlook.closed_gates(campaign.id)
        if scope not in told
    ]
    facts = await outlook.standing(campaign.id, LOOKED_AT)
    return Waiting(
        found,
        places(compiled, definitions, facts, now) if compiled else [],
        len(facts),
        await outlook.unpublished_asks(campaign.id),
        pauses is not None,
        *await outlook.unanswered_asks(campaign.id),
    )


async def read_pauses(settings: Settings) -> dict[str, Pause] | None:
    """Mailbox -> its pause, from the table that dispatch keeps; None when the broker does not answer in ten seconds."""
    try:
        async with asyncio.timeout(PAUSES_S):
            return await _read_pauses(settings)
    except (KafkaError, OSError, TimeoutError, SettingsError):
        return None


async def _read_pauses(settings: Settings) -> dict[str, Pause]:
    await verify_partitions(settings)
    return pauses_of(await read_values(settings, "dispatch", "mailboxes"))


def pauses_of(rows: Mapping[bytes, bytes]) -> dict[str, Pause]:
    """What dispatch's table says of each mailbox: a pause, or none (then it ended long ago), and how far its warm-up is."""
    pauses: dict[str, Pause] = {}
    for key, value in rows.items():
        told = json.loads(value)
        until = told.get("until", 0)
        pauses[key.decode()] = Pause(str(told.get("reason", "")), None if until >= NEVER else instant(until), value)
    return pauses
