"""Scoring rules that could never do what they say (docs/behaviour.md 6.1)."""

from __future__ import annotations

from domain.check_words import Found
from domain.compile_sequence import compile_test
from domain.scoring import EVENT_FIELDS, fields_of
from schemas.rules import ScoringRuleDoc

UNTOLD = frozenset({"delivered", "email_delivered"})
"""What conditions may ask for and scores may not: every email is delivered or bounces, and no fact tells of the first."""


def scoring_rule(rule: ScoringRuleDoc) -> Found:
    """What is wrong with a rule whose test is well formed by itself."""
    asked = fields_of(compile_test(rule.condition, rule.id))
    for name in sorted(asked & UNTOLD):
        yield ("condition",), "never_scored", f"{name} gives no points: ask for what people do, or for email_bounced"
    if rule.repeat and not asked & EVENT_FIELDS:
        known = ", ".join(sorted(EVENT_FIELDS))
        yield ("repeat",), "nothing_repeats", f"only what happens can repeat; the condition must ask for one of {known}"
