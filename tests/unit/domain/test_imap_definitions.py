"""The reply mailbox of a definition: what it may say, and every mistake named."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.compile import compile_definition
from domain.inbox import account_of
from domain.senders import Imap, Mailbox
from schemas.definitions import Definition
from tests.support.documents import MAILBOX, POOL, problems

IMAP: dict[str, Any] = {"host": "IMAP.sender.example", "username": "anna", "password_ref": "env:INBOX_PASSWORD"}


def compiled(**changes: Any) -> Imap:
    spec = {
        "kind": "Mailbox", "id": "anna", "pool": "main", "from": "anna@sender.example", "postal_address": "Street 1",
        "smtp": {"host": "smtp.example"}, "imap": {**IMAP, **changes},
    }  # fmt: skip
    at = datetime(2026, 3, 1, tzinfo=UTC)
    mailbox = compile_definition(Definition(kind="mailbox", id="anna", revision=1, spec=spec, at=at))
    assert isinstance(mailbox, Mailbox)
    assert mailbox.imap is not None
    return mailbox.imap


def test_what_is_left_out_has_the_usual_value() -> None:
    imap = compiled()
    assert (imap.host, imap.port, imap.security, imap.folder, imap.processed, imap.since) == (
        "imap.sender.example", 993, "tls", "INBOX", "leave", None,
    )  # fmt: skip
    assert compiled(security="starttls").port == compiled(security="none").port == 143
    assert compiled(port=1993).port == 1993


def test_processed_mail_may_be_moved_and_reading_may_begin_at_a_date() -> None:
    imap = compiled(processed="move:Touchline/Done: 2026", since="2026-03-01")
    assert (imap.processed, imap.move_to) == ("move", "Touchline/Done: 2026")
    assert imap.since == datetime(2026, 3, 1, tzinfo=UTC)
    assert compiled(since="2026-03-01T12:00:00+01:00").since == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_two_definitions_that_name_one_folder_share_it_whatever_else_they_say() -> None:
    assert account_of(compiled(folder="inbox")) == account_of(compiled(host="imap.SENDER.example", processed="seen"))
    assert account_of(compiled()) != account_of(compiled(folder="Replies"))
    assert account_of(compiled()) != account_of(compiled(username="bert"))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {}),
        ({"since": date(2026, 3, 1)}, {}),
        ({"password_ref": None, "token_ref": "file:/run/token"}, {}),
        ({"password_ref": None}, {"imap.password_ref": "login_incomplete"}),
        ({"token_ref": "file:/run/token"}, {"imap.password_ref": "login_incomplete"}),
        ({"username": "anna\r\nx"}, {"imap.username": "invalid_name"}),
        ({"folder": "a\tb"}, {"imap.folder": "invalid_name"}),
        ({"folder": "  "}, {"imap.folder": "invalid_name"}),
        ({"processed": "move:inbox"}, {"imap.processed": "moves_onto_itself"}),
        ({"processed": "move: "}, {"imap.processed": "invalid_name"}),
        ({"processed": "delete"}, {"imap.processed": "string_pattern_mismatch"}),
        ({"password_ref": "hunter2"}, {"imap.password_ref": "string_pattern_mismatch"}),
        ({"security": "ssl"}, {"imap.security": "literal_error"}),
        ({"pasword_ref": "env:X"}, {"imap.pasword_ref": "extra_forbidden"}),
    ],
)
def test_every_mistake_is_named_where_it_stands(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert problems(POOL, {**MAILBOX, "imap": {**IMAP, **changes}}) == expected
