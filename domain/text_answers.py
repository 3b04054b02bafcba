"""Answers to texts, as mail: one way in, one judgement and one place for every answer (docs/behaviour.md 4.4, 7.1).

A text that comes in is written as the message that the replies role reads: from the number, to the reply address of the
touch it answers, or to its unsubscribe address where it says STOP. The domain exists nowhere, so no such mail can be forged
from outside: what proves it is the token of the touch.
"""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from uuid import UUID

from domain.texts import asks_to_stop
from domain.tokens import TokenKeys, mail_token

HOST = "sms.invalid"
SUBJECT = "Text message"
MAX_BODY = 20_000


def message_id_of(provider_id: str) -> str:
    """The Message-ID of an incoming text: its provider's id for it, so that one told twice counts once."""
    return f"<{provider_id}@{HOST}>"


def as_mail(keys: TokenKeys, *, provider_id: str, number: str, text: str, send_id: UUID | None, at: datetime) -> bytes:
    """An incoming text as a message by RFC 5322. `send_id` is the touch that it answers (None: nothing of ours)."""
    mail = EmailMessage(policy=SMTP)
    local = "unknown"
    if send_id is not None:
        local = f"{'unsubscribe' if asks_to_stop(text) else 'reply'}+{mail_token(keys, send_id)}"
    mail["From"] = f'"{number}" <{number}@{HOST}>'
    mail["To"] = f"{local}@{HOST}"
    mail["Subject"] = SUBJECT
    mail["Message-ID"] = message_id_of(provider_id)
    mail["Date"] = at
    mail.set_content(text.replace("\x00", "")[:MAX_BODY] or " ", cte="base64")
    return mail.as_bytes()
