"""Suppression lists as people keep them: every bad line costs itself only, and is named (docs/behaviour.md 5.3)."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.errors import UserError
from api.leads_file import RowFault
from api.suppressing import CHUNK, MAX_FAULTS, Suppressing
from api.suppressions_file import MAX_LINE, SuppressionsFile, read_address
from domain.consent import write_key
from domain.tokens import address_key
from sinks.postgres.consent import Brought
from streams.clock import ManualClock

SECRET = b"a secret for the tests"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ZOE = address_key(SECRET, "zoe@example.com")
Reads = Callable[..., list[tuple[int, Brought | RowFault]]]


@pytest.fixture
def read(tmp_path: Path) -> Reads:
    def read(content: str | bytes) -> list[tuple[int, Brought | RowFault]]:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(SuppressionsFile(path, SECRET, {"q1"}, NOW).rows())

    return read


def fault(found: list[tuple[int, Brought | RowFault]]) -> RowFault:
    ((line, row),) = found
    assert isinstance(row, RowFault)
    assert row.line == line
    return row


@pytest.mark.parametrize(
    "content",
    [
        "email\nzoe@example.com\n",
        "email\r\nZoe@Example.com\r\n",
        "\ufeffemail\nzoe@example.com",
        "\ufeffEmail Address\tscope\n zoe@example.com \tall\n".encode("utf-16"),
        "Name;E-Mail;Unsubscribed at\n\"Zoe; the one\";zoe@example.com;\n",
        "email|reason\nzoe@example.com|import\n",
        "\"email\",\"scope\"\n\"zoe@example.com\",\"\"\n",
        "email\n\n   \nzoe@example.com\n\n",
        "email\rzoe@example.com\r",
    ],
)  # fmt: skip
def test_a_list_is_read_however_it_was_saved(read: Reads, content: str | bytes) -> None:
    ((_, row),) = read(content)
    assert row == Brought(ZOE, "all", "import", None, is_address=True)


def test_scope_reason_and_instant_stand_in_their_columns(read: Reads) -> None:
    text = "email,scope,reason,at\nzoe@example.com,campaign:q1,Asked by phone,2026-02-01T09:30:00+01:00\n"
    ((_, row),) = read(text)
    assert row == Brought(ZOE, "campaign:q1", "asked_by_phone", datetime(2026, 2, 1, 8, 30, tzinfo=UTC))
    ((_, row),) = read("email,date\nzoe@example.com,2026-02-01\n")
    assert isinstance(row, Brought)
    assert row.since == datetime(2026, 2, 1, tzinfo=UTC)


def test_an_export_is_read_back(read: Reads) -> None:
    key = write_key(SECRET, ZOE)
    text = f"key,scope,reason,at,way,source\n{key},all,unsubscribe,2026-02-01T00:00:00+00:00,page,unsubscribe:1\n"
    ((_, row),) = read(text)
    assert row == Brought(ZOE, "all", "unsubscribe", datetime(2026, 2, 1, tzinfo=UTC), is_address=False)


def test_a_number_is_taken_and_tells_no_sequence(read: Reads) -> None:
    ((_, row),) = read("phone\n0046 70-123 45 67\n")
    assert row == Brought(address_key(SECRET, "+46701234567"), "all", "import", is_address=False)


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("email\nnot an address\n", "invalid_address", "email"),
        ("email\nzoe@\n", "invalid_address", "email"),
        ("email\n070-1234567\n", "invalid_address", "country"),
        ("email,scope\n,all\n", "nobody", "neither"),
        ("email,scope\nzoe@example.com,campain:q1\n", "invalid_scope", "campaign:ID"),
        ("email,scope\nzoe@example.com,campaign:q2\n", "unknown_campaign", "'q2'"),
        ("email,scope\nzoe@example.com,goal:spam\n", "invalid_scope", "nurture"),
        ("email,reason\nzoe@example.com,Herr Möller\n", "invalid_reason", "names nobody"),
        ("email,at\nzoe@example.com,02/03/2026\n", "invalid_at", "2026-03-02"),
        ("email,at\nzoe@example.com,2027-01-01\n", "invalid_at", "has not come yet"),
        ("email,scope\nzoe@example.com\n", "columns", "2 columns"),
        ('email,scope\n"zoe@example.com,all\n', "not_csv", ""),
        (b"email\nzo\xeb@example.com\n", "not_utf8", "UTF-8"),
        ("email\n" + "x" * (MAX_LINE + 5) + "\n", "too_long", str(MAX_LINE)),
        ("key\n00000000:" + "0" * 32 + "\n", "invalid_key", "another hashing key"),
        ("key\nzoe\n", "invalid_key", "export"),
        (f"email,key\nmax@example.com,{write_key(SECRET, ZOE)}\n", "invalid_key", "beside it"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_reason(read: Reads, content: str | bytes, code: str, says: str) -> None:
    found = fault(read(content))
    assert (found.line, found.code) == (2, code)
    assert says in found.detail


def test_a_bad_line_costs_no_other(read: Reads) -> None:
    text = 'email\nzoe@example.com\n"\nrubbish\n' + "x" * (2 * MAX_LINE + 1) + "\nmax@example.com\n"
    assert [(line, isinstance(row, Brought)) for line, row in read(text)] == [
        (2, True), (3, False), (4, False), (5, False), (6, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the header has nothing"),
        ("name,city\nzoe,Ystad\n", "name, city"),
        ("zoe@example.com\nmax@example.com\n", "put a line with the word email in front"),
        ("sha256\nabc\n", "cannot be matched"),
    ],
)
def test_a_file_without_addresses_is_refused_whole(read: Reads, content: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        read(content)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        SuppressionsFile(tmp_path / "none.csv", SECRET, set(), NOW)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Zoe@Example.COM", "zoe@example.com"), ("a+b@example.com", "a+b@example.com"), ("+46 70 123 45 67", "+46701234567"),
        ("info@hôtel.example", "info@xn--htel-vqa.example"), ("Zoe <zoe@example.com>", None), ("", None), ("a@b", None),
        ("a@b.example\nBcc: x@y.example", None), ("070123", None),
    ],
)  # fmt: skip
def test_an_address_has_one_spelling(text: str, address: str | None) -> None:
    assert read_address(text) == address


class Remembering:
    """Takes what is brought and keeps only how much at a time."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    async def bring(self, rows: list[Brought], **_: object) -> list[Brought]:
        self.sizes.append(len(rows))
        return rows


async def test_a_long_list_is_taken_in_slices_and_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    with path.open("w") as file:
        file.write("email\n")
        file.writelines(f"lead-{number}@example.com\n" if number % 10 else "bad\n" for number in range(20_000))
    consents = Remembering()
    suppressing = Suppressing(consents, None, ManualClock(NOW))  # type: ignore[arg-type]
    tracemalloc.start()
    done = await suppressing.bring(SuppressionsFile(path, SECRET, set(), NOW).rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (done.rows, done.added, done.bad, len(done.faults)) == (18_000, 18_000, 2_000, MAX_FAULTS)
    assert done.faults[0].line == 2
    assert max(consents.sizes) <= CHUNK
    assert peak < 4 * 1024 * 1024


def test_a_header_that_is_no_csv_is_refused_with_the_reason(read: Reads) -> None:
    with pytest.raises(UserError, match="first line is no CSV header"):
        read('"email,scope\nzoe@example.com,all\n')


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_beyond_time_costs_its_own_line(read: Reads, at: str) -> None:
    (_, bad), (_, good) = read(f"email,at\nzoe@example.com,{at}\nzoe@example.com,\n")
    assert isinstance(bad, RowFault)
    assert bad.code == "invalid_at"
    assert isinstance(good, Brought)
