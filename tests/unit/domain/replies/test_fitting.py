"""A mail that is too long keeps its headers and its text, whatever it is made of."""

import time
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.fitting import find_message_id, fit
from domain.replies.mime import parse_mail
from domain.replies.rebuilt import Attached, header_line, rebuild

LIMIT = 64 * 1024


def mail(*parts: tuple[str, bytes, str | None], text: str = "Yes please\n") -> bytes:
    made = EmailMessage()
    made["From"], made["Message-ID"], made["Subject"] = "zoe@hotel.example", "<big@hotel.example>", "Re: Rooms"
    made["In-Reply-To"] = "<token@sender.example>"
    made.make_mixed()
    for kind, data, name in parts:
        part = EmailMessage()
        main, _, sub = kind.partition("/")
        part.set_content(
            data, maintype=main, subtype=sub, disposition="attachment" if name else "inline", filename=name
        )
        made.attach(part)
    body = EmailMessage()
    body.set_content(text)
    made.attach(body)
    return made.as_bytes()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_text_after_a_large_attachment_survives(line_end: bytes) -> None:
    raw = mail(("application/pdf", b"\x01" * 200_000, "plan.pdf"), ("image/png", b"\x02" * 200_000, None))
    kept, is_cut = fit(raw.replace(b"\n", line_end), LIMIT)
    found = parse_mail(kept)
    assert is_cut
    assert len(kept) < 2000
    assert (found.text, found.in_reply_to, found.attachments) == (
        "Yes please",
        ("token@sender.example",),
        ("plan.pdf",),
    )


def test_a_mail_that_fits_is_left_alone() -> None:
    raw = mail(("application/pdf", b"\x01" * 1000, "plan.pdf"))
    assert fit(raw, len(raw)) == (raw, False)


def test_a_large_report_keeps_its_codes_and_the_id_of_what_it_returns() -> None:
    status = b"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; zoe@hotel.example\nAction: failed\nStatus: 5.1.1\n"
    returned = b"Message-ID: <token@sender.example>\nSubject: Rooms\n\n" + b"x" * 10_000_000
    lines = [
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\nFrom: mailer-daemon@mx.example\n',
        b"--b\nContent-Type: text/plain\n\nFailed.\n--b\nContent-Type: message/delivery-status\n\n" + status,
        b"--b\nContent-Type: message/rfc822\n\n" + returned,
        b"--b--\n",
    ]
    kept, _ = fit(b"\n".join(lines), 4 * 1024 * 1024)
    report = parse_mail(kept).report
    assert report is not None
    assert (report.recipients[0].status, report.original_message_ids) == ("5.1.1", ("token@sender.example",))


def test_the_cut_of_an_encoded_text_leaves_whole_lines() -> None:
    raw = rebuild([("From", "zoe@hotel.example")], "Yes please. " * 400_000, None)
    kept, _ = fit(raw, 3 * 1024 * 1024)
    assert parse_mail(kept).text.startswith("Yes please. Yes please.")


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 4_000_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"\n--b" * 5_000_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 500_000,
        b"a: b\n\n" + b"\n--" * 8_000_000,
        b"a" * 25_000_000,
        b"content-type:" * 2_000_000,
        b"Content-Type: multipart/mixed;" + b"\n boundary=" * 2_000_000,
    ],
    ids=["parts", "boundaries", "nested", "dashes", "no headers", "types", "folded"],
)
def test_hostile_mail_of_25_mb_is_cut_at_once(raw: bytes) -> None:
    begun = time.process_time()
    kept, is_cut = fit(raw, 4 * 1024 * 1024)
    assert is_cut
    assert len(kept) <= 4 * 1024 * 1024
    assert time.process_time() - begun < 1.0


PIECES = [
    b"--b\n",
    b"--b--\n",
    b"--c\r\n",
    b"\n",
    b"\r\n",
    b"Content-Type: text/plain\n",
    b"x" * 200,
    b"Content-Type: multipart/mixed; boundary=b\n",
    b'Content-Type: multipart/x; boundary="c"\n',
    b"\xff\x00",
]


@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=60,
    ),
    st.integers(0, 3000),
)
def test_whatever_it_is_no_more_than_the_limit_is_kept_and_in_order(pieces: list[bytes], limit: int) -> None:
    raw = b"".join(pieces)
    kept, is_cut = fit(raw, limit)
    assert len(kept) <= limit
    assert is_cut == (len(raw) > limit)
    rest = iter(raw)
    assert all(byte in rest for byte in kept), "only bytes of the mail, in its order"


def test_the_id_of_a_mail_without_one_is_that_of_its_bytes() -> None:
    assert (
        find_message_id(b"Subject: x\n\ny")
        == find_message_id(b"Subject: x\n\ny")
        != find_message_id(b"Subject: x\n\nz")
    )


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_header_reads_as_it_was_given_and_stays_one_line(name: str, value: str) -> None:
    line = header_line("Subject", value)
    assert line.count(b"\n") == 1
    assert header_line(name, value).count(b"\n") <= 1
    if value.isprintable() and "=?" not in value:
        assert parse_mail(line + b"\r\nx").subject == " ".join(value.split())


@given(
    st.lists(st.tuples(st.text(max_size=10), st.text(max_size=30)), max_size=5),
    st.text(max_size=100),
    st.lists(st.builds(Attached, st.text(max_size=10), st.text(max_size=15), st.binary(max_size=100)), max_size=3),
)
def test_a_rebuilt_mail_is_one_mail_with_that_text(
    headers: list[tuple[str, str]], text: str, attached: list[Attached]
) -> None:
    raw = rebuild([("From", "zoe@hotel.example"), *headers], text, None, attached)
    found = parse_mail(raw)
    assert raw.isascii() or attached
    assert found.from_email == "zoe@hotel.example"
    assert raw == rebuild([("From", "zoe@hotel.example"), *headers], text, None, attached)
