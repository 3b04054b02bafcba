"""What a provider tells of a text afterwards: that it arrived, or that it did not (docs/behaviour.md 4.4)."""

from __future__ import annotations

from domain.leads import asking
from domain.leads.signs import touch_of
from domain.leads.state import Enrollment, Touch
from domain.leads.steps import advance
from domain.leads.texting import SMS
from domain.leads.turn import Turn
from schemas.tracking import Hit

KINDS = frozenset({"delivered", "undelivered"})
"""The hits that are such notices."""


def on_notice(turn: Turn, notice: Hit) -> None:
    """Act on a delivery notice. Either proves that the text left: an ambiguous one is settled by it."""
    found = touch_of(turn, notice, "notice")
    if found is None:
        return None
    e, touch = found
    if e.touch(notice.step_id) is None:
        e = turn.save(e._replace(touches=asking.put_touch(e, touch)))
    if notice.type == "delivered":
        turn.tell(e, "delivered", notice.event_id, at=notice.at, step_id=notice.step_id, data=dict(SMS))
        return None
    return _on_undelivered(turn, e, touch, notice)


def _on_undelivered(turn: Turn, e: Enrollment, touch: Touch, notice: Hit) -> None:
    """It bounced: the number may be suppressed by now, the sequence goes on. A condition may wait for it."""
    is_first = not touch.bounced
    e = turn.save(e._replace(touches=asking.put_touch(e, touch._replace(bounced=True))))
    turn.tell(
        e, "bounced", notice.event_id, at=notice.at, step_id=notice.step_id, code=notice.code, first=is_first,
        data=dict(SMS),
    )  # fmt: skip
    if is_first and e.phase == "wait":
        advance(turn, e)
