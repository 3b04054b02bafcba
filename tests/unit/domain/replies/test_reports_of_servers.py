"""Reports as mail servers write them, structured and not: the code, its kind, and whose fate it is (docs/behaviour.md 7.7)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.replies.bounces import bounce_kind, enhanced_code, said_code
from domain.replies.mime import parse_mail
from domain.replies.recognise import Recognised, recognise

AT = datetime(2026, 3, 3, 10, tzinfo=UTC)
COPY = """

--- Below this line is a copy of the message.

Message-ID: <tok@sender.example>
To: gone@corp.example
Subject: Question

Hi, unsubscribe
"""
GONE = "gone@corp.example"


def recognised(raw: str) -> Recognised | None:
    return recognise(parse_mail(raw.replace("\n", "\r\n").encode()), AT, ZoneInfo("UTC"))


def plain(subject: str, body: str, sender: str = "MAILER-DAEMON@mx.other.example") -> str:
    head = f"Return-Path: <>\nFrom: {sender}\nTo: anna@sender.example\nSubject: {subject}\nMessage-ID: <r1@mx.other.example>"
    return f"{head}\n\n{body}{COPY}"


def report(*groups: str, returned_to: str = "gone@corp.example") -> str:
    head = "From: MAILER-DAEMON@mx.other.example\nSubject: Undelivered\n"
    head += "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    status = "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\n" + "\n\n".join(groups)
    return f"{head}{status}\n\n--b\nContent-Type: message/rfc822\n\nTo: {returned_to}\nMessage-ID: <tok@sender.example>\n\nHi\n--b--\n"


def fate(address: str, action: str, status: str, words: str = "") -> str:
    said = f"\nDiagnostic-Code: smtp; {words}" if words else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}{said}"


QMAIL = "Hi. This is the qmail-send program at mx.\n\n<gone@corp.example>:\n"
SENDMAIL = "   ----- The following addresses had permanent fatal errors -----\n<gone@corp.example>\n"

PLAIN = [
    ("failure notice", f"{QMAIL}Sorry, no mailbox here by that name. (#5.1.1)", "hard", "5.1.1"),
    ("failure notice", f"{QMAIL}Remote host said: 554 rejected due to spam content", "policy", "5.7.1"),
    ("Returned mail: see transcript for details", f"{SENDMAIL}    (reason: 550 User unknown)", "hard", "5.1.1"),
    ("Returned mail: Host unknown", "550 5.1.2 <gone@corp.example>... Host unknown (host not found)", "hard", "5.1.2"),
    ("Undeliverable mail", "Mailbox full: gone@corp.example", "soft", "5.2.2"),
    ("Unzustellbar: Frage", "Die Mailbox gone@corp.example existiert nicht. 550 5.1.1 unknown", "hard", "5.1.1"),
    ("Non remis : Question", "550 5.2.1 boite desactivee", "hard", "5.2.1"),
    ("No se puede entregar: Pregunta", "552 mailbox full", "soft", "5.2.2"),
    ("Recapito non riuscito: Domanda", "550 5.7.1 bloccato", "policy", "5.7.1"),
    ("Não é possível entregar: Pergunta", "451 4.4.1 timeout", "soft", "4.4.1"),
    ("Onbestelbaar: Vraag", "550 5.1.10 niet gevonden", "hard", "5.1.10"),
]
FATES = [
    ("5.0.0", "550 Requested action not taken: mailbox unavailable", "hard", "5.1.1"),
    ("5.0.0", "552 5.2.2 over quota", "soft", "5.2.2"),
    ("5.0.0", "550 listed at spamhaus", "policy", "5.7.1"),
    ("5.1.0", "550 sender domain does not exist", "ours", "5.1.8"),
]


@pytest.mark.parametrize(
    ("raw", "kind", "code"),
    [
        *((plain(subject, body), kind, code) for subject, body, kind, code in PLAIN),
        *((report(fate(GONE, "failed", status, words)), kind, code) for status, words, kind, code in FATES),
        (plain("Undelivered", "550 no such user", sender="Mail Delivery Subsystem <MAILER-DAEMON>"), "hard", "5.1.1"),
    ],
)
def test_each_servers_failure_has_its_code_and_kind(raw: str, kind: str, code: str) -> None:
    found = recognised(raw)
    assert found is not None
    assert (found.disposition, found.bounce, found.bounce_code) == ("BOUNCE", kind, code)


@pytest.mark.parametrize(
    "raw",
    [
        plain(
            "Warning: message 1abc delayed 24 hours", "Your message has not yet been delivered: 451 4.7.1 greylisted"
        ),
        plain("Delivery Status Notification (Delay)", "It will be retried. 451 4.4.1"),
        plain("Verzögerte Zustellung: Frage", "Noch nicht zugestellt."),
        report(fate(GONE, "delayed", "4.4.1")),
        report(fate(GONE, "relayed", "2.0.0")),
        report(fate(GONE, "expanded", "2.0.0")),
        report(fate(GONE, "delivered", "2.1.5"), fate("other@corp.example", "failed", "5.1.1")),
    ],
)
def test_what_is_late_or_delivered_changes_nothing(raw: str) -> None:
    found = recognised(raw)
    assert found is not None
    assert (found.disposition, found.suppresses) == ("AUTOMATED", False)


def test_of_several_fates_ours_counts() -> None:
    raw = report(fate("other@corp.example", "failed", "4.2.2"), fate(GONE, "failed", "5.1.1"))
    found = recognised(raw)
    assert found is not None
    assert (found.bounce_code, found.bounced) == ("5.1.1", (GONE,))


def test_of_others_fates_the_first_failure_counts_when_ours_is_not_told() -> None:
    found = recognised(
        report(
            fate("x@corp.example", "failed", "5.1.1"),
            fate("y@corp.example", "delivered", "2.0.0"),
            returned_to="all@corp.example",
        )
    )
    assert found is not None
    assert (found.disposition, found.bounce_code) == ("BOUNCE", "5.1.1")


def test_a_persons_mail_about_a_failure_is_no_report() -> None:
    assert (
        recognised(
            plain(
                "Undeliverable?", "Your colleague's mail bounced, 550 5.1.1. Call me.", sender="per@corp.example"
            ).replace("Return-Path: <>\n", "")
        )
        is None
    )


@pytest.mark.parametrize(
    ("kind", "disposition"),
    [("abuse", "COMPLAINT"), ("fraud", "COMPLAINT"), ("not-spam", "AUTOMATED"), ("auth-failure", "AUTOMATED")],
)
def test_a_feedback_report_is_judged_by_its_type(kind: str, disposition: str) -> None:
    raw = "From: fbl@provider.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=f\n\n"
    raw += f"--f\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\n--f--\n"
    found = recognised(raw)
    assert found is not None
    assert found.disposition == disposition


def test_a_complaint_in_the_old_form_is_known_by_its_subject_and_the_mail_in_it() -> None:
    raw = "From: staff@provider.example\nSubject: complaint about message from 192.0.2.1\n"
    raw += "Content-Type: multipart/mixed; boundary=j\n\n--j\nContent-Type: message/rfc822\n\n"
    raw += "Message-ID: <tok@sender.example>\nTo: per@corp.example\n\nHi\n--j--\n"
    mail = parse_mail(raw.encode())
    assert mail.report is not None
    assert (mail.report.kind, mail.report.original_message_ids) == ("complaint", ("tok@sender.example",))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("550 5.1.1 no such user, see spamhaus", "5.1.1"),
        ("550 no such user", "5.1.1"),
        ("550 blocked using dnsbl", "5.7.1"),
        ("550 account disabled", "5.2.1"),
        ("554 delivery error: dd This user doesn't have a mail account", "5.1.1"),
        ("450 mailbox full, try later", "4.0.0"),
        ("550 what happened", "5.1.1"),
        ("hello", None),
    ],
)
def test_a_servers_words_say_more_than_its_bare_number(words: str, code: str | None) -> None:
    assert enhanced_code(words) == code


def test_every_reason_has_a_code_of_the_table() -> None:
    assert said_code("all is well") is None
    assert {bounce_kind(code) for code in ("5.2.2", "5.7.1", "5.1.8", "5.2.1", "5.1.1", "5.1.2")} == {
        "soft",
        "policy",
        "ours",
        "hard",
    }
