"""Texts (SMS): filled from the same values as an email, with a way out of them; and what an answer asks for (4.4, 5.3)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from domain.campaign import SmsSender, SmsStep
from domain.templates import RenderError, Template, merge_values
from schemas.sending import DueSend

MAX_TEXT = 1_600
"""Characters: what providers take as one message of several parts."""

OPT_OUT = "Reply STOP to opt out"
SENDER_VARIABLES = frozenset({"sender_name", "unsubscribe_url"})
"""Variables that the sender and the message itself give."""

STOP_WORDS = frozenset(
    {
        "stop",
        "stopall",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "optout",
        "revoke",
        "arret",
        "arrêt",
        "arreter",
        "arrêter",
    }
    | {"abmelden", "abmeldung", "baja", "parar", "detener", "cancelar", "sair", "annulla", "cancella", "afmelden"}
    | {"stopp", "stoppa", "avregistrera", "avsluta", "lopeta"}
)
"""One of these alone, in whatever case, is a request to be left alone: English, French, German, Spanish, Portuguese, Italian,
Dutch, Swedish, Norwegian, Finnish."""

_WORDS = re.compile(r"[^\W\d_]+")
_SAYS_STOP = re.compile(r"\bstop\b", re.IGNORECASE)
_MAX_ANSWER = 60
_POLITE = frozenset({"please", "all", "opt", "out", "merci", "svp", "bitte", "gracias", "por", "favor", "tack", "sms"})

_ID = "sms:"


class TextTooLong(RenderError):
    """What was merged into the text makes it longer than a provider takes."""

    code = "text_too_long"

    def __init__(self) -> None:
        super().__init__(f"the text is longer than {MAX_TEXT} characters")


@dataclass(frozen=True, slots=True)
class CompiledText:
    """A text of one step from one sender, ready to be filled."""

    body: Template
    variables: frozenset[str]
    sender: dict[str, object]
    footer: str

    def render(self, touch: DueSend, unsubscribe_url: str) -> str:
        """The words that leave. Raises RenderError: the touch has failed, for the reason in `code`."""
        values = merge_values(touch.merge, self.variables)
        values.update(self.sender)
        values["unsubscribe_url"] = unsubscribe_url
        text = self.body.fill(values, html=False).strip() + self.footer
        if len(text) > MAX_TEXT:
            raise TextTooLong
        return text


def compile_text(step: SmsStep, sender: SmsSender) -> CompiledText:
    """Compile a step for a sender: keep the result for as long as neither definition changes.

    A body that neither says STOP nor carries the unsubscribe link gets a last line that says how to opt out.
    """
    has_way_out = "unsubscribe_url" in step.body.variables or _SAYS_STOP.search(step.body.source) is not None
    return CompiledText(
        body=step.body,
        variables=step.body.variables - SENDER_VARIABLES,
        sender={"sender_name": sender.number},
        footer="" if has_way_out else f"\n{OPT_OUT}",
    )


def asks_to_stop(text: str) -> bool:
    """Whether an answer is a request to be left alone and nothing else: `STOP`, `stop!`, `Please stop`, `opt out`, `ARRÊT`."""
    if len(text) > _MAX_ANSWER:
        return False
    words = [word.casefold() for word in _WORDS.findall(unicodedata.normalize("NFKC", text))]
    if words[:2] == ["opt", "out"] and set(words) <= _POLITE:
        return True
    return any(word in STOP_WORDS for word in words) and all(word in STOP_WORDS | _POLITE for word in words)


def text_id(send_id: UUID) -> str:
    """What stands in place of a Message-ID, the same however often the text is tried."""
    return f"{_ID}{send_id}"


def is_text_id(message_id: str | None) -> bool:
    """Whether this is a text's id, and not an email's Message-ID."""
    return message_id is not None and message_id.startswith(_ID)
