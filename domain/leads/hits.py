"""Opens, clicks and unsubscribes: only what a person did counts (docs/behaviour.md 5.2, 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from domain.leads import asking
from domain.leads.deliveries import KINDS, on_notice
from domain.leads.pacing import note_hour
from domain.leads.results import can_become
from domain.leads.signs import touch_of
from domain.leads.soft import forgiven
from domain.leads.state import Enrollment
from domain.leads.steps import advance
from domain.leads.turn import Turn
from domain.verdict import judge
from schemas.tracking import Hit

_FACTS: Mapping[str, Literal["opened", "clicked"]] = {"open": "opened", "click": "clicked"}


def on_hit(turn: Turn, hit: Hit) -> None:
    """Judge a hit and act on it. Every hit is told with its verdict; only a person's branches and shows as opened."""
    if hit.type == "unsubscribe":
        return _on_unsubscribe(turn, hit)
    if hit.type in KINDS:
        return on_notice(turn, hit)
    found = touch_of(turn, hit, "hit")
    if found is None:
        return None
    e, touch = found
    since_s = None
    if touch.accepted_at is not None:
        since_s = (hit.at - touch.accepted_at).total_seconds()
    verdict = judge(hit, since_s, turn.policy.own_networks)
    kind = _FACTS[hit.type]
    is_first = verdict == "human" and not getattr(touch, kind)
    if is_first:
        touch = touch._replace(opened=True) if kind == "opened" else touch._replace(clicked=True)
        e = turn.save(e._replace(touches=forgiven(asking.put_touch(e, touch))))
        campaign = turn.campaign(e)
        if kind == "opened" and campaign is not None and campaign.smart_send_time:
            note_hour(turn, campaign, e, hit.at)
    elif e.touch(hit.step_id) is None:  # whoever fetched it, the mail arrived: an ambiguous result will be proved by it
        e = turn.save(e._replace(touches=asking.put_touch(e, touch)))
    turn.tell(
        e, kind, hit.event_id, at=hit.at, step_id=hit.step_id, code=verdict, first=is_first,
        data={"hit_id": hit.event_id, "verdict": verdict},
    )  # fmt: skip
    if is_first and e.phase == "wait":
        advance(turn, e)  # a condition's true branch fires as soon as it becomes true
    return None


def _on_unsubscribe(turn: Turn, hit: Hit) -> None:
    """The suppression is committed already; every enrollment in its scope ends."""
    source = f"unsubscribe:{hit.event_id}"
    for e in list(turn.enrollments):
        if _is_in_scope(turn, e, hit) and can_become(e, "unsubscribed"):
            turn.finish(
                e, "unsubscribed", "unsubscribed", at=hit.at, stop=source,
                step_id=hit.step_id if e.campaign_id == hit.campaign_id and e.entry_no == hit.entry_no else None,
                code=hit.scope, data={"hit_id": hit.event_id},
            )  # fmt: skip


def _is_in_scope(turn: Turn, e: Enrollment, hit: Hit) -> bool:
    if hit.scope == "all" or e.campaign_id == hit.campaign_id:
        return True
    if hit.scope == "campaign":
        return False
    campaigns = turn.definitions.campaigns
    ours, theirs = campaigns.get(e.campaign_id), campaigns.get(hit.campaign_id)
    return ours is not None and theirs is not None and ours.goal == theirs.goal
