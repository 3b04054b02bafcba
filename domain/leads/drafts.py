"""What follows when a touch's words are approved or rejected (docs/behaviour.md 8.2)."""

from __future__ import annotations

from domain.campaign import Campaign, EmailStep
from domain.leads import wanting
from domain.leads.graph import path_after, successor
from domain.leads.state import Draft, Enrollment
from domain.leads.steps import advance
from domain.leads.turn import Turn
from schemas.drafts import DraftApproved, DraftRejected

APPROVED = "draft_approved"
"""From when on a touch waits for nothing but the limits."""
REJECTED = "draft_rejected"
"""Why a touch was skipped, or goes as its template says."""


def on_draft(turn: Turn, said: DraftApproved | DraftRejected) -> None:
    """Go on with a touch that waits for its words. Told again, or about a touch that does not wait, it changes nothing.

    A stop, a pause or an edit that came first stands: the words are kept until it is over, or dropped with the touch.
    """
    e = turn.find_by_id(said.campaign_id, said.enrollment_id)
    if e is None:
        return turn.ignore("unknown_enrollment")
    if e.step_id != said.step_id or e.draft != Draft(said.step_id):
        return turn.ignore("draft_not_wanted")
    if isinstance(said, DraftApproved):
        _ask_now(turn, e, Draft(said.step_id, "ready", said.subject, said.body), APPROVED)
    elif (said.instead or _on_reject(turn.campaign(e), said.step_id)) == "template":
        _ask_now(turn, e, Draft(said.step_id, "template"), REJECTED)
    else:
        _skip(turn, e)
    return None


def _ask_now(turn: Turn, e: Enrollment, draft: Draft, code: str) -> None:
    """The touch is due from now on: whatever holds it, it is asked for as soon as it may be."""
    turn.tell(e, "waiting", code, draft.step_id, step_id=draft.step_id, code=code, next_at=turn.now)
    advance(turn, turn.save(e._replace(draft=draft, phase="retry", due_at=turn.now, place_at=None)))


def _on_reject(campaign: Campaign | None, step_id: str) -> str:
    step = campaign.steps.get(step_id) if campaign is not None else None
    return step.writing.on_reject if isinstance(step, EmailStep) and step.writing is not None else "skip"


def _skip(turn: Turn, e: Enrollment) -> None:
    turn.tell(e, "step_skipped", e.step_id, step_id=e.step_id, code=REJECTED)
    campaign = turn.campaign(e)
    step = campaign.steps.get(e.step_id or "") if campaign is not None else None
    following = successor(step) if step is not None else next(iter(e.path), None)
    path = path_after(campaign.steps, e.step_id or "")[1:] if campaign is not None and step is not None else e.path[1:]
    left = e._replace(
        step_id=following, path=path, phase="arrive", due_at=None, draft=None, renewals=0, tries=0, tried_at=None
    )
    advance(turn, turn.save(left))


def drop(turn: Turn, e: Enrollment, code: str) -> Enrollment:
    """Give up the words that were asked for: an edit removed the step, or lets its template go."""
    wanting.over(turn, e, "dropped", code)
    return e._replace(draft=None)
