"""Texts (SMS) of a sequence: asked of dispatch as emails are, under the same ids, numbers and limits (docs/behaviour.md 4.4).

A text that cannot go (no number, none that can be dialled, refused by its provider) fails alone: the sequence goes on with
its next step, which may reach the person on another way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain import ids
from domain.campaign import Campaign, SmsStep, Step
from domain.leads import asking, pacing
from domain.leads.effects import Ask
from domain.leads.state import Enrollment, Phase, Touch
from domain.leads.turn import Turn
from domain.numbers import e164
from domain.texts import is_text_id
from schemas.base import Scalar
from schemas.engagements import Engagement
from schemas.sending import DueSend, SendResult

NO_NUMBER = "missing_variable:phone"
BAD_NUMBER = "invalid_number"
NO_SENDER = "no_sms_sender"
TOO_LARGE = "touch_too_large"
DOMAIN = "sms"
"""What stands for the recipient's domain: all numbers share it."""


class Walk(Protocol):
    """Where an enrollment's walk stands (`domain.leads.steps`)."""

    e: Enrollment
    phase: Phase
    due_at: datetime | None
    ask_no: int
    renewals: int
    place_at: datetime | None

    def go(self, step_id: str | None, base_at: datetime | None = None) -> bool: ...
    def rest(self, phase: Phase, due_at: datetime) -> bool: ...


def arrive_text(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    """Ask for the text. True: it cannot go, or has gone, and the enrollment walks on."""
    assert isinstance(step, SmsStep)
    e = walk.e
    known = e.touch(step.step_id)
    if walk.phase == "arrive" and known is not None and known.state != "asked":
        return walk.go(step.next_id)  # an edit moved a step that has happened already: a step happens once
    number, fault = number_of(turn.facts)
    if number is None or campaign.sms_sender_id is None:
        return _pass_over(turn, walk, step, fault or NO_SENDER)
    until = pacing.hold_back(turn, campaign, e, step.step_id, walk.phase)
    if until is not None:
        return walk.rest("retry", until)
    ask_no, due_at = walk.ask_no + 1, walk.due_at or turn.now
    ask = _due_send(turn, campaign, e, step, number, ask_no, due_at)
    if asking.too_large(ask.merge):
        return _pass_over(turn, walk, step, TOO_LARGE)
    turn.effects.append(Ask(ask))
    walk.ask_no = ask_no
    walk.place_at = due_at if due_at != turn.now else None
    return walk.rest("out", turn.now + asking.silence(turn.policy, walk.renewals))


def rest_text(turn: Turn, campaign: Campaign, walk: Walk, step: Step) -> bool:
    """Ask again, where it is time to."""
    if walk.due_at is None or walk.due_at > turn.now:
        return False
    walk.due_at = asking.place(turn.policy, walk.e)
    if walk.phase == "out":  # no answer for a long time: the last net
        walk.renewals += 1
    return arrive_text(turn, campaign, walk, step)


def number_of(facts: Mapping[str, Scalar | list[Scalar]]) -> tuple[str | None, str | None]:
    """The lead's number in E.164, else why there is none."""
    phone = facts.get("phone")
    if not isinstance(phone, str) or not phone.strip():
        return None, NO_NUMBER
    number = e164(phone)
    return (number, None) if number is not None else (None, BAD_NUMBER)


def _pass_over(turn: Turn, walk: Walk, step: Step, code: str) -> bool:
    e = walk.e
    touches = asking.put_touch(e, Touch(step.step_id, "failed", turn.now))
    walk.e = turn.save(e._replace(touches=touches, tries=0, tried_at=None))
    walk.renewals = 0
    turn.tell(walk.e, "failed", step.step_id, step_id=step.step_id, code=code, data=dict(SMS))
    return walk.go(step.next_id)


def _due_send(  # noqa: PLR0917 - each is one field of the ask
    turn: Turn, campaign: Campaign, e: Enrollment, step: SmsStep, number: str, ask_no: int, due_at: datetime
) -> DueSend:
    """The ask: pinned to the campaign's number, in no thread, with only the merge values the text uses."""
    enrollment_id = e.id_for(turn.lead_id)
    send_id = ids.send_id(enrollment_id, step.step_id)
    zone = turn.facts.get("timezone")
    return DueSend.trusted(
        event_id=ids.event_id("due", send_id, ask_no),
        send_id=send_id,
        enrollment_id=enrollment_id,
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        campaign_version=campaign.revision,
        step_id=step.step_id,
        entry_no=e.entry_no,
        pool_id=campaign.pool_id,
        ask_no=ask_no,
        priority=0 if any(t.state in ("sent", "ambiguous") for t in e.touches) else 1,
        due_at=due_at,
        at=turn.now,
        channel="sms",
        email=number,
        domain=DOMAIN,
        mailbox_id=campaign.sms_sender_id,
        timezone=zone if isinstance(zone, str) and len(zone) <= asking.MAX_ZONE and zone.isprintable() else None,
        merge=asking.merge_variables(turn.facts, step.variables),  # pyright: ignore[reportArgumentType] - as in asking
        attempt=e.tries + 1,
        after_stops=list(e.after_stops),
    )


# -- telling texts from emails, afterwards -----------------------------------------------------------------------------

SMS: Mapping[str, str] = {"channel": "sms"}
"""What the facts about a text carry besides: an email's say nothing of it."""


def is_text(result: SendResult) -> bool:
    """Whether a result is a text's."""
    return result.channel == "sms" or is_text_id(result.message_id)


def is_text_step(turn: Turn, e: Enrollment, step_id: str | None) -> bool:
    """Whether the step is a text, as its campaign is defined now."""
    campaign = turn.campaign(e)
    return step_id is not None and campaign is not None and isinstance(campaign.steps.get(step_id), SmsStep)


def channel_of(turn: Turn, e: Enrollment, step_id: str | None) -> Mapping[str, str]:
    """What a fact about a step's touch carries of its channel: nothing, for an email."""
    return SMS if is_text_step(turn, e, step_id) else {}


def is_about_text(fact: Engagement) -> bool:
    """Whether a fact is about a text."""
    return bool(fact.data) and fact.data.get("channel") == "sms"


def recorded(e: Enrollment, touch: Touch) -> Enrollment:
    """The enrollment after a text left: unlike an email it settles no mailbox, arm or thread."""
    if not e.is_open:
        return e._replace(touches=asking.put_touch(e, touch))
    status = "active" if e.status == "enrolled" else e.status
    return e._replace(status=status, touches=asking.put_touch(e, touch))
