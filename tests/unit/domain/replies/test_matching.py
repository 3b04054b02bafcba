"""Which touch a mail answers (docs/behaviour.md 7.2), strongest first, and nothing that can be made up."""

from uuid import UUID, uuid4

import pytest

from domain.replies.mail import Mail, Report
from domain.replies.matching import Candidate, base_subject, candidates, choose
from domain.tokens import TokenKeys, mail_token, read_mail_token

KEYS = TokenKeys.parse("k1:" + "A" * 43 + "=")
A, B, C, D = (uuid4() for _ in range(4))


def token(send_id: UUID) -> str:
    return mail_token(KEYS, send_id)


def read(text: str) -> UUID | None:
    return read_mail_token(KEYS, text)


def test_the_order_is_recipient_then_thread_then_known_ids() -> None:
    mail = Mail(
        message_id="foreign@x.example",
        recipients=("anna@sender.example", f"reply+{token(A)}@mail.example".upper().lower()),
        in_reply_to=(f"{token(B)}@sender.example",),
        references=(f"{token(C)}@sender.example", f"{token(D)}@sender.example"),
    )
    found = candidates(mail, read)
    assert [(c.matched_by, c.send_id) for c in found if c.send_id] == [
        ("recipient_token", A),
        ("in_reply_to", B),
        ("references", D),
        ("references", C),
    ]
    assert found[-1].message_id == "foreign@x.example"


def test_the_first_that_the_ledger_knows_counts() -> None:
    mail = Mail(recipients=(f"reply+{token(A)}@m.example",), in_reply_to=(f"{token(B)}@s.example",))
    assert choose(candidates(mail, read), {B: "row"}, {}) == (candidates(mail, read)[1], "row")
    assert choose(candidates(mail, read), {}, {}) is None


def test_a_message_id_that_a_relay_gave_is_known_by_the_ledger() -> None:
    mail = Mail(in_reply_to=("0100-ses@email.example",))
    chosen = choose(candidates(mail, read), {}, {"0100-ses@email.example": "row"})
    assert chosen is not None
    assert (chosen[0].matched_by, chosen[1]) == ("message_id", "row")


def test_a_made_up_token_matches_nothing() -> None:
    forged = token(A)[:-1] + ("a" if token(A)[-1] != "a" else "b")
    other = mail_token(TokenKeys.parse("k1:" + "B" * 43 + "="), A)
    for text in (forged, other):
        mail = Mail(recipients=(f"reply+{text}@m.example",), in_reply_to=(f"{text}@s.example",))
        assert not [c for c in candidates(mail, read) if c.send_id]


def test_a_report_is_matched_by_the_mail_it_returns() -> None:
    mail = Mail(report=Report("delivery", original_message_ids=(f"{token(A)}@sender.example",)))
    assert candidates(mail, read)[0] == Candidate("message_id", send_id=A)


def test_a_copy_of_our_own_mail_answers_nothing() -> None:
    own = Mail(
        message_id=f"{token(A)}@sender.example",
        from_email="anna@sender.example",
        references=(f"{token(B)}@sender.example",),
    )
    assert candidates(own, read) == ()


def test_a_machine_that_answers_under_our_id_is_matched_by_it() -> None:
    mail = Mail(message_id=f"{token(A)}@sender.example", from_email="robot@corp.example")
    assert candidates(mail, read)[0].send_id == A


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: AW: [x] Question", "[x] question"),
        ("RE[2]: Question", "question"),
        ("Automatic reply: Question", "question"),
        ("Re:", ""),
    ],
)
def test_prefixes_do_not_count(subject: str, base: str) -> None:
    assert base_subject(subject) == base
