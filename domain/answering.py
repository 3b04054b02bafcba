"""Answers to replies: touches of their own, beside every step graph (docs/behaviour.md 7.6, 8.2).

An answer that a person approved is named after its reply, so a reply is answered once however often that is approved. One
that goes by itself is named after its enrollment alone: a thread gets one at most. Both hold in the ledger, which knows a
touch by enrollment and step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from domain.campaign import Arm, AutoReply, Campaign, Mailbox
from domain.html import is_html
from domain.message import CompiledMessage, compile_message
from domain.replies.matching import bare_subject
from domain.writing import written_arm
from schemas.sending import Content, Thread

PREFIX = "answer:"
"""No step of a campaign is named so: ids of steps have no colon."""
AUTO_STEP = PREFIX + "auto"
AUTO_HEADERS = "Auto-Submitted: auto-replied\r\n"
"""RFC 3834, section 5: no machine answers a mail that says this."""

AUTO_CONFIDENCE = 0.95
"""How sure a category must be before a machine answers by itself."""
AUTO_CATEGORIES = frozenset({"STATUS", "SCHEDULING", "REMOVE"})
NEVER_BY_ITSELF = frozenset({"UNSUBSCRIBE", "BOUNCE", "COMPLAINT", "AUTOMATED", "OUT_OF_OFFICE"})
"""Dispositions that no machine answers: nobody is there, or nobody wants to hear of us."""

MESSAGE_IDS = 10
"""Of the mails before a reply so many are named in its answer."""


def may_answer_itself(disposition: str, category: str | None, confidence: float) -> bool:
    """Whether a reply that was judged so is one that a campaign's own words may answer."""
    return category in AUTO_CATEGORIES and confidence >= AUTO_CONFIDENCE and disposition not in NEVER_BY_ITSELF


def thread_of(subject: str, before: Sequence[str], message_id: str | None) -> Thread:
    """The thread that an answer to a mail stands in. Ids are without brackets; a mail without one is answered all the same."""
    mails = [*before[-MESSAGE_IDS:], *([message_id] if message_id else [])]
    return Thread(subject=bare_subject(subject)[:1_000], message_ids=[f"<{one}>" for one in mails])


def answer_step(reply_id: UUID) -> str:
    """The step id of the answer to a reply."""
    return f"{PREFIX}{reply_id}"


def is_answer(step_id: str) -> bool:
    """Whether a touch answers a reply, and is no step of its campaign."""
    return step_id.startswith(PREFIX)


def own_stops(reply_id: UUID | str, enrollment_id: UUID) -> tuple[str, ...]:
    """The stops that a reply itself has made: its answer passes these and no other."""
    return (f"reply:{reply_id}", f"replied:{enrollment_id}")


def compile_answer(campaign: Campaign, content: Content, mailbox: Mailbox) -> CompiledMessage:
    """Approved words, literally, in the reply's thread. Nobody who is answered is tracked."""
    return compile_message(_untracked(campaign), None, written_arm(content, "a"), mailbox)


def compile_auto_answer(campaign: Campaign, words: AutoReply, mailbox: Mailbox) -> CompiledMessage:
    """A campaign's own answer to a category of replies, which says that a machine wrote it."""
    arm = Arm("a", 1, words.subject, words.body, is_html=is_html(words.body.source))
    return replace(compile_message(_untracked(campaign), None, arm, mailbox), headers=AUTO_HEADERS)


def _untracked(campaign: Campaign) -> Campaign:
    return replace(campaign, track_opens=False, track_clicks=False)
