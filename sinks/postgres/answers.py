"""Answers to replies that a person approved: noted with the approval, told of when they have left (docs/behaviour.md 8.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import ids
from domain.answering import answer_step, thread_of
from domain.card_events import NOBODY
from domain.card_states import ANSWER_FAILED, ANSWER_LEFT, Path
from domain.draft_checks import form_faults
from domain.writing import Words, tidy
from schemas.engagements import Engagement
from schemas.enrollments import AnswerReply
from schemas.sending import Thread
from sinks.postgres.card_changes import move_cards, tell_leads
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted

SQL = queries("answers")
CARDS = queries("cards")

AT_END: Mapping[str, Path] = {"sent": ANSWER_LEFT, "failed": ANSWER_FAILED, "ambiguous": ANSWER_FAILED}
"""Where the card goes, by the fact that tells of its answer's end. Nobody can know whether an ambiguous one arrived."""


class AnswerRefusedError(Exception):
    """A reply cannot be answered, or not with these words; the message says why, for the person who approves."""


async def answer_reply(  # noqa: PLR0917 - each is one fact of an approval
    connection: Any, reply_id: UUID, card_id: UUID, body: str, approved_by: str, at: datetime
) -> Noted:
    """What an approval is to tell leads: note it (`sinks.postgres.untold.note`) in the transaction that `connection` is in,
    with the card's move to `executing`.

    It answers whoever wrote the reply, in its thread, from the mailbox that it came to. Approved once more after the card
    was blocked it is the same mail: what has left is not sent again. Raises AnswerRefusedError.
    """
    words = tidy(Words(None, body), has_subject=False)
    wrong = form_faults(words, has_subject=False)
    if wrong:
        raise AnswerRefusedError(f"body: {', '.join(wrong)}; these words cannot go out")
    row = await connection.fetchrow(SQL["answered"], reply_id)
    if row is None:
        raise AnswerRefusedError(f"reply {reply_id} is not kept any more: answer it by hand")
    if row["send_id"] is None:
        raise AnswerRefusedError(f"reply {reply_id} answers no touch of ours: match it first (touchline replies match)")
    if not row["from_email"]:
        raise AnswerRefusedError(f"reply {reply_id} names no sender: there is nobody to answer")
    if row["source"].startswith("sms:"):
        raise AnswerRefusedError(f"reply {reply_id} came by text: answer it by hand")
    step_id = answer_step(reply_id)
    send_id = ids.send_id(row["enrollment_id"], step_id)
    rounds = await connection.fetchval(
        SQL["approve"], reply_id, send_id, card_id, row["lead_id"], words.body, approved_by, at
    )
    if rounds is None:
        raise AnswerRefusedError(f"reply {reply_id} was answered already")
    event = AnswerReply(
        event_id=ids.event_id("answer reply", reply_id, rounds),
        lead_id=row["lead_id"],
        campaign_id=row["campaign_id"],
        enrollment_id=row["enrollment_id"],
        reply_id=reply_id,
        card_id=card_id,
        body=words.body,
        approved_by=approved_by,
        to=row["from_email"],
        mailbox_id=row["mailbox_id"],
        timezone=row["lead_timezone"],
        thread=_thread(row),
        at=at,
    )
    return Noted(event.event_id, "enrollments", event.lead_id, event.write().decode())


async def settle_answers(connection: Any, facts: Sequence[Engagement]) -> None:
    """Note what became of approved answers, and move their cards: `done` when it has left, else `blocked` with the reason."""
    for fact in facts:
        path = AT_END.get(fact.type)
        if path is None or fact.data.get("answer") != "approved":
            continue
        reply_id, card_id = UUID(fact.data["reply_id"]), UUID(fact.data["card_id"])
        code = None if path is ANSWER_LEFT else fact.code or fact.type
        await connection.execute(SQL["settle"], reply_id, "sent" if code is None else "blocked", code)
        others = await connection.fetch(CARDS["lock_cards_of_reply"], reply_id)
        moved = await move_cards(connection, [card_id], path, NOBODY, fact.at, code)
        for card in moved.values():
            await tell_leads(connection, card, [other for other in others if other["card_id"] != card_id], fact.at)


def _thread(row: Any) -> Thread:
    facts: dict[str, Any] = json.loads(row["facts"])
    before: list[str] = facts.get("references") or facts.get("in_reply_to") or []
    return thread_of(row["subject"], before, facts.get("message_id"))
