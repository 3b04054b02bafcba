"""Between the ledger's rows and the values of `sinks/ports.py`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from domain.ids import email_domain
from domain.replies.matching import base_subject
from schemas.sending import Grant
from sinks.ports import Claim, Finished, Lease, LedgerGrant, Offer, SendRow, Verdict
from streams.errors import Poison

FINAL = frozenset({"sent", "failed", "ambiguous", "suppressed"})
REOPENABLE = frozenset({"deferred", "expired", "stale", "stopped", "paused"})
LIVE = frozenset({"claimed", "sending"})

_NUMBER_BITS = 40


def grant_order(grant_id: str) -> int:
    """A grant's place among its pool partition's: by epoch, then number. Raises Poison when it is not EPOCH-NUMBER."""
    epoch, dash, number = grant_id.partition("-")
    if not (
        dash and grant_id.isascii() and epoch.isdecimal() and number.isdecimal() and len(epoch) < 8 and len(number) < 13
    ):
        raise Poison("bad_grant_id", "a grant_id is EPOCH-NUMBER")
    return (int(epoch) << _NUMBER_BITS) | int(number)


def subject_key(secret: bytes, subject: str) -> bytes:
    """The keyed hash by which an answer without a token finds its thread (docs/behaviour.md 7.2)."""
    return hashlib.blake2b(base_subject(subject).encode(), digest_size=8, key=secret[:64]).digest()


def claim(offer: Offer, lead_key: bytes, address_key: bytes, claimed_at: Any) -> Claim:
    return Claim(offer.grant, offer.lease, lead_key, address_key, offer.message_id, claimed_at)


def adopted(row: Any, lease: Lease) -> Claim:
    """A row of `adopt`: its touch is parsed again."""
    return Claim(
        Grant.read(row["touch"].encode()),
        lease,
        row["lead_key"],
        row["address_key"],
        row["message_id"],
        row["claimed_at"],
    )


def intake_columns(offers: Sequence[Offer], orders: Sequence[int], keys: Sequence[tuple[bytes, bytes]]) -> list[Any]:
    """The arrays of `intake`, in its order."""
    rows = [
        (
            (touch := (grant := offer.grant).touch).send_id,
            touch.enrollment_id,
            grant.granted_at,
            grant.expires_wall,
            order,
            grant.pool_epoch,
            offer.lease.epoch,
            touch.campaign_version,
            touch.entry_no,
            touch.ask_no,
            touch.attempt,
            grant.pool_partition,
            offer.lease.partition,
            lead,
            address,
            touch.lead_id,
            touch.campaign_id,
            offer.goal,
            touch.step_id,
            touch.variant,
            touch.pool_id,
            grant.mailbox_id,
            grant.grant_id,
            offer.message_id,
            touch.timezone,
            json.dumps(touch.after_stops) if touch.after_stops else None,
            touch.domain or email_domain(touch.email),
            offer.payload,
        )
        for offer, order, (lead, address) in zip(offers, orders, keys, strict=True)
    ]
    return list(zip(*rows, strict=True))


def record_columns(verdicts: Sequence[Verdict], secret: bytes) -> list[Any]:
    """The arrays of `record`, in its order."""
    rows = [
        (
            verdict.claim.grant.touch.send_id,
            verdict.claim.grant.grant_id,
            verdict.claim.lease.epoch,
            verdict.from_state,
            verdict.outcome,
            verdict.used,
            verdict.at,
            verdict.code,
            verdict.detail,
            verdict.subject,
            None if verdict.subject is None else subject_key(secret, verdict.subject),
            verdict.campaign_version,
        )
        for verdict in verdicts
    ]
    return list(zip(*rows, strict=True))


def finished(row: Any) -> Finished:
    """A row of `known` or `untold` that has an outcome."""
    return Finished(
        send_id=row["send_id"],
        enrollment_id=row["enrollment_id"],
        lead_id=row["lead_id"],
        campaign_id=row["campaign_id"],
        campaign_version=row["campaign_version"],
        step_id=row["step_id"],
        pool_id=row["pool_id"],
        mailbox_id=row["mailbox_id"],
        variant=row["variant"],
        ask_no=row["ask_no"],
        attempt=row["attempt"],
        grant_id=row["grant_id"],
        granted_at=row["granted_at"],
        outcome=row["state"],
        used=row["used"],
        outcome_at=row["outcome_at"],
        message_id=row["message_id"],
        code=row["code"],
        detail=row["detail"],
        subject=row["subject"],
        claimed_at=row["claimed_at"],
    )


def send_row(row: Any, without: str | None = None) -> SendRow:
    """A row of `resolve`, `without` a column that was only looked for."""
    return SendRow(**{name: value for name, value in row.items() if name != without})


def ledger_grant(row: Any) -> LedgerGrant:
    """A row of `recent_grants`."""
    return LedgerGrant(**dict(row))
