"""Answers to replies, on their way out beside the sequence (docs/behaviour.md 7.6, 8.2).

An answer is asked for like any touch, through the same dispatch, gate and limits, and is no step: it neither waits for the
sequence nor moves it. It passes the stops that its own reply has made, and no other. What becomes of it is told as a fact
with `answer` in its data, from which the projector moves the card.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain import ids
from domain.answering import AUTO_STEP, answer_step, may_answer_itself, own_stops
from domain.campaign import Campaign
from domain.leads import asking
from domain.leads.effects import Ask, Tell
from domain.leads.state import Answer, Enrollment
from domain.leads.turn import Turn
from domain.message import SENDER_VARIABLES
from schemas.engagements import Engagement, EngagementType
from schemas.enrollments import AnswerReply
from schemas.replies import AnswerTo, Disposition
from schemas.sending import Content, DueSend, SendResult


def on_answer_reply(turn: Turn, asked: AnswerReply) -> None:
    """A person approved an answer: ask for it. What cannot be sent is told at once, so that its card says why."""
    if not turn.remember(f"answer {asked.event_id}"):
        return turn.ignore("repeat")
    e = turn.find_by_id(asked.campaign_id, asked.enrollment_id)
    campaign = turn.definitions.campaigns.get(asked.campaign_id)
    step_id = answer_step(asked.reply_id)
    if e is None or campaign is None:
        return _cannot(turn, asked, "unknown_enrollment" if e is None else "unknown_campaign")
    if any(answer.due.step_id == step_id for answer in turn.answers):
        return turn.ignore("repeat")
    to = ids.normalise_email(asked.to)
    if turn.definitions.sender(asked.mailbox_id) is None:
        return _cannot(turn, asked, "unknown_mailbox")
    if "@" not in asked.to or not to.isprintable():
        return _cannot(turn, asked, "invalid_address")
    words = Content(body=asked.body)
    to_whom = AnswerTo(email=to, mailbox_id=asked.mailbox_id, timezone=asked.timezone, thread=asked.thread)
    due = _due(turn, e, campaign, step_id, str(asked.reply_id), to_whom)
    _ask(turn, e, Answer(_with(due, content=words), "out", turn.now, str(asked.reply_id), str(asked.card_id)))
    return None


def answer_by_itself(turn: Turn, e: Enrollment, said: Disposition) -> None:
    """Let the campaign's own words answer, where it has some for this category: once a thread, and only who may be answered.

    Who may is judged where the mail is (`domain/replies/auto_reply.py`); the ledger holds it to once a thread.
    """
    campaign, to_whom = turn.campaign(e), said.answer_to
    if campaign is None or to_whom is None or not may_answer_itself(said.disposition, said.category, said.confidence):
        return None
    words = campaign.auto_replies.get(said.category or "")
    if words is None:
        return None
    if not turn.remember(f"auto {e.id_for(turn.lead_id)}"):
        return turn.ignore("answered_before")
    due = _due(turn, e, campaign, AUTO_STEP, str(said.reply_id), to_whom)
    merge = asking.merge_variables(turn.facts, words.variables - SENDER_VARIABLES)
    due = _with(due, variant=str(said.category), merge=merge)
    if not asking.too_large(due.merge):
        _ask(turn, e, Answer(due, "out", turn.now, str(said.reply_id)))
    return None


def _due(  # noqa: PLR0917 - each is one part of the ask
    turn: Turn, e: Enrollment, campaign: Campaign, step_id: str, reply_id: str, to: AnswerTo
) -> DueSend:
    """The answer as a touch. The mailbox is the one that the reply came to; the number is given when it is asked for."""
    enrollment_id = e.id_for(turn.lead_id)
    return DueSend.trusted(
        event_id="",
        send_id=ids.send_id(enrollment_id, step_id),
        enrollment_id=enrollment_id,
        lead_id=turn.lead_id,
        campaign_id=e.campaign_id,
        campaign_version=campaign.revision,
        step_id=step_id,
        entry_no=e.entry_no,
        pool_id=campaign.pool_id,
        ask_no=1,
        priority=0,
        due_at=turn.now,
        at=turn.now,
        email=to.email,
        domain=ids.email_domain(to.email),
        mailbox_id=to.mailbox_id,
        timezone=to.timezone,
        thread=to.thread,
        after_stops=[*e.after_stops, *own_stops(reply_id, enrollment_id)],
    )


def _with(due: DueSend, **changed: Any) -> DueSend:
    return DueSend.trusted(**{**dict(due), **changed})


def _ask(turn: Turn, e: Enrollment, answer: Answer) -> None:
    """Ask dispatch, under a number above all that were used for this enrollment, and keep it until it is answered."""
    number = e.ask_no + 1
    turn.save(e._replace(ask_no=number))
    campaign = turn.campaign(e)
    due = _with(
        answer.due,
        event_id=ids.event_id("due", answer.due.send_id, number),
        ask_no=number,
        at=turn.now,
        campaign_version=campaign.revision if campaign is not None else answer.due.campaign_version,
        attempt=answer.tries + 1,
    )
    turn.effects.append(Ask(due))
    due_at = turn.now + asking.silence(turn.policy, answer.renewals)
    _keep(turn, answer._replace(due=due, phase="out", due_at=due_at))


def _keep(turn: Turn, answer: Answer) -> None:
    turn.answers = (*(known for known in turn.answers if known.due.send_id != answer.due.send_id), answer)


def ask_again(turn: Turn) -> None:
    """What was deferred or turned away is due again; what had no answer for long is asked for once more."""
    for answer in turn.answers:
        if answer.due_at > turn.now:
            continue
        e = turn.find_by_id(answer.due.campaign_id, answer.due.enrollment_id)
        if e is None or _is_off(turn, e, answer):
            turn.answers = tuple(known for known in turn.answers if known is not answer)
        else:
            _ask(turn, e, answer._replace(renewals=answer.renewals + (answer.phase == "out")))


def _is_off(turn: Turn, e: Enrollment, answer: Answer) -> bool:
    """Whether the campaign has no words of its own for such replies any more."""
    campaign = turn.campaign(e)
    return answer.card_id is None and (campaign is None or answer.due.variant not in campaign.auto_replies)


# -- what became of it -------------------------------------------------------------------------------------------------


def on_answer_result(turn: Turn, result: SendResult) -> None:
    """The end of an answer is told; what passes is tried again. A repeat tells nothing new."""
    answer = next((known for known in turn.answers if known.due.send_id == result.send_id), None)
    e = turn.find_by_id(result.campaign_id, result.enrollment_id)
    if answer is None or e is None:
        return turn.ignore("unknown_answer")
    OUTCOMES[result.outcome](turn, e, answer, result)
    return None


def _over(kind: EngagementType) -> Callable[[Turn, Enrollment, Answer, SendResult], None]:
    def end(turn: Turn, e: Enrollment, answer: Answer, result: SendResult) -> None:
        code = result.code
        if result.outcome == "stopped":
            code = f"stopped:{result.code}" if result.code else "stopped"
        turn.answers = tuple(known for known in turn.answers if known is not answer)
        told = e._replace(mailbox_id=result.mailbox_id, variant=None)
        cause = () if kind == "sent" else (answer.due.ask_no,)  # what failed may be approved once more, and fail again
        turn.tell(
            told, kind, result.step_id, *cause,
            at=result.granted_at, step_id=result.step_id, code=code, data=_story(answer),
        )  # fmt: skip

    return end


def _story(answer: Answer) -> dict[str, Any]:
    data: dict[str, Any] = {"answer": "auto" if answer.card_id is None else "approved", "reply_id": answer.reply_id}
    return data if answer.card_id is None else {**data, "card_id": answer.card_id}


def _is_current(answer: Answer, result: SendResult) -> bool:
    return answer.phase == "out" and result.ask_no >= answer.due.ask_no


def _on_deferred(turn: Turn, e: Enrollment, answer: Answer, result: SendResult) -> None:
    if not _is_current(answer, result):
        return None
    tries, tried_at = answer.tries + 1, answer.tried_at or turn.now
    again_at = turn.now + asking.deferral(result.send_id, tries)
    if tries >= asking.TRIES or again_at - tried_at > asking.TRIES_WITHIN:
        return _over("failed")(turn, e, answer, result)
    _keep(turn, answer._replace(phase="retry", due_at=again_at, tries=tries, tried_at=tried_at, renewals=0))
    turn.tell(
        e, "deferred", result.step_id, result.ask_no, step_id=result.step_id, code=result.code, next_at=again_at,
        data={"attempt": tries, **_story(answer)},
    )  # fmt: skip
    return None


def _on_refused(turn: Turn, e: Enrollment, answer: Answer, result: SendResult) -> None:
    """Turned away for a reason that passes: expired, stale, a pause."""
    if _is_current(answer, result):
        renewals = answer.renewals + 1
        again_at = turn.now + asking.refusal(result.outcome, result.send_id, renewals)
        _keep(turn, answer._replace(phase="retry", due_at=again_at, renewals=renewals))


OUTCOMES: Mapping[str, Callable[[Turn, Enrollment, Answer, SendResult], None]] = {
    "sent": _over("sent"),
    "failed": _over("failed"),
    "ambiguous": _over("ambiguous"),
    "suppressed": _over("failed"),
    "stopped": _over("failed"),
    "deferred": _on_deferred,
    "expired": _on_refused,
    "paused": _on_refused,
    "stale": _on_refused,
}
"""Every outcome of an answer. A stop is final: somebody has answered again, and a person must look."""


def _cannot(turn: Turn, asked: AnswerReply, code: str) -> None:
    """Nothing that could be asked for: say so, with the card that waits for it."""
    fact = Engagement(
        type="failed",
        event_id=ids.event_id("engagement", "failed", asked.event_id),
        lead_id=turn.lead_id,
        campaign_id=asked.campaign_id,
        enrollment_id=asked.enrollment_id,
        step_id=answer_step(asked.reply_id),
        code=code,
        data={"answer": "approved", "reply_id": str(asked.reply_id), "card_id": str(asked.card_id)},
        at=turn.now,
    )
    turn.effects.append(Tell(fact))
