"""What an edit of a campaign would do to leads that stand in it (docs/behaviour.md 1.8)."""

from __future__ import annotations

from domain.compile_sequence import compile_steps
from domain.leads.graph import path_after
from schemas.definitions import CampaignDoc


def changed_kind(before: CampaignDoc, after: CampaignDoc) -> tuple[str, ...]:
    """Steps that `after` makes something else of under the same id: a lead that rests there would rest at nothing, and a
    touch that is out could not be told from its successor.
    """
    old = {step.step_id: step.kind for step in compile_steps(before)}
    return tuple(step.step_id for step in compile_steps(after) if old.get(step.step_id, step.kind) != step.kind)


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
