"""Facts, dispositions, hits and cards as the columns of the statements that store them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid5

from asyncpg.pgproto import pgproto

from domain.cards import Card
from domain.ids import NAMESPACE
from schemas.engagements import Engagement
from schemas.replies import Disposition
from schemas.tracking import Hit

Row = tuple[Any, ...]


def fact_id(event_id: str) -> UUID:
    """An event's id as a UUID: itself where it is one, else one derived from it."""
    try:
        return pgproto.UUID(event_id)  # a UUID that is read and written in a seventh of the time
    except ValueError:
        return _other_id(event_id)


def _other_id(event_id: str) -> UUID:
    """Of an id in another form than asyncpg reads: `urn:uuid:` or braces around it, or none at all."""
    try:
        return UUID(event_id)
    except ValueError:
        return uuid5(NAMESPACE, event_id)


def columns(rows: Sequence[Row]) -> list[Row]:
    """Rows turned into columns."""
    return list(zip(*rows, strict=True))


_jsonb = json.JSONEncoder(separators=(",", ":"), default=str).encode
_TYPE_TO_NEXT_AT = itemgetter(
    "type", "lead_id", "campaign_id", "campaign_version", "enrollment_id", "entry_no", "step_id", "send_id", "mailbox_id",
    "variant", "status", "previous_status", "code", "first", "next_at",
)  # fmt: skip


def _sparse(column: Row) -> Row:
    """Nothing for a column without a value: `unnest` fills up what is shorter with nulls."""
    return () if column[0] is None and set(column) == {None} else column


def engagement_columns(engagements: Sequence[Engagement]) -> list[Sequence[Any]]:
    """What `insert_engagements` takes; of at least one."""
    return [
        [fact_id(e.event_id) for e in engagements],
        *map(_sparse, zip(*map(_TYPE_TO_NEXT_AT, map(vars, engagements)), strict=True)),
        [_jsonb(e.data) if e.data else None for e in engagements],
        [e.at for e in engagements],
    ]


def disposition_columns(dispositions: Sequence[Disposition]) -> list[Row]:
    """What `insert_dispositions` takes."""
    return columns(
        [
            (
                fact_id(d.event_id),
                d.reply_id,
                d.lead_id,
                d.campaign_id,
                d.enrollment_id,
                d.step_id,
                d.send_id,
                d.disposition,
                d.category,
                d.confidence,
                d.sentiment,
                d.matched_by,
                d.decided_by,
                d.rule_id,
                d.return_at,
                d.bounce.kind if d.bounce else None,
                d.bounce.code if d.bounce else None,
                d.at,
                d.revision,
            )
            for d in dispositions
        ]
    )


def hit_columns(hits: Sequence[Hit]) -> list[Row]:
    """What `insert_hits` takes; of a browser's name its beginning."""
    return columns(
        [
            (
                fact_id(h.event_id),
                h.type,
                h.lead_id,
                h.campaign_id,
                h.step_id,
                h.entry_no,
                h.send_id,
                h.method,
                h.user_agent[:300],
                h.network,
                h.scope,
                h.at,
                h.wall,
            )
            for h in hits
        ]
    )


def card_columns(cards: Sequence[Card]) -> list[Row]:
    """What `insert_cards` takes."""
    return columns(
        [
            (
                c.card_id,
                c.type,
                c.queue,
                c.priority,
                c.title,
                c.description,
                c.rationale,
                _jsonb(c.action_payload),
                c.campaign_id,
                c.lead_id,
                c.enrollment_id,
                c.step_id,
                c.send_id,
                c.reply_id,
                c.due_at,
                c.created_at,
                c.assigned_to,
            )
            for c in cards
        ]
    )
