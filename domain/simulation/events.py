"""What people's acts come in as: hits, replies with what they were judged to be, approvals."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.ids import event_id
from domain.simulation.people import DRAFTED, Act
from schemas.base import Message
from schemas.drafts import DraftApproved, DraftWanted
from schemas.replies import Bounce, Disposition, Reply
from schemas.sending import SendResult
from schemas.tracking import Hit

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/142.0"


def events_of(act: Act, sent: SendResult, entry_no: int, now: datetime) -> tuple[Message, ...]:
    """The events of an act on a touch that was sent, in their order."""
    if act.kind in ("open", "click"):
        return (_hit(act, sent, entry_no, now),)
    return _answer(act, sent, now)


def _hit(act: Act, sent: SendResult, entry_no: int, now: datetime) -> Hit:
    return Hit.trusted(
        type=act.kind,
        event_id=f"{act.kind}:{sent.send_id}",
        lead_id=sent.lead_id,
        campaign_id=sent.campaign_id,
        step_id=sent.step_id,
        entry_no=entry_no,
        send_id=sent.send_id,
        user_agent=BROWSER,
        at=now,
        wall=now,
    )


def _answer(act: Act, sent: SendResult, now: datetime) -> tuple[Message, ...]:
    """The match and the disposition that follows it at once. (A delivery report takes no hold.)"""
    reply_id = UUID(event_id("simulated", act.kind, sent.send_id))
    told: dict[str, Any] = {
        "reply_id": reply_id,
        "lead_id": sent.lead_id,
        "campaign_id": sent.campaign_id,
        "enrollment_id": sent.enrollment_id,
        "step_id": sent.step_id,
        "send_id": sent.send_id,
        "matched_by": "in_reply_to",
        "confidence": 1.0,
        "at": now,
    }
    said = Disposition.trusted(
        event_id=f"said:{reply_id}",
        disposition=act.disposition or "ESCALATE_UNCLEAR",
        bounce=Bounce(kind="hard", code="5.1.1") if act.kind == "bounce" else None,
        decided_by="default",
        **told,
    )
    if act.kind == "bounce":
        return (said,)
    return Reply.trusted(event_id=f"reply:{reply_id}", **told), said


def approved(wanted: DraftWanted, now: datetime) -> DraftApproved:
    """The words of a touch, approved."""
    return DraftApproved.trusted(
        event_id=f"approved:{wanted.send_id}",
        send_id=wanted.send_id,
        lead_id=wanted.lead_id,
        campaign_id=wanted.campaign_id,
        enrollment_id=wanted.enrollment_id,
        step_id=wanted.step_id,
        subject=DRAFTED,
        body=DRAFTED,
        at=now,
    )
