"""What the replies role needs of the definitions: users' rules, time zones, whether a campaign wants a model."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from pydantic import ValidationError

from domain.answering import may_answer_itself, thread_of
from domain.ids import normalise_email
from domain.replies import auto_reply
from domain.replies.mail import Mail
from domain.replies.rules import BadRuleError, Rule, compile_rule, in_order
from domain.replies.verdict import Verdict
from domain.routing import NO_ROUTING, Routing, compile_routing
from domain.windows import zone_of
from schemas.definitions import Definition, ReplyRuleDoc
from schemas.replies import AnswerTo
from schemas.routing import RoutingDoc
from sinks.ports import SendRow
from sinks.postgres.replies import StoredReply

log = structlog.get_logger("touchline.replies")

MAX_ADDRESS = 320


class Knowledge:
    """Follows the broadcast: register `take` with `Definitions.on_change`. A rule is in force as soon as it is read.

    `address_key` hashes an address as the ledger does (`domain.tokens.address_key`).
    """

    def __init__(self, address_key: Callable[[str], bytes] | None = None) -> None:
        self._address_key = address_key
        self._own: frozenset[str] = frozenset()
        self._rules: dict[str, Rule] = {}
        self._in_order: tuple[Rule, ...] = ()
        self._routings: dict[str, RoutingDoc] = {}
        self.routing: Routing = NO_ROUTING
        """The users' own categories, dispositions and routes in force."""
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
        elif kind == "routing":
            routing = None if definition is None else _routing(name, definition.spec)
            if routing is None:
                self._routings.pop(name, None)
            else:
                self._routings[name] = routing
            self.routing = compile_routing(self._routings.values())
        elif kind in {"campaign", "mailbox", "sms_sender"}:
            known = self._campaigns if kind == "campaign" else self._mailboxes
            if definition is None:
                known.pop(name, None)
            else:
                known[name] = definition.spec
            if kind == "mailbox":
                self._own = frozenset(filter(None, map(_address, self._mailboxes.values())))

    def wants_model(self, campaign_id: str) -> bool:
        """Whether the campaign lets a model read its answers. One that is gone by now does, as it did by default."""
        return self._campaigns.get(campaign_id, {}).get("use_claude", True) is True

    def is_colleague(self, mail: Mail, touch: SendRow) -> bool:
        """Whether one of our own mailboxes wrote the mail, and not in the place of a lead: nobody has answered then."""
        if mail.report is not None or mail.from_email not in self._own:
            return False
        return self._address_key is None or self._address_key(mail.from_email) != touch.address_key

    def answer_to(self, reply: StoredReply, verdict: Verdict) -> AnswerTo | None:
        """Whom a machine may answer (docs/behaviour.md 7.6): None where the campaign has no words for such a reply, where no
        machine may answer it, and where somebody else wrote it than was written to.
        """
        if not may_answer_itself(verdict.disposition, verdict.category, verdict.confidence) or verdict.suppresses:
            return None
        mail, match = reply.mail, reply.match
        words: dict[str, Any] = self._campaigns.get(match.campaign_id, {}).get("auto_reply") or {}
        mailbox = self._mailboxes.get(reply.mailbox_id, {})
        if verdict.category not in words or "from" not in mailbox or auto_reply.why_not(mail, self._own) is not None:
            return None
        email = mail.from_email or ""
        if self._address_key is None or self._address_key(email) != reply.address_key or len(email) > MAX_ADDRESS:
            return None
        thread = thread_of(mail.subject, mail.references or mail.in_reply_to, mail.message_id)
        return AnswerTo(email=email, mailbox_id=reply.mailbox_id, timezone=reply.lead_timezone, thread=thread)

    def zone(self, lead_zone: str | None, mailbox_id: str, campaign_id: str) -> ZoneInfo:
        """Where the writer lives, as far as known (docs/behaviour.md 3.3)."""
        mailbox, campaign = self._mailboxes.get(mailbox_id, {}), self._campaigns.get(campaign_id, {})
        return zone_of(lead_zone, mailbox.get("timezone"), campaign.get("timezone"))


def _routing(name: str, spec: dict[str, Any]) -> RoutingDoc | None:
    """The document; None when it cannot be used."""
    try:
        return RoutingDoc.model_validate(spec, extra="ignore")
    except ValidationError as error:
        log.error("routing_skipped", routing_id=name, error=type(error).__name__)
        return None


def _address(mailbox: dict[str, Any]) -> str | None:
    """The address that a mailbox sends from."""
    address = parseaddr(str(mailbox.get("from", "")))[1]
    return normalise_email(address) if "@" in address else None


def _rule(name: str, spec: dict[str, Any]) -> Rule | None:
    """The rule, compiled; None when it is switched off or cannot be used."""
    try:
        doc = ReplyRuleDoc.model_validate(spec)
        return compile_rule(doc, None) if doc.is_active else None
    except (ValidationError, BadRuleError) as error:
        log.error("reply_rule_skipped", rule_id=name, error=type(error).__name__)
        return None
