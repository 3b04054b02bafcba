"""Somebody at the lead's company has answered the campaign (docs/behaviour.md 7.3). The ledger's gate knew it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal

from domain.leads.effects import MindColleagues
from domain.leads.state import Enrollment, Hold
from domain.leads.steps import advance
from domain.leads.turn import Turn
from schemas.enrollments import ColleagueAnswered
from schemas.replies import Disposition

CODE = "colleague_answered"
UNTIL_CARD_IS_DONE = timedelta(days=14)
"""How long others stand still at most after a human reply: a person's other enrollments, and colleagues."""


def on_colleague_answered(turn: Turn, told: ColleagueAnswered) -> None:
    """Hold, end or free what the lead has in this campaign. Told again it changes nothing."""
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    if not turn.remember(f"colleague {told.event_id}"):
        return turn.ignore("repeat")
    for e in turn.open_enrollments:
        if e.campaign_id == told.campaign_id:
            ACTS[told.act](turn, e, told)
    return None


def _source(told: ColleagueAnswered) -> str:
    return f"colleague:{told.reply_id}"


def _hold(turn: Turn, e: Enrollment, told: ColleagueAnswered) -> None:
    source = _source(told)
    if (told.until is not None and told.until <= turn.now) or any(h.source_id == source for h in e.holds):
        return
    was = e.status
    held = turn.hold(e, Hold(source, told.until))
    turn.tell(held, "held", source, was=was, code=CODE, next_at=told.until)


def _end(turn: Turn, e: Enrollment, told: ColleagueAnswered) -> None:
    turn.finish(e, "exited", "exited", stop=turn.terminal_stop(e, "exited"), code=CODE)


def _free(turn: Turn, e: Enrollment, told: ColleagueAnswered) -> None:
    source = _source(told)
    if any(h.source_id == source for h in e.holds):
        e = turn.free(e, source)
        turn.tell(e, "released", source, was="paused", code=CODE)
        advance(turn, e)


ACTS: Mapping[str, Callable[[Turn, Enrollment, ColleagueAnswered], None]] = {"hold": _hold, "end": _end, "free": _free}
"""What a colleague's answer does, by what the campaign says."""


# -- what the lead's own answer means for others -----------------------------------------------------------------------


def mind(turn: Turn, said: Disposition) -> None:
    """What the answer means for colleagues at the same company, where the campaign minds them: the match has stopped them."""
    campaign = turn.definitions.campaigns.get(said.campaign_id)
    act = COLLEAGUES.get(said.disposition)
    if campaign is None or campaign.colleagues == "none" or act is None:
        return
    if campaign.colleagues == "end" and said.disposition not in NOBODY_ANSWERED:
        act = "end"
    until = turn.now + UNTIL_CARD_IS_DONE if act == "hold" else None
    turn.effects.append(MindColleagues(said.campaign_id, said.reply_id, act, until))


NOBODY_ANSWERED = frozenset({"OUT_OF_OFFICE", "AUTOMATED"})

COLLEAGUES: Mapping[str, Literal["hold", "drop"]] = {
    "INTERESTED": "hold",
    "NEEDS_MORE_INFO": "hold",
    "NO_ACTIVE_PROFILE": "hold",
    "ESCALATE_UNCLEAR": "hold",
    "NOT_INTERESTED": "drop",
    "UNSUBSCRIBE": "drop",
    "OUT_OF_OFFICE": "drop",
    "AUTOMATED": "drop",
}
"""What an answer means for colleagues who are held until its card is done: without a card nothing is open."""
