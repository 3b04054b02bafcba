"""Asking dispatch for a touch, and how long to wait before asking again (docs/behaviour.md 4.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from pydantic_core import to_json

from domain import ids
from domain.campaign import Arm, Campaign, EmailStep, SmsStep
from domain.free_mail import is_free_mail
from domain.leads.effects import Policy
from domain.leads.state import Enrollment, Touch
from domain.merging import merge_variables
from schemas.base import Scalar
from schemas.enrollments import LeadData
from schemas.sending import Content, DueSend, Thread

TRIES = 8
TRIES_WITHIN = timedelta(hours=48)
FIRST_DEFERRAL = timedelta(minutes=15)

FIRST_REFUSAL: Mapping[str, timedelta] = {
    "expired": timedelta(minutes=1),
    "stale": timedelta(minutes=1),
    "paused": timedelta(minutes=5),
    "stopped": timedelta(minutes=10),
}
"""How long to wait before asking again for what the gate turned away, the first time; it doubles up to the longest."""

LONGEST_REFUSAL = timedelta(hours=6)
LONGEST_SILENCE = timedelta(days=7)
SILENCE_FACTOR = 4
MESSAGE_IDS = 3

MAX_MERGE = 256 * 1024
"""Bytes of merge values, as JSON, that a touch may carry: with the rest of it they fit into every topic on its way."""
_CERTAINLY_FITS = MAX_MERGE // 6
"""Characters: none takes more than six bytes of JSON."""

MAX_ZONE = 64
TOO_LARGE = "touch_too_large"
NUMBERS = "sms"
"""What stands for the recipient's domain of a text: all numbers share it."""
ONLY_ARM = "a"

_NAMES = ("first_name", "last_name", "full_name", "title", "company", "city", "country")
_REPLY_PREFIX = re.compile(r"^(?:re:\s*)+", re.IGNORECASE)


def facts_of(data: LeadData) -> dict[str, Scalar | list[Scalar]]:
    """A lead's data as one flat mapping of merge variables. Named fields win over attributes of the same name."""
    facts: dict[str, Scalar | list[Scalar]] = {k: v for k, v in data.attributes.items() if v is not None and v != ""}
    for name in ("email", "phone", "timezone", *_NAMES):
        value: str | None = getattr(data, name)
        if value is not None and value != "":
            facts[name] = value
    return facts


def too_large(merge: Mapping[str, object]) -> bool:
    """Whether these values are more than a touch may carry."""
    size = 0
    for value in merge.values():
        size += len(value) if isinstance(value, str) else _CERTAINLY_FITS if isinstance(value, list | tuple) else 0
    return size >= _CERTAINLY_FITS and len(to_json(merge)) > MAX_MERGE


def arm_name(step: EmailStep, e: Enrollment, enrollment_id: UUID) -> str:
    """The variant of this touch: the one the first send locked, else the one asked for, else drawn by weight.

    Drawn from the enrollment's id alone, so the same enrollment draws the same however often it is asked. An arm that
    was switched off keeps those that it is locked to; nobody new is drawn into it (docs/behaviour.md 1.3).
    """
    if len(step.arms) == 1:
        return step.arms[0].name
    for arm in step.arms:
        if arm.name == e.variant or (e.variant is None and arm.name == e.asked_variant and arm.is_active):
            return arm.name
    return _drawn(step.arms, ids.draw(enrollment_id, "variant"))


def variant_of(campaign: Campaign | None, e: Enrollment, step_id: str | None) -> str | None:
    """The variant that a fact about a step is told with: its only one, or the one that the enrollment is locked to."""
    step = campaign.steps.get(step_id) if campaign is not None and step_id is not None else None
    return step.arms[0].name if isinstance(step, EmailStep) and len(step.arms) == 1 else e.variant


def _drawn(arms: tuple[Arm, ...], share: float) -> str:
    live = [arm for arm in arms if arm.is_active and arm.weight > 0]
    if len(live) <= 1:
        return (live or arms)[0].name
    point = share * sum(arm.weight for arm in live)
    for arm in live:
        point -= arm.weight
        if point < 0:
            return arm.name
    return live[-1].name


def due_send(  # noqa: PLR0917 - each is one field of the ask
    lead_id: str,
    facts: Mapping[str, Scalar | list[Scalar]],
    e: Enrollment,
    enrollment_id: UUID,
    campaign: Campaign,
    step: EmailStep | SmsStep,
    to: str,
    ask_no: int,
    due_at: datetime,
    now: datetime,
) -> DueSend:
    """The ask for one touch, with only the merge values its step uses, as they are now.

    `to` is the address, or a text's number: a text is pinned to the campaign's sender and stands in no thread.
    """
    is_text = type(step) is SmsStep
    send_id = ids.send_id(enrollment_id, step.step_id)
    draft = e.draft if e.draft is not None and e.draft.step_id == step.step_id else None
    words = Content(subject=draft.subject, body=draft.body) if draft is not None and draft.body is not None else None
    merge = merge_variables(facts, step.variables) if words is None else {}
    zone = facts.get("timezone")
    return DueSend.trusted(
        event_id=ids.event_id("due", send_id, ask_no),
        send_id=send_id,
        enrollment_id=enrollment_id,
        lead_id=lead_id,
        campaign_id=e.campaign_id,
        campaign_version=campaign.revision,
        step_id=step.step_id,
        entry_no=e.entry_no,
        pool_id=campaign.pool_id,
        ask_no=ask_no,
        priority=0 if e.message_ids or any(t.state in ("sent", "ambiguous") for t in e.touches) else 1,
        due_at=due_at,
        at=now,
        channel="sms" if is_text else None,
        email=to,
        domain=NUMBERS if is_text else ids.email_domain(to),
        variant=ONLY_ARM if isinstance(step, SmsStep) else arm_name(step, e, enrollment_id),
        mailbox_id=campaign.sms_sender_id if is_text else e.mailbox_id,
        timezone=zone if isinstance(zone, str) and len(zone) <= MAX_ZONE and zone.isprintable() else None,
        merge=merge,  # pyright: ignore[reportArgumentType] - cleaned scalars and lists of them
        thread=_thread(e) if not is_text and e.subject and e.message_ids else None,
        attempt=e.tries + 1,
        after_stops=list(e.after_stops),
        content=words,
        colleagues=None if is_text or campaign.colleagues == "none" else minded(campaign.colleagues, to),
    )


def minded(colleagues: str, email: str) -> str | None:
    """What a colleague's answer means for a touch to this address; None where nobody there is a colleague."""
    return None if colleagues == "none" or is_free_mail(ids.email_domain(email)) else colleagues


def _thread(e: Enrollment) -> Thread:
    return Thread(subject=e.subject or "", message_ids=list(e.message_ids))


def thread_subject(subject: str) -> str:
    """A subject without the "Re:" that answering it will add."""
    return _REPLY_PREFIX.sub("", subject)


def deferral(send_id: UUID, tries: int) -> timedelta:
    """How long to wait after the `tries`-th deferral: 15 minutes, doubling, give or take a fifth."""
    return FIRST_DEFERRAL * 2 ** (tries - 1) * (0.8 + 0.4 * ids.draw(send_id, f"deferral {tries}"))


def refusal(outcome: str, send_id: UUID, renewals: int) -> timedelta:
    """How long to wait after the gate turned a touch away for the `renewals`-th time, give or take a fifth."""
    length = min(FIRST_REFUSAL[outcome] * 2 ** min(renewals - 1, 20), LONGEST_REFUSAL)
    return length * (0.8 + 0.4 * ids.draw(send_id, f"refusal {renewals}"))


def silence(policy: Policy, renewals: int) -> timedelta:
    """How long a touch may be out without an answer before it is asked for again: ever longer."""
    if renewals == 0:
        return policy.silence
    return min(policy.silence * SILENCE_FACTOR ** min(renewals, 10), max(LONGEST_SILENCE, policy.silence))


def asked_at(policy: Policy, e: Enrollment) -> datetime | None:
    """When the ask that is out was made; None where none is out. (Its silence is counted from then to `due_at`.)"""
    return e.due_at - silence(policy, e.renewals) if e.phase == "out" and e.due_at is not None else None


def place(policy: Policy, e: Enrollment) -> datetime | None:
    """When the present touch fell due. An ask for it that follows says so, and keeps its place in the queue with that.

    None where it was never asked for, or was taken back since.
    """
    return e.place_at or asked_at(policy, e)


def put_touch(e: Enrollment, touch: Touch) -> tuple[Touch, ...]:
    """The enrollment's touches with `touch` in place of what was known of its step."""
    if e.touch(touch.step_id) is None:
        return (*e.touches, touch)
    return tuple(touch if known.step_id == touch.step_id else known for known in e.touches)
