"""What an answer means, and who said so: user rules, then recognisers, then the model (docs/behaviour.md 7.4-7.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from domain.replies.bounces import SOFT_IN_A_ROW, BounceKind
from domain.replies.dates import FARTHEST, RETURN_HOUR
from domain.replies.mail import Mail
from domain.replies.recognise import Recognised, recognise
from domain.replies.rules import Rule, first_match
from schemas.replies import DecidedBy

MIN_CONFIDENCE = 0.7
"""A model's answer below this goes to a person."""

UNCLEAR = "ESCALATE_UNCLEAR"
SUPPRESSING = frozenset({"UNSUBSCRIBE", "COMPLAINT"})
"""Dispositions that suppress the address; a hard BOUNCE does, too."""

MODEL_DISPOSITIONS = (
    "INTERESTED",
    "NEEDS_MORE_INFO",
    "NO_ACTIVE_PROFILE",
    "NOT_INTERESTED",
    "OUT_OF_OFFICE",
    "UNSUBSCRIBE",
    "AUTOMATED",
    UNCLEAR,
)
"""What a model may answer. Bounces and complaints are known by their form, never by opinion."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mail's disposition with everything that goes into its event. `suppresses` is carried out before it is told."""

    disposition: str
    confidence: float
    decided_by: DecidedBy
    why: str
    category: str | None = None
    sentiment: float | None = None
    entities: dict[str, Any] = field(default_factory=dict[str, Any])
    summary: str | None = None
    draft_reply: str | None = None
    return_at: datetime | None = None
    bounce: BounceKind | None = None
    bounce_code: str | None = None
    rule_id: str | None = None
    suppresses: bool = False


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """A model's answer, its values known to be of the allowed kinds and ranges."""

    disposition: str
    confidence: float
    category: str | None = None
    sentiment: float | None = None
    entities: dict[str, Any] = field(default_factory=dict[str, Any])
    summary: str | None = None
    draft_reply: str | None = None
    return_date: date | None = None


def by_rules(mail: Mail, rules: Sequence[Rule], received_at: datetime, zone: ZoneInfo) -> Verdict | None:
    """The verdict that needs no model; None when somebody has to read the mail.

    A user's rule decides what the answer is called and where it goes. It takes nobody's consent back: what a
    recogniser says must be suppressed is suppressed all the same.
    """
    found = recognise(mail, received_at, zone)
    rule = first_match(rules, mail)
    if rule is not None:
        return _of_rule(rule, found)
    return None if found is None else _of_recogniser(found)


def _of_recogniser(found: Recognised) -> Verdict:
    return Verdict(
        disposition=found.disposition,
        confidence=found.confidence,
        decided_by="recogniser",
        why=found.why,
        category="REMOVE" if found.disposition == "UNSUBSCRIBE" else None,
        return_at=found.return_at,
        bounce=found.bounce,
        bounce_code=found.bounce_code,
        suppresses=found.suppresses,
    )


def _of_rule(rule: Rule, found: Recognised | None) -> Verdict:
    same = found is not None and found.disposition == rule.disposition
    verdict = (
        _of_recogniser(found) if found is not None and same else Verdict(rule.disposition, 1.0, "rule", "user_rule")
    )
    return replace(
        verdict,
        confidence=1.0,
        decided_by="rule",
        why="user_rule",
        category=rule.category or verdict.category,
        rule_id=rule.rule_id,
        bounce=verdict.bounce or ("soft" if rule.disposition == "BOUNCE" else None),
        suppresses=rule.disposition in SUPPRESSING or (found is not None and found.suppresses),
    )


def by_model(answer: ModelAnswer, received_at: datetime, zone: ZoneInfo) -> Verdict:
    """A model's answer as a verdict: an unsure or unknown one goes to a person, with what the model thought of it."""
    known = answer.disposition in MODEL_DISPOSITIONS
    sure = known and answer.confidence >= MIN_CONFIDENCE
    disposition = answer.disposition if sure else UNCLEAR
    back = _return_of(answer.return_date, received_at, zone) if disposition == "OUT_OF_OFFICE" else None
    return Verdict(
        disposition=disposition,
        confidence=answer.confidence,
        decided_by="model",
        why="model" if sure else "model_unsure",
        category=answer.category,
        sentiment=answer.sentiment,
        entities=answer.entities,
        summary=answer.summary,
        draft_reply=answer.draft_reply if disposition == "NEEDS_MORE_INFO" else None,
        return_at=back,
        suppresses=disposition in SUPPRESSING,
    )


def unclear(why: str) -> Verdict:
    """Nobody could say: a person decides. `why` is a short code (no_key, refusal, timeout...)."""
    return Verdict(UNCLEAR, 0.0, "default", why)


def hardened(verdict: Verdict, earlier_soft: int) -> Verdict:
    """A soft bounce that follows `earlier_soft` others without an answer between: the third counts as hard."""
    if verdict.disposition != "BOUNCE" or verdict.bounce != "soft" or earlier_soft + 1 < SOFT_IN_A_ROW:
        return verdict
    return replace(verdict, bounce="hard", suppresses=True, why="soft_in_a_row")


def _return_of(day: date | None, received_at: datetime, zone: ZoneInfo) -> datetime | None:
    if day is None:
        return None
    instant = datetime.combine(day, time(RETURN_HOUR), tzinfo=zone).astimezone(UTC)
    return instant if received_at < instant <= received_at + FARTHEST else None
