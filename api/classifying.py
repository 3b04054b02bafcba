"""Mails from files judged as the replies role judges them, without any infrastructure (`touchline classify`)."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from agents.replying.knowledge import Knowledge
from domain.replies.guessing import likely_match
from domain.replies.mail import Mail
from domain.replies.matching import ReadToken, takes_hold
from domain.replies.verdict import Verdict, by_model, by_rules, routed, unclear
from schemas.definitions import Definition
from sinks.claude import Claude, NoAnswer
from sinks.mailparser import MailParser, Unreadable

log = structlog.get_logger("touchline.classify")

AT_ONCE = 20
MAX_FILE = 512 * 1024 * 1024
_HEADER = re.compile(rb"\s*[!-9;-~]{1,200}[ \t]*:")
_DATE = re.compile(rb"^date[ \t]*:[ \t]*([^\r\n]{1,100})", re.IGNORECASE | re.MULTILINE)
_MBOX = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\r\n]*\d{4}[^\r\n]*\r?\n")
"""Where a message of a mailbox begins: a line with sender and date, after an empty one."""
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_HEADERS = 64 * 1024


class BadFile(Exception):
    """A file that holds no mail; the message says why."""


@dataclass(frozen=True, slots=True)
class Item:
    """One message of a file: the `number`-th, from 1."""

    file: str
    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a message: a verdict, or why it could not be parsed."""

    item: Item
    mail: Mail | None = None
    verdict: Verdict | None = None
    matched_by: str | None = None
    return_date: str | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """A line for machines. Everything but `file`, `message` and `error` is null where there is an error."""
        verdict = self.verdict
        said: dict[str, Any] = {"file": self.item.file, "message": self.item.number}
        for name in ("disposition", "category", "confidence", "sentiment"):
            said[name] = getattr(verdict, name, None)
        said |= {
            "return_date": self.return_date,
            "holds": None if self.mail is None else takes_hold(self.mail),
            "stops": None if verdict is None else verdict.stops,
            "suppresses": None if verdict is None else verdict.suppresses,
            "bounce_code": getattr(verdict, "bounce_code", None),
            "bounce": getattr(verdict, "bounce", None),
            "matched_by": self.matched_by,
            "decided_by": getattr(verdict, "decided_by", None),
            "why": getattr(verdict, "why", None),
            "text": None if self.mail is None else self.mail.text,
        }
        for name in (
            "rule_id",
            "own_disposition",
            "own_category",
            "summary",
            "draft_reply",
            "entities",
            "draft_faults",
        ):
            value = getattr(verdict, name, None)
            if value:
                said[name] = value
        if self.error is not None:
            said["error"] = self.error
        return said


@dataclass(slots=True)
class Desk:
    """What messages are judged with. `model` None: what needs reading is a person's, because of `why_no_model`."""

    knowledge: Knowledge
    model: Claude | None = None
    why_no_model: str = "no_key"
    read_token: ReadToken | None = None
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    received_at: datetime | None = None

    async def judge(self, items: Sequence[Item]) -> AsyncGenerator[Judged]:
        """Judge messages, in their order, a few at a time. Raises Retryable when no parser can be started."""
        parser = MailParser()
        try:
            for start in range(0, len(items), AT_ONCE):
                some = items[start : start + AT_ONCE]
                parsed = await parser.parse([item.raw for item in some])
                for judged in await asyncio.gather(*map(self._judge, some, parsed)):
                    yield judged
        finally:
            await parser.stop()

    async def _judge(self, item: Item, mail: Mail | Unreadable) -> Judged:
        if isinstance(mail, Unreadable):
            return Judged(item, error=f"{mail.reason}: {mail.detail}")
        received_at = self.received_at or date_of(item.raw) or datetime.now(UTC)
        knowledge = self.knowledge
        try:
            verdict = by_rules(mail, knowledge.rules, received_at, self.zone)
        except Exception as error:  # noqa: BLE001 - as the role does: a defect in a recogniser loses no mail
            log.error("recogniser_failed", file=item.file, message=item.number, error=repr(error)[:200])
            verdict = unclear("recogniser_failed")
        if verdict is None:
            verdict = await self._read(mail, received_at)
        verdict = routed(verdict, knowledge.routing)
        back = None if verdict.return_at is None else verdict.return_at.astimezone(self.zone).date().isoformat()
        return Judged(item, mail, verdict, likely_match(mail, self.read_token), back)

    async def _read(self, mail: Mail, received_at: datetime) -> Verdict:
        if not mail.text.strip():
            return unclear("no_text")
        if self.model is None:
            return unclear(self.why_no_model)
        answer = await self.model.classify(mail, received_at, self.knowledge.routing)
        if isinstance(answer, NoAnswer):
            return unclear(answer.why)
        return by_model(answer, received_at, self.zone, mail=mail, routing=self.knowledge.routing)


def knowledge_of(definitions: Sequence[Definition]) -> Knowledge:
    """What the replies role would know of these definitions."""
    knowledge = Knowledge()
    for definition in definitions:
        knowledge.take((definition.kind, definition.id), definition)
    return knowledge


def items_of(path: Path) -> list[Item]:
    """The messages of a file (or of standard input, `-`): one, or those of an mbox. Raises BadFile."""
    raw = _bytes(path)
    if not raw.strip():
        raise BadFile("is empty")
    messages = list(_messages(raw)) if raw.startswith(b"From ") else [raw]
    if not messages:
        raise BadFile("begins like a mailbox (From ...), but no message in it has a line with sender and date")
    for message in messages:
        if _HEADER.match(message) is None:
            raise BadFile("is no mail: it does not begin with a header field such as From: or Received:")
    return [Item(str(path), number, message) for number, message in enumerate(messages, 1)]


def _bytes(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(MAX_FILE)
    try:
        if path.is_dir():
            raise BadFile("is a directory: name its files")
        if path.stat().st_size > MAX_FILE:
            raise BadFile(f"is larger than {MAX_FILE // 2**20} MB: split it")
        return path.read_bytes()
    except OSError as error:
        raise BadFile(f"cannot be read: {error.strerror or error}") from None


def _messages(raw: bytes) -> Iterator[bytes]:
    """The messages of a mailbox file, without its From lines and with its escapes undone."""
    starts = list(_MBOX.finditer(raw))
    if not starts:
        return
    ends = [match.start() for match in starts[1:]] + [len(raw)]
    for match, end in zip(starts, ends, strict=True):
        yield _ESCAPED.sub(rb"\1", raw[match.end() : end])


def date_of(raw: bytes) -> datetime | None:
    """The instant in the Date header, where it can be read."""
    head = raw[:_HEADERS]
    end = re.search(rb"\r?\n\r?\n", head)
    found = _DATE.search(head, 0, end.start() if end else len(head))
    if found is None:
        return None
    try:
        at = parsedate_to_datetime(found[1].decode("ascii", "replace"))
        return (at if at.tzinfo is not None else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, OverflowError):
        return None
