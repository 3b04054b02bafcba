"""winmail.dat: the body that Exchange hides in it, out of honest and of lying bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.mime import parse_mail
from domain.replies.rtf import rtf_to_text
from domain.replies.tnef import MAX_BODY, decompressed, read_tnef

HELLO = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)  # MS-OXRTFCP, 3.1.1
RTF_FROM_HTML = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}\htmlrtf {\f0 \htmlrtf0 "
    rb"Gr\'fc\'dfe \u8211?jetzt{\*\htmltag <br>}\htmlrtf \par\htmlrtf0 "
    rb"stop{\fonttbl{\f0 Arial;}}}"
)


def attribute(number: int, value: bytes, length: int | None = None) -> bytes:
    return struct.pack("<BII", 1, number, len(value) if length is None else length) + value + b"\x00\x00"


def tnef(*attributes: bytes) -> bytes:
    return b"\x78\x9f\x3e\x22\x01\x00" + b"".join(attributes)


def mapi(kind: int, number: int, value: bytes) -> bytes:
    padded = value + b"\x00" * (-len(value) % 4)
    return attribute(0x00069003, struct.pack("<IHHII", 1, kind, number, 1, len(value)) + padded)


def test_the_specifications_own_example_is_decompressed() -> None:
    assert decompressed(HELLO) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@pytest.mark.parametrize(
    ("data", "text", "html"),
    [
        (tnef(attribute(0x0002800C, b"Plain words\x00")), "Plain words", ""),
        (tnef(attribute(0x00069007, struct.pack("<I", 1251)), attribute(0x0002800C, "Привет".encode("cp1251"))), "Привет", ""),
        (tnef(mapi(0x001F, 0x1000, "Grüße".encode("utf-16-le"))), "Grüße", ""),
        (tnef(mapi(0x001E, 0x1000, b"words")), "words", ""),
        (tnef(mapi(0x0102, 0x1013, b"<p>words</p>")), "", "<p>words</p>"),
        (tnef(mapi(0x0102, 0x1009, HELLO)), "hello world", ""),
    ],
)  # fmt: skip
def test_each_place_of_the_body_is_read(data: bytes, text: str, html: str) -> None:
    found = read_tnef(data)
    assert (found.text, found.html) == (text, html)


def test_rich_text_around_html_gives_its_words() -> None:
    assert rtf_to_text(RTF_FROM_HTML) == "Grüße –jetzt\nstop"


def test_a_mail_that_is_a_winmail_alone_is_read() -> None:
    data = tnef(attribute(0x0002800C, b"Please remove me from your list."), attribute(0x00018010, b"plan.pdf\x00"))
    head = b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    mail = parse_mail(head + data)
    assert (mail.text, mail.attachments) == ("Please remove me from your list.", ("plan.pdf",))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x78\x9f\x3e\x22",
        tnef(attribute(0x0002800C, b"cut off", length=2**32 - 1)),
        tnef(attribute(0x00069003, struct.pack("<IHHI", 2**32 - 1, 0x101E, 0x1000, 2**32 - 1))),
        tnef(attribute(0x00069003, struct.pack("<IHH", 9, 0x7777, 0x1000))),
    ],
)
def test_lengths_that_lie_cost_what_they_hide(data: bytes) -> None:
    assert len(read_tnef(data).text) <= 10


def test_a_text_that_swells_is_cut() -> None:
    bomb = struct.pack("<IIII", 0, 2**32 - 1, 0x75465A4C, 0) + b"\xff\x00\x1f" * 100_000
    assert len(decompressed(bomb)) <= MAX_BODY + 17


@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_as_far_as_they_go(data: bytes) -> None:
    read_tnef(tnef(data))
    read_tnef(tnef(mapi(0x0102, 0x1009, data)))
    rtf_to_text(data)
    decompressed(data)
