"""The SMTP sink's record: one JSON line for each accepted message, on the disk before the sender hears "250".

It is the independent witness of the judges: what stands here was accepted, what does not stand here was not.
"""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

KEPT_HEADERS = {
    b"message-id": "message_id",
    b"date": "date",
    b"subject": "subject",
    b"from": "from",
    b"to": "to",
    b"reply-to": "reply_to",
    b"in-reply-to": "in_reply_to",
    b"references": "references",
    b"list-unsubscribe": "list_unsubscribe",
    b"list-unsubscribe-post": "list_unsubscribe_post",
}
"""Headers the record keeps, each under its own name, unfolded, not decoded; absent where the mail has none."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted message. `headers` has the names of KEPT_HEADERS; `raw` is None unless the sink keeps bodies."""

    accepted_wall: datetime
    mail_from: str
    recipients: tuple[str, ...]
    size: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    raw: bytes | None = None

    @property
    def message_id(self) -> str:
        """As it stands in the header, with its angle brackets; empty when there is none."""
        return self.headers.get("message_id", "")

    @property
    def date(self) -> datetime:
        """The `Date` header as an aware UTC instant. Raises ValueError when it is missing or malformed."""
        return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)

    @property
    def subject(self) -> str:
        """The subject, decoded (RFC 2047)."""
        return str(make_header(decode_header(self.headers.get("subject", ""))))

    def to_line(self) -> bytes:
        """The message as a line of the record."""
        value: dict[str, Any] = {
            "accepted_wall": self.accepted_wall.isoformat(),
            "mail_from": self.mail_from,
            "recipients": self.recipients,
            "size": self.size,
            **self.headers,
        }
        if self.raw is not None:
            value["raw"] = self.raw.decode("latin-1")  # every byte is one character, so nothing is lost
        return json.dumps(value, separators=(",", ":")).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Accepted":
        """The message back from its line."""
        value: dict[str, Any] = json.loads(line)
        raw = value.pop("raw", None)
        return cls(
            accepted_wall=datetime.fromisoformat(value.pop("accepted_wall")),
            mail_from=value.pop("mail_from"),
            recipients=tuple(value.pop("recipients")),
            size=value.pop("size"),
            headers=value,
            raw=None if raw is None else raw.encode("latin-1"),
        )


def kept_headers(raw: bytes) -> dict[str, str]:
    """The headers of KEPT_HEADERS of a message; the first of each name counts, folded lines are joined."""
    head = raw.partition(b"\r\n\r\n")[0]
    found: dict[str, str] = {}
    for line in head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        key = KEPT_HEADERS.get(name.strip().lower())
        if key is not None and key not in found:
            found[key] = value.strip().decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    return found


class SmtpRecord:
    """The writing side: append-only. Lines that arrive together are forced to the disk together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._file = path.open("ab", buffering=0)
        self._end_torn_line()

    async def append(self, line: bytes) -> None:
        """Return when `line` is on the disk."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((line, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                self._file.write(b"".join(line for line, _ in batch))
                await asyncio.to_thread(os.fsync, self._file.fileno())
            except OSError as error:  # a full disk: nothing was accepted
                for _, done in batch:
                    if not done.cancelled():
                        done.set_exception(error)
            else:
                for _, done in batch:
                    if not done.cancelled():
                        done.set_result(None)
        self._writer = None

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writer is not None:
            await self._writer
        self._file.close()

    def _end_torn_line(self) -> None:
        """A kill may have cut the last line: it was never answered with 250. End it, so that it spoils no other."""
        if self.path.stat().st_size:
            with self.path.open("rb") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    self._file.write(b"\n")


class RecordReader:
    """The reading side: `new()` gives what was accepted since the last call. Lines cut by a kill are left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0

    def new(self) -> list[Accepted]:
        """Messages accepted since the last call, in order."""
        return list(self._read())

    def _read(self) -> Iterator[Accepted]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._position)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._position += len(line)
                try:
                    yield Accepted.from_line(line)
                except (ValueError, KeyError):  # the torn line of a killed sink: its sender was never told 250
                    continue


def read_record(path: Path) -> list[Accepted]:
    """All messages of a record, in the order in which they were accepted."""
    return RecordReader(path).new()
