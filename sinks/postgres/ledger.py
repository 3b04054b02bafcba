"""The ledger on Postgres: it decides what may leave, and remembers for ever what has (docs/behaviour.md 4.3).

A touch is a row. Intake makes it `claimed`, the gate `sending`, an outcome ends it; whoever repeats a step finds it done.
Every statement runs alone in its own transaction, so a lost answer is settled by asking again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog
from pydantic import ValidationError

from domain.answering import is_answer
from domain.tokens import address_key, lead_key
from schemas.sending import Grant
from sinks.ports import (
    Claim,
    GateResult,
    IntakeResult,
    Lease,
    LedgerGrant,
    Offer,
    Refusal,
    SendRow,
    TakeOver,
    Verdict,
)
from sinks.postgres import ledger_rows as rows
from sinks.postgres.companies import company_key
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from streams.errors import Retryable

FORGET_SLICE = 2000
RELAY_ID = re.compile(
    r"<?([0-9a-f]{16}-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{6})@[a-z0-9.-]*\bamazonses\.[a-z.]+>?"
)
"""The Message-ID of a mail that went through Amazon SES: the id in its answer to DATA, at the region's domain."""

log = structlog.get_logger("touchline.sender")


class LostLease(Retryable):
    """Another owner holds the partition: nothing was written for it."""


class PostgresLedger:
    """`LedgerPort`, `ResolvePort` and `RecentGrantsPort`. `hash_secret` is `TokenKeys.hash_secret`.

    The pool's connections must have the plan of `connect.LEDGER_PLAN`.
    """

    def __init__(self, pool: asyncpg.Pool, hash_secret: bytes) -> None:
        self._pool = pool
        self._secret = hash_secret

    # -- the way out

    async def intake(self, offers: Sequence[Offer]) -> IntakeResult:
        """Take grants in, hundreds at once. Raises LostLease when one's partition belongs to another owner by now.

        A touch never seen, or one to be asked again by a newer grant, is adopted; so is one that stands claimed under the
        very grant (a repeat). One that is on its way under that grant is left alone. Any other grant is unused, and a touch
        with a final outcome has it told again.
        """
        result = IntakeResult()
        offers = _newest(offers, result.unused)
        if not offers:
            return result
        orders = [rows.grant_order(offer.grant.grant_id) for offer in offers]
        keys = [self._keys(offer.grant) for offer in offers]
        with classified:
            await self._prepare(offers, keys)
            claimed = await self._intake(offers, orders, keys)
            missing: list[Offer] = []
            for offer, (lead, address) in zip(offers, keys, strict=True):
                claimed_at = claimed.get(offer.grant.touch.send_id)
                if claimed_at is None:
                    missing.append(offer)
                else:
                    result.adopted.append(rows.claim(offer, lead, address, claimed_at))
            if missing:
                known = await self._pool.fetch(
                    queries("ledger")["known"], [offer.grant.touch.send_id for offer in missing]
                )
                _sort_out(missing, {row["send_id"]: row for row in known}, result)
        return result

    def _keys(self, grant: Grant) -> tuple[bytes, bytes]:
        touch = grant.touch
        return lead_key(self._secret, touch.lead_id), address_key(self._secret, touch.email)

    async def _prepare(self, offers: Sequence[Offer], keys: Sequence[tuple[bytes, bytes]]) -> None:
        leads, addresses = [lead for lead, _ in keys], [address for _, address in keys]
        owners = [  # an answer to a reply takes nobody's place in the campaign
            (offer.grant.touch.campaign_id, address, lead)
            for offer, (lead, address) in zip(offers, keys, strict=True)
            if not is_answer(offer.grant.touch.step_id)
        ]
        columns = map(list, zip(*owners, strict=True)) if owners else ([], [], [])
        companies = [
            (key, offer.grant.touch) for offer in offers if (key := company_key(self._secret, offer.grant.touch))
        ]
        if companies:
            touches = [touch for _, touch in companies]
            columns_of = ([key for key, _ in companies], [t.campaign_id for t in touches], [t.lead_id for t in touches])
            await self._pool.execute(queries("companies")["join_company"], *columns_of)
        rows_needed = [*leads, *addresses, *(key for key, _ in companies)]
        await self._pool.execute(queries("ledger")["prepare"], rows_needed, *columns)

    async def _intake(
        self, offers: Sequence[Offer], orders: Sequence[int], keys: Sequence[tuple[bytes, bytes]]
    ) -> dict[UUID, datetime]:
        scopes = sorted({f"sender:{offer.lease.partition}" for offer in offers})
        columns = rows.intake_columns(offers, orders, keys)
        claimed = await self._pool.fetch(queries("ledger")["intake"], scopes, *columns)
        return {row[0]: row[1] for row in claimed}

    async def gate(self, claims: Sequence[Claim], *, mailbox_id: str, gate_no: int, now: datetime) -> GateResult:
        """Decide whether these touches of one mailbox (and so one partition) may leave, as one transaction.

        `gate_no` names the mini-batch within this process: the same one again, after a lost answer, decides again what it let
        pass. What passes is `sending`; what is refused has its outcome, at the campaign instant `now`.
        """
        if not claims:
            return GateResult([], [], [])
        lease = claims[0].lease
        touches = [claim.grant.touch for claim in claims]
        scopes = {f"dispatch:{claim.grant.pool_partition}" for claim in claims}
        gates = {f"campaign:{touch.campaign_id}" for touch in touches}
        keys = {claim.lead_key for claim in claims} | {claim.address_key for claim in claims}
        companies = [company_key(self._secret, touch) for touch in touches]
        keys.update(key for key in companies if key is not None)
        with classified:
            decided = await self._pool.fetch(
                queries("ledger")["gate"],
                sorted(scopes | {f"sender:{lease.partition}"}),
                sorted(gates | {"*"}),
                sorted(keys),
                [touch.send_id for touch in touches],
                [claim.grant.grant_id for claim in claims],
                mailbox_id,
                lease.partition,
                lease.epoch,
                gate_no,
                now,
                len(keys),
                companies,
            )
        return _gated(claims, {row[0]: (row[1], row[2]) for row in decided})

    async def record(self, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Write outcomes where grant, epoch and state are still the claim's; returns those that stand, written now or before."""
        if not verdicts:
            return []
        with classified:
            columns = rows.record_columns(verdicts, self._secret)
            written = {row[0] for row in await self._pool.fetch(queries("ledger")["record"], *columns)}
            if len(written) == len(verdicts):
                return list(verdicts)
            missing = [v.claim.grant.touch.send_id for v in verdicts if v.claim.grant.touch.send_id not in written]
            if missing:
                known = {row["send_id"]: row for row in await self._pool.fetch(queries("ledger")["known"], missing)}
                written |= {v.claim.grant.touch.send_id for v in verdicts if _stands(v, known)}
        return [verdict for verdict in verdicts if verdict.claim.grant.touch.send_id in written]

    # -- take-over

    async def take_over(self, lease: Lease, held: frozenset[UUID], now: datetime) -> TakeOver:
        """What is unfinished or untold in a partition, apart from what this process holds in its hands.

        `sending` under an older epoch becomes `ambiguous`, `claimed` becomes this owner's, and what finished under another
        epoch in the last hour is to be told again. Nothing where the lease is not current.
        """
        scope, in_hand = f"sender:{lease.partition}", list(held)
        sql = queries("ledger")
        with classified:
            await self._pool.fetch(sql["mark_ambiguous"], scope, lease.epoch, lease.partition, now, in_hand)
            claimed = await self._pool.fetch(sql["adopt"], scope, lease.epoch, lease.partition, in_hand)
            untold = await self._pool.fetch(sql["untold"], lease.epoch, lease.partition)
        claims = [claim for row in claimed if (claim := _readable(row, lease)) is not None]
        return TakeOver(claims, [rows.finished(row) for row in untold])

    async def settle(self, lease: Lease, settled_at: datetime) -> None:
        """All that was claimed before `settled_at` is finished and told."""
        with classified:
            await self._pool.execute(
                queries("ledger")["settle"], f"sender:{lease.partition}", lease.epoch, lease.partition, settled_at
            )

    async def forget(self, lease: Lease) -> int:
        """Clear subjects, server texts and domains of rows older than an hour; how many rows were looked at."""
        total = 0
        while True:
            with classified:
                count = await self._pool.fetchval(queries("ledger")["forget"], lease.partition, FORGET_SLICE)
            total += count
            if count < FORGET_SLICE:
                return total

    # -- who asks the ledger

    async def resolve(self, send_ids: Sequence[UUID]) -> dict[UUID, SendRow]:
        """Touches by id."""
        with classified:
            found = await self._pool.fetch(queries("ledger")["resolve"], list(send_ids))
        return {row["send_id"]: rows.send_row(row) for row in found}

    async def resolve_message_ids(self, message_ids: Sequence[str]) -> dict[str, SendRow]:
        """Touches by the Message-ID they went out with, angle brackets included, or that a relay gave them instead."""
        relayed = {match[1]: one for one in message_ids if (match := RELAY_ID.fullmatch(one)) is not None}
        with classified:
            found = await self._pool.fetch(queries("ledger")["resolve_messages"], list(message_ids))
            others = await self._pool.fetch(queries("ledger")["resolve_relayed"], list(relayed)) if relayed else []
        known = {relayed[row["relay_id"]]: rows.send_row(row, without="relay_id") for row in others}
        return known | {row["message_id"]: rows.send_row(row) for row in found}

    async def resolve_thread(self, email: str, subject: str) -> SendRow | None:
        """The newest touch sent to this address under this subject (low confidence: docs/behaviour.md 7.2)."""
        key = address_key(self._secret, email)
        with classified:
            row = await self._pool.fetchrow(
                queries("ledger")["resolve_thread"], key, rows.subject_key(self._secret, subject)
            )
        return None if row is None else rows.send_row(row)

    async def resolve_number(self, number: str, sender_id: str) -> SendRow | None:
        """The newest text to this number (E.164), by this sender where there is one."""
        with classified:
            row = await self._pool.fetchrow(
                queries("ledger")["resolve_number"], address_key(self._secret, number), sender_id
            )
        return None if row is None else rows.send_row(row)

    async def settle_ambiguous(self, send_ids: Sequence[UUID]) -> int:
        """These arrived after all: `ambiguous` becomes `sent`; how many."""
        with classified:
            return len(await self._pool.fetch(queries("ledger")["settle_ambiguous"], list(send_ids)))

    async def recent_grants(self, pool_partition: int) -> list[LedgerGrant]:
        """The grants of a pool partition's last 25 hours of campaign time, oldest first."""
        with classified:
            found = await self._pool.fetch(queries("ledger")["recent_grants"], pool_partition)
        return [rows.ledger_grant(row) for row in found]


def _readable(row: asyncpg.Record, lease: Lease) -> Claim | None:
    """An adopted row as a claim. One that cannot be read costs itself: it stays claimed, and is in the log."""
    try:
        return rows.adopted(row, lease)
    except ValidationError as error:
        log.error("claim_unreadable", send_id=str(row["send_id"]), errors=error.error_count())
        return None


def _newest(offers: Sequence[Offer], unused: list[tuple[Grant, str]]) -> list[Offer]:
    """One offer a touch: of two grants in a batch the newer one stands, of two equal ones the first."""
    best: dict[UUID, Offer] = {}
    for offer in offers:
        send_id = offer.grant.touch.send_id
        other = best.setdefault(send_id, offer)
        if other is offer or other.grant.grant_id == offer.grant.grant_id:
            continue
        newer = rows.grant_order(offer.grant.grant_id) > rows.grant_order(other.grant.grant_id)
        best[send_id] = offer if newer else other
        unused.append(((other if newer else offer).grant, "older_grant"))
    return list(best.values())


def _sort_out(missing: Sequence[Offer], known: dict[UUID, asyncpg.Record], result: IntakeResult) -> None:
    """What is said of offers that were not adopted."""
    for offer in missing:
        row = known.get(offer.grant.touch.send_id)
        if row is None or _would_adopt(offer, row):
            raise LostLease(f"partition {offer.lease.partition} is not owned under epoch {offer.lease.epoch}")
        same = row["grant_id"] == offer.grant.grant_id
        if row["state"] in rows.LIVE:
            if not same:
                result.unused.append((offer.grant, f"already_{row['state']}"))
            continue
        if same or row["state"] in rows.FINAL:
            result.finished.append(rows.finished(row))
        if not same:
            result.unused.append(
                (offer.grant, f"already_{row['state']}" if row["state"] in rows.FINAL else "older_grant")
            )


def _would_adopt(offer: Offer, row: asyncpg.Record) -> bool:
    """Whether only the lease can have kept this offer from being adopted."""
    if row["state"] == "claimed":
        return row["grant_id"] == offer.grant.grant_id
    return row["state"] in rows.REOPENABLE and row["grant_order"] < rows.grant_order(offer.grant.grant_id)


def _gated(claims: Sequence[Claim], decided: dict[UUID, tuple[str | None, str | None]]) -> GateResult:
    result = GateResult([], [], [])
    for claim in claims:
        verdict = decided.get(claim.grant.touch.send_id)
        if verdict is None:
            result.lost.append(claim)
        elif verdict[0] is None:
            result.passed.append(claim)
        else:
            result.refused.append(Refusal(claim, verdict[0], verdict[1] or ""))  # pyright: ignore[reportArgumentType]
    return result


def _stands(verdict: Verdict, known: dict[UUID, asyncpg.Record]) -> bool:
    row = known.get(verdict.claim.grant.touch.send_id)
    return row is not None and row["grant_id"] == verdict.claim.grant.grant_id and row["state"] == verdict.outcome
