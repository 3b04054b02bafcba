"""What an answer means, and who said so: user rules, then recognisers, then the model (docs/behaviour.md 7.4-7.7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from domain.replies.bounces import SOFT_IN_A_ROW, BounceKind
from domain.replies.dates import FARTHEST, RETURN_HOUR
from domain.replies.mail import Mail
from domain.replies.recognise import Recognised, recognise
from domain.replies.reply_drafts import checked_draft
from domain.replies.rules import Rule, first_match
from domain.routing import DISPOSITIONS, MODEL_DISPOSITIONS, NO_ROUTING, Routing
from schemas.replies import CardRoute, DecidedBy

MIN_CONFIDENCE = 0.7
"""A model's answer below this goes to a person."""

UNCLEAR = "ESCALATE_UNCLEAR"
EntityKind = Literal["order_number", "address", "amount", "date", "urgency"]
"""What a model may find in a mail (docs/behaviour.md 7.5)."""
NO_MAIL = Mail()
SUPPRESSING = frozenset({"UNSUBSCRIBE", "COMPLAINT"})
"""Dispositions that suppress the address; a hard BOUNCE does, too."""

GOES_ON = frozenset({"OUT_OF_OFFICE", "AUTOMATED"})
"""Dispositions after which the sequence goes on, at once or when the hold ends. A bounce that is not hard lets it go on, too."""


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
    own_disposition: str | None = None
    """A user's own name for it (docs/behaviour.md 7.5); `disposition` is the built-in one that it acts as."""
    own_category: str | None = None
    draft_faults: tuple[str, ...] = ()
    """Why a drafted reply was thrown away."""
    route: CardRoute | None = None

    @property
    def stops(self) -> bool:
        """Whether the sequence that the mail answers ends with it (docs/behaviour.md 2.2, 7.3, 7.7)."""
        if self.disposition == "BOUNCE":
            return self.bounce == "hard"
        return self.disposition not in GOES_ON


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
        return_at=None if found is None or (not same and rule.disposition in DISPOSITIONS) else found.return_at,
        bounce=verdict.bounce or ("soft" if rule.disposition == "BOUNCE" else None),
        suppresses=rule.disposition in SUPPRESSING or (found is not None and found.suppresses),
    )


def by_model(
    answer: ModelAnswer,
    received_at: datetime,
    zone: ZoneInfo,
    *,
    mail: Mail = NO_MAIL,
    routing: Routing = NO_ROUTING,
) -> Verdict:
    """A model's answer as a verdict: an unsure or unknown one goes to a person, with what the model thought of it.

    A drafted reply is held to what a written touch is held to (`domain/replies/reply_drafts.py`); one with faults is dropped.
    """
    built_in = routing.built_in(answer.disposition)
    sure = built_in in MODEL_DISPOSITIONS and answer.confidence >= MIN_CONFIDENCE
    disposition = built_in if sure else UNCLEAR
    draft, faults = checked_draft(answer.draft_reply, mail.text) if disposition == "NEEDS_MORE_INFO" else (None, ())
    own = answer.disposition if sure and answer.disposition in routing.dispositions else None
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
        draft_reply=draft,
        draft_faults=faults,
        return_at=back,
        suppresses=disposition in SUPPRESSING,
        own_disposition=own,
    )


def routed(verdict: Verdict, routing: Routing) -> Verdict:
    """The verdict with what the user's routing says: which built-in category stands for theirs, and whose card it is."""
    category, own = verdict.category, routing.dispositions.get(verdict.disposition)
    if own is not None:  # a rule says it in the user's words
        verdict = replace(
            verdict,
            disposition=own.acts_as,
            own_disposition=own.id,
            return_at=verdict.return_at if own.acts_as == "OUT_OF_OFFICE" else None,
            suppresses=verdict.suppresses or own.acts_as in SUPPRESSING,
        )
    return replace(
        verdict,
        category=routing.built_in_category(category),
        own_category=category if category in routing.categories else None,
        route=routing.route(verdict.own_disposition or verdict.disposition, category),
    )


def unclear(why: str) -> Verdict:
    """Nobody could say: a person decides. `why` is a short code (no_key, refusal, timeout...)."""
    return Verdict(UNCLEAR, 0.0, "default", why)


def hardened(verdict: Verdict, soft_beside: int) -> Verdict:
    """A soft bounce in a row with `soft_beside` others, without an answer between: the third counts as hard."""
    if verdict.disposition != "BOUNCE" or verdict.bounce != "soft" or soft_beside + 1 < SOFT_IN_A_ROW:
        return verdict
    return replace(verdict, bounce="hard", suppresses=True, why="soft_in_a_row")


def _return_of(day: date | None, received_at: datetime, zone: ZoneInfo) -> datetime | None:
    if day is None or abs(day.year - received_at.year) > 1:
        return None  # a model may name any day: the first of all and the last have no name in other zones
    instant = datetime.combine(day, time(RETURN_HOUR), tzinfo=zone).astimezone(UTC)
    return instant if received_at < instant <= received_at + FARTHEST else None
