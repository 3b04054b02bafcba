"""What is told of a touch: its result to leads, its grant's use to dispatch. The same facts give the same events again."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from domain.ids import event_id
from domain.replies.bounces import bounce_kind, enhanced_code
from domain.texts import is_text_id
from schemas.sending import Grant, GrantOutcome, MailboxPaused, SendResult
from sinks.ports import Finished, Refusal, Verdict

Report = tuple[SendResult, GrantOutcome]


def report(verdict: Verdict) -> Report:
    """The two events of a recorded outcome."""
    claim = verdict.claim
    touch = claim.grant.touch
    result = SendResult.trusted(
        event_id=event_id("result", touch.send_id, claim.grant.grant_id, verdict.outcome),
        send_id=touch.send_id,
        enrollment_id=touch.enrollment_id,
        lead_id=touch.lead_id,
        campaign_id=touch.campaign_id,
        campaign_version=verdict.campaign_version or touch.campaign_version,
        step_id=touch.step_id,
        ask_no=touch.ask_no,
        attempt=touch.attempt,
        grant_id=claim.grant.grant_id,
        mailbox_id=claim.grant.mailbox_id,
        channel=touch.channel,
        variant=touch.variant,
        outcome=verdict.outcome,
        granted_at=claim.grant.granted_at,
        at=verdict.at,
        message_id=claim.message_id,
        code=verdict.code,
        detail=verdict.detail,
        subject=verdict.subject,
    )
    bounced = verdict.outcome == "failed" and is_hard_bounce(verdict.code)
    return result, answer(claim.grant, used=verdict.used, reason=verdict.outcome, at=verdict.at, bounced=bounced)


def report_refusal(refusal: Refusal, at: datetime) -> Report:
    """The two events of a touch that the gate refused at the campaign instant `at`."""
    return report(Verdict(refusal.claim, refusal.outcome, used=False, at=at, code=refusal.code))


def report_again(finished: Finished) -> Report:
    """The two events of an outcome as the ledger remembers it."""
    result = SendResult(
        event_id=event_id("result", finished.send_id, finished.grant_id, finished.outcome),
        send_id=finished.send_id,
        enrollment_id=finished.enrollment_id,
        lead_id=finished.lead_id,
        campaign_id=finished.campaign_id,
        campaign_version=finished.campaign_version,
        step_id=finished.step_id,
        ask_no=finished.ask_no,
        attempt=finished.attempt,
        grant_id=finished.grant_id,
        mailbox_id=finished.mailbox_id,
        channel="sms" if is_text_id(finished.message_id) else None,
        variant=finished.variant,
        outcome=finished.outcome,
        granted_at=finished.granted_at,
        at=finished.outcome_at,
        message_id=finished.message_id,
        code=finished.code,
        detail=finished.detail,
        subject=finished.subject,
    )
    outcome = GrantOutcome(
        event_id=event_id("grant", finished.grant_id, finished.send_id),
        pool_id=finished.pool_id,
        mailbox_id=finished.mailbox_id,
        campaign_id=finished.campaign_id,
        grant_id=finished.grant_id,
        send_id=finished.send_id,
        granted_at=finished.granted_at,
        used=finished.used,
        reason=finished.outcome,
        bounced=finished.outcome == "failed" and is_hard_bounce(finished.code),
        at=finished.outcome_at,
    )
    return result, outcome


def is_hard_bounce(code: str | None) -> bool:
    """Whether a server's answer says that there is no such address (docs/behaviour.md 7.7)."""
    return code is not None and code[:1].isdigit() and bounce_kind(enhanced_code(code) or "") == "hard"


def answer(grant: Grant, *, used: bool, reason: str, at: datetime, bounced: bool = False) -> GrantOutcome:
    """What became of a grant."""
    return GrantOutcome.trusted(
        event_id=event_id("grant", grant.grant_id, grant.touch.send_id),
        pool_id=grant.touch.pool_id,
        mailbox_id=grant.mailbox_id,
        campaign_id=grant.touch.campaign_id,
        grant_id=grant.grant_id,
        send_id=grant.touch.send_id,
        granted_at=grant.granted_at,
        used=used,
        reason=reason,
        bounced=bounced,
        at=at,
    )


def refuse(grant: Grant, code: str, at: datetime, outcome: Literal["stale", "failed"] = "stale") -> Report:
    """The two events of a grant that could not enter the ledger: its mailbox or campaign is not defined (any more), or
    (`failed`) the ledger cannot hold what it carries.
    """
    touch = grant.touch
    result = SendResult(
        event_id=event_id("result", touch.send_id, grant.grant_id, outcome),
        send_id=touch.send_id,
        enrollment_id=touch.enrollment_id,
        lead_id=touch.lead_id,
        campaign_id=touch.campaign_id,
        campaign_version=touch.campaign_version,
        step_id=touch.step_id,
        ask_no=touch.ask_no,
        attempt=touch.attempt,
        grant_id=grant.grant_id,
        mailbox_id=grant.mailbox_id,
        channel=touch.channel,
        variant=touch.variant,
        outcome=outcome,
        granted_at=grant.granted_at,
        at=at,
        code=code,
    )
    return result, answer(grant, used=False, reason=code, at=at)


def paused(pool_id: str, mailbox_id: str, *, until: datetime | None, reason: str, at: datetime) -> MailboxPaused:
    """A mailbox gets no grants until the campaign instant `until` (None: until somebody resumes it)."""
    return MailboxPaused(
        event_id=event_id("paused", mailbox_id, reason, at.isoformat()),
        pool_id=pool_id,
        mailbox_id=mailbox_id,
        until=until,
        reason=reason,
        at=at,
    )
