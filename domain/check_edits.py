"""What an edit of a campaign would do to leads that stand in it (docs/behaviour.md 1.8)."""

from __future__ import annotations

from domain.compile_sequence import compile_steps
from domain.leads.graph import path_after
from schemas.definitions import CampaignDoc


def orphaned(before: CampaignDoc, after: CampaignDoc) -> tuple[str, ...]:
    """Steps of `before` that `after` does not have, with nothing left that followed them, in the order they are written.

    A lead on a removed step goes on at the first of its next steps that still exists; where none of those that it
    remembers does, its sequence would end without a word.
    """
    old = {step.step_id: step for step in compile_steps(before)}
    left = {step.step_id for step in compile_steps(after)}
    return tuple(
        step.id
        for step in before.steps
        if step.id not in left and not any(following in left for following in path_after(old, step.id))
    )
