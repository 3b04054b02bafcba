"""Texts (SMS) of a sequence: asked of dispatch as emails are, under the same ids, numbers and limits (docs/behaviour.md 4.4).

A text that cannot go (no number, none that can be dialled, refused by its provider) fails alone: the sequence goes on with
its next step, which may reach the person on another way.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.campaign import Campaign, SmsStep, Step
from domain.leads import asking, pacing
from domain.leads.state import Enrollment, Touch
from domain.leads.turn import Turn
from domain.leads.walk import Walk
from domain.numbers import e164
from domain.texts import is_text_id
from schemas.base import Scalar
from schemas.engagements import Engagement
from schemas.sending import SendResult

NO_NUMBER = "missing_variable:phone"
BAD_NUMBER = "invalid_number"
NO_SENDER = "no_sms_sender"


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
    if not walk.ask(turn, campaign, step, number):
        return _pass_over(turn, walk, step, asking.TOO_LARGE)
    return False


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
