"""A card in words: a line of the board fits, the story says who did what, and no mail moves the terminal's cursor."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from rich.cells import cell_len

from api.card_story import HEADER, WIDTH, row_of, story

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ID = UUID("7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77")


def card(**more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "card_id": ID, "version": 3, "type": "reply_to_email", "queue": "account_manager", "priority": "medium",
        "state": "in_review", "title": "Follow up with Zoé Martin - more info requested", "description": "Asks for rates.",
        "rationale": "NEEDS_MORE_INFO by model, confidence 0.93", "assigned_to": "kim", "due_at": AT + timedelta(days=1),
        "lead_id": "lead-7", "campaign_id": "q1", "step_id": "intro", "reply_id": ID, "created_at": AT,
        "action_payload": {"draft_reply": "Dear Zoé,\n\nfrom 90 a night."}, "moves": ["approved", "rejected"],
        "history": [
            {"kind": "assigned", "actor": "ann", "at": AT, "assigned_to": "kim", "fields": None, "code": None},
            {"kind": "moved", "actor": "kim", "at": AT, "from_state": "suggested", "to_state": "in_review", "code": None},
        ],
        "notes": [{"author": "kim", "body": "Ask Bo about\nthe summer.", "at": AT}],
        "thread": [
            {"kind": "touch", "at": AT, "subject": "Rooms", "body": "Hello Zoé"},
            {"kind": "reply", "at": AT, "subject": "Re: Rooms", "body": "How much?", "from_name": "Zoé", "reply_id": ID},
        ],
    }  # fmt: skip
    return facts | more


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"title": "電話" * 60, "queue": "q" * 80, "assigned_to": "w" * 80},
        {"title": "", "assigned_to": None, "due_at": None},
    ],
)
def test_a_line_of_the_board_fits_a_hundred_columns(more: dict[str, Any]) -> None:
    assert cell_len(HEADER) <= WIDTH
    assert cell_len(row_of(card(**more), AT)) <= WIDTH


def test_a_line_says_what_is_late() -> None:
    assert "3 Mar late" in row_of(card(), AT + timedelta(days=2))
    assert "late" not in row_of(card(), AT)
    assert "late" not in row_of(card(state="done"), AT + timedelta(days=2))


def test_the_story_says_who_has_it_what_happened_and_what_can_be_done() -> None:
    told = "\n".join(story(card(), AT))
    for words in (
        "kim has it; due Tue 3 March 2026 09:00 UTC.",
        "Mon 2 March 2026 09:00 UTC  ann gave it to kim",
        "kim moved it from suggested to in_review",
        "      the summer.",
        "Zoé wrote, the reply of this card: Re: Rooms",
        "  from 90 a night.",
        "It may now become approved or rejected: touchline cards move 7d9c2f0a STATE",
    ):
        assert words in told


def test_a_reply_that_is_not_kept_any_more_is_said_to_be_gone() -> None:
    assert "The words of the reply are not kept any more." in list(story(card(thread=None), AT))
    assert not any("reply" in line and "thread" in line for line in story(card(reply_id=None), AT))


def test_what_strangers_wrote_moves_no_cursor() -> None:
    evil = "\x1b[2J\x1b]0;gone\x07\u202e"
    told = list(story(card(title=evil, description=evil, thread=[
        {"kind": "reply", "at": AT, "subject": evil, "body": evil, "from_name": evil, "reply_id": ID}]), AT))  # fmt: skip
    assert all(line.isprintable() for line in [*told, row_of(card(title=evil), AT)])
