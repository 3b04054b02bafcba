"""A touch that waits for the person's sake is looked at again when what it waits for has changed."""

from __future__ import annotations

from domain.leads.pacing import rested_at
from domain.leads.state import Enrollment
from domain.leads.steps import advance
from domain.leads.turn import Turn


def look_again(turn: Turn) -> None:
    """Ask for what fatigue holds back no longer: another touch of the lead will not leave after all, or has left at last.

    Costs a look at each enrollment's phase.
    """
    for e in list(turn.enrollments):
        if not _is_held_back(turn, e):
            continue
        campaign = turn.campaign(e)
        if campaign is None or campaign.fatigue is None or e.step_id is None or e.due_at is None:
            continue
        until = rested_at(turn, campaign.fatigue, e, e.step_id)
        if until is None or until < e.due_at:
            _now(turn, e)


def look_anew(turn: Turn, campaign_id: str) -> None:
    """The campaign was edited: judge by its new rules what the old ones held back."""
    for e in list(turn.enrollments):
        if e.campaign_id == campaign_id and _is_held_back(turn, e):
            _now(turn, e)


def _is_held_back(turn: Turn, e: Enrollment) -> bool:
    """Whether it waits by `pacing`: it was neither deferred nor turned away, and its instant is still to come."""
    if e.phase != "retry" or e.holds or e.tries or e.renewals or not e.is_open:
        return False
    return e.due_at is not None and e.due_at > turn.now


def _now(turn: Turn, e: Enrollment) -> None:
    advance(turn, turn.save(e._replace(due_at=turn.now, wake_at=turn.now)))
