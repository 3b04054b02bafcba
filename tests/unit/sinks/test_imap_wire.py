"""What an IMAP server says is read as RFC 3501 has it, and nothing that it can say does more than end the connection."""

import asyncio
import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.imap_stream import ImapLost, ImapStream, Timeouts
from sinks.imap_wire import (
    Garbled,
    body_of,
    fetched,
    folder_name,
    internal_date,
    quoted,
    search_date,
    searched,
    status_of,
    uid_of,
    uid_set,
    values,
)


def test_a_fetch_response_gives_its_items() -> None:
    pieces = [
        b'12 FETCH (UID 7 FLAGS (\\Seen $x) INTERNALDATE " 2-Mar-2026 10:00:00 +0100" BODY[]<0> {5}',
        b"a\r\n)b",
        b")",
    ]
    items = fetched(pieces)
    assert items is not None
    assert uid_of(items) == 7
    assert items["FLAGS"] == [b"\\Seen", b"$x"]
    assert internal_date(items["INTERNALDATE"]) == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert body_of(items) == b"a\r\n)b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'1 FETCH (BODY[] "qu\\"oted \\\\ text" UID 3)', b'qu"oted \\ text'),
        (b"1 FETCH (UID 3 BODY[] NIL)", b""),
        (b"1 FETCH (UID 3 BODY[]<0> nil)", b""),
        (b"1 fetch (uid 3 body[] abc)", b"abc"),
        (b"1 FETCH (UID 3 BODY[HEADER.FIELDS (TO CC)] x)", None),
    ],
)
def test_a_body_may_stand_quoted_as_nil_or_not_at_all(text: bytes, expected: bytes | None) -> None:
    items = fetched([text])
    assert items is not None
    assert body_of(items) == expected
    assert uid_of(items) == 3


@pytest.mark.parametrize(
    "pieces",
    [
        [b"1 FETCH (UID 3"],
        [b"1 FETCH UID 3"],
        [b"1 FETCH (UID 3))"],
        [b'1 FETCH (UID "3)'],
        [b"1 FETCH (UID\t3)"],
        [b"1 FETCH (" + b"(" * 50 + b")" * 51],
    ],
)
def test_what_is_no_response_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(Garbled):
        fetched(pieces)


@pytest.mark.parametrize(
    ("line", "kind", "code", "argument", "text"),
    [
        (b"OK [UIDNEXT 42] Predicted", "OK", "UIDNEXT", "42", "Predicted"),
        (b"no [ALERT] Too many", "NO", "ALERT", "", "Too many"),
        (b"BAD", "BAD", "", "", ""),
        (b"BYE Autologout {5}", "BYE", "", "", "Autologout {5}"),
    ],
)
def test_a_status_has_its_code_and_its_text(line: bytes, kind: str, code: str, argument: str, text: str) -> None:
    status = status_of(line)
    assert status is not None
    assert (status.kind, status.code, status.argument, status.text) == (kind, code, argument, text)


def test_a_search_gives_its_numbers_and_nothing_else_does() -> None:
    assert searched(b"SEARCH 2 84 882 (MODSEQ 917162500)") == [2, 84, 882]
    assert searched(b"SEARCH") == []
    assert searched(b"FLAGS (\\Seen)") is None
    with pytest.raises(Garbled):
        searched(b"SEARCH two")


def test_names_dates_and_sets_are_written_as_servers_read_them() -> None:
    assert folder_name("Entwürfe & mehr") == b"Entw&APw-rfe &- mehr"
    assert folder_name("台北") == b"&U,BTFw-"  # the example of RFC 3501, 5.1.3
    assert quoted(b'a "b" \\c') == b'"a \\"b\\" \\\\c"'
    assert quoted("pässword".encode()) is None
    assert uid_set([1, 2, 3, 7, 9, 10]) == "1:3,7,9:10"
    assert search_date(datetime(2026, 3, 1, 0, 30, tzinfo=UTC)) == "28-Feb-2026"
    assert internal_date(b"31-Foo-2026 10:00:00 +0000") is None
    assert internal_date(b"31-Feb-2026 10:00:00 +0000") is None
    assert internal_date(b" 1-Jan-0001 00:00:00 +1400") is None


PARTS = st.sampled_from(
    [
        b"(",
        b")",
        b'"',
        b"\\",
        b"{3}",
        b"[",
        b"]",
        b" ",
        b"NIL",
        b"UID",
        b"7",
        b"FETCH",
        b"BODY[]",
        b"<0>",
        b"\x00",
        b"\xff",
    ]
)
TEXT = st.lists(PARTS | st.binary(max_size=8), max_size=40).map(b"".join)


@given(st.lists(TEXT, min_size=1, max_size=5))
@settings(max_examples=400, deadline=1000)
def test_no_pieces_do_more_than_be_refused(pieces: list[bytes]) -> None:
    for read in (values, fetched):
        try:
            found = read([b"1 FETCH " + pieces[0], *pieces[1:]])
        except Garbled:
            continue
        if isinstance(found, dict):
            body_of(found)
            uid_of(found)
            internal_date(found.get("INTERNALDATE"))
    status_of(pieces[0])
    with contextlib.suppress(Garbled):
        searched(b"SEARCH " + pieces[0])


def stream(data: bytes) -> ImapStream:
    """A connection on which exactly this comes, and then its end."""
    reader = asyncio.StreamReader(limit=4096)
    reader.feed_data(data)
    reader.feed_eof()
    return ImapStream(reader, _Nowhere(), Timeouts(1.0, 1.0, 1.0))  # pyright: ignore[reportArgumentType]


class _Nowhere:
    """A writer whose other end takes everything."""

    def write(self, data: bytes) -> None:
        pass

    async def drain(self) -> None:
        pass


LINES = st.lists(
    st.sampled_from(
        [
            b"* ",
            b"t1 ",
            b"+ ",
            b"OK ",
            b"NO ",
            b"BYE ",
            b"1 FETCH ",
            b"5 EXISTS",
            b"{4}\r\n",
            b"{99999999999}",
            b"~{2}\r\n",
        ]
    )
    | st.just(b"\r\n")
    | TEXT,
    max_size=40,
).map(b"".join)


@given(LINES)
@settings(max_examples=300, deadline=2000)
def test_no_bytes_on_a_connection_do_more_than_end_it(data: bytes) -> None:
    async def talk() -> None:
        for call in (
            lambda one: one.command("NOOP"),
            lambda one: one.greeting(),
            lambda one: one.idle(0.01),
            lambda one: one.exchange("AUTHENTICATE X", b"", (b"x",)),
        ):
            try:
                await call(stream(data))
            except ImapLost:
                continue

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"* 1 FETCH (BODY[] {99999999}\r\n", "garbled"),
        (b"* " + b"x" * 10_000, "garbled"),
        (b"* BYE too long idle\r\n", "bye"),
        (b"* 1 FETCH (BODY[] {50}\r\nshort", "closed"),
        (b"t1 MAYBE\r\n", "garbled"),
        (b"", "closed"),
    ],
)
async def test_every_end_of_a_connection_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(ImapLost) as lost:
        await stream(data).command("NOOP")
    assert lost.value.reason == reason


async def test_what_ends_like_a_literal_in_words_for_people_is_none() -> None:
    status, _ = await stream(b"* OK see rule {5}\r\nt1 OK done\r\n").command("NOOP")
    assert status.kind == "OK"


async def test_a_literal_may_be_empty_and_lines_may_end_in_a_line_feed_alone() -> None:
    _, responses = await stream(b"* 1 FETCH (UID 1 BODY[] {0}\n FLAGS ())\nt1 OK done\n").command("UID FETCH")
    items = fetched(responses[0].pieces)
    assert items is not None
    assert (items["BODY[]"], items["FLAGS"]) == (b"", [])
