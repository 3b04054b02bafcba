"""Answers in Postgres: stored once each, claimed by one classifier at a time, told at least once.

Every call raises `streams.errors.Retryable` when Postgres is away and `streams.errors.Poison` when it refuses the data.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from domain.replies.mail import Mail
from schemas.replies import Disposition, MatchedBy
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("replies")

OpenState = Literal["matched", "reading", "judged"]

_IN_COLUMNS = ("from_email", "from_name", "subject", "text", "quoted")
"""Fields of a mail that have columns of their own; the others stand in `facts`."""


@dataclass(frozen=True, slots=True)
class Match:
    """The touch that a mail answers, and how that is known."""

    matched_by: MatchedBy
    confidence: float
    send_id: UUID
    enrollment_id: UUID
    lead_id: str
    campaign_id: str
    step_id: str


@dataclass(frozen=True, slots=True)
class Known:
    """A mail that is stored already. `held`: its match has stopped the lead, at the campaign instant `at`."""

    reply_id: UUID
    at: datetime
    held: bool
    match: Match | None


@dataclass(frozen=True, slots=True)
class NewReply:
    """A mail to store. Without a match it is `untracked`."""

    reply_id: UUID
    message_id: str
    source: str
    received_at: datetime
    received_wall: datetime
    at: datetime
    mail: Mail
    held: bool = False
    match: Match | None = None
    pool_id: str | None = None
    mailbox_id: str | None = None
    lead_timezone: str | None = None
    address_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A mail in a classifier's hands. `event` is its verdict, when one was stored before and may not have been told."""

    reply_id: UUID
    state: OpenState
    received_at: datetime
    at: datetime
    match: Match
    pool_id: str
    mailbox_id: str
    lead_timezone: str | None
    address_key: bytes
    mail: Mail
    attempts: int
    event: Disposition | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict to store: the event to tell, and what statistics need beside it."""

    event: Disposition
    why: str
    bounced_domain: str | None = None


class Replies:
    """The `replies` table. `owner` is this process's id for claims."""

    def __init__(self, pool: asyncpg.Pool, owner: UUID) -> None:
        self._pool = pool
        self._owner = owner

    async def known(self, reply_ids: Sequence[UUID]) -> dict[UUID, Known]:
        """Those of the mails that are stored already."""
        with classified:
            rows = await self._pool.fetch(SQL["known"], reply_ids)
        return {row["reply_id"]: _known(row) for row in rows}

    async def insert(self, replies: Sequence[NewReply]) -> frozenset[UUID]:
        """Store mails; the ids of those that were new. The others stay as they are."""
        columns = list(zip(*map(_row, replies), strict=True))
        with classified:
            rows = await self._pool.fetch(SQL["insert"], *columns)
        return frozenset(row["reply_id"] for row in rows)

    async def claim(self, states: Sequence[OpenState], limit: int, seconds: float) -> list[StoredReply]:
        """Take the oldest free rows in these states for so many wall seconds of Postgres's clock."""
        with classified:
            rows = await self._pool.fetch(SQL["claim"], self._owner, seconds, states, limit)
        return [stored_reply(row) for row in sorted(rows, key=lambda row: (row["at"], row["reply_id"]))]

    async def hand_over(self, reply_ids: Sequence[UUID]) -> None:
        """Leave claimed rows to whoever reads with the model."""
        with classified:
            await self._pool.execute(SQL["hand_over"], reply_ids, self._owner)

    async def put_off(self, reply_ids: Sequence[UUID], seconds: float, patience_s: float) -> frozenset[UUID]:
        """Free claimed rows whose model is away for so many wall seconds from now; those that have not waited for
        `patience_s` yet. The others stay claimed, for a person to decide."""
        with classified:
            rows = await self._pool.fetch(SQL["put_off"], self._owner, reply_ids, seconds, patience_s)
        return frozenset(row["reply_id"] for row in rows)

    async def judge(self, judgements: Sequence[Judgement]) -> frozenset[UUID]:
        """Store verdicts of claimed rows; the ids of those that stand. The claims stay."""
        columns = list(zip(*map(_judgement, judgements), strict=True))
        with classified:
            rows = await self._pool.fetch(SQL["judge"], self._owner, *columns)
        return frozenset(row["reply_id"] for row in rows)

    async def told(self, reply_ids: Sequence[UUID]) -> None:
        """The broker has these verdicts."""
        with classified:
            await self._pool.execute(SQL["told"], reply_ids)

    async def let_go(self, reply_ids: Sequence[UUID] | None = None) -> None:
        """Give up claims of this process; None: all of them."""
        with classified:
            await self._pool.execute(SQL["let_go"], self._owner, reply_ids)

    async def renew(self, reply_ids: Sequence[UUID], seconds: float) -> None:
        """Keep claims for so many more wall seconds."""
        with classified:
            await self._pool.execute(SQL["renew"], self._owner, reply_ids, seconds)

    async def soft_beside(self, send_id: UUID) -> int:
        """How many mails right before and right after a touch bounced softly, in a row, since the last answer from there."""
        with classified:
            return await self._pool.fetchval(SQL["soft_beside"], send_id)

    async def refusing_domains(self, mailbox_id: str, since: datetime, besides: str) -> int:
        """Other recipient domains that have refused a mailbox by policy since a campaign instant."""
        with classified:
            return await self._pool.fetchval(SQL["refusing_domains"], mailbox_id, since, besides)

    async def reply(self, reply_id: UUID) -> dict[str, Any] | None:
        """One mail with everything that is known of it, for people."""
        with classified:
            row = await self._pool.fetchrow(SQL["reply"], reply_id)
        return None if row is None else dict(row)

    async def untracked(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest mails that answer nothing of ours."""
        with classified:
            return [dict(row) for row in await self._pool.fetch(SQL["untracked"], limit)]

    async def waiting(self) -> dict[str, int]:
        """State -> how many mails wait in it."""
        with classified:
            return {row["state"]: row["n"] for row in await self._pool.fetch(SQL["waiting"])}


def _known(row: Any) -> Known:
    return Known(row["reply_id"], row["at"], row["held"], None if row["send_id"] is None else _match(row))


def _match(row: Any) -> Match:
    return Match(
        matched_by=row["matched_by"],
        confidence=row["match_confidence"],
        send_id=row["send_id"],
        enrollment_id=row["enrollment_id"],
        lead_id=row["lead_id"],
        campaign_id=row["campaign_id"],
        step_id=row["step_id"],
    )


def _row(reply: NewReply) -> tuple[Any, ...]:
    mail, match = reply.mail, reply.match
    facts = {name: value for name, value in mail.to_json().items() if name not in _IN_COLUMNS and value}
    return (
        reply.reply_id,
        reply.message_id,
        reply.source,
        "untracked" if match is None else "matched",
        reply.received_at,
        reply.received_wall,
        reply.at,
        reply.held,
        match and match.matched_by,
        match and match.confidence,
        match and match.send_id,
        match and match.enrollment_id,
        match and match.lead_id,
        match and match.campaign_id,
        match and match.step_id,
        reply.pool_id,
        reply.mailbox_id,
        reply.lead_timezone,
        reply.address_key,
        mail.from_email,
        mail.from_name,
        mail.subject,
        mail.text,
        mail.quoted,
        _json(facts),
    )


def stored_reply(row: Any) -> StoredReply:
    """A row of the table in a classifier's hands."""
    facts: dict[str, Any] = json.loads(row["facts"])
    facts |= {
        "from_email": row["from_email"],
        "from_name": row["from_name"],
        "subject": row["subject"],
        "text": row["body"],
        "quoted": row["quoted"],
    }
    return StoredReply(
        reply_id=row["reply_id"],
        state=row["state"],
        received_at=row["received_at"],
        at=row["at"],
        match=_match(row),
        pool_id=row["pool_id"],
        mailbox_id=row["mailbox_id"],
        lead_timezone=row["lead_timezone"],
        address_key=row["address_key"],
        mail=Mail.from_json(facts),
        attempts=row["attempts"],
        event=None if row["event"] is None else Disposition.read(row["event"].encode()),
    )


def _judgement(judgement: Judgement) -> tuple[Any, ...]:
    event = judgement.event
    return (
        event.reply_id,
        event.disposition,
        event.category,
        event.bounce and event.bounce.kind,
        event.bounce and event.bounce.code,
        judgement.bounced_domain,
        event.decided_by,
        event.rule_id,
        judgement.why,
        event.write().decode(),
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
