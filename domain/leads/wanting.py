"""Asking for the words of a touch that Claude writes, and saying when they are not needed (docs/behaviour.md 1.4, 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from domain import ids
from domain.campaign import Campaign, EmailStep
from domain.leads import asking
from domain.leads.effects import AskWriter, Policy
from domain.leads.state import Draft, Enrollment
from domain.writing import person_of
from schemas.drafts import DraftOutcome, DraftOver, DraftWanted

if TYPE_CHECKING:
    from domain.leads.turn import Turn

WAITING = "waiting_draft"
"""Why a touch waits whose words are not approved yet."""

OUTCOMES: Mapping[str, DraftOutcome] = {"sent": "sent", "ambiguous": "ambiguous", "failed": "failed"}
"""What a touch's outcome means for its draft."""


def is_ready(e: Enrollment, step_id: str) -> bool:
    """Whether it is settled what the touch says: its own words are approved, or the template goes after all."""
    return e.draft is not None and e.draft.step_id == step_id and e.draft.state != "wanted"


def patience(policy: Policy) -> timedelta:
    """How long to wait for an answer before asking once more: the net under a writer that lost a request."""
    return max(asking.LONGEST_SILENCE, policy.silence)


def want(turn: Turn, campaign: Campaign, e: Enrollment, step: EmailStep) -> Enrollment:
    """Ask for the words of the touch that is due. To ask again changes nothing but that the answer is told again."""
    enrollment_id = e.id_for(turn.lead_id)
    send_id = ids.send_id(enrollment_id, step.step_id)
    if e.draft is not None and e.draft.step_id != step.step_id:
        over(turn, e, "dropped", "step_left")
    if e.draft is None or e.draft.step_id != step.step_id:
        e = e._replace(draft=Draft(step.step_id))
        turn.tell(e, "waiting", "draft", step.step_id, step_id=step.step_id, code=WAITING)
    wanted = DraftWanted(
        event_id=ids.event_id("draft wanted", send_id, turn.now.isoformat()),
        send_id=send_id,
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        campaign_version=campaign.revision,
        enrollment_id=enrollment_id,
        step_id=step.step_id,
        variant=asking.arm_name(step, e, enrollment_id),
        merge=asking.merge_variables(turn.facts, step.variables),  # pyright: ignore[reportArgumentType] - cleaned scalars
        person=person_of(turn.facts),
        thread_subject=e.subject if e.message_ids else None,
        at=turn.now,
    )
    turn.effects.append(AskWriter(wanted))
    return e


def over(turn: Turn, e: Enrollment, outcome: DraftOutcome, code: str | None) -> None:
    """Say what became of the touch that the enrollment's draft was for. One whose template went has nothing to end."""
    draft = e.draft
    if draft is None or draft.state == "template":
        return
    send_id = ids.send_id(e.id_for(turn.lead_id), draft.step_id)
    ended = DraftOver(
        event_id=ids.event_id("draft over", send_id, outcome, turn.now.isoformat()),
        send_id=send_id,
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        step_id=draft.step_id,
        outcome=outcome,
        code=code,
        at=turn.now,
    )
    turn.effects.append(AskWriter(ended))
