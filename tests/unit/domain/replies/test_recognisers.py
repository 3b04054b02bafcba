"""Recognisers on mails as programs write them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.replies.mime import parse_mail
from domain.replies.recognise import Recognised, recognise
from tests.support import mails

RECEIVED = datetime(2026, 3, 3, 10, tzinfo=UTC)
ZONE = ZoneInfo("UTC")


def recognised(raw: bytes) -> Recognised | None:
    return recognise(parse_mail(raw), RECEIVED, ZONE)


def disposition(raw: bytes) -> str | None:
    found = recognised(raw)
    return None if found is None else found.disposition


def test_a_plain_answer_is_left_to_the_reader() -> None:
    for text in (
        "Sounds good, call me.",
        "What does it cost?",
        "Not now, maybe in autumn.",
        "asdf",
        "We left it open. Price?",
    ):
        assert disposition(mails.plain(text)) is None


def test_an_absence_from_exchange_is_known_with_its_return() -> None:
    found = recognised(mails.raw(mails.EXCHANGE_AWAY))
    assert found is not None
    assert (found.disposition, found.return_at) == ("OUT_OF_OFFICE", datetime(2026, 3, 16, 9, tzinfo=UTC))


def test_an_absence_without_headers_is_known_by_its_beginning() -> None:
    assert (
        disposition(mails.plain("Hello, I am currently out of the office and will be back on 12 March."))
        == "OUT_OF_OFFICE"
    )


def test_a_person_who_mentions_an_absence_is_left_to_the_reader() -> None:
    assert disposition(mails.plain("Sounds good! I'm out of the office until Monday, could you call me then?")) is None


def test_an_answer_to_our_own_subject_about_absence_is_no_absence() -> None:
    assert disposition(mails.plain("Yes, tell me more.", subject="Re: Out of office replies, solved")) is None


@pytest.mark.parametrize(
    "text",
    [
        "John Smith has left the company. Please contact Jane.",
        "John is no longer with Corp. His mail is not read.",
        "Please note that I have retired.",
    ],
)
def test_who_has_left_is_for_a_person_even_in_an_automatic_answer(text: str) -> None:
    assert (
        disposition(mails.plain(text, subject="Automatic reply: Question", Auto_Submitted="auto-replied"))
        == "ESCALATE_UNCLEAR"
    )


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind", "suppresses"),
    [
        ("5.1.1", "550 5.1.1 no such user", "hard", True),
        ("5.0.0", "550 5.1.1 no such user", "hard", True),
        ("5.2.2", "552 5.2.2 full", "soft", False),
        ("4.4.7", "451 4.4.7 expired", "soft", False),
        ("5.1.8", "553 5.1.8 sender domain", "ours", False),
        ("5.7.1", "550 5.7.1 blocked", "policy", False),
        ("5.3.0", "554 5.3.0 failed", "soft", False),
    ],
)
def test_a_delivery_report_is_judged_by_its_code(status: str, diagnostic: str, kind: str, *, suppresses: bool) -> None:
    found = recognised(mails.raw(mails.POSTFIX_BOUNCE, "t", status=status, diagnostic=diagnostic))
    assert found is not None
    assert (found.disposition, found.bounce, found.suppresses) == ("BOUNCE", kind, suppresses)
    assert found.bounced == ("gone@corp.example",)


def test_a_delay_changes_nothing() -> None:
    found = recognised(mails.raw(mails.POSTFIX_BOUNCE, "t", action="delayed", status="4.4.1"))
    assert found is not None
    assert (found.disposition, found.suppresses) == ("AUTOMATED", False)


def test_a_report_without_structure_is_known() -> None:
    found = recognised(mails.raw(mails.EXIM_BOUNCE, "t"))
    assert found is not None
    assert (found.disposition, found.bounce, found.bounce_code) == ("BOUNCE", "hard", "5.1.1")


def test_a_complaint_suppresses_and_its_opposite_does_not() -> None:
    found = recognised(mails.raw(mails.ARF_COMPLAINT, "t"))
    assert found is not None
    assert (found.disposition, found.suppresses) == ("COMPLAINT", True)
    assert disposition(mails.raw(mails.ARF_COMPLAINT, "t", kind="not-spam")) == "AUTOMATED"


@pytest.mark.parametrize(
    "raw",
    [
        mails.raw(mails.READ_RECEIPT, "t"),
        mails.plain("Your message\nTo: Per\nSubject: x\nwas read on Monday", subject="Read: Question"),
        mails.plain("Ticket 1234 has been opened.", subject="[#1234] received", Auto_Submitted="auto-replied"),
        mails.plain("Please confirm you are human so that your e-mail is delivered to my inbox"),
        mails.plain("x", subject="Warning: could not send message for past 4 hours", Auto_Submitted="auto-generated"),
        mails.plain("", subject="Accepted: Demo").replace(b"text/plain", b"text/calendar; method=REPLY"),
    ],
)
def test_machines_answers_let_the_sequence_go_on(raw: bytes) -> None:
    assert disposition(raw) == "AUTOMATED"


def test_an_invitation_to_meet_is_read_by_somebody() -> None:
    assert disposition(mails.plain("", subject="Demo").replace(b"text/plain", b"text/calendar; method=REQUEST")) is None


def test_a_request_to_be_taken_off_is_heard_and_suppresses() -> None:
    found = recognised(mails.plain("Please remove me from your list."))
    assert found is not None
    assert (found.disposition, found.suppresses) == ("UNSUBSCRIBE", True)


def test_quoted_history_and_machines_make_no_request() -> None:
    assert disposition(mails.raw(mails.GMAIL_ANSWER, "t")) is None
    assert disposition(mails.plain("Unsubscribe", subject="Newsletter", Auto_Submitted="auto-generated")) == "AUTOMATED"


def test_mail_to_the_unsubscribe_address_needs_no_words() -> None:
    raw = mails.plain("", subject="hello").replace(b"anna@sender.example", b"unsubscribe+tok@mail.example")
    assert disposition(raw) == "UNSUBSCRIBE"
