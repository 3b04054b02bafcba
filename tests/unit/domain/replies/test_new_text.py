"""New text apart from quoted history, signature and disclaimer."""

import pytest

from domain.replies.quotes import separate
from tests.support import mails


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Yes.\n\nOn Mon, Anna Berg <anna@sender.example> wrote:\n> Hi\n> Bob", "Yes."),
        ("Yes.\n\nOn Monday 2 March 2026 at 09:00 Anna Berg\n<anna@sender.example> wrote:\n\n> Hi", "Yes."),
        ("Yes.\n\nOn Mon, Anna wrote:\nHi Per, unsubscribe here", "Yes."),
        ("> Do you want it?\nYes.\n> When?\nMonday.", "Yes.\nMonday."),
        ("On Mon, Anna <a@b.example> wrote:\n> Hi\n> there\n\nYes, below.", "Yes, below."),
        (mails.OUTLOOK_TEXT_ANSWER, "Sounds good, call me."),
        ("No.\n-----Original Message-----\nFrom: Anna\nHi", "No."),
        ("No.\n\nFrom: Anna Berg\nSent: Monday\nTo: Per\nSubject: x\n\nHi", "No."),
        ("See below.\n---------- Forwarded message ---------\nFrom: x", "See below."),
        ("Yes.\n-- \nPer Berg\nCEO, unsubscribe Ltd", "Yes."),
        ("Yes.\nSent from my iPhone", "Yes."),
        ("Yes.\n\nThis e-mail and any attachments are confidential and may be privileged.", "Yes."),
        ("From: here we can start on Monday", "From: here we can start on Monday"),
        ("On balance I think:\nyes", "On balance I think:\nyes"),
        ("", ""),
    ],
)
def test_only_what_was_typed_now_remains(text: str, new: str) -> None:
    assert separate(text)[0] == new


def test_what_was_cut_is_kept_apart() -> None:
    assert separate("Yes.\n> old\n> words") == ("Yes.", "> old\n> words")
