"""What became of a touch at the gate or at the mail server, and what follows (docs/behaviour.md 4.3, 7.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import ids
from domain.answering import is_answer
from domain.campaign import Campaign, EmailStep
from domain.leads import asking, texting, wanting
from domain.leads.effects import ProveIt, SuppressIt
from domain.leads.graph import path_after, successor
from domain.leads.replying import on_answer_result
from domain.leads.soft import in_a_row
from domain.leads.state import MOVES, Enrollment, Hold, Status, Touch, TouchState
from domain.leads.steps import advance
from domain.leads.turn import Turn, arm
from domain.replies.bounces import SOFT_IN_A_ROW, bounce_kind, enhanced_code
from domain.templates import RenderError
from schemas.engagements import EngagementType
from schemas.sending import SendResult

Handler = Callable[[Turn, Enrollment, SendResult], None]


def on_send_result(turn: Turn, result: SendResult) -> None:
    """Act on a touch's outcome. An answer to a question that is not asked any more changes nothing."""
    if is_answer(result.step_id):
        return on_answer_result(turn, result)
    e = turn.find_by_id(result.campaign_id, result.enrollment_id)
    if e is None:
        return turn.ignore("unknown_enrollment")
    OUTCOMES[result.outcome](turn, e, result)
    return None


# -- final outcomes ----------------------------------------------------------------------------------------------------


def _on_sent(turn: Turn, e: Enrollment, result: SendResult) -> None:
    known = e.touch(result.step_id)
    if known is not None and known.state == "sent":
        return
    was = e.status
    e = turn.save(_record(turn, e, result, "sent"))
    _tell_left(turn, e, result, "sent", was)
    if e.holds:
        e = _release(turn, e, result.send_id, result.step_id)
    _go_on(turn, e, result, result.granted_at)


def _release(turn: Turn, e: Enrollment, send_id: UUID, step_id: str, **data: str) -> Enrollment:
    """An ambiguous touch left, or arrived: a hold for its sake ends."""
    source = f"ambiguous:{send_id}"
    if any(h.source_id == source for h in e.holds):
        e = turn.free(e, source)
        turn.tell(e, "released", source, was="paused", step_id=step_id, code="ambiguous", data=data)
    return e


def _tell_left(turn: Turn, e: Enrollment, result: SendResult, kind: EngagementType, was: str) -> None:
    """Tell that a touch left, or may have. A text is told with its own sender, and as what it is."""
    is_text = texting.is_text(result)
    told = e._replace(mailbox_id=result.mailbox_id, variant=None) if is_text else e
    turn.tell(
        told, kind, result.step_id, at=result.granted_at, was=was, step_id=result.step_id, code=result.code,
        data=dict(texting.SMS) if is_text else None,
    )  # fmt: skip


def _on_ambiguous(turn: Turn, e: Enrollment, result: SendResult) -> None:
    """Never sent again by itself: it is taken for sent, or held until proof settles it, as the campaign says."""
    known = e.touch(result.step_id)
    if known is not None and known.state in ("sent", "ambiguous"):
        return None
    proved = known is not None  # a hit or an answer came before this result: it arrived
    was = e.status
    e = turn.save(_record(turn, e, result, "sent" if proved else "ambiguous"))
    if proved:
        turn.effects.append(ProveIt(result.send_id))
    kind: EngagementType = "sent" if proved else "ambiguous"
    _tell_left(turn, e, result, kind, was)
    campaign = turn.campaign(e)
    if proved or not e.is_open or campaign is None or campaign.on_ambiguous == "assume_sent":
        return _go_on(turn, e, result, result.granted_at)
    e = _leave(turn, e, result, result.granted_at)
    source = f"ambiguous:{result.send_id}"
    was = e.status
    e = turn.hold(e, Hold(source), withdraw=False)
    turn.tell(e, "held", source, was=was, step_id=result.step_id, code="ambiguous")
    return None


def _on_failed(turn: Turn, e: Enrollment, result: SendResult) -> None:
    """The touch will never go. What that means for the address decides what it means for the enrollment."""
    known = e.touch(result.step_id)
    if known is not None and known.state in ("sent", "failed", "ambiguous"):
        return None
    code = result.code or ""
    kind = bounce_kind(enhanced_code(code) or "") if code[:1].isdigit() else None
    failed = Touch(result.step_id, "failed", result.granted_at, soft=kind == "soft")
    e = turn.save(e._replace(touches=asking.put_touch(e, failed)))
    if texting.is_text(result):
        return _fail_text(turn, e, result)
    if not e.is_open:
        return turn.tell(e, "failed", result.step_id, step_id=result.step_id, code=result.code)
    FAILURES[kind](turn, e, result)
    return None


def _fail_text(turn: Turn, e: Enrollment, result: SendResult) -> None:
    """This text only: the sequence may reach the person on another way."""
    told = e._replace(mailbox_id=result.mailbox_id, variant=None)
    turn.tell(told, "failed", result.step_id, step_id=result.step_id, code=result.code, data=dict(texting.SMS))
    _go_on(turn, e, result, result.granted_at)


def _fail(turn: Turn, e: Enrollment, result: SendResult) -> None:
    turn.finish(e, "failed", "failed", result.step_id, step_id=result.step_id, code=result.code)


def _fail_address(turn: Turn, e: Enrollment, result: SendResult) -> None:
    """No such address: the sender has suppressed it before it told us."""
    turn.finish(e, "bounced", "bounced", result.step_id, step_id=result.step_id, code=result.code)


def _fail_touch(turn: Turn, e: Enrollment, result: SendResult) -> None:
    """This touch only, a full mailbox for example: the sequence goes on from where it would have been sent. Three in a row are
    as good as no such address, and suppress it.
    """
    if in_a_row(e, result.step_id, turn.campaign(e)) >= SOFT_IN_A_ROW:
        address = turn.facts.get("email")
        if isinstance(address, str):
            turn.effects.append(SuppressIt(address, "bounced", f"bounced:{result.send_id}"))
        stop = turn.terminal_stop(e, "bounced")
        turn.finish(e, "bounced", "bounced", result.step_id, stop=stop, step_id=result.step_id, code=result.code)
        return
    turn.tell(e, "failed", result.step_id, step_id=result.step_id, code=result.code)
    _go_on(turn, e, result, result.granted_at)


FAILURES: Mapping[str | None, Handler] = {
    "hard": _fail_address,
    "soft": _fail_touch,
    "ours": _fail,
    "policy": _fail,
    None: _fail,
}
"""What a failed touch means for its enrollment, by the kind of its code (docs/behaviour.md 7.7)."""

SUPPRESSED: Mapping[str, tuple[Status, EngagementType]] = {
    "suppressed": ("unsubscribed", "unsubscribed"),
    "duplicate_address": ("exited", "exited"),
}
"""The end of an enrollment whose address may not be written to, by the gate's code."""


def _on_suppressed(turn: Turn, e: Enrollment, result: SendResult) -> None:
    if texting.is_text(result):  # the number is: what else goes to this person the gate decides by itself
        return _on_failed(turn, e, result)
    if not e.is_open:
        return None
    code = result.code or "suppressed"
    status, kind = SUPPRESSED.get(code, SUPPRESSED["suppressed"])
    turn.finish(e, status, kind, result.step_id, step_id=result.step_id, code=code)
    return None


# -- outcomes after which it is asked for again ------------------------------------------------------------------------


def _answers(turn: Turn, e: Enrollment, result: SendResult) -> bool:
    """Whether the result tells what holds now of the touch that the enrollment stands on.

    It does when it answers the newest ask. A number above all that we know belongs to an ask whose state a crash took
    away. And an older one that is out still, when it was asked for again after a silence, keeps the newer one's grant
    out of the ledger: that is answered `unused` and will have no result, so what became of the older after the newest
    was made counts for both. What became of it before does not: it is known, or the ledger lets the newer grant in.
    (Whatever we believe, it was asked for again later by the shortest back-off at least, so a repeat comes from before.)
    """
    if not e.is_open or e.step_id != result.step_id:
        return False
    if result.ask_no > e.ask_no:
        return True
    newest_at = asking.asked_at(turn.policy, e)
    return newest_at is not None and (result.ask_no == e.ask_no or result.at >= newest_at)


def _on_deferred(turn: Turn, e: Enrollment, result: SendResult) -> None:
    if not _answers(turn, e, result):
        return
    tries, tried_at = e.tries + 1, e.tried_at or turn.now
    wait = asking.deferral(result.send_id, tries)
    again_at = turn.now + wait
    if tries >= asking.TRIES or again_at - tried_at > asking.TRIES_WITHIN:
        e = _take_back_newer(turn, e, result)
        touches = asking.put_touch(e, Touch(result.step_id, "failed", result.granted_at))
        failed = turn.save(e._replace(touches=touches))
        (_fail_text if texting.is_text(result) else _fail)(turn, failed, result)
        return
    e = _again(turn, e, result, again_at, tries=tries, tried_at=tried_at, renewals=0)
    turn.tell(
        e, "deferred", result.step_id, result.ask_no, step_id=result.step_id, code=result.code, next_at=again_at,
        data={"attempt": tries},
    )  # fmt: skip


def _on_refused(turn: Turn, e: Enrollment, result: SendResult) -> None:
    """The gate turned it away for a reason that passes: expired, stale, paused, or a stop that may be released."""
    if not _answers(turn, e, result):
        return
    if result.code == "colleague_ended":
        turn.finish(e, "exited", "exited", stop=turn.terminal_stop(e, "exited"), code="colleague_answered")
        return
    renewals = e.renewals + 1
    again_at = turn.now + asking.refusal(result.outcome, result.send_id, renewals)
    e = _again(turn, e, result, again_at, renewals=renewals)
    turn.tell(
        e, "waiting", result.step_id, result.ask_no, step_id=result.step_id, code=result.outcome, next_at=again_at
    )


def _again(turn: Turn, e: Enrollment, result: SendResult, at: datetime, **counts: Any) -> Enrollment:
    """Ask for it again at `at`, and not before."""
    place_at = asking.place(turn.policy, e)
    e = _take_back_newer(turn, e, result)
    retry = e._replace(phase="retry", due_at=at, ask_no=max(e.ask_no, result.ask_no), place_at=place_at, **counts)
    return turn.save(arm(retry, turn.campaign(e)))


def _take_back_newer(turn: Turn, e: Enrollment, result: SendResult) -> Enrollment:
    """Where an older ask was answered the newer one may still wait for its grant."""
    return turn.withdraw(e, result.outcome) if result.ask_no < e.ask_no else e


OUTCOMES: Mapping[str, Handler] = {
    "sent": _on_sent,
    "deferred": _on_deferred,
    "failed": _on_failed,
    "ambiguous": _on_ambiguous,
    "expired": _on_refused,
    "suppressed": _on_suppressed,
    "stopped": _on_refused,
    "paused": _on_refused,
    "stale": _on_refused,
}
"""Every outcome of a touch."""


# -- shared ------------------------------------------------------------------------------------------------------------


def _record(turn: Turn, e: Enrollment, result: SendResult, state: TouchState) -> Enrollment:
    """Note that the touch left: its instants, its thread, and the arm and mailbox that are locked from now on."""
    known = e.touch(result.step_id)
    touch = Touch(result.step_id, state, result.granted_at, result.at, *(known.signs if known is not None else ()))
    if texting.is_text(result):
        return texting.recorded(e, touch)
    if not e.is_open:
        return e._replace(touches=asking.put_touch(e, touch), variant=_locked(turn, e, result))
    message_ids = e.message_ids
    if result.message_id is not None and result.message_id not in message_ids:
        message_ids = (*message_ids, result.message_id)[-asking.MESSAGE_IDS :]
    return e._replace(
        status="active" if e.status == "enrolled" else e.status,
        touches=asking.put_touch(e, touch),
        variant=_locked(turn, e, result),
        mailbox_id=result.mailbox_id,
        subject=_subject(turn, e, result),
        message_ids=message_ids,
    )


def _locked(turn: Turn, e: Enrollment, result: SendResult) -> str | None:
    """The arm that holds from now on. An email that has only one says nothing about those that have several."""
    campaign = turn.campaign(e)
    step = campaign.steps.get(result.step_id) if campaign is not None else None
    return e.variant or (result.variant if isinstance(step, EmailStep) and len(step.arms) > 1 else None)


def _subject(turn: Turn, e: Enrollment, result: SendResult) -> str | None:
    """The thread's subject. A touch whose sender died in mid-air is reported without its own: then it is made again, so
    that a follow-up ("Re:") has a thread to stand in.
    """
    if result.subject:
        return asking.thread_subject(result.subject)
    campaign = turn.campaign(e)
    step = campaign.steps.get(result.step_id) if campaign is not None else None
    if campaign is None or not isinstance(step, EmailStep):
        return e.subject
    template = next((one for one in step.arms if one.name == result.variant), step.arms[0]).subject
    if template is None:
        return e.subject
    try:
        values = asking.merge_variables(turn.facts, template.variables)
        return asking.thread_subject(template.render(values, html=False)) or campaign.name
    except RenderError:  # it uses what only the sender knows, or what the lead has lost since
        return e.subject or campaign.name


def _leave(turn: Turn, e: Enrollment, result: SendResult, base_at: datetime) -> Enrollment:
    """Step off the touch's step, where the enrollment still stands on it; the next wait counts from `base_at`."""
    if not e.is_open or e.step_id != result.step_id:
        return e
    campaign = turn.campaign(e)
    if e.draft is not None:
        wanting.over(turn, e, wanting.OUTCOMES.get(result.outcome, "dropped"), result.code)
    return turn.save(
        e._replace(
            draft=None,
            step_id=_next_id(campaign, e),
            path=path_after(campaign.steps, result.step_id)[1:] if campaign else e.path[1:],
            phase="arrive",
            due_at=None,
            base_at=base_at,
            ask_no=max(e.ask_no, result.ask_no),
            renewals=0,
            tries=0,
            tried_at=None,
            place_at=None,
        )
    )


def _next_id(campaign: Campaign | None, e: Enrollment) -> str | None:
    step = campaign.steps.get(e.step_id) if campaign is not None and e.step_id is not None else None
    if step is not None:
        return successor(step)
    return e.path[0] if e.path else None


def _go_on(turn: Turn, e: Enrollment, result: SendResult, base_at: datetime) -> None:
    left = _leave(turn, e, result, base_at)
    if left is not e:
        advance(turn, left)


def settle(turn: Turn, e: Enrollment, step_id: str, by: str, cause: str) -> Enrollment:
    """Proof that an ambiguous touch arrived: it counts as sent, in the ledger too, and a hold for its sake ends."""
    touch = e.touch(step_id)
    if touch is None or touch.state != "ambiguous":
        return e
    e = turn.save(e._replace(touches=asking.put_touch(e, touch._replace(state="sent"))))
    send_id = ids.send_id(e.id_for(turn.lead_id), step_id)
    turn.effects.append(ProveIt(send_id))
    data = {"by": by, **texting.channel_of(turn, e, step_id)}
    turn.tell(e, "sent", step_id, at=touch.granted_at, step_id=step_id, code="settled", data=data)
    released = _release(turn, e, send_id, step_id, cause=cause)
    return e if released is e else advance(turn, released)


def can_become(e: Enrollment, status: Status) -> bool:
    """Whether an enrollment may move to `status`."""
    return status in MOVES[e.status]
