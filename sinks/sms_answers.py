"""What a provider's answer means for a text and for its sender (docs/behaviour.md 4.4). Codes as Twilio's API documents them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, cast

from domain.replies.bounces import BounceKind
from sinks.smtp_answers import Attempt, Delivery, MailboxPause, PauseReason, Phase, without_addresses

OPTED_OUT = "21610"
"""The recipient has told the provider STOP."""

NO_SUCH_NUMBER = frozenset({"21211", "21214", "21217", "21614", "30005", "30006"})
"""Not a number, nobody's number, or one that takes no texts."""

SOFT = frozenset({"30003", "30008", "30009", "30010"})
"""It may work another time: switched off, unknown error, a lost segment, too dear."""

OURS = frozenset({"21212", "21603", "21606", "21611", "21659", "21660", "21705", "30032", "30034"})
"""Our number or our registration is refused, whoever it would write to."""

RATE = frozenset({"14107", "20429", "21611", "63038"})
"""Too much for now."""

MAX_ANSWER = 64 * 1024

Meaning = tuple[Attempt, Phase, PauseReason | None]

STATUSES: Mapping[int, Meaning] = {
    401: ("deferred", "login", "login"),
    403: ("deferred", "login", "login"),
    404: ("deferred", "login", "login"),  # no such account, or not its address
    407: ("deferred", "login", "login"),
    408: ("deferred", "mail", None),  # it did not get the whole request
    409: ("deferred", "mail", None),
    425: ("deferred", "mail", None),
    429: ("deferred", "mail", "busy"),
    501: ("deferred", "login", "server_refused"),
    503: ("deferred", "mail", "busy"),
    505: ("deferred", "login", "server_refused"),
}
"""Answers that say that nothing was accepted. Of any other 5xx nobody knows: the text is ambiguous."""


def judge(status: int, body: bytes) -> Delivery:
    """The meaning of an answer to a submitted text."""
    said = _fields(body)
    code = _code(said)
    detail = without_addresses(str(said.get("message") or said.get("error_message") or ""))
    if 200 <= status < 300:
        if said.get("status") in {"failed", "undelivered"}:
            return _refused(code, detail)
        return Delivery("sent", "body", status, label=f"sms:{status}")
    if code in OURS or code in RATE:
        pause: PauseReason = "busy" if code in RATE else "sender_refused"
        return Delivery("deferred", "mail", status, None, detail, MailboxPause(pause, None, detail), f"sms:{code}")
    if status in STATUSES:
        outcome, phase, reason = STATUSES[status]
        paused = MailboxPause(reason, None, detail) if reason is not None else None
        return Delivery(outcome, phase, status, None, detail, paused, f"sms:{code or f'http_{status}'}")
    if 400 <= status < 500:
        return _refused(code or f"http_{status}", detail)
    if 300 <= status < 400:
        pause_ = MailboxPause("server_refused", None, f"it answers {status}: is its address right?")
        return Delivery("deferred", "login", status, None, pause_.detail, pause_, f"sms:http_{status}")
    return Delivery("ambiguous", "body", status, None, detail, None, f"sms:http_{status}")


def _refused(code: str, detail: str) -> Delivery:
    return Delivery("failed", "mail", None, None, detail, None, f"sms:{code or 'refused'}", refusal(code))


def refusal(code: str) -> BounceKind:
    """What a refusal, at once or told later, says about the number: `hard` means never again to it."""
    if code in SOFT:
        return "soft"
    return "hard" if code == OPTED_OUT or code in NO_SUCH_NUMBER else "policy"


def _fields(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}


def _code(said: Mapping[str, Any]) -> str:
    """The provider's own code: `code` of an error, `error_code` of a message."""
    for name in ("code", "error_code"):
        value = said.get(name)
        if isinstance(value, int | str) and not isinstance(value, bool) and str(value).isalnum():
            return str(value)[:20]
    return ""


Reported = Literal["delivered", "undelivered"]

REPORTS: Mapping[str, Reported] = {
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
}
"""A status callback's final words; the others (queued, sending, sent...) say nothing that we do not know."""
