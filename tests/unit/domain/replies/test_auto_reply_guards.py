"""To whom no machine answers (docs/behaviour.md 7.6)."""

from dataclasses import replace
from typing import Any

import pytest

from agents.replying.knowledge import Knowledge
from domain.replies.auto_reply import why_not
from domain.replies.mail import Mail, Report
from domain.replies.verdict import Verdict
from schemas.definitions import Definition
from sinks.postgres.replies import Match, StoredReply
from tests.support.replying import AT, touch

OWN = frozenset({"anna@sender.example"})
PERSON = Mail(
    from_email="per@corp.example",
    subject="AW: Rooms",
    text="When does it open?",
    references=("ours@sender.example",),
    message_id="q@corp.example",
    headers={"return-path": "<per@corp.example>"},
)


def test_a_person_may_be_answered() -> None:
    assert why_not(PERSON, OWN) is None
    assert why_not(replace(PERSON, headers={"auto-submitted": "no", "precedence": "normal"}), OWN) is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"auto-submitted": "auto-replied"}, "auto_submitted"),
        ({"auto-submitted": "Auto-Generated; owner=x"}, "auto_submitted"),
        ({"x-autoreply": "yes"}, "machine"),
        ({"x-auto-response-suppress": "All"}, "machine"),
        ({"list-id": "<news.corp.example>"}, "list"),
        ({"precedence": "Bulk"}, "list"),
        ({"precedence": "list"}, "list"),
        ({"return-path": "<>"}, "no_return_path"),
        ({"x-failed-recipients": "a@b.example"}, "report"),
    ],
)
def test_a_machine_and_a_list_are_not_answered(headers: dict[str, str], why: str) -> None:
    assert why_not(replace(PERSON, headers=headers), OWN) == why


@pytest.mark.parametrize(
    "local",
    ["noreply", "no-reply", "No_Reply".lower(), "donotreply", "do-not-reply", "news.no-reply", "noreply+7", "ne-pas-repondre",
     "nepasrepondre", "keine-antwort", "nicht.antworten", "no-responder", "no-contestar", "non-rispondere", "nao-responda",
     "niet-beantwoorden", "mailer-daemon", "postmaster", "bounces+1=2", "owner-list", "list-request", "notifications", "robot"],
)  # fmt: skip
def test_an_address_that_nobody_reads_is_not_answered(local: str) -> None:
    assert why_not(replace(PERSON, from_email=f"{local}@corp.example"), OWN) == "no_reply_address"


@pytest.mark.parametrize(
    "local",
    ["norbert", "anna.noor", "robert", "systema", "per.alerts-person", "bounty", "donna.reply", "anna.responda"],
)
def test_a_persons_name_is_no_machines(local: str) -> None:
    assert why_not(replace(PERSON, from_email=f"{local}@corp.example"), OWN) is None


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        (replace(PERSON, report=Report("receipt")), "report"),
        (replace(PERSON, from_email="anna@sender.example"), "our_own"),
        (replace(PERSON, from_email=None), "no_sender"),
        (replace(PERSON, calendar_method="REPLY"), "calendar"),
    ],
)
def test_reports_calendars_and_ourselves_are_not_answered(mail: Mail, why: str) -> None:
    assert why_not(mail, OWN) == why


# -- with what the campaign says


def knowing(**campaign: Any) -> Knowledge:
    known = Knowledge(lambda email: f"of {email}".encode())
    auto: dict[str, Any] = {"auto_reply": {"STATUS": {"body": "Soon."}}}
    for kind, name, spec in (
        ("campaign", "q1", auto | campaign),
        ("mailbox", "anna", {"from": "Anna <anna@sender.example>"}),
        ("sms_sender", "text", {"number": "+4612345678"}),
    ):
        known.take((kind, name), Definition(kind=kind, id=name, revision=1, spec=spec, at=AT))  # pyright: ignore[reportArgumentType]
    return known


def stored(**more: Any) -> StoredReply:
    row = touch()
    match = Match("in_reply_to", 1.0, row.send_id, row.enrollment_id, row.lead_id, row.campaign_id, row.step_id)
    known: dict[str, Any] = {
        "reply_id": row.send_id, "state": "matched", "received_at": AT, "at": AT, "match": match, "pool_id": "main",
        "mailbox_id": "anna", "lead_timezone": "Europe/Oslo", "address_key": b"of per@corp.example", "mail": PERSON, "attempts": 1,
    }  # fmt: skip
    return StoredReply(**(known | more))


STATUS = Verdict("NEEDS_MORE_INFO", 0.97, "model", "model", category="STATUS")


def test_who_wrote_and_was_written_to_is_answered_in_the_mails_own_thread() -> None:
    to = knowing().answer_to(stored(), STATUS)
    assert to is not None
    assert (to.email, to.mailbox_id, to.timezone) == ("per@corp.example", "anna", "Europe/Oslo")
    assert (to.thread.subject, to.thread.message_ids) == ("Rooms", ["<ours@sender.example>", "<q@corp.example>"])


@pytest.mark.parametrize(
    ("reply", "verdict", "campaign"),
    [
        ({"address_key": b"of somebody else"}, {}, {}),
        ({"mailbox_id": "text"}, {}, {}),
        ({"mailbox_id": "gone"}, {}, {}),
        ({"mail": replace(PERSON, headers={"list-id": "<l>"})}, {}, {}),
        ({}, {"confidence": 0.949}, {}),
        ({}, {"category": "CASE"}, {}),
        ({}, {"category": "SCHEDULING"}, {}),
        ({}, {"disposition": "UNSUBSCRIBE"}, {}),
        ({}, {"disposition": "OUT_OF_OFFICE"}, {}),
        ({}, {"suppresses": True}, {}),
        ({}, {}, {"auto_reply": {}}),
        ({}, {}, {"auto_reply": None}),
    ],
)
def test_nobody_is_answered_where_a_guard_fails(
    reply: dict[str, Any], verdict: dict[str, Any], campaign: dict[str, Any]
) -> None:
    assert knowing(**campaign).answer_to(stored(**reply), replace(STATUS, **verdict)) is None


def test_without_the_ledgers_key_nobody_is_answered() -> None:
    assert Knowledge().answer_to(stored(), STATUS) is None
