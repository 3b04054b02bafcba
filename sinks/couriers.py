"""A sender's way out, by what it is: a mailbox speaks SMTP, a number goes through its provider."""

from __future__ import annotations

from collections.abc import Callable

from domain.campaign import Sender, SmsSender
from sinks.sms import SmsProvider
from sinks.smtp import MailboxSmtp


def courier_of(sender: Sender, now: Callable[[], float]) -> MailboxSmtp | SmsProvider:
    """What its touches leave by. `now` gives campaign seconds that only move forward: pauses are in its time."""
    return SmsProvider(sender, now=now) if isinstance(sender, SmsSender) else MailboxSmtp(sender, now=now)
