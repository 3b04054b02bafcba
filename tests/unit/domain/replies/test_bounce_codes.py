"""The code table, line by line (docs/behaviour.md 7.7)."""

import pytest

from domain.replies.bounces import bounce_kind, enhanced_code


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("5.1.1", "hard"),
        ("5.1.2", "hard"),
        ("5.1.10", "hard"),
        ("5.1.7", "ours"),
        ("5.1.8", "ours"),
        ("5.2.1", "hard"),
        ("5.2.2", "soft"),
        ("5.7.1", "policy"),
        ("5.7.26", "policy"),
        ("4.4.7", "soft"),
        ("4.7.0", "soft"),
        ("5.0.0", None),
        ("5.4.4", None),
        ("5.2.3", None),
        ("2.0.0", None),
        ("5.10.1", None),
    ],
)
def test_each_code_has_its_kind(code: str, kind: str | None) -> None:
    assert bounce_kind(code) == kind


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("smtp; 550 5.1.1 <x@y.example>: no such user", "5.1.1"),
        ("550 no such user here", "5.1.1"),
        ("552 mailbox full", "5.2.2"),
        ("554 refused", "5.0.0"),
        ("451 try later", "4.0.0"),
        ("host mx1.1.2.example said hello", None),
        ("delivered at 10.5.1.1", None),
        ("version 15.1.1", None),
        ("", None),
    ],
)
def test_the_code_is_found_in_what_a_server_says(text: str, code: str | None) -> None:
    assert enhanced_code(text) == code
