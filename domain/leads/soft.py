"""Soft bounces in a row (docs/behaviour.md 7.7): by the order of the mails, in whichever order their reports come."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.campaign import Campaign, SmsStep
from domain.leads.state import Enrollment, Touch

_LAST = datetime.max.replace(tzinfo=UTC)
_MAILS = frozenset({"sent", "ambiguous", "failed", "asked"})


def in_a_row(e: Enrollment, step_id: str, campaign: Campaign | None) -> int:
    """How many mails in a row bounced softly, with that of `step_id` among them. Texts and tasks stand in no row."""
    steps = campaign.steps if campaign is not None else {}
    mails = [t for t in e.touches if t.state in _MAILS and not isinstance(steps.get(t.step_id), SmsStep)]
    mails.sort(key=lambda touch: touch.granted_at or _LAST)
    run, has_it = 0, False
    for touch in mails:
        if not touch.soft:
            if has_it:
                break
            run = 0
            continue
        run += 1
        has_it = has_it or touch.step_id == step_id
    return run if has_it else 0


def forgiven(touches: tuple[Touch, ...]) -> tuple[Touch, ...]:
    """The touches after a sign of life: what bounced before it counts no more."""
    return tuple(touch._replace(soft=False) if touch.soft else touch for touch in touches)
