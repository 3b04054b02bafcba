"""Mail that nobody should have to read, made by chance: broken copies of the corpus, and hostile shapes by a grammar. The
same seed makes the same mail."""

from __future__ import annotations

import base64
import random
import struct
from collections.abc import Callable, Sequence

from domain.replies.languages import LANGUAGES

Draw = random.Random

JUNK = (
    b"\x00", b"\r\n\r\n", b"\r", b"\n", b"\n\n--", b"--\r\n", b"=?utf-8?q?", b"=?utf-8?b?4pi?=", b"?=",
    b"Content-Type: multipart/mixed; boundary=b1\r\n",
    b"<", b">", b"<<<>>>", b"\xff\xfe", b"\xed\xa0\x80", b"charset=idna", b"charset=utf-16", b"charset=zlib",
    b"(" * 50, b'"' * 3, b"; name*0*=utf-8''%ff; name*1=x",
    b"\xe2\x80\x8b", b"Auto-Submitted: auto-replied\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: x-uuencode\r\n", b"=\r\n", b"=ZZ=0", b"\x1b$B",
    b"> " * 40, b"From: ", b"{\\rtf1\\fromhtml", b"<div>" * 100, b"Message-ID: <", b"In-Reply-To: ", b"%s%n{0}",
    "ﬀ\u202e\u0130ß".encode(),
)  # fmt: skip
CHARSETS = (
    "utf-8", "utf-16", "utf-7", "iso-2022-jp", "iso-2022-kr", "gb18030", "hz", "koi8-r", "cp1252", "idna", "punycode",
    "unicode_escape", "zlib", "x-none", "", "'", "us-ascii",
    "utf-32", "big5", "cp037", "rot13", "undefined", "A" * 300,
)  # fmt: skip
SIZES = (1, 3, 10, 50, 300, 2000, 20_000)


def hostile_mail(seed: int, corpus: Sequence[bytes]) -> bytes:
    """One mail. Half are mutations of the corpus, half come from the grammar, some are both."""
    draw = Draw(seed)
    raw = mutated(draw, corpus) if draw.random() < 0.5 else built(draw)
    return _mutate(draw, raw, corpus) if draw.random() < 0.2 else raw


def mutated(draw: Draw, corpus: Sequence[bytes]) -> bytes:
    """A mail of the corpus with up to a dozen faults."""
    return _mutate(draw, draw.choice(corpus)[:200_000], corpus)


def _mutate(draw: Draw, raw: bytes, corpus: Sequence[bytes]) -> bytes:
    data = bytearray(raw or b"x")
    for _ in range(draw.randint(1, 12)):
        at = draw.randrange(len(data) or 1)
        kind = draw.randrange(7)
        if kind == 0:
            del data[at : at + draw.randint(1, 200)]
        elif kind == 1:
            data[at:at] = draw.choice(JUNK)
        elif kind == 2:
            data[at:at] = draw.randbytes(draw.randint(1, 40))
        elif kind == 3:
            data[at:at] = bytes(data[at : at + draw.randint(1, 300)]) * draw.choice((1, 2, 30))
        elif kind == 4:
            other = draw.choice(corpus)
            start = draw.randrange(len(other) or 1)
            data[at:at] = other[start : start + draw.randint(1, 2000)]
        elif kind == 5:
            del data[draw.randrange(len(data) or 1) :]
        else:
            line = draw.choice(bytes(data[:50_000]).split(b"\n") or [b""])
            data[at:at] = (line + b"\n") * draw.choice((2, 20, 500))
    return bytes(data)


def built(draw: Draw) -> bytes:
    """A mail by the grammar: some headers, one body, each of a shape that some reader has stumbled over."""
    lines = [draw.choice(_HEADERS)(draw) for _ in range(draw.randint(0, 8))]
    draw.shuffle(lines)
    return b"\r\n".join([*lines, draw.choice(_BODIES)(draw)])


def _times(draw: Draw, largest: int = 20_000) -> int:
    return draw.choice([size for size in SIZES if size <= largest])


def _subject(draw: Draw) -> bytes:
    word = f"=?{draw.choice(CHARSETS)}?{draw.choice('qQbBx')}?{draw.choice(('a', '=C3', '4pi6', '!!!', '=00'))}?="
    return b"Subject: " + (word + draw.choice((" ", "", "\r\n ", "\t"))).encode() * _times(draw, 2000)


def _addresses(draw: Draw) -> bytes:
    piece = draw.choice(
        (
            '"a, <b>" <a@b.example>, ',
            "(" * 5,
            "a@b.example,",
            "<<a@b>>",
            "undisclosed:;",
            "@@@",
            '"\\',
            "reply+k1-aaaa@x.example; ",
        )
    )
    return draw.choice((b"From: ", b"To: ", b"Cc: ", b"Delivered-To: ")) + piece.encode() * _times(draw)


def _references(draw: Draw) -> bytes:
    return draw.choice((b"References: ", b"In-Reply-To: ", b"Message-ID: ")) + draw.choice(
        (b"<a@b.example>\r\n ", b"<", b"x@", b"<>", b" \t")
    ) * _times(draw)


def _folded(draw: Draw) -> bytes:
    return b"X-Long: " + b"\r\n ".join([b"a" * draw.randint(0, 100)] * _times(draw, 2000))


def _telling(draw: Draw) -> bytes:
    return draw.choice(
        (
            b"Auto-Submitted: auto-replied",
            b"Return-Path: <>",
            b"X-Failed-Recipients: " + b"a@b.example, " * 500,
            b"Precedence: bulk",
            b"List-Id: <x>",
        )
    )


def _many(draw: Draw) -> bytes:
    return b"\r\n".join([b"X-%d: y" % number for number in range(_times(draw))])


_HEADERS: tuple[Callable[[Draw], bytes], ...] = (_subject, _addresses, _references, _folded, _telling, _many)


def _nested(draw: Draw) -> bytes:
    depth = _times(draw, 2000)
    kind = draw.choice((b"multipart/mixed", b"multipart/alternative", b"message/rfc822", b"multipart/report"))
    return (
        b"".join(b"Content-Type: %s; boundary=%d\r\n\r\n--%d\r\n" % (kind, level, level) for level in range(depth))
        + b"\r\ntext"
    )


def _parts(draw: Draw) -> bytes:
    kind = draw.choice(
        (
            b"text/plain",
            b"text/html",
            b"text/calendar",
            b"application/ms-tnef",
            b"message/delivery-status",
            b"message/rfc822",
            b"image/png; name=a",
        )
    )
    part = (
        b"--b\r\nContent-Type: "
        + kind
        + b"\r\n\r\n"
        + draw.choice((b"word", b"", b"Final-Recipient: x", b"METHOD:REPLY"))
        + b"\r\n"
    )
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + part * _times(draw)
        + draw.choice((b"--b--", b"", b"--b"))
    )


def _charset(draw: Draw) -> bytes:
    kind, flow = draw.choice(("plain", "html")), draw.choice(("", "; format=flowed", "; format=flowed; delsp=yes"))
    head = f"Content-Type: text/{kind}; charset={draw.choice(CHARSETS)}{flow}\r\n"
    encoding = draw.choice(("", "base64", "quoted-printable", "x-uuencode", "8bit", "binary", "what"))
    return (head + f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode() + draw.randbytes(_times(draw))


def _html(draw: Draw) -> bytes:
    piece = draw.choice((
        b"<div><b>", b"<blockquote>", b"<div class=gmail_quote>", b"<table><tr><td>", b"<p>a", b"<pre>\n",
        b"</div></p>", b"<!--", b"<svg><title>", b"&#0;&amp;&#x110000;",
        b"<div id=divRplyFwdMsg>", b"<div style='display:none'>stop", b"<a href='" + b"x" * 50, b"<style>", b"\xee\x80\x80",
    ))  # fmt: skip
    return b"Content-Type: text/html\r\n\r\n" + piece * _times(draw) + b"unsubscribe"


def _lines(draw: Draw) -> bytes:
    piece = draw.choice((
        b"> ", b">\n", b"On Mon, 2 Mar 2026 at 09:00, a <a@b.example> wrote:\n", b"From: a\nSent: b\nTo: c\n",
        b"-- \n", b"_" * 40 + b"\n", b"Kind regards\n", b"word ", b"\r", b"\n \n",
        b"-----Original Message-----\n", b"Sent from my iPhone\n", b"## reply above this line ##\n", b"on on on ",
        b"Le 2 mars ", b"a@b.example: ", b"Tel: +49 30 123456\n", b"\t",
    ))  # fmt: skip
    return b"\r\n" + piece * _times(draw) + draw.choice((b"yes", b"unsubscribe me", b""))


def _words(draw: Draw) -> bytes:
    """What recognisers listen for, over and over, with anything in between."""
    language = draw.choice(LANGUAGES)
    said = [
        *language.months,
        *language.weekdays,
        *language.fillers,
        "out of the office",
        "back on",
        "until",
        "3/4",
        "2026-13-45",
        "31.",
        "99.99.9999",
        "unsubscribe",
        "remove me from",
        ",",
        "but",
        "if",
        "?",
        "\n",
    ]
    said += [
        "ich bin",
        "je suis",
        "estoy",
        "sono",
        "estou",
        "ik ben",
        "please",
        "bitte",
        "bis",
        "jusqu'au",
        "hasta",
        "fino al",
        "tot",
        "stop",
        "a" * 200,
        "é" * 50,
        "𝒶" * 20,
    ]
    text = " ".join(draw.choice(said) for _ in range(_times(draw, 2000)))
    return (
        b"Auto-Submitted: auto-replied\r\n\r\n" * draw.randint(0, 1)
        + b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
        + text.encode()
    )


def _report(draw: Draw) -> bytes:
    kind = draw.choice((b"delivery-status", b"feedback-report", b"disposition-notification", b"x"))
    field = draw.choice(
        (
            b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n",
            b"Status: " + b"5." * 50 + b"\r\n\r\n",
            b"Diagnostic-Code: " + b"550 user unknown " * 200 + b"\r\n\r\n",
            b"\r\n",
        )
    )
    head = (
        b"Content-Type: multipart/report; report-type="
        + kind
        + b"; boundary=r\r\n\r\n--r\r\nContent-Type: message/"
        + kind
        + b"\r\n\r\n"
    )
    return (
        head
        + field * _times(draw, 2000)
        + b"--r\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: "
        + b"<a@b.example> " * _times(draw, 2000)
        + b"\r\n--r--"
    )


def _tnef(draw: Draw) -> bytes:
    rich = b"{\\rtf1\\ansi\\fromhtml1 " + draw.choice(
        (b"{", b"\\par ", b"\\u-1 ?", b"\\'ff", b"{\\*\\htmltag <p>}", b"\\bin99999999 ")
    ) * _times(draw)
    packed = (
        struct.pack(
            "<IIII", len(rich), draw.choice((len(rich), 2**32 - 1, 0)), draw.choice((0x75465A4C, 0x414C454D, 7)), 0
        )
        + rich
    )
    count = draw.choice((1, 3, 2**32 - 1))
    properties = (
        struct.pack("<IHHI", count, 0x0102, draw.choice((0x1009, 0x1013, 0x8001)), draw.choice((1, 2**31)))
        + struct.pack("<I", draw.choice((len(packed), 2**32 - 1)))
        + packed
    )
    body = struct.pack("<BII", 1, 0x00069003, draw.choice((len(properties), 2**32 - 1))) + properties + b"\0\0"
    data = b"\x78\x9f\x3e\x22\x01\x00" + body + draw.randbytes(draw.randint(0, 40))
    return (
        b"Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(data)
    )


def _large(draw: Draw) -> bytes:
    size = draw.choice((200_000, 1_000_000, 4_500_000))
    piece = draw.choice((b"A", b"=41", b"\n--b\n", b"\r\n", b"\xff", b"<b>", b"> a\n"))
    encoding = draw.choice((b"base64", b"quoted-printable", b"8bit", b"x-uuencode"))
    return (
        b"Content-Type: text/"
        + draw.choice((b"plain", b"html"))
        + b"\r\nContent-Transfer-Encoding: "
        + encoding
        + b"\r\n\r\n"
        + piece * (size // len(piece))
    )


_BODIES: tuple[Callable[[Draw], bytes], ...] = (
    _nested,
    _parts,
    _charset,
    _html,
    _lines,
    _words,
    _words,
    _report,
    _tnef,
    _large,
)
