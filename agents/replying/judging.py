"""A stored mail and its verdict: what is suppressed, what is told (docs/behaviour.md 7.4, 7.7). No I/O."""

from __future__ import annotations

from datetime import datetime

from agents.replying.intake import reply_source
from domain.ids import email_domain, event_id
from domain.replies.verdict import Verdict
from schemas.replies import AnswerTo, Bounce, Disposition
from schemas.sending import MailboxNote, MailboxPaused
from sinks.ports import Suppression
from sinks.postgres.replies import Judgement, StoredReply

SUPPRESSION_REASONS = {"UNSUBSCRIBE": "unsubscribe", "BOUNCE": "bounce", "COMPLAINT": "complaint"}
REASONS_OF_REPORTS = {"delivery": "bounce", "complaint": "complaint"}
"""Where a user's rule calls a report something else, it is what it is: a bounce is no wish of the person's."""


def judgement(reply: StoredReply, verdict: Verdict, now: datetime, answer_to: AnswerTo | None = None) -> Judgement:
    """The event that tells a verdict, the same whoever tells it, and what statistics need beside it."""
    match = reply.match
    bounce = None if verdict.bounce is None else Bounce(kind=verdict.bounce, code=verdict.bounce_code)
    event = Disposition(
        event_id=event_id("disposition", reply.reply_id),
        reply_id=reply.reply_id,
        lead_id=match.lead_id,
        campaign_id=match.campaign_id,
        enrollment_id=match.enrollment_id,
        step_id=match.step_id,
        send_id=match.send_id,
        disposition=verdict.disposition,  # pyright: ignore[reportArgumentType] - pydantic checks it against the enum
        category=verdict.category,  # pyright: ignore[reportArgumentType]
        confidence=verdict.confidence,
        sentiment=verdict.sentiment,
        entities=verdict.entities,
        summary=verdict.summary,
        draft_reply=verdict.draft_reply,
        return_at=verdict.return_at,
        bounce=bounce,
        matched_by=match.matched_by,
        decided_by=verdict.decided_by,
        lead_name=lead_name(reply),
        rule_id=verdict.rule_id,
        why=verdict.why,
        own_disposition=verdict.own_disposition,
        own_category=verdict.own_category,
        draft_faults=list(verdict.draft_faults),
        route=verdict.route,
        answer_to=answer_to,
        at=now,
    )
    return Judgement(event, verdict.why, _bounced_domain(reply) if bounce is not None else None)


def lead_name(reply: StoredReply) -> str | None:
    """Who answered, as a card calls them: the From name, else the address's local part. Machines have no name."""
    mail = reply.mail
    if mail.report is not None:
        return None
    return mail.from_name or (mail.from_email or "").partition("@")[0] or None


def suppressions(reply: StoredReply, verdict: Verdict) -> list[Suppression]:
    """What must be suppressed before anybody hears of the verdict: the address that was written to, and who asked for
    it."""
    if not verdict.suppresses:
        return []
    report = reply.mail.report
    told = "unsubscribe" if report is None else REASONS_OF_REPORTS.get(report.kind, "unsubscribe")
    reason = SUPPRESSION_REASONS.get(verdict.disposition, told)
    source = reply_source(reply.reply_id)
    found = [Suppression("all", reason, source, address_key=reply.address_key, lead_id=reply.match.lead_id)]
    if reason == "unsubscribe" and report is None and reply.mail.from_email is not None:
        found.append(Suppression("all", reason, source, email=reply.mail.from_email))
    return found


def mailbox_pause(reply: StoredReply, event: Disposition, reason: str) -> MailboxPaused:
    """The mailbox gets no grants until somebody has looked: its address or its reputation is what was refused."""
    return MailboxPaused(
        event_id=event_id("mailbox_paused", reply.reply_id),
        pool_id=reply.pool_id,
        mailbox_id=reply.mailbox_id,
        reason=reason,
        at=event.at,
    )


def mailbox_note(reply: StoredReply, event: Disposition) -> MailboxNote | None:
    """What the mailbox is told that its mail has brought in: it rests when too much of it bounces or is complained about
    (docs/behaviour.md 3.2). None: nothing that counts."""
    is_bounce = event.bounce is not None and event.bounce.kind == "hard"
    if not is_bounce and event.disposition != "COMPLAINT":
        return None
    return MailboxNote(
        event_id=event_id("mailbox_note", reply.reply_id),
        pool_id=reply.pool_id,
        mailbox_id=reply.mailbox_id,
        kind="bounce" if is_bounce else "complaint",
        send_id=reply.match.send_id,
        at=event.at,
    )


def _bounced_domain(reply: StoredReply) -> str | None:
    report = reply.mail.report
    addresses = () if report is None else [r.address for r in report.recipients if r.address is not None]
    return email_domain(addresses[0]) if addresses else None
