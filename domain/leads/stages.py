"""After an event: stages that rules move the lead to, and what is done then (docs/behaviour.md 6.2, 6.3)."""

from __future__ import annotations

from domain.leads import scores
from domain.leads.actions import perform
from domain.leads.conditions import LeadView
from domain.leads.state import Enrollment
from domain.leads.turn import Turn
from domain.progression import DEFAULT_STAGES, next_rule
from domain.sequence import ProgressionRule

ROUNDS = 8
"""How often what rules did may make further rules hold, in one event."""


def settle(turn: Turn) -> None:
    """Let the rules of every campaign act in which something was noted, until none has anything to add."""
    held: set[str] = set()
    for _ in range(ROUNDS):
        noted, turn.noted = turn.noted, {}
        if not noted:
            return
        for (campaign_id, entry_no), cause in noted.items():
            e = turn.find(campaign_id, entry_no)
            if e is not None:
                _progress(turn, e, cause, held)


def _progress(turn: Turn, e: Enrollment, cause: str, held: set[str]) -> None:
    """Move the lead on, rule by rule. `held` are the rules that held in this event: each acts once in it."""
    campaign = turn.campaign(e)
    if campaign is None:
        return
    rules = campaign.progression or DEFAULT_STAGES
    while True:
        stage = scores.note_stage(turn)
        key = f"{e.campaign_id} "
        known = {name.removeprefix(key) for name in held if name.startswith(key)}
        rule = next_rule(rules, stage, known, LeadView(turn, e))
        if rule is None:
            return
        held.add(key + rule.rule_id)
        e = _move(turn, e, rule, cause)


def _move(turn: Turn, e: Enrollment, rule: ProgressionRule, cause: str) -> Enrollment:
    visit = turn.tally.visit
    turn.tally = turn.tally._replace(stage=rule.to_status, visit=visit + 1)
    if "stage" in turn.facts:
        turn.facts = {**turn.facts, "stage": rule.to_status}
    data = {"rule_id": rule.rule_id, "to": rule.to_status, "cause": cause}
    if rule.from_status is not None:
        data["from"] = rule.from_status
    turn.tell(e, "progressed", rule.rule_id, visit, data=data)
    scores.look_at_stage(turn, f"{rule.rule_id} {visit}")
    for number, action in enumerate(rule.actions):
        e = turn.find(e.campaign_id, e.entry_no) or e
        if action.type != "exit" or e.is_open:
            e = perform(turn, e, action, f"{rule.rule_id} {visit}[{number}]")
    turn.noted.setdefault((e.campaign_id, e.entry_no), cause)
    return turn.find(e.campaign_id, e.entry_no) or e
