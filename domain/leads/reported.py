"""Delivery reports about a lead's mails, and what their codes mean (docs/behaviour.md 7.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.leads import asking
from domain.leads.effects import SuppressIt
from domain.leads.results import can_become
from domain.leads.soft import in_a_row
from domain.leads.state import Enrollment, Touch
from domain.leads.steps import advance
from domain.leads.turn import Turn
from domain.replies.bounces import SOFT_IN_A_ROW
from schemas.replies import Disposition


def on_bounce(turn: Turn, said: Disposition) -> None:
    """A delivery report: the kind of its code decides. It takes no hold."""
    e = turn.find_by_id(said.campaign_id, said.enrollment_id)
    if e is None:
        return turn.ignore("unknown_enrollment")
    BOUNCES[said.bounce.kind if said.bounce is not None else "soft"](turn, e, said)
    return None


def _bounce_code(said: Disposition) -> str | None:
    return said.bounce.code if said.bounce is not None else None


def _report(e: Enrollment, said: Disposition, kind: str) -> dict[str, Any]:
    """What is told of a delivery report. Only a touch's `first` report takes it off the delivered ones."""
    touch = e.touch(said.step_id)
    return {
        "step_id": said.step_id,
        "code": _bounce_code(said),
        "first": touch is None or not touch.bounced,
        "data": {"kind": kind},
    }


def _note_bounce(turn: Turn, e: Enrollment, said: Disposition, *, soft: bool = False) -> Enrollment:
    touch = e.touch(said.step_id) or Touch(said.step_id, "asked")
    return turn.save(e._replace(touches=asking.put_touch(e, touch._replace(bounced=True, soft=soft))))


def _on_hard_bounce(turn: Turn, e: Enrollment, said: Disposition) -> None:
    """No such address: it is suppressed already; every sequence that would write to it ends."""
    told = _report(e, said, "hard")
    e = _note_bounce(turn, e, said)
    _end_bounced(turn, e, said, told)


def _end_bounced(turn: Turn, e: Enrollment, said: Disposition, told: dict[str, Any]) -> None:
    if can_become(e, "bounced"):
        turn.finish(e, "bounced", "bounced", said.reply_id, stop=turn.terminal_stop(e, "bounced"), **told)
    else:
        turn.tell(e, "bounced", said.reply_id, **told)
    for other in turn.open_enrollments:
        turn.finish(
            other, "bounced", "exited", stop=turn.terminal_stop(other, "bounced"), code=_bounce_code(said) or "bounced"
        )


def _on_soft_bounce(turn: Turn, e: Enrollment, said: Disposition) -> None:
    """Three in a row become a hard one, and suppress the address."""
    told = _report(e, said, "soft")
    e = _note_bounce(turn, e, said, soft=True)
    if in_a_row(e, said.step_id, turn.campaign(e)) < SOFT_IN_A_ROW or not e.is_open:
        turn.tell(e, "bounced", said.reply_id, **told)
        advance(turn, e)  # a condition may wait for a bounce
        return
    address = turn.facts.get("email")
    if isinstance(address, str):
        turn.effects.append(SuppressIt(address, "bounced", f"bounced:{said.reply_id}"))
    _end_bounced(turn, e, said, told | {"data": {"kind": "hard"}})


def _on_our_fault(turn: Turn, e: Enrollment, said: Disposition) -> None:
    """Our sender or a policy was refused: the touch failed, the address is as good as before."""
    told = _report(e, said, said.bounce.kind if said.bounce is not None else "policy")
    e = _note_bounce(turn, e, said)
    turn.tell(e, "bounced", said.reply_id, **told)
    advance(turn, e)


BOUNCES: Mapping[str, Callable[[Turn, Enrollment, Disposition], None]] = {
    "hard": _on_hard_bounce,
    "soft": _on_soft_bounce,
    "ours": _on_our_fault,
    "policy": _on_our_fault,
}
"""What a delivery report means, by the kind of its code."""
