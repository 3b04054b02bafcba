"""Whether a machine may answer a mail by itself (docs/behaviour.md 7.6; RFC 3834, section 2)."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from domain.replies.mail import Mail

MACHINES_SAY = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-vacation", "x-auto-response-suppress")
"""Headers that only machines set, or that ask for no automatic answer."""

_BULK = frozenset({"bulk", "list", "junk", "auto_reply", "auto-reply"})
_NOBODY = re.compile(
    r"(?:.*[-_.+])?(?:no|non|do[-_.]?not|dont|ne[-_.]?pas|ne|nicht|keine?|n[aã]o|geen|niet)[-_.]?"
    r"(?:reply|replies|respond|answer|r[eé]pondre|r[eé]ponse|antwort|antworten|responder|responda|contestar|rispondere|risposta"
    r"|resposta|respuesta|antwoord|antwoorden|beantwoorden)"
    r"(?:[-_.+].*)?"
    r"|mailer-daemon|daemon|postmaster|hostmaster|root|nobody|bounces?(?:[-_.+].*)?|listserv|majordomo|mailman"
    r"|owner-.*|.*-(?:owner|request|bounces?|subscribe|unsubscribe)"
    r"|notifications?|automated|auto|system|alerts?|robot|bot"
)


def why_not(mail: Mail, own: AbstractSet[str]) -> str | None:
    """Why no machine may answer this mail, as a code; None: one may. `own`: the addresses that we send from."""
    headers = mail.headers
    if mail.report is not None or "x-failed-recipients" in headers:
        return "report"
    if headers.get("auto-submitted", "no").split(";")[0].strip().lower() != "no":
        return "auto_submitted"
    if any(name in headers for name in MACHINES_SAY):
        return "machine"
    if "list-id" in headers or headers.get("precedence", "").strip().lower() in _BULK:
        return "list"
    if headers.get("return-path", "").strip() == "<>":
        return "no_return_path"
    if mail.calendar_method is not None:
        return "calendar"
    sender = mail.from_email or ""
    if "@" not in sender:
        return "no_sender"
    if sender in own:
        return "our_own"
    return "no_reply_address" if _NOBODY.fullmatch(sender.rpartition("@")[0]) else None
