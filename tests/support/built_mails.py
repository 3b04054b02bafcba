"""Mails of tests/mail/built: those whose very bytes matter, or whose size does, which no text file shows.

Placeholders stand in them as in the files; lines are ended here.
"""

from __future__ import annotations

import struct
from base64 import encodebytes
from collections.abc import Callable

BUILT: dict[str, Callable[[], bytes]] = {}
"""A mail's maker by the name of its expectation in tests/mail/built/expected.yaml."""


def _built(make: Callable[[], bytes]) -> Callable[[], bytes]:
    BUILT[make.__name__.replace("_", "-")] = make
    return make


def _head(*more: str, send: str = "nora", subject: str = "Re: Question about Brickworks") -> bytes:
    lines = (
        "From: Nora Lindqvist <nora.lindqvist@brickworks.example>",
        "To: anna@sender.example",
        f"Subject: {subject}",
        "Date: Tue, 1 Dec 2026 14:00:00 +0100",
        "Message-ID: <built@brickworks.example>",
        f"In-Reply-To: <{{{{token:{send}}}}}@sender.example>",
        "MIME-Version: 1.0",
        *more,
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _attached(name: str, kind: str, data: bytes) -> bytes:
    front = (
        f'Content-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
        f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'
    )
    return front.encode() + encodebytes(data).replace(b"\n", b"\r\n")


def _multipart(kind: str, *parts: bytes) -> bytes:
    body = b"".join(b"--built\r\n" + part + b"\r\n" for part in parts)
    return _head(f'Content-Type: multipart/{kind}; boundary="built"') + b"\r\n" + body + b"--built--\r\n"


# -- winmail.dat: Microsoft's TNEF ([MS-OXTNEF]), a stream of attributes with a level, an id, a length and a checksum


def _attribute(level: int, number: int, data: bytes) -> bytes:
    return struct.pack("<BII", level, number, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def _tnef(*attributes: bytes) -> bytes:
    version = _attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
    codepage = _attribute(1, 0x00069007, struct.pack("<II", 1252, 0))
    message_class = _attribute(1, 0x00078008, b"IPM.Microsoft Mail.Note\x00")
    return struct.pack("<IH", 0x223E9F78, 1) + version + codepage + message_class + b"".join(attributes)


def _properties(*properties: bytes) -> bytes:
    """attMsgProps: a count, then each property with its type and id."""
    return _attribute(1, 0x00069003, struct.pack("<I", len(properties)) + b"".join(properties))


def _variable(kind: int, number: int, data: bytes) -> bytes:
    """A property of variable length: one value, padded to four bytes."""
    return struct.pack("<HHII", kind, number, 1, len(data)) + data + b"\x00" * (-len(data) % 4)


@_built
def tnef_plain_body() -> bytes:
    body = _attribute(1, 0x0002800C, b"Send the offer to our Ghent office, please.\r\nNora\x00")
    return _multipart("mixed", _attached("winmail.dat", "application/ms-tnef", _tnef(body)))


@_built
def tnef_unicode_property() -> bytes:
    text = "Grüße, wir nehmen zwei Öfen.\x00".encode("utf-16-le")
    subject = _variable(0x001F, 0x0037, "Re: Öfen\x00".encode("utf-16-le"))
    data = _tnef(_properties(subject, _variable(0x001F, 0x1000, text)))
    return _head('Content-Type: application/ms-tnef; name="winmail.dat"', "Content-Transfer-Encoding: base64") + (
        b"\r\n" + encodebytes(data).replace(b"\n", b"\r\n")
    )


@_built
def tnef_html_property() -> bytes:
    html = b"<html><body><p>What is the price for two?</p></body></html>"
    data = _tnef(_properties(_variable(0x0102, 0x1013, html)))
    return _multipart("mixed", _attached("winmail.dat", "application/ms-tnef", data))


@_built
def tnef_beside_a_text() -> bytes:
    text = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nThe words stand here.\r\n"
    body = _attribute(1, 0x0002800C, b"The words stand here.\x00")
    file = _attribute(2, 0x00069002, struct.pack("<HIHHI", 1, 0, 32, 32, 0)) + _attribute(
        2, 0x00018010, b"kiln.dwg\x00"
    )
    return _multipart("mixed", text, _attached("winmail.dat", "application/ms-tnef", _tnef(body, file)))


@_built
def tnef_asks_to_be_taken_off() -> bytes:
    body = _attribute(1, 0x0002800C, b"Please unsubscribe me.\x00")
    return _multipart("mixed", _attached("winmail.dat", "application/ms-tnef", _tnef(body)))


@_built
def tnef_that_lies_about_its_lengths() -> bytes:
    liar = struct.pack("<BII", 1, 0x0002800C, 0xFFFFFFF0) + b"short"
    properties = _attribute(1, 0x00069003, struct.pack("<I", 0xFFFFFFFF) + b"\x1f\x00\x00\x10\xff\xff\xff\x7f")
    return _multipart("mixed", _attached("winmail.dat", "application/ms-tnef", _tnef(properties, liar)))


# -- bytes that text files do not keep


@_built
def nul_bytes() -> bytes:
    return _head("Content-Type: text/plain") + b"\r\nCall\x00 me on\x00 Friday\r\n"


@_built
def bare_carriage_returns() -> bytes:
    return _head("Content-Type: text/plain").replace(b"\r\n", b"\n") + b"\nOne line\rand another\r\r\nand a third\n"


@_built
def bare_line_feeds() -> bytes:
    return (_head("Content-Type: text/plain") + b"\r\nFine with us.\r\n\r\n> old\r\n").replace(b"\r\n", b"\n")


@_built
def utf16_body() -> bytes:
    text = "Näin on hyvä.".encode("utf-16")
    return _head("Content-Type: text/plain; charset=utf-16", "Content-Transfer-Encoding: base64") + (
        b"\r\n" + encodebytes(text).replace(b"\n", b"\r\n")
    )


@_built
def form_feeds_and_escapes() -> bytes:
    return _head("Content-Type: text/plain") + b"\r\n\x1b[31mPrice\x1b[0m list,\x0c please\x07\r\n"


@_built
def invalid_utf8() -> bytes:
    return _head("Content-Type: text/plain; charset=utf-8") + b"\r\nYes \xff\xfe\xc3 please \xed\xa0\x80 do\r\n"


# -- bombs: what they say is not lost, and they cost little


@_built
def deep_nesting() -> bytes:
    text = b"Content-Type: text/plain\r\n\r\nat the bottom\r\n"
    for depth in range(300):
        edge = f"n{depth}".encode()
        head = b'Content-Type: multipart/mixed; boundary="' + edge + b'"\r\n\r\n'
        text = head + b"--" + edge + b"\r\n" + text + b"\r\n--" + edge + b"--\r\n"
    return _head() + text


@_built
def mails_within_mails() -> bytes:
    text = b"Content-Type: text/plain\r\n\r\nat the bottom\r\n"
    for _ in range(200):
        text = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n" + text
    return _head() + text


@_built
def five_thousand_parts() -> bytes:
    first = b"Content-Type: text/plain\r\n\r\nThe first part says it all.\r\n"
    return _multipart("mixed", first, *[b"Content-Type: text/plain\r\n\r\nx\r\n"] * 5000)


@_built
def header_of_a_megabyte() -> bytes:
    return _head("X-Padding: " + "a" * 1_000_000, "Content-Type: text/plain") + b"\r\nunsubscribe me\r\n"


@_built
def ten_thousand_headers() -> bytes:
    return _head(*(f"X-H{number}: v" for number in range(10_000)), "Content-Type: text/plain") + b"\r\nStill here.\r\n"


@_built
def ten_thousand_references() -> bytes:
    ids = "\r\n ".join(f"<{number}@old.example>" for number in range(10_000))
    return _head(f"References: {ids}", "Content-Type: text/plain") + b"\r\nA long thread.\r\n"


@_built
def subject_of_encoded_words() -> bytes:
    words = "\r\n ".join(["=?utf-8?B?dW5zdWI=?="] * 3000)
    return _head("Content-Type: text/plain", subject=words) + b"\r\nPlease call.\r\n"


@_built
def line_of_two_megabytes() -> bytes:
    return _head("Content-Type: text/plain") + b"\r\nHello " + b"> " * 1_000_000 + b"\r\n"


@_built
def html_nested_thirty_thousand_deep() -> bytes:
    html = b"<div>" * 30_000 + b"Deep words" + b"</div>" * 30_000
    return _head("Content-Type: text/html; charset=utf-8") + b"\r\n" + html + b"\r\n"


@_built
def quotes_nested_deep() -> bytes:
    quoted = b"".join(b">" * depth + b" unsubscribe\r\n" for depth in range(1, 500))
    return _head("Content-Type: text/plain") + b"\r\nTop words.\r\n\r\n" + quoted


@_built
def large_attachment_before_the_words() -> bytes:
    words = b"Content-Type: text/plain\r\n\r\nThe drawing is attached.\r\n"
    drawing = _attached("drawing.bin", "application/octet-stream", bytes(range(256)) * 4096)
    return _multipart("mixed", drawing, words)


@_built
def twenty_five_megabytes() -> bytes:
    words = b"Content-Type: text/plain\r\n\r\nThe film of our kiln.\r\n"
    return _multipart("mixed", words, _attached("kiln.mov", "video/quicktime", b"\x00" * 18_000_000))


@_built
def report_with_a_thousand_recipients() -> bytes:
    groups = "".join(
        f"\r\nFinal-Recipient: rfc822; a{number}@brickworks.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        for number in range(1000)
    )
    status = f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n{groups}"
    returned = "Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{{token}}@sender.example>\r\n"
    head = (
        "From: MAILER-DAEMON@mx.example\r\nTo: anna@sender.example\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        "Date: Tue, 1 Dec 2026 14:00:00 +0100\r\nMessage-ID: <many@mx.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="built"\r\n\r\n'
    )
    return f"{head}--built\r\n{status}\r\n--built\r\n{returned}\r\n--built--\r\n".encode()
