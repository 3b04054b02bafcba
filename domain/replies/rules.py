"""A user's own rules: the first that matches decides the disposition (docs/behaviour.md 7.6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from domain.ids import email_domain, normalise_email
from domain.regex import BadPattern, compile_pattern
from domain.replies.mail import Mail
from domain.routing import DISPOSITIONS, NO_ROUTING, Routing
from schemas.definitions import ReplyRuleDoc


class BadRuleError(ValueError):
    """A rule cannot be used; the message says which of its fields is wrong and why, for the person who wrote it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled. `pattern` is set for `subject_regex` alone."""

    rule_id: str
    priority: int
    match: Literal["sender_email", "sender_domain", "subject_contains", "subject_regex"]
    value: str
    disposition: str
    category: str | None
    pattern: Any = None

    def matches(self, mail: Mail) -> bool:
        """Whether the rule is about this mail. Addresses and words are compared without case."""
        if self.match == "sender_email":
            return mail.from_email == self.value
        if self.match == "sender_domain":
            domain = email_domain(mail.from_email or "")
            return domain == self.value or domain.endswith("." + self.value)
        if self.match == "subject_contains":
            return self.value in mail.subject.lower()
        return self.pattern.search(mail.subject) is not None


def check_names(doc: ReplyRuleDoc, routing: Routing) -> None:
    """Raise BadRuleError unless disposition and category are built in, or the user's own (docs/behaviour.md 7.5)."""
    dispositions = (*DISPOSITIONS, *routing.dispositions)
    if doc.disposition not in dispositions:
        raise BadRuleError("disposition", f"{doc.disposition!r} is none of {', '.join(dispositions)}")
    if doc.category is not None and doc.category not in routing.category_names:
        raise BadRuleError("category", f"{doc.category!r} is none of {', '.join(routing.category_names)}")


def compile_rule(doc: ReplyRuleDoc, routing: Routing | None = NO_ROUTING) -> Rule:
    """A rule ready for use. Raises BadRuleError with the reason. `routing` None: its names were checked when it was applied,
    and what they name may come later."""
    if routing is not None:
        check_names(doc, routing)
    value, pattern = doc.value.strip(), None
    if doc.match == "sender_email":
        value = normalise_email(value)
    elif doc.match == "sender_domain":
        value = email_domain(normalise_email("x@" + value.removeprefix("@")))
    elif doc.match == "subject_contains":
        value = value.lower()
    else:
        try:
            pattern = compile_pattern(doc.value)
        except BadPattern as error:
            raise BadRuleError("value", str(error)) from error
    if not value:
        raise BadRuleError("value", "is empty")
    return Rule(doc.id, doc.priority, doc.match, value, doc.disposition, doc.category, pattern)


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Lowest priority number first, then by id, so that every worker decides the same."""
    return tuple(sorted(rules, key=lambda rule: (rule.priority, rule.rule_id)))


def first_match(rules: Iterable[Rule], mail: Mail) -> Rule | None:
    """The first rule about this mail."""
    return next((rule for rule in rules if rule.matches(mail)), None)
