"""Signs of a touch that come by themselves: hits and delivery notices, which may overtake the touch's own result."""

from __future__ import annotations

from domain import ids
from domain.leads.results import settle
from domain.leads.state import Enrollment, Touch
from domain.leads.turn import Turn
from schemas.tracking import Hit


def touch_of(turn: Turn, sign: Hit, what: str) -> tuple[Enrollment, Touch] | None:
    """The enrollment and the touch that a sign is about; an ambiguous touch is proved by it. None, and counted as
    ignored, where it is about nothing we know. A touch that its sign overtook is new, and not saved yet.
    """
    e = turn.find(sign.campaign_id, sign.entry_no)
    if e is None:
        turn.ignore("unknown_enrollment")
        return None
    e = settle(turn, e, sign.step_id, what, sign.event_id)
    touch = e.touch(sign.step_id)
    if touch is None and ids.send_id(e.id_for(turn.lead_id), sign.step_id) != sign.send_id:
        turn.ignore("unknown_touch")
        return None
    return e, touch or Touch(sign.step_id, "asked")
