"""Answers that stand on cards: which words a person may have sent (docs/behaviour.md 8.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.draft_checks import form_faults
from domain.writing import Words, tidy

EDITABLE = frozenset({"edit", "bulk"})
"""Modes (`reply_review`) in which a person may change the words. `review`: yes or no, as they stand."""


def payload_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """A card's `action_payload`, which a database gives as JSON."""
    payload = card["action_payload"]
    return json.loads(payload) if isinstance(payload, str) else dict(payload)


def has_answer(card: Mapping[str, Any]) -> bool:
    """Whether it holds a drafted answer, which goes out when it is approved."""
    return (
        card["type"] == "reply_to_email" and card["reply_id"] is not None and bool(payload_of(card).get("draft_reply"))
    )


def check_words(card: Mapping[str, Any], words: str | None, mode: str) -> str | None:
    """Why an answer may not go out, with these words or (None) as it was drafted; None: it may."""
    name, payload = f"card {card['card_id']}", payload_of(card)
    drafted = payload.get("draft_reply")
    if card["type"] != "reply_to_email":
        return f"{name} is no reply_to_email: it takes no words"
    if words is None or words == drafted:
        faults = payload.get("draft_faults")
        return f"{name}: its draft has faults ({', '.join(faults)}): give other words" if faults else None
    if drafted and mode not in EDITABLE:
        return f"{name}: reply_review of its campaign is {mode}: approve it or reject it as it stands"
    wrong = form_faults(tidy(Words(None, words), has_subject=False), has_subject=False)
    return f"{name}: these words cannot go out: {', '.join(wrong)}" if wrong else None
