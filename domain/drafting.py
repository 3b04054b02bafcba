"""A draft's life: who may do what with it in which state, and what its card says (docs/behaviour.md 8.1, 8.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from domain import ids
from domain.card_states import TO_EXECUTING, TO_REJECTED, Path
from domain.cards import Card, card_id
from domain.writing import Words
from schemas.drafts import DraftApproved, DraftRejected

DraftState = Literal["wanted", "review", "held", "approved", "rejected", "sent", "ambiguous", "failed", "dropped"]
Act = Literal["approve", "reject", "edit", "retry"]

MAY: Mapping[Act, frozenset[DraftState]] = {
    "approve": frozenset({"review"}),
    "reject": frozenset({"wanted", "review", "held"}),
    "edit": frozenset({"wanted", "review", "held"}),
    "retry": frozenset({"wanted", "review", "held"}),
}
"""In which states a person may do what."""

EDITABLE = frozenset({"edit", "bulk"})
"""Review modes in which the words of a draft that passed every check may be changed. `review`: yes or no, as it stands."""

TO_DONE: Path = {**{state: (*path, "done") for state, path in TO_EXECUTING.items()}, "executing": ("done",)}
TO_BLOCKED: Path = {**TO_REJECTED, "approved": ("executing", "blocked"), "executing": ("blocked",)}
"""The card of a touch that did not leave: what was under way is blocked, what nobody decided needs no decision any more."""
AT_END: Mapping[str, Path] = {"sent": TO_DONE, "ambiguous": TO_BLOCKED, "failed": TO_BLOCKED, "dropped": TO_BLOCKED}
"""Where a touch's end takes its card."""

QUEUE = "sales"


class DraftRefusedError(ValueError):
    """What was asked of a draft cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A draft as a person who decides about it finds it. `left_at` is when its touch left, where it has."""

    send_id: UUID
    state: DraftState
    version: int
    review: str | None
    reason: str | None
    decided_by: str | None
    left_at: datetime | None = None


def check(act: Act, draft: Standing, seen: int | None) -> bool:
    """Whether `act` is still to be done; False: it is done already, and doing it again changes nothing.

    `seen` is the version that the person saw, where that is known. Raises DraftRefusedError.
    """
    if (act, draft.state) in {("approve", "approved"), ("approve", "sent"), ("reject", "rejected")}:
        return False
    if draft.state not in MAY[act]:
        raise DraftRefusedError(f"draft {draft.send_id}: {_why_not(act, draft)}")
    if seen is not None and seen != draft.version:
        raise DraftRefusedError(f"draft {draft.send_id} is at version {draft.version}, not {seen}: read it again")
    if act == "edit" and draft.state == "review" and draft.review not in EDITABLE:
        raise DraftRefusedError(
            f"draft {draft.send_id}: its step's ai_review is {draft.review}: approve or reject it as it stands, or have it "
            "written again; ai_review: edit lets people change words"
        )
    return True


def _why_not(act: Act, draft: Standing) -> str:
    if draft.left_at is not None:
        return f"it was sent at {draft.left_at.isoformat(timespec='seconds')} and cannot be changed any more"
    if draft.state == "approved":
        return f"it was approved by {draft.decided_by} and is on its way"
    if draft.state == "held":
        return f"it is held ({draft.reason}): edit it first, have it written again, or reject it"
    if draft.state == "wanted":
        return f"it is not written yet ({draft.reason or 'in line'}): edit it to write it yourself"
    told = f" by {draft.decided_by}" if draft.state == "rejected" else f" ({draft.reason})" if draft.reason else ""
    return f"it is {draft.state}{told}; there is nothing to {act}"


@dataclass(frozen=True, slots=True)
class TouchOf:
    """The touch that a draft is for."""

    send_id: UUID
    lead_id: str
    campaign_id: str
    enrollment_id: UUID
    step_id: str


def approval(touch: TouchOf, words: Words, number: int, at: datetime) -> DraftApproved:
    """What leads hears of an approved draft. `number` tells one decision about a touch from a later one."""
    return DraftApproved(
        event_id=ids.event_id("draft approved", touch.send_id, number),
        send_id=touch.send_id,
        lead_id=touch.lead_id,
        campaign_id=touch.campaign_id,
        enrollment_id=touch.enrollment_id,
        step_id=touch.step_id,
        subject=words.subject,
        body=words.body,
        at=at,
    )


def rejection(touch: TouchOf, instead: Literal["skip", "template"] | None, number: int, at: datetime) -> DraftRejected:
    """What leads hears of a rejected one."""
    return DraftRejected(
        event_id=ids.event_id("draft rejected", touch.send_id, number),
        send_id=touch.send_id,
        lead_id=touch.lead_id,
        campaign_id=touch.campaign_id,
        enrollment_id=touch.enrollment_id,
        step_id=touch.step_id,
        instead=instead,
        at=at,
    )


def card_of_draft(
    touch: TouchOf,
    person: Mapping[str, Any],
    *,
    round_no: int,
    words: Words | None,
    review: str,
    held: str | None,
    at: datetime,
) -> Card:
    """The card of a draft to be reviewed, or (`held` says why) of a touch that only a person can write."""
    kind = "send_email" if held is None else "needs_human_response"
    cause = touch.send_id if round_no == 1 else uuid5(touch.send_id, f"round {round_no}")
    draft = {"send_id": str(touch.send_id), "subject": words and words.subject, "body": words and words.body}
    return Card(
        card_id=card_id(cause, kind),
        type=kind,
        queue=QUEUE,
        priority="medium",
        title=f"{'Review' if held is None else 'Write'} the email to {name_of(person) or touch.lead_id}",
        description="Claude wrote this touch: approve it, or reject it." if held is None else f"Not written: {held}.",
        rationale=f"step {touch.step_id} of campaign {touch.campaign_id} fell due; ai_review is {review}",
        lead_id=touch.lead_id,
        campaign_id=touch.campaign_id,
        created_at=at,
        enrollment_id=touch.enrollment_id,
        step_id=touch.step_id,
        send_id=touch.send_id,
        action_payload={"draft": draft, "review": review, **({"held": held} if held is not None else {})},
    )


def draft_on(payload: object) -> str | None:
    """The send_id of the draft that a card's `action_payload` (JSON, or what was read from it) holds, if it holds one."""
    try:
        told = json.loads(payload) if isinstance(payload, str) else payload
        return str(told["draft"]["send_id"])  # pyright: ignore[reportOptionalSubscript, reportIndexIssue]
    except (LookupError, TypeError, ValueError):
        return None


def name_of(person: Mapping[str, Any]) -> str | None:
    """What a person is called, as far as it is known."""
    full = person.get("full_name") or " ".join(str(person[n]) for n in ("first_name", "last_name") if person.get(n))
    return str(full)[:200] or None
