"""Facts, dispositions, hits and cards as the columns of the statements that store them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

from domain.cards import Card
from domain.ids import NAMESPACE
from schemas.engagements import Engagement
from schemas.replies import Disposition
from schemas.tracking import Hit

Row = tuple[Any, ...]


def fact_id(event_id: str) -> UUID:
    """An event's id as a UUID: itself where it is one, else one derived from it."""
    try:
        return UUID(event_id)
    except ValueError:
        return uuid5(NAMESPACE, event_id)


def columns(rows: Sequence[Row]) -> list[Row]:
    """Rows turned into columns."""
    return list(zip(*rows, strict=True))


def _jsonb(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def _data(engagement: Engagement) -> str | None:
    return _jsonb(engagement.data) if engagement.data else None


def engagement_columns(engagements: Sequence[Engagement]) -> list[Row]:
    """What `insert_engagements` takes."""
    return columns(
        [
            (
                fact_id(e.event_id),
                e.type,
                e.lead_id,
                e.campaign_id,
                e.campaign_version,
                e.enrollment_id,
                e.entry_no,
                e.step_id,
                e.send_id,
                e.mailbox_id,
                e.variant,
                e.status,
                e.previous_status,
                e.code,
                e.first,
                e.next_at,
                _data(e),
                e.at,
            )
            for e in engagements
        ]
    )


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
