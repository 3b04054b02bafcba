"""What a server's answer means for the touch and for the mailbox (docs/behaviour.md 4.3, 7.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from domain.replies.bounces import BounceKind, bounce_kind
from sinks.smtp_wire import Reply

Phase = Literal["connect", "login", "mail", "rcpt", "data", "body"]
"""How far an attempt came. Only `body` can have delivered anything: it begins with the message's first octet."""

Attempt = Literal["sent", "deferred", "failed", "ambiguous"]

PauseReason = Literal["busy", "login", "rate", "tls", "sender_refused", "server_refused", "policy"]

UNTIL_RESUMED: frozenset[PauseReason] = frozenset({"login", "rate", "tls", "sender_refused", "policy"})
"""What a person has to mend; the other pauses end by themselves."""

LOGIN_CODES = frozenset({530, 534, 535, 538})
_LOGIN_ENHANCED = frozenset({"5.7.8", "5.7.9", "5.7.11", "5.7.14"})
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
_RATE = re.compile(r"\b(rate|rates|quota|too many|throttl\w*|limit|limits|limited)\b", re.IGNORECASE)
_MAX_DETAIL = 300


@dataclass(frozen=True, slots=True)
class MailboxPause:
    """The mailbox should send nothing for `for_s` seconds; None is until a person resumes it."""

    reason: PauseReason
    for_s: float | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one attempt. `code` and `enhanced` are the server's, if it spoke; `detail` names no address.

    A text's provider has codes of its own: `label` is what stands in the result then, `refusal` what it says of the number.
    """

    outcome: Attempt
    phase: Phase
    code: int | None = None
    enhanced: str | None = None
    detail: str = ""
    pause: MailboxPause | None = None
    label: str | None = None
    refusal: BounceKind | None = None

    @property
    def code_text(self) -> str | None:
        """`550 5.1.1`, as it stands in a send result."""
        if self.label is not None:
            return self.label
        if self.code is None:
            return None
        return f"{self.code} {self.enhanced}" if self.enhanced else str(self.code)

    @property
    def bounce(self) -> BounceKind | None:
        """What a refusal says about the address, by the code table; `hard` suppresses it."""
        if self.refusal is not None:
            return self.refusal
        return bounce_kind(self.enhanced) if self.outcome == "failed" and self.enhanced else None


class Judgement(NamedTuple):
    """An answer's meaning: the touch's outcome, and why the mailbox should pause, if it should."""

    outcome: Attempt
    pause: PauseReason | None = None


def judge(phase: Phase, reply: Reply) -> Judgement:
    """The meaning of a reply that ended an attempt in `phase`."""
    code = reply.code
    if phase == "body" and 200 <= code < 300:
        return Judgement("sent")
    if code == 421:
        return Judgement("deferred", "busy")
    if phase == "login" or code in LOGIN_CODES or reply.enhanced in _LOGIN_ENHANCED:
        return Judgement("deferred", "login")
    if is_rate(reply):
        return Judgement("deferred", "rate")
    if 400 <= code < 500:
        return Judgement("deferred")
    if not 500 <= code < 600:  # an answer that answers nothing
        return Judgement("ambiguous" if phase == "body" else "deferred")
    if phase == "connect":
        return Judgement("deferred", "server_refused")
    if reply.enhanced is not None and bounce_kind(reply.enhanced) == "ours":
        return Judgement("deferred", "sender_refused")
    return Judgement("failed")


def is_rate(reply: Reply) -> bool:
    """Whether the server says that this account sends too much, and not that its recipient gets too much."""
    if reply.code == 454 or reply.enhanced == "5.4.5":
        return True
    return (reply.enhanced or "")[1:4] == ".7." and _RATE.search(without_addresses(reply.text)) is not None


def without_addresses(text: str) -> str:
    """A server's words for logs and results: one line, bounded, and nobody's address in it."""
    line = " ".join(text.split())
    return (_ADDRESS.sub("ADDRESS", line) if "@" in line else line)[:_MAX_DETAIL]
