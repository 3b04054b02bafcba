"""What a failure code means: one table for servers' answers and for delivery reports (docs/behaviour.md 7.7)."""

from __future__ import annotations

import re
from typing import Literal

BounceKind = Literal["hard", "soft", "ours", "policy"]

BOUNCE_CODES: tuple[tuple[str, BounceKind], ...] = (
    ("5.1.7", "ours"),  # our sender address is malformed
    ("5.1.8", "ours"),  # our sender's domain does not exist
    ("5.1", "hard"),  # no such mailbox, no such domain, moved
    ("5.2.1", "hard"),  # mailbox disabled
    ("5.2.2", "soft"),  # mailbox full
    ("5.7", "policy"),  # refused by policy: blocked, spam, authentication
    ("4", "soft"),  # any temporary failure that was given up
)
"""The first entry whose numbers stand at the front of an enhanced code (RFC 3463) decides. Any other code fails the
touch only."""

BASIC_CODES: dict[str, str] = {"550": "5.1.1", "551": "5.1.6", "552": "5.2.2", "553": "5.1.3", "554": "5.0.0"}
"""What a bare SMTP code stands for in a delivery report whose server gives no enhanced one and no reason (RFC 5321,
section 4.2.3)."""

REASONS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (
            r"quota", r"mailbox (?:is )?(?:\w+ )?full", r"inbox (?:is )?full", r"storage (?:limit|allocation)",
            r"insufficient (?:disk|storage)", r"too much mail data",
        ),
        "5.2.2",
    ),
    (
        (
            r"spam", r"black ?list", r"block ?list", r"block(?:ed|-?listed)", r"\bdnsbl\b", r"\brbl\b", r"barracuda", r"\bspf\b",
            r"\bdkim\b", r"\bdmarc\b", r"reputation", r"unsolicited", r"policy (?:reasons|violation|rejection)",
            r"rejected (?:by|for|due to) (?:\w+ )?(?:policy|content|policies)", r"content (?:rejected|filter)", r"access denied",
            r"not authori[sz]ed", r"banned", r"sender denied", r"administrative(?:ly)? prohibit",
        ),
        "5.7.1",
    ),
    (
        (
            r"sender (?:address )?(?:domain )?(?:not found|does not exist|unknown|must resolve)", r"domain of sender",
        ),
        "5.1.8",
    ),
    (
        (
            r"(?:account|mailbox|user|recipient|address)[^.\n]{0,60}(?:disabled|inactive|suspended|deactivated|expired|locked)",
            r"has been (?:disabled|deactivated)",
        ),
        "5.2.1",
    ),
    (
        (
            r"(?:no such|unknown|invalid|bad|non-?existent|not a valid) (?:\w+ )?(?:user|mailbox|recipient|address|account)",
            r"(?:no such|unknown|invalid|bad) (?:\w+ )?(?:local|destination|person)",
            r"(?:user|mailbox|recipient|address|account|e-?mail)[^.\n]{0,60}(?:unknown|not found|does(?: not|n'?t) exist)",
            r"doesn'?t have (?:an? )?(?:\w+ )?account",
            r"(?:user|mailbox|recipient|address|account|e-?mail)[^.\n]{0,60}(?:not exist|no longer|unavailable|is invalid|not listed)",
            r"(?:user|mailbox|recipient|address|account|e-?mail)[^.\n]{0,60}(?:not known|rejected|undeliverable)",
            r"couldn'?t be found", r"no mailbox here",
        ),
        "5.1.1",
    ),
    (
        (
            r"(?:host|domain)[^.\n]{0,60}(?:not found|unknown|does(?: not|n'?t) exist|nxdomain|couldn'?t be found)",
            r"no such (?:host|domain)", r"name or service not known",
        ),
        "5.1.2",
    ),
)  # fmt: skip
"""What servers say beside a code that says little, as the code that means it."""

VAGUE = frozenset({"5.0.0", "5.1.0", "5.3.0", "5.5.0", "5.5.4", "5.4.0"})
"""Codes of systems that have one for everything: the words beside them say more."""

SOFT_IN_A_ROW = 3
"""So many soft bounces of different touches in a row count as a hard one."""

POLICY_DOMAINS = 3
"""So many recipient domains refusing a mailbox by policy within an hour pause it."""

MAX_WORDS = 2000

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_BASIC = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")
_REASONS = tuple((re.compile("|".join(words), re.IGNORECASE), code) for words, code in REASONS)


def bounce_kind(code: str) -> BounceKind | None:
    """The kind of an enhanced code such as `5.1.1`; None: the touch failed, and nothing is known about the address."""
    for front, kind in BOUNCE_CODES:
        if code == front or code.startswith(front + "."):
            return kind
    return None


def enhanced_code(text: str) -> str | None:
    """The enhanced code that a server's answer or a report's field names, else the one its basic code stands for.

    >>> enhanced_code("smtp; 550 5.1.1 <x@y.example>: no such user")
    '5.1.1'
    """
    found = _ENHANCED.search(text)
    if found is not None:
        return found.group(1)
    basic = _BASIC.search(text)
    if basic is None:
        return None
    code = basic.group(1)
    said = said_code(text) if code[0] == "5" else None
    return said or BASIC_CODES.get(code, f"{code[0]}.0.0")


def said_code(text: str) -> str | None:
    """The code that a server's words stand for, where it gives none, or a vague one."""
    for words, code in _REASONS:
        if words.search(text[:MAX_WORDS]) is not None:
            return code
    return None
