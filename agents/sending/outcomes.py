"""From what happened to a touch to its verdict (docs/behaviour.md 4.3, 7.7). Pure."""

from __future__ import annotations

from datetime import datetime

from domain.message import InvalidAddress, RenderError
from sinks.ports import Claim, Suppression, Verdict
from sinks.sms_answers import OPTED_OUT
from sinks.smtp_answers import Delivery, Phase

UNBEGUN: frozenset[Phase] = frozenset({"connect", "login"})
"""No server was asked to take a message: the grant was not used."""
OPTED_OUT_LABEL = f"sms:{OPTED_OUT}"
"""The recipient has told the provider STOP."""


def delivered(claim: Claim, delivery: Delivery, subject: str, at: datetime, version: int | None) -> Verdict:
    """The verdict of an attempt. The subject is kept where the message may have arrived: a follow-up answers it."""
    return Verdict(
        claim,
        delivery.outcome,
        used=delivery.phase not in UNBEGUN,
        at=at,
        code=delivery.code_text or f"no_answer:{delivery.phase}",
        detail=delivery.detail.replace("\x00", "") or None,
        subject=(subject or None) if delivery.outcome in {"sent", "ambiguous"} else None,
        campaign_version=version,
    )


def unknowable(claim: Claim, subject: str, at: datetime, version: int | None) -> Verdict:
    """Something broke while it was being sent: it may have arrived."""
    return Verdict(
        claim, "ambiguous", used=True, at=at, code="defect", subject=subject or None, campaign_version=version
    )


def unrenderable(claim: Claim, error: RenderError | InvalidAddress, at: datetime, version: int | None) -> Verdict:
    """The touch cannot be made into a letter, now or ever: `missing_variable:NAME`, `invalid_address`..."""
    return Verdict(
        claim, "failed", used=False, at=at, code=error.code, detail=str(error)[:300], campaign_version=version
    )


def was_edited(claim: Claim, version: int | None) -> bool:
    """Whether its campaign was edited since the touch was asked for: it carries only the values that its step used then."""
    return version is not None and claim.grant.touch.campaign_version < version


def interrupted(claim: Claim, at: datetime, code: str) -> Verdict:
    """It passed the gate, and certainly nothing was sent: it may be asked for again."""
    return Verdict(claim, "deferred", used=False, at=at, code=code)


def mailbox_paused(claim: Claim, at: datetime, reason: str) -> Verdict:
    """It was never brought to the gate."""
    return Verdict(claim, "paused", used=False, at=at, code=f"mailbox:{reason}", from_state="claimed")


def unknown_definition(claim: Claim, at: datetime) -> Verdict:
    """Its campaign's version or its mailbox did not arrive before the grant expired."""
    return Verdict(claim, "stale", used=False, at=at, code="unknown_definition", from_state="claimed")


def hard_bounce(claim: Claim, delivery: Delivery) -> Suppression | None:
    """The suppression that a server's answer calls for, to be committed before the outcome is told."""
    if delivery.bounce != "hard":
        return None
    touch = claim.grant.touch
    reason = "unsubscribe" if delivery.label == OPTED_OUT_LABEL else "hard_bounce"
    return Suppression("all", reason, f"bounce:{touch.send_id}", email=touch.email)
