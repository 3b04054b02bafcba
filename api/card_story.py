"""A card in words, as somebody would tell it to a colleague (docs/behaviour.md 8.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from domain.card_states import CLOSED

WIDTH = 100
TITLE = 36
SHORT_ID = 8


def row_of(card: Mapping[str, Any], now: datetime) -> str:
    """A card as one line of the board, at most `WIDTH` wide."""
    due = due_in_words(card, now, short=True)
    cells = (
        (str(card["card_id"])[:SHORT_ID], SHORT_ID), (card["title"], TITLE), (card["queue"], 15), (card["state"], 9),
        (card["priority"], 6), (due, 12), (card["assigned_to"] or "", 8),
    )  # fmt: skip
    return " ".join(clipped(text, width) for text, width in cells).rstrip()


def day(at: datetime) -> str:
    """An instant as people say it: Mon 2 March 2026 09:00 UTC."""
    return f"{at:%a} {at.day} {at:%B %Y %H:%M} UTC"


def due_in_words(card: Mapping[str, Any], now: datetime, *, short: bool = False) -> str:
    """By when it is due, and that it is late."""
    due = card["due_at"]
    if due is None or card["state"] in CLOSED:
        return ""
    late = " late" if due < now else ""
    return f"{due.day} {due:%b}{late}" if short else f"due {day(due)}" + (", which is past" if late else "")


def story(card: Mapping[str, Any], now: datetime) -> Iterator[str]:
    """Everything of a card: what it asks for, who has it, how it came, what was done and said, what can be done now."""
    yield printable(card["title"])
    yield f"  {card['card_id']}"
    yield f"  {card['type']} in {card['queue']}, {card['priority']} priority. It is {card['state']} (version {card['version']})."
    who = f"{card['assigned_to']} has it" if card["assigned_to"] else "Nobody has it"
    due = due_in_words(card, now)
    yield f"  {who}{'; ' + due if due else ''}."
    yield f"  Why: {card['rationale']}."
    about = [
        f"lead {card['lead_id']}",
        *(f"{name} {card[f'{name}_id']}" for name in ("campaign", "step") if card[f"{name}_id"]),
    ]
    yield f"  About {', '.join(about)}."
    if card["description"]:
        yield ""
        yield from _indented(card["description"])
    yield from _words("The answer that stands for approval", card["action_payload"].get("draft_reply"))
    yield from _words("The touch that stands for approval", (card["action_payload"].get("draft") or {}).get("body"))
    yield ""
    yield "What happened"
    yield f"  {day(card['created_at'])}  it was put up"
    for change in card["history"]:
        yield f"  {day(change['at'])}  {_change(change)}"
    if card["notes"]:
        yield ""
        yield "Notes"
        for note in card["notes"]:
            yield f"  {day(note['at'])}  {note['author']}:"
            yield from _indented(note["body"], "      ")
    yield from _thread(card)
    if card["moves"]:
        yield ""
        yield f"It may now become {' or '.join(card['moves'])}: touchline cards move {str(card['card_id'])[:SHORT_ID]} STATE"


def _change(change: Mapping[str, Any]) -> str:
    actor = change["actor"]
    if change["kind"] == "assigned":
        return f"{actor} gave it to {change['assigned_to']}" if change["assigned_to"] else f"{actor} gave it to nobody"
    if change["kind"] == "edited":
        return f"{actor} changed {', '.join(change['fields'] or ['it'])}"
    why = f" ({change['code']})" if change["code"] else ""
    return f"{actor} moved it from {change['from_state']} to {change['to_state']}{why}"


def _thread(card: Mapping[str, Any]) -> Iterator[str]:
    if card.get("reply_id") is None:
        return
    yield ""
    if card.get("thread") is None:
        yield "The words of the reply are not kept any more."
        return
    yield "The reply and its thread"
    for item in card["thread"]:
        own = str(item.get("reply_id")) == str(card["reply_id"]) and item["kind"] == "reply"
        who = item.get("from_name") or item.get("from_email") or "the lead" if item["kind"] == "reply" else "we"
        mark = ", the reply of this card" if own else ""
        yield printable(f"  {day(item['at'])}  {who} wrote{mark}: {item.get('subject') or '(no subject)'}")
        yield from _indented(item.get("body") or "(its words are not kept)", "      ")


def _words(name: str, body: str | None) -> Iterator[str]:
    if body:
        yield ""
        yield name
        yield from _indented(body)


def _indented(text: str, by: str = "  ") -> Iterator[str]:
    for line in text.strip().splitlines():
        yield by + printable(line)


def clipped(text: str, width: int) -> str:
    """Text so many columns wide, filled up or cut off."""
    text = printable(text)
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def printable(line: str) -> str:
    """A line without what could move a terminal's cursor: mail is written by strangers."""
    return "".join(char if char.isprintable() else " " for char in line)


HEADER = " ".join(
    clipped(name, width)
    for name, width in (
        ("card", SHORT_ID), ("title", TITLE), ("queue", 15), ("state", 9), ("prio", 6), ("due", 12), ("who", 8),
    )
).rstrip()  # fmt: skip
"""The names of the columns of `row_of`."""
