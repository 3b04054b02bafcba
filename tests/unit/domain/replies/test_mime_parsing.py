"""Raw mail becomes a small, clean `Mail`, whatever the bytes are."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.replies.mail import Mail
from domain.replies.mime import MAX_NEW_TEXT, parse_mail
from tests.support import mails


def test_an_answer_from_gmail_is_read_without_its_history() -> None:
    mail = parse_mail(
        mails.raw(mails.GMAIL_ANSWER, "tok", to="reply+TOK@mail.example", body="Can you send prices =E2=80=93 soon?")
    )
    assert mail.text == "Can you send prices – soon?"
    assert "unsubscribe here" in mail.quoted
    assert (mail.from_name, mail.from_email) == ("Jörg Müller", "joerg.mueller@corp.example")
    assert mail.recipients == ("reply+tok@mail.example",)
    assert (mail.message_id, mail.in_reply_to) == ("CAF123@mail.corp.example", ("tok@sender.example",))
    assert mail.references == ("older@sender.example", "tok@sender.example")
    assert not mail.truncated


def test_an_answer_in_html_alone_is_read_without_its_history() -> None:
    mail = parse_mail(mails.raw(mails.OUTLOOK_HTML_ANSWER))
    assert mail.text == "What does it cost?\nPer"
    assert "remove me" in mail.quoted
    assert mail.from_name == "Berg, Per"


def test_words_split_by_inline_markup_stay_whole() -> None:
    raw = b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n<p>un<b>sub</b>scribe</p><script>alert(1)</script>"
    assert parse_mail(raw).text == "unsubscribe"


@pytest.mark.parametrize(
    ("charset", "data"),
    [
        ("iso-8859-1", "Grüße".encode("latin-1")),
        ("utf-8", "Grüße".encode("latin-1")),  # a lie
        ("us-ascii", "Grüße".encode()),
        ("x-unknown", "Grüße".encode()),
        ("unicode_escape", "Grüße".encode()),
        ("zlib", "Grüße".encode()),
    ],
)
def test_a_wrong_charset_costs_letters_at_most(charset: str, data: bytes) -> None:
    text = parse_mail(b"Content-Type: text/plain; charset=" + charset.encode() + b"\r\n\r\n" + data).text
    assert text.startswith("Gr")
    assert len(text) >= 5


def test_names_of_attachments_are_kept_and_their_contents_are_not() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee file\r\n--x\r\n"
        b'Content-Type: text/plain; name="note.txt"\r\nContent-Disposition: attachment; filename="note.txt"\r\n\r\nsecret\r\n--x--'
    )
    mail = parse_mail(raw)
    assert (mail.text, mail.attachments) == ("see file", ("note.txt",))


def test_a_forwarded_mail_inside_is_not_this_mails_text() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Subject: inner\r\n\r\nunsubscribe\r\n--x\r\nContent-Type: text/plain\r\n\r\nouter\r\n--x--"
    )
    assert parse_mail(raw).text == "outer"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n\r\n",
        b"\x00" * 1000,
        b"From: " + b"(" * 100_000 + b"\r\n\r\nhi",
        b"Subject: " + b"=?utf-8?q?a?= " * 50_000 + b"\r\n\r\nhi",
        b"Subject: =?utf-8?b?!!!?=\r\nFrom: =?x?y?z?=\r\n\r\nhi",
        b"Content-Type: message/rfc822\r\n\r\n" * 3000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 20_000,
        b"X: y\r\n" * 60_000,
        b"Content-Type: multipart/mixed; boundary=0\r\n\r\n"
        + b"".join(b"--%d\r\nContent-Type: multipart/mixed; boundary=%d\r\n\r\n" % (i, i + 1) for i in range(900)),
    ],
)
def test_hostile_mail_is_read_as_far_as_it_goes(raw: bytes) -> None:
    assert len(parse_mail(raw).text) <= MAX_NEW_TEXT


def test_what_is_cut_off_is_said() -> None:
    mail = parse_mail(b"From: a@b.example\r\n\r\n" + b"word " * 100_000)
    assert mail.truncated
    assert len(mail.text) == MAX_NEW_TEXT


def test_nul_and_lone_surrogates_never_get_through() -> None:
    raw = (
        b"From: \xff\x00x@y.example\r\nSubject: a\x00\xff\xfe\r\nMessage-ID: <\x00a\xff@b>\r\n\r\nb\x00ody \xed\xa0\x80"
    )
    written = json.dumps(parse_mail(raw).to_json(), ensure_ascii=False).encode()  # fails on a lone surrogate
    assert b"\\u0000" not in written


def test_a_mail_survives_its_way_through_json() -> None:
    for template in (mails.GMAIL_ANSWER, mails.POSTFIX_BOUNCE, mails.ARF_COMPLAINT, mails.READ_RECEIPT):
        mail = parse_mail(mails.raw(template, "tok"))
        assert Mail.from_json(json.loads(json.dumps(mail.to_json()))) == mail


TEMPLATES = [
    mails.raw(template, "tok")
    for template in (
        mails.GMAIL_ANSWER,
        mails.OUTLOOK_HTML_ANSWER,
        mails.POSTFIX_BOUNCE,
        mails.ARF_COMPLAINT,
        mails.EXIM_BOUNCE,
    )
]
JUNK = [
    b"\x00",
    b"\r\n\r\n",
    b"--b1\r\n",
    b"=?utf-8?q?",
    b"Content-Type: multipart/mixed; boundary=b1\r\n",
    b"<",
    b"\xff\xfe",
    b"charset=idna",
    b"(" * 50,
]


@settings(max_examples=500, deadline=2000)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_a_mail_broken_at_random_is_read_without_a_fault(seed: int) -> None:
    draw = random.Random(seed)
    raw = bytearray(draw.choice(TEMPLATES))
    for _ in range(draw.randint(1, 12)):
        at = draw.randrange(len(raw))
        if draw.random() < 0.5:
            del raw[at : at + draw.randint(1, 60)]
        raw[at:at] = draw.choice(JUNK) if draw.random() < 0.7 else draw.randbytes(draw.randint(1, 20))
    json.dumps(parse_mail(bytes(raw)).to_json(), ensure_ascii=False).encode()
