"""What the replies role needs of the definitions: users' rules, time zones, whether a campaign wants a model."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from domain.replies.rules import BadRuleError, Rule, compile_rule, in_order
from domain.windows import zone_of
from schemas.definitions import Definition, ReplyRuleDoc

log = structlog.get_logger("touchline.replies")


class Knowledge:
    """Follows the broadcast: register `take` with `Definitions.on_change`. A rule is in force as soon as it is read."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._in_order: tuple[Rule, ...] = ()
        self._campaigns: dict[str, dict[str, Any]] = {}
        self._mailboxes: dict[str, dict[str, Any]] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The users' rules in force, in the order they are tried."""
        return self._in_order

    def take(self, key: tuple[str, str], definition: Definition | None) -> None:
        """A definition has changed; None: it was deleted."""
        kind, name = key
        if kind == "reply_rule":
            rule = None if definition is None else _rule(name, definition.spec)
            if rule is None:
                self._rules.pop(name, None)
            else:
                self._rules[name] = rule
            self._in_order = in_order(self._rules.values())
        elif kind in {"campaign", "mailbox", "sms_sender"}:
            known = self._campaigns if kind == "campaign" else self._mailboxes
            if definition is None:
                known.pop(name, None)
            else:
                known[name] = definition.spec

    def wants_model(self, campaign_id: str) -> bool:
        """Whether the campaign lets a model read its answers. One that is gone by now does, as it did by default."""
        return self._campaigns.get(campaign_id, {}).get("use_claude", True) is True

    def zone(self, lead_zone: str | None, mailbox_id: str, campaign_id: str) -> ZoneInfo:
        """Where the writer lives, as far as known (docs/behaviour.md 3.3)."""
        mailbox, campaign = self._mailboxes.get(mailbox_id, {}), self._campaigns.get(campaign_id, {})
        return zone_of(lead_zone, mailbox.get("timezone"), campaign.get("timezone"))


def _rule(name: str, spec: dict[str, Any]) -> Rule | None:
    """The rule, compiled; None when it is switched off or cannot be used."""
    try:
        doc = ReplyRuleDoc.model_validate(spec)
        return compile_rule(doc) if doc.is_active else None
    except (ValidationError, BadRuleError) as error:
        log.error("reply_rule_skipped", rule_id=name, error=type(error).__name__)
        return None
