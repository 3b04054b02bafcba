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
"""What a bare SMTP code stands for in a delivery report whose server gives no enhanced one (RFC 5321,
section 4.2.3)."""

SOFT_IN_A_ROW = 3
"""So many soft bounces of different touches in a row count as a hard one."""

POLICY_DOMAINS = 3
"""So many recipient domains refusing a mailbox by policy within an hour pause it."""

_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_BASIC = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])")


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
    return BASIC_CODES.get(code, f"{code[0]}.0.0")
