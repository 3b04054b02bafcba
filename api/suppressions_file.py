"""Suppressions from a CSV file, a line at a time: what cannot be read costs its own line only (docs/behaviour.md 5.3)."""

from __future__ import annotations

import csv
from collections.abc import Callable, Container, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeVar

from api.errors import UserError
from api.leads_file import ALIASES, RowFault, fold, valid_address
from domain.consent import ScopeError, campaign_of, read_key, read_reason, read_scope
from domain.ids import normalise_email
from domain.numbers import e164
from domain.tokens import address_key
from sinks.postgres.consent import Brought

T = TypeVar("T")

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "email": (*ALIASES["email"], "address", "recipient", "phone", "phone_number"),
    "key": ("key", "keyed_hash", "keyed_key"),
    "scope": ("scope",),
    "reason": ("reason",),
    "at": ("at", "since", "date", "created", "created_at", "unsub_time", "unsubscribed_at"),
}
"""Column -> header names that mean it, after folding. Others are left alone."""

_COLUMN_OF = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
_HASHES = frozenset({"sha", "sha1", "sha256", "md5", "sha_256", "email_sha256", "email_md5", "hash"})
_BOMS: Mapping[bytes, str] = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_UNREADABLE = "\ufffd"
MAX_LINE = 10_000
DEFAULT_REASON = "import"


def read_address(text: str) -> str | None:
    """An address, or a number that says its country, in its one spelling; None where it is neither."""
    told = text.strip()
    if "@" not in told:
        return e164(told)
    email = normalise_email(told)
    return email if valid_address(email) else None


class _BadCell(ValueError):
    """What a cell holds cannot be. The message names the column."""

    def __init__(self, column: str, why: str) -> None:
        super().__init__(f"{column}: {why}")
        self.column = column


def _cell(column: str, reading: Callable[[str], T], text: str) -> T:
    try:
        return reading(text)
    except ScopeError as error:
        raise _BadCell(column, str(error)) from None


class SuppressionsFile:
    """A file of suppressions: `rows` reads it anew each time, in constant memory. Raises UserError where it cannot be used.

    `campaigns` are the ids that a scope may name; `secret` is `TokenKeys.hash_secret`.
    """

    def __init__(self, path: Path, secret: bytes, campaigns: Container[str], now: datetime) -> None:
        self._path = path
        self._secret = secret
        self._campaigns = campaigns
        self._now = now
        with self._opened() as file:
            header = file.readline(MAX_LINE)
        self._delimiter = max(",;\t|", key=header.count)
        try:
            self._header = [fold(name) for name in self._cells(header.rstrip("\n"))]
        except csv.Error as error:
            raise UserError(f"{path}: the first line is no CSV header ({error}): name the columns in it") from None
        self.columns = self._known(header.strip())

    @contextmanager
    def _opened(self) -> Generator[IO[str]]:
        """As text: UTF-8, or what the mark at its beginning says; bytes that are none become a mark of their own."""
        try:
            with self._path.open("rb") as start:
                encoding = _BOMS.get(start.read(2), "utf-8-sig")
            with self._path.open(encoding=encoding, errors="replace") as file:
                yield file
        except OSError as error:
            raise UserError(f"{self._path}: {error.strerror or error}") from None

    def _known(self, first_line: str) -> dict[str, int]:
        """Column -> its place. Of two that mean the same the first counts."""
        columns: dict[str, int] = {}
        for place, name in enumerate(self._header):
            if name in _COLUMN_OF:
                columns.setdefault(_COLUMN_OF[name], place)
        if "email" in columns or "key" in columns:
            return columns
        if any(name in _HASHES for name in self._header):
            raise UserError(
                f"{self._path}: plain hashes of addresses cannot be matched with the keyed hashes that are stored: bring the "
                "addresses (column email), or the keys of an export (column key)"
            )
        if read_address(first_line) is not None:
            raise UserError(
                f"{self._path}: the first line is an address: put a line with the word email in front of it"
            )
        raise UserError(
            f"{self._path}: no column email or key; the header has {', '.join(filter(None, self._header)) or 'nothing'}"
        )

    def rows(self) -> Iterator[tuple[int, Brought | RowFault]]:
        """(line, what it says) of every line that is not blank; the header is line 1."""
        with self._opened() as file:
            file.readline(MAX_LINE)
            line = 1
            while text := file.readline(MAX_LINE):
                line += 1
                if len(text) >= MAX_LINE and not text.endswith("\n"):
                    while (rest := file.readline(MAX_LINE)) and not rest.endswith("\n"):
                        pass
                    yield line, RowFault(line, "too_long", f"a line has at most {MAX_LINE} characters")
                elif text.strip():
                    yield line, self._row(line, text.rstrip("\n"))

    def _cells(self, text: str) -> list[str]:
        return next(csv.reader([text], delimiter=self._delimiter, strict=True), [])

    def _row(self, line: int, text: str) -> Brought | RowFault:
        if _UNREADABLE in text:
            return RowFault(line, "not_utf8", "the line is not UTF-8: save the file as UTF-8")
        try:
            cells = self._cells(text)
        except csv.Error as error:
            return RowFault(line, "not_csv", str(error))
        if len(cells) != len(self._header):
            return RowFault(line, "columns", f"the line must have {len(self._header)} columns like the header")
        values = {name: cells[place].strip() for name, place in self.columns.items()}
        return self._brought(line, values)

    def _brought(self, line: int, values: Mapping[str, str]) -> Brought | RowFault:
        address, key = values.get("email", ""), values.get("key", "")
        if not address and not key:
            return RowFault(line, "nobody", "neither an address nor a key")
        email = read_address(address) if address else None
        if address and email is None:
            return RowFault(line, "invalid_address", "email: not an address, and no number with its country (+46...)")
        try:
            told = _cell("key", lambda text: read_key(self._secret, text), key) if key else None
            scope = _cell("scope", read_scope, values.get("scope", ""))
            reason = _cell("reason", read_reason, values.get("reason", "") or DEFAULT_REASON)
            at = _cell("at", self._instant, values.get("at", ""))
        except _BadCell as error:
            return RowFault(line, f"invalid_{error.column}", str(error))
        made = told if email is None else address_key(self._secret, email)
        if made is None or told not in (None, made):
            return RowFault(line, "invalid_key", "key: it is not the key of the address beside it")
        campaign = campaign_of(scope)
        if campaign is not None and campaign not in self._campaigns:
            return RowFault(line, "unknown_campaign", f"scope: there is no campaign {campaign!r}: apply it first")
        return Brought(made, scope, reason, at, is_address=email is not None and "@" in email)

    def _instant(self, text: str) -> datetime | None:
        """An ISO date or instant; without a zone it is UTC."""
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
            at = at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):  # the latter within hours of the first year or of the last
            raise ScopeError(
                f"an instant is written like 2026-03-02 or 2026-03-02T09:30:00Z, not {text[:40]!r}"
            ) from None
        if at > self._now:
            raise ScopeError(f"{text[:40]} has not come yet")
        return at
