"""The ledger with its unique key and its gate switched off: the negative control of the fault tests, and nothing else.

A judge that finds no duplicates must be shown to find them where they are. `TOUCHLINE_UNSAFE_NO_LEDGER=1` switches it on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg
import structlog

from sinks.ports import Claim, GateResult, IntakeResult, Offer, Verdict
from sinks.postgres import ledger_rows as rows
from sinks.postgres.ledger import PostgresLedger

SWITCH = "TOUCHLINE_UNSAFE_NO_LEDGER"

log = structlog.get_logger("touchline.sender")


class UnsafeLedger(PostgresLedger):
    """Every grant is adopted, everything passes, and a touch in the air looks as if it had not left."""

    async def intake(self, offers: Sequence[Offer]) -> IntakeResult:
        adopted = (await super().intake(offers)).adopted
        known = {claim.grant.grant_id for claim in adopted}
        now = datetime.now(UTC)
        forced = [
            rows.claim(offer, *self._keys(offer.grant), now) for offer in offers if offer.grant.grant_id not in known
        ]
        return IntakeResult([*adopted, *forced])

    async def gate(self, claims: Sequence[Claim], *, mailbox_id: str, gate_no: int, now: datetime) -> GateResult:
        return GateResult(list(claims), [], [])

    async def record(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        await super().record([replace(verdict, from_state="claimed") for verdict in verdicts])
        return list(verdicts)


def ledger_of(pool: asyncpg.Pool, hash_secret: bytes) -> PostgresLedger:
    """The ledger of the sender: the safe one, unless the switch of the negative control is set to 1."""
    if os.environ.get(SWITCH) == "1":
        log.critical("the ledger is switched off: duplicates will be sent", switch=SWITCH)
        return UnsafeLedger(pool, hash_secret)
    return PostgresLedger(pool, hash_secret)
