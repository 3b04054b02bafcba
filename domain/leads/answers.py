"""Replies and what they turn out to mean (docs/behaviour.md 7.3, 7.4, 7.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from domain.leads import asking
from domain.leads.colleagues import UNTIL_CARD_IS_DONE, mind
from domain.leads.replying import answer_by_itself
from domain.leads.reported import on_bounce
from domain.leads.results import can_become, settle
from domain.leads.soft import forgiven
from domain.leads.state import Enrollment, Hold, Status, Touch
from domain.leads.steps import advance
from domain.leads.texting import channel_of
from domain.leads.turn import Turn, digest
from schemas.engagements import EngagementType
from schemas.replies import Disposition, Reply

AWAY = timedelta(days=7)
"""How long an absence without a return date lasts."""


def on_reply(turn: Turn, reply: Reply) -> None:
    """Hold all that can move. The stop is in the ledger already; a match whose disposition is known is ignored."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    source = source_of(reply)
    if digest(source) in turn.seen:
        return turn.ignore("disposition_known")
    _came(turn, source)
    for e in list(turn.enrollments):
        turn.save(e._replace(touches=forgiven(e.touches)))
    _hold_all(turn, source)
    _prove(turn, reply)
    return None


REPLIES_AT_MOST = 8
"""Of how many of its latest replies a lead remembers the order."""


def _came(turn: Turn, source: str) -> None:
    """Note that a reply came, after all that are noted."""
    mark = digest(source)
    if mark not in turn.replies:
        turn.replies = (*turn.replies, mark)[-REPLIES_AT_MOST:]


def is_latest(turn: Turn, source: str) -> bool:
    """Whether none that came after this reply has been judged. Of one that is forgotten all others came after it."""
    mark = digest(source)
    later = turn.replies[turn.replies.index(mark) + 1 :] if mark in turn.replies else turn.replies
    return not any(one in turn.seen for one in later)


def on_disposition(turn: Turn, said: Disposition) -> None:
    """Settle what the match held, once for each reply: the table says how."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    if not turn.remember(source_of(said)):
        return turn.ignore("disposition_known")
    _came(turn, source_of(said))
    if is_latest(turn, source_of(said)):
        turn.disposition = said.disposition  # the latest reply's, in whichever order they are judged
    _prove(turn, said)
    e = _matched(turn, said)
    if e is not None and said.answer_to is not None:
        answer_by_itself(turn, e, said)
    mind(turn, said)
    DISPOSITIONS[said.disposition](turn, said)
    return None


def source_of(answer: Reply | Disposition) -> str:
    """The source id of the stop and the holds that go with a reply."""
    return f"reply:{answer.reply_id}"


def _hold_all(turn: Turn, source: str) -> None:
    if source not in turn.stops:
        turn.stops = (*turn.stops, source)
    for e in turn.open_enrollments:
        if source in e.after_stops or any(h.source_id == source for h in e.holds):
            continue
        was = e.status
        held = turn.hold(e, Hold(source))
        turn.tell(held, "held", source, was=was, code="reply")


def _prove(turn: Turn, answer: Reply | Disposition) -> None:
    """An answer proves that its touch arrived (a delivery report proves only that it left, which settles it too).

    One that overtook the touch's own result is remembered, for the case that the result is ambiguous.
    """
    e = turn.find_by_id(answer.campaign_id, answer.enrollment_id)
    if e is None:
        return
    if e.touch(answer.step_id) is None:
        turn.save(e._replace(touches=asking.put_touch(e, Touch(answer.step_id, "asked"))))
    else:
        settle(turn, e, answer.step_id, "reply", str(answer.reply_id))


def _matched(turn: Turn, said: Disposition) -> Enrollment | None:
    return turn.find_by_id(said.campaign_id, said.enrollment_id)


def story_of(said: Disposition) -> dict[str, Any]:
    data: dict[str, Any] = {
        "reply_id": str(said.reply_id),
        "disposition": said.disposition,
        "confidence": said.confidence,
    }
    if said.sentiment is not None:
        data["sentiment"] = said.sentiment
    if said.category is not None:
        data["category"] = said.category
    return data


# -- a person answered -------------------------------------------------------------------------------------------------


def end_matched(turn: Turn, said: Disposition) -> None:
    """A human reply of any kind ends the sequence that it answers."""
    e = _matched(turn, said)
    if e is None:
        return turn.ignore("unknown_enrollment")
    touch = e.touch(said.step_id) or Touch(said.step_id, "asked")
    is_first = not touch.replied
    e = turn.save(e._replace(touches=asking.put_touch(e, touch._replace(replied=True))))
    story = {**story_of(said), **channel_of(turn, e, said.step_id)}
    told: dict[str, Any] = {"step_id": said.step_id, "code": said.disposition, "first": is_first, "data": story}
    if can_become(e, "replied") or e.status == "replied":
        turn.finish(e, "replied", "replied", said.reply_id, stop=turn.terminal_stop(e, "replied"), **told)
    else:
        turn.tell(e, "replied", said.reply_id, **told)
    return None


def _others_held(turn: Turn, said: Disposition) -> list[Enrollment]:
    """Hold what a disposition that came before its match has not held yet, and answer all that is held."""
    source = source_of(said)
    _hold_all(turn, source)
    matched = said.enrollment_id
    return [
        e
        for e in turn.open_enrollments
        if any(h.source_id == source for h in e.holds) and e.id_for(turn.lead_id) != matched
    ]


def _on_human(turn: Turn, said: Disposition) -> None:
    """The matched sequence ends; the others stay held for at most 14 days, go on, or end: its campaign says which."""
    others = _others_held(turn, said)
    end_matched(turn, said)
    campaign = turn.definitions.campaigns.get(said.campaign_id)
    AFTER_REPLY[campaign.after_reply if campaign is not None else "hold"](turn, said, others)
    turn.release_lead_wide(source_of(said))


def _keep_held(turn: Turn, said: Disposition, others: list[Enrollment]) -> None:
    for e in others:
        turn.set_until(e, source_of(said), turn.now + UNTIL_CARD_IS_DONE)


def _let_go(turn: Turn, said: Disposition, others: list[Enrollment]) -> None:
    for e in others:
        _free(turn, e, source_of(said), "resume")


def _end_others(turn: Turn, said: Disposition, others: list[Enrollment]) -> None:
    for e in others:
        turn.finish(e, "exited", "exited", stop=turn.terminal_stop(e, "exited"), code=said.disposition)


AFTER_REPLY: Mapping[str, Callable[[Turn, Disposition, list[Enrollment]], None]] = {
    "hold": _keep_held,
    "resume": _let_go,
    "end": _end_others,
}
"""What a human reply means for the person's other enrollments, by the matched campaign's `after_reply`."""


def _on_refusal(turn: Turn, said: Disposition) -> None:
    """Not interested: everything ends."""
    others = _others_held(turn, said)
    end_matched(turn, said)
    _end_others(turn, said, others)
    turn.release_lead_wide(source_of(said))


def _on_unsubscribe(turn: Turn, said: Disposition) -> None:
    """The suppression is committed already: everything ends, also what is finished and could be asked about."""
    _end_all(turn, said, "unsubscribed", "unsubscribed")
    turn.release_lead_wide(source_of(said))


def _end_all(turn: Turn, said: Disposition, status: Status, kind: EngagementType) -> None:
    matched = said.enrollment_id
    for e in list(turn.enrollments):
        is_matched = e.id_for(turn.lead_id) == matched
        if can_become(e, status) and (e.is_open or is_matched):
            turn.finish(
                e, status, kind, stop=turn.terminal_stop(e, status), step_id=said.step_id if is_matched else None,
                code=said.disposition, data=story_of(said),
            )  # fmt: skip


# -- a machine answered ------------------------------------------------------------------------------------------------


def _on_away(turn: Turn, said: Disposition) -> None:
    """Out of office: all stands still until the return date, and the hold does not use up any wait."""
    source = source_of(said)
    until = said.return_at if said.return_at is not None and said.return_at > turn.now else turn.now + AWAY
    _hold_all(turn, source)
    for e in turn.open_enrollments:
        if any(h.source_id == source for h in e.holds):
            e = turn.set_until(e, source, until)
            turn.tell(e, "held", source, "until", code="out_of_office", next_at=until, data=story_of(said))
    turn.release_lead_wide(source)


def _on_automated(turn: Turn, said: Disposition) -> None:
    """A machine's answer: the sequences go on as if nothing had come."""
    source = source_of(said)
    for e in turn.open_enrollments:
        if any(h.source_id == source for h in e.holds):
            _free(turn, e, source, "automated")
    turn.release_lead_wide(source)


def _free(turn: Turn, e: Enrollment, source: str, code: str) -> None:
    e = turn.free(e, source)
    turn.tell(e, "released", source, was="paused", code=code)
    advance(turn, e)


def free_held(turn: Turn, source: str) -> bool:
    """People are done with a reply: what it held goes on. False when it holds nothing (any more)."""
    held = [e for e in turn.open_enrollments if any(h.source_id == source for h in e.holds)]
    for e in held:
        _free(turn, e, source, "reply_handled")
    if held:
        turn.release_lead_wide(source)
    return bool(held)


# -- delivery reports and complaints -----------------------------------------------------------------------------------


def _on_complaint(turn: Turn, said: Disposition) -> None:
    """Reported as spam: suppressed already, and everything ends."""
    e = _matched(turn, said)
    if e is not None:
        turn.tell(e, "complained", said.reply_id, step_id=said.step_id)
    _end_all(turn, said, "unsubscribed", "unsubscribed")


DISPOSITIONS: Mapping[str, Callable[[Turn, Disposition], None]] = {
    "INTERESTED": _on_human,
    "NEEDS_MORE_INFO": _on_human,
    "NO_ACTIVE_PROFILE": _on_human,
    "ESCALATE_UNCLEAR": _on_human,
    "NOT_INTERESTED": _on_refusal,
    "OUT_OF_OFFICE": _on_away,
    "UNSUBSCRIBE": _on_unsubscribe,
    "BOUNCE": on_bounce,
    "COMPLAINT": _on_complaint,
    "AUTOMATED": _on_automated,
}
"""Docs/behaviour.md 7.4, line by line."""


def release_ended(turn: Turn, e: Enrollment) -> Enrollment:
    """Free an enrollment from the holds whose end has come, and release their stops."""
    for hold in e.holds:
        if hold.until is None or hold.until > turn.now:
            continue
        was = e.status
        e = turn.free(e, hold.source_id)
        turn.tell(e, "released", hold.source_id, was=was, code=hold.kind)
        turn.release_lead_wide(hold.source_id)
    return e
