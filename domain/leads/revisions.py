"""Replies that are judged anew, after the rules have changed (docs/behaviour.md 7.6, `touchline reclassify`).

What has ended stays ended, and nothing new is held: the answer is history, and the lead may have gone on since. A new judgement
ends what it ends, frees what the old one held without a reason, and is told as a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.leads.answers import DISPOSITIONS, end_matched, free_held, is_latest, on_disposition, source_of, story_of
from domain.leads.turn import Turn
from schemas.replies import Disposition


def on_judged(turn: Turn, said: Disposition) -> None:
    """A disposition: a reply's first, or (`revision`) a new one of a reply that was told before."""
    if said.revision:
        _revise(turn, said)
    else:
        on_disposition(turn, said)


def _revise(turn: Turn, said: Disposition) -> None:
    if not turn.is_known:
        return turn.ignore("unknown_lead")
    if not turn.remember(f"{source_of(said)}:{said.revision}"):
        return turn.ignore("disposition_known")
    turn.remember(source_of(said))  # a late repeat of the first judgement is none
    if turn.disposition == said.replaces and is_latest(turn, source_of(said)):
        turn.disposition = said.disposition
    e = turn.find_by_id(said.campaign_id, said.enrollment_id)
    if e is not None:
        data = {**story_of(said), "replaces": said.replaces, "revision": said.revision}
        turn.tell(
            e, "disposition", said.reply_id, said.revision, step_id=said.step_id, code=said.disposition, data=data
        )
    REVISIONS[said.disposition](turn, said)
    return None


def _on_answer(turn: Turn, said: Disposition) -> None:
    """A person's answer ends the sequence that it answers, where it goes on."""
    e = turn.find_by_id(said.campaign_id, said.enrollment_id)
    if e is not None and e.is_open:
        end_matched(turn, said)


def _on_away(turn: Turn, said: Disposition) -> None:
    """What the reply holds stands still until the day that is known now, or goes on where none lies ahead."""
    source = source_of(said)
    if said.return_at is None or said.return_at <= turn.now:
        free_held(turn, source)
        return
    for e in turn.open_enrollments:
        if any(hold.source_id == source for hold in e.holds):
            turn.set_until(e, source, said.return_at)


def _on_machine(turn: Turn, said: Disposition) -> None:
    """No person wrote it: what it holds goes on."""
    free_held(turn, source_of(said))


def _on_bounce(turn: Turn, said: Disposition) -> None:
    """Only a hard one changes anything: the address is suppressed already."""
    if said.bounce is not None and said.bounce.kind == "hard":
        DISPOSITIONS["BOUNCE"](turn, said)


REVISIONS: Mapping[str, Callable[[Turn, Disposition], None]] = {
    "INTERESTED": _on_answer,
    "NEEDS_MORE_INFO": _on_answer,
    "NO_ACTIVE_PROFILE": _on_answer,
    "ESCALATE_UNCLEAR": _on_answer,
    "NOT_INTERESTED": _on_answer,
    "OUT_OF_OFFICE": _on_away,
    "UNSUBSCRIBE": DISPOSITIONS["UNSUBSCRIBE"],
    "BOUNCE": _on_bounce,
    "COMPLAINT": DISPOSITIONS["COMPLAINT"],
    "AUTOMATED": _on_machine,
}
"""What a new judgement does, by the disposition that it gives."""
