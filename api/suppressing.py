"""Suppressions as operators bring, lift and look at them, by command and by HTTP alike (docs/behaviour.md 5.3)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from api.errors import NotFoundError, UserError
from api.leads_file import RowFault
from api.suppressions_file import read_address
from api.telling import noted
from domain.consent import ALL, ScopeError, campaign_of, may_be_lifted, read_reason, read_scope, write_key
from domain.ids import event_id
from schemas.tracking import Hit
from sinks.postgres.consent import Brought, Consents, Lifted, Reached, Story
from sinks.postgres.control import ControlStore
from sinks.postgres.untold import Noted
from streams.clock import ClockLike

Via = Literal["command", "api", "import"]
CHUNK = 1000
MAX_FAULTS = 1000
"""Bad lines that are kept to be named; all are counted."""

_WAYS: Mapping[str, str] = {
    "unsubscribe:sms": "text",
    "unsubscribe": "page",
    "reply": "reply",
    "bounce": "bounce",
    "bounced": "bounce",
    "action": "campaign",
}
"""What the front of a source id tells of the way by which a suppression came."""


@dataclass(slots=True)
class Imported:
    """What became of a file: lines that hold suppressions, those that were new, and the bad ones."""

    rows: int = 0
    added: int = 0
    bad: int = 0
    faults: list[RowFault] = field(default_factory=list[RowFault])


class Suppressing:
    """What operators do. Raises UserError for what cannot be, Retryable while Postgres is away."""

    def __init__(self, consents: Consents, store: ControlStore, clock: ClockLike) -> None:
        self._consents = consents
        self._store = store
        self._clock = clock

    async def suppress(self, given: Sequence[str], scope: str, reason: str, via: Via) -> list[dict[str, Any]]:
        """Commit the suppression of addresses, all or none; an object for each, with what was in the air."""
        addresses = read_addresses(given)
        scope, reason = _read("scope", read_scope, scope), _read("reason", read_reason, reason)
        await self._check_campaign(scope)
        rows = [
            Brought(self._consents.key_of(address), scope, reason, is_address="@" in address) for address in addresses
        ]
        source = f"{via}:{uuid4().hex[:12]}"
        fresh = await self._consents.bring(rows, via=via, source=source, tell=self._teller(source))
        new = frozenset(row.key for row in fresh)
        return [
            {
                "address": address,
                "scope": scope,
                "reason": reason,
                "new": row.key in new,
                "proof": proof(await self._consents.story(row.key)),
            }
            for row, address in zip(rows, addresses, strict=True)
        ]

    async def bring(
        self,
        rows: Iterable[tuple[int, Brought | RowFault]],
        *,
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda line: None,
    ) -> Imported:
        """Take every good line, a thousand in a transaction; the bad ones are named. Again, it changes nothing."""
        done = Imported()
        source = f"import:{uuid4().hex[:12]}"
        tell = self._teller(source)
        waiting = iter(rows)
        while chunk := list(itertools.islice(waiting, CHUNK)):
            good = [row for _, row in chunk if isinstance(row, Brought)]
            faults = [row for _, row in chunk if isinstance(row, RowFault)]
            if dry_run:
                fresh = await self._consents.missing(good)
            else:
                fresh = await self._consents.bring(good, via="import", source=source, tell=tell)
            done.rows += len(good)
            done.added += len(fresh)
            done.bad += len(faults)
            done.faults += faults[: MAX_FAULTS - len(done.faults)]
            progress(chunk[-1][0])
        return done

    async def lift(self, address: str, scope: str | None) -> tuple[list[Lifted], list[dict[str, Any]]]:
        """Lift what operators, servers and campaigns brought about an address; (lifted, what is in force all the same)."""
        (known,) = read_addresses([address])
        return await self.lift_key(self._consents.key_of(known), scope)

    async def lift_key(self, key: bytes, scope: str | None) -> tuple[list[Lifted], list[dict[str, Any]]]:
        """`lift`, by the keyed hash."""
        wanted = None if scope is None else _read("scope", read_scope, scope)
        lifted = await self._consents.lift(key, wanted)
        left = [record(row) for row in (await self._consents.story(key)).records if row["lifted_at"] is None]
        return lifted, left

    async def show(self, address: str) -> dict[str, Any]:
        """Every record of an address, and the proof."""
        (known,) = read_addresses([address])
        story = await self._consents.story(self._consents.key_of(known))
        records = [record(row) for row in story.records]
        return {
            "address": known,
            "in_force": sorted({row["scope"] for row in records if row["lifted_at"] is None}),
            "records": records,
            "proof": proof(story),
        }

    async def _check_campaign(self, scope: str) -> None:
        campaign = campaign_of(scope)
        if campaign is not None and await self._store.head("campaign", campaign) is None:
            raise NotFoundError(f"there is no campaign {campaign!r}")

    def _teller(self, source: str) -> Callable[[Reached], Noted]:
        """What tells leads that somebody is not to be written to any more: sequences end now, not at their next touch."""

        def tell(reached: Reached) -> Noted:
            hit = Hit(
                type="unsubscribe",
                event_id=event_id("suppressed", source, reached.lead_id, reached.scope),
                lead_id=reached.lead_id,
                campaign_id=reached.campaign_id,
                step_id=reached.step_id,
                entry_no=reached.entry_no,
                send_id=reached.send_id,
                method="POST",
                scope="all" if reached.scope == ALL else "campaign" if campaign_of(reached.scope) else "goal",
                at=self._clock.now(),
                wall=self._clock.wall(),
            )
            return noted("tracking-hits", hit, hit.event_id, hit.lead_id)

        return tell


def read_addresses(given: Sequence[str]) -> list[str]:
    """Addresses in their one spelling, each once. Raises UserError with all that are none, by their places."""
    found = [read_address(text) for text in given]
    bad = [f"address {place}: not an address, and no number with its country (+46...)"
           for place, address in enumerate(found, start=1) if address is None]  # fmt: skip
    if bad or not found:
        raise UserError("nothing was done", bad or ["no address is given"])
    return list(dict.fromkeys(address for address in found if address is not None))


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """A suppression as it is shown: of the address, or of a lead that was written to at it."""
    return {
        "of": "address" if row["lead_id"] is None else "lead",
        "lead_id": row["lead_id"],
        **_record(row),
    }


def listed(secret: bytes, row: Mapping[str, Any]) -> dict[str, Any]:
    """A suppression as it stands in a list: by its keyed hash. `secret`: `TokenKeys.hash_secret`."""
    return {"key": write_key(secret, row["key"]), **_record(row)}


def _record(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "scope": row["scope"],
        "reason": row["reason"],
        "way": row["via"] or way_of(row["source_id"]),
        "source": row["source_id"],
        "at": _written(row["since"] or row["suppressed_at"]),
        "suppressed_at": _written(row["suppressed_at"]),
        "lifted_at": _written(row["lifted_at"]),
        "lifted_by": row["lifted_by"],
        "operator_may_lift": row["lifted_at"] is None and may_be_lifted(row["reason"]),
    }


def way_of(source_id: str) -> str:
    """By which way a suppression came, as its source id tells."""
    return next((way for front, way in _WAYS.items() if source_id.startswith(f"{front}:")), "other")


def proof(story: Story) -> dict[str, Any]:
    """That nothing passed the gate after a suppression's commit, and what was in the air at it. `holds` is False, with the
    touches under `after_commit`, where something did.
    """
    after = [_touch(row) for row in story.against if row["kind"] == "after"]
    in_the_air = [_touch(row) for row in story.against if row["kind"] == "in_the_air"]
    return {
        "holds": not after,
        "touches": story.known,
        "sent": story.sent,
        "after_commit": after,
        "in_the_air": in_the_air,
    }


def _touch(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("send_id", "lead_id", "campaign_id", "step_id", "mailbox_id", "message_id", "state", "scope")
    told = {name: str(row[name]) for name in names}
    instants = {name: _written(row[name]) for name in ("passed_at", "suppressed_at", "finished_at")}
    return {**told, "source": row["source_id"], **instants}


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _read(name: str, reading: Callable[[str], str], text: str) -> str:
    try:
        return reading(text)
    except ScopeError as error:
        raise UserError(f"{name}: {error}") from None
