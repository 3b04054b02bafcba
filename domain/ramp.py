"""A mailbox that is warmed up: each day on which it sends may have more mails than the last (docs/behaviour.md 3.2)."""

from __future__ import annotations

from domain.senders import Ramp


def cap_on(ramp: Ramp, days_before: int) -> int:
    """The day's cap, after `days_before` local days on which the mailbox has sent. A day of rest raises nothing."""
    return min(ramp.cap, ramp.start + ramp.increment * days_before)
