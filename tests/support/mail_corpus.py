"""The mails under tests/mail: each with what it must come to. See tests/mail/README.md."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from domain.ids import enrollment_id
from domain.ids import send_id as id_of_send
from domain.replies.bounces import BounceKind
from domain.replies.matching import base_subject
from domain.tokens import TokenKeys, mail_token
from schemas.replies import DispositionName, MatchedBy
from sinks.ports import SendRow
from tests.support.built_mails import BUILT
from tests.support.replying import CAMPAIGN, KEYS, World, touch

ROOT = Path(__file__).resolve().parent.parent / "mail"
ELSEWHERE = TokenKeys.parse("k1:" + "B" * 43 + "=")
"""The key of another installation, which calls it the same."""

_PLACEHOLDER = re.compile(rb"\{\{(token|TOKEN|forged|elsewhere)(?::([a-z-]+))?\}\}")


class Expected(BaseModel):
    """What a mail must come to. What is not said is asserted to be absent, the texts apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: MatchedBy | None
    disposition: DispositionName | list[DispositionName | None] | None
    """By rules alone; None: somebody has to read it. A list where the behaviour leaves room."""
    stops: bool
    """A stop is committed before anybody has judged the mail."""
    send: str | None = None
    """The touch that is answered, by its name in sent.yaml; `nora` where a match is expected and nothing is said."""
    return_date: date | None = None
    suppresses: bool = False
    bounce: BounceKind | None = None
    code: str | None = None
    text: str | None = None
    """The whole new text; runs of white space count as one space."""
    has: list[str] = []
    lacks: list[str] = []
    attachments: list[str] | None = None
    truncated: bool | None = False
    """None: either is right."""


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """A mail of the corpus with what it must come to."""

    family: str
    name: str
    expected: Expected
    template: Callable[[], bytes]
    """The mail with its placeholders."""

    @property
    def label(self) -> str:
        """Family and name, as its file stands."""
        return f"{self.family}/{self.name}"

    @property
    def raw(self) -> bytes:
        """The mail as a server hands it over."""
        return filled(self.template())

    @property
    def received_at(self) -> datetime:
        """When it came: its own Date."""
        stated = BytesHeaderParser().parsebytes(self.template()[:20_000]).get("date")
        try:
            at = parsedate_to_datetime(str(stated))
        except ValueError:
            return datetime(2026, 12, 1, 10, tzinfo=UTC)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


@cache
def sent() -> dict[str, SendRow]:
    """The touches of sent.yaml by name."""
    return {name: _touch(facts) for name, facts in _yaml(ROOT / "sent.yaml").items()}


@cache
def corpus() -> tuple[Specimen, ...]:
    """Every mail, by family and name."""
    return tuple(specimen for path in sorted(ROOT.glob("*/expected.yaml")) for specimen in _family(path))


def filled(raw: bytes) -> bytes:
    """A mail with its placeholders filled in, else byte by byte as it was."""
    return _PLACEHOLDER.sub(lambda m: _filling(m[1].decode(), (m[2] or b"nora").decode()).encode(), raw)


def with_crlf(raw: bytes) -> bytes:
    """Lines ended as SMTP ends them."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", raw)


def _filling(kind: str, name: str) -> str:
    send = sent()[name].send_id
    if kind == "elsewhere":
        return mail_token(ELSEWHERE, send)
    token = mail_token(KEYS, send)
    if kind == "forged":
        return token[:-1] + ("a" if token[-1] != "a" else "q")
    return token.upper() if kind == "TOKEN" else token


def _family(path: Path) -> list[Specimen]:
    folder = path.parent
    expected = {name: Expected.model_validate(facts) for name, facts in _yaml(path).items()}
    made = {file.stem: partial(_read, file) for file in folder.glob("*.eml")}
    if folder.name == "built":
        made |= BUILT
    if made.keys() != expected.keys():
        raise AssertionError(f"{folder.name}: without a mail or an expectation: {made.keys() ^ expected.keys()}")
    return [Specimen(folder.name, name, expected[name], made[name]) for name in sorted(made)]


def _read(file: Path) -> bytes:
    return with_crlf(file.read_bytes())


def _touch(facts: dict[str, str]) -> SendRow:
    enrollment = enrollment_id(CAMPAIGN, facts["lead"])
    send = id_of_send(enrollment, facts["step"])
    message_id = facts.get("message_id", f"{mail_token(KEYS, send)}@sender.example")
    return touch(facts["lead"], step_id=facts["step"], send_id=send, message_id=f"<{message_id}>")


def _yaml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text("utf-8")) or {}


@dataclass
class SentWorld(World):
    """A ledger that knows the touches of sent.yaml, also by whom they went to and under which subject."""

    threads: dict[tuple[str, str], SendRow] = field(default_factory=dict[tuple[str, str], SendRow])

    async def resolve_thread(self, email: str, subject: str) -> SendRow | None:
        return self.threads.get((email, subject))


def world() -> SentWorld:
    """A new one, in which nothing has come in."""
    return SentWorld(rows=list(sent().values()), threads=_threads())


@cache
def _threads() -> dict[tuple[str, str], SendRow]:
    facts = _yaml(ROOT / "sent.yaml")
    return {(fact["to"], base_subject(fact["subject"])): sent()[name] for name, fact in reversed(facts.items())}
