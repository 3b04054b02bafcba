"""The replies role's surroundings in memory, for tests: each notes what was asked of it, in one common order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from domain.ids import enrollment_id
from domain.ids import send_id as id_of_send
from domain.replies.mail import Mail
from domain.replies.mime import parse_mail
from domain.routing import NO_ROUTING, Routing
from domain.tokens import TokenKeys, mail_token, read_mail_token
from schemas.replies import InboundMail
from sinks.claude import Question
from sinks.mailparser import Unreadable
from sinks.ports import SendRow, Stop, Suppression
from sinks.postgres.replies import Judgement, Known, NewReply, StoredReply
from streams.inbound import Inbound, Raw
from streams.work import Work

KEYS = TokenKeys.parse("k1:" + "A" * 43 + "=")
AT = datetime(2026, 3, 3, 10, tzinfo=UTC)
CAMPAIGN = "q1"


def touch(lead: str = "lead-1", **more: Any) -> SendRow:
    """A touch that was sent to a lead."""
    enrollment = enrollment_id(CAMPAIGN, lead)
    row = SendRow(
        send_id=id_of_send(enrollment, "intro"),
        enrollment_id=enrollment,
        lead_id=lead,
        campaign_id=CAMPAIGN,
        campaign_version=1,
        step_id="intro",
        entry_no=1,
        pool_id="main",
        mailbox_id="anna",
        variant="a",
        grant_id="1-1",
        granted_at=AT,
        state="sent",
        message_id="<x@sender.example>",
        timezone="UTC",
        address_key=lead.encode().ljust(16, b"-"),
    )
    return replace(row, **more)


def token(row: SendRow) -> str:
    """The mail token of a touch."""
    return mail_token(KEYS, row.send_id)


def read_token(text: str) -> UUID | None:
    """Reads tokens sealed by `token`."""
    return read_mail_token(KEYS, text)


def inbound(raw: bytes, number: int = 0, message_id: str | None = None) -> Inbound:
    """A record of `inbound-replies`."""
    body = InboundMail.model_construct(
        event_id=f"mail-{number}",
        message_id=message_id or f"<wire-{number}@x.example>",
        source="generic",
        received_at=AT,
        received_wall=AT,
        envelope_to=[],
        raw=raw,
    )
    key = body.message_id
    return Inbound("inbound-replies", 0, number, key, body, Raw("inbound-replies", 0, number, key.encode(), raw))


def emitted(work: Work, topic: str, model: Any) -> list[Any]:
    """What a unit of work publishes on a topic, parsed."""
    return [model.read(record.value) for record in work.outputs if record.topic == topic]


class Parser:
    """Parses in place. A mail of exactly `bomb` cannot be read."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def parse(self, raws: Sequence[bytes]) -> list[Mail | Unreadable]:
        return [Unreadable("parse_timeout", "bomb") if raw == b"bomb" else parse_mail(raw) for raw in raws]


@dataclass
class World:
    """Touches, stops, stored mails and the broker. `failing` names calls that raise."""

    rows: list[SendRow] = field(default_factory=list)
    log: list[tuple[str, Any]] = field(default_factory=list)
    failing: dict[str, Exception] = field(default_factory=dict)
    stored: dict[UUID, NewReply] = field(default_factory=dict)
    states: dict[UUID, str] = field(default_factory=dict)
    claims: set[UUID] = field(default_factory=set)
    judged: dict[UUID, Judgement] = field(default_factory=dict)
    published: list[Work] = field(default_factory=list)
    attempts: Counter[UUID] = field(default_factory=Counter)
    put_off_once: set[UUID] = field(default_factory=set)
    soft: int = 0
    refusing: int = 0

    def _note(self, name: str, value: Any) -> None:
        self.log.append((name, value))
        if name in self.failing:
            raise self.failing[name]

    def names(self) -> list[str]:
        """What was called, in order."""
        return [name for name, _ in self.log]

    # -- touches

    async def resolve(self, send_ids: Sequence[UUID]) -> dict[UUID, SendRow]:
        return {row.send_id: row for row in self.rows if row.send_id in send_ids}

    async def resolve_message_ids(self, message_ids: Sequence[str]) -> dict[str, SendRow]:
        return {row.message_id: row for row in self.rows if row.message_id in message_ids}

    async def resolve_thread(self, email: str, subject: str) -> SendRow | None:
        return next((row for row in self.rows if (email, subject) == ("per@corp.example", "question")), None)

    async def settle_ambiguous(self, send_ids: Sequence[UUID]) -> int:
        self._note("settle", list(send_ids))
        return len(send_ids)

    # -- stops

    async def stop(self, stops: Sequence[Stop]) -> None:
        self._note("stop", list(stops))

    async def suppress(self, suppressions: Sequence[Suppression]) -> None:
        self._note("suppress", list(suppressions))

    # -- stored mails

    async def known(self, reply_ids: Sequence[UUID]) -> dict[UUID, Known]:
        rows = [self.stored[i] for i in reply_ids if i in self.stored]
        return {row.reply_id: Known(row.reply_id, row.at, row.held, row.match) for row in rows}

    async def insert(self, replies: Sequence[NewReply]) -> frozenset[UUID]:
        self._note("insert", list(replies))
        new = [reply for reply in replies if reply.reply_id not in self.stored]
        self.stored |= {reply.reply_id: reply for reply in new}
        self.states |= {reply.reply_id: "untracked" if reply.match is None else "matched" for reply in new}
        return frozenset(reply.reply_id for reply in new)

    async def claim(self, states: Sequence[str], limit: int, seconds: float) -> list[StoredReply]:
        free = [i for i, state in self.states.items() if state in states and i not in self.claims][:limit]
        self.claims |= set(free)
        self.attempts.update(free)
        return [self._stored(i) for i in free]

    def _stored(self, reply_id: UUID) -> StoredReply:
        row = self.stored[reply_id]
        assert row.match is not None
        judged = self.judged.get(reply_id)
        return StoredReply(
            reply_id, self.states[reply_id], row.received_at, row.at, row.match, row.pool_id or "", row.mailbox_id or "",  # type: ignore[arg-type]
            row.lead_timezone, row.address_key or b"", row.mail, self.attempts[reply_id], judged and judged.event,
        )  # fmt: skip

    async def hand_over(self, reply_ids: Sequence[UUID]) -> None:
        self._note("hand_over", list(reply_ids))
        self.states |= dict.fromkeys(reply_ids, "reading")
        self.claims -= set(reply_ids)

    async def put_off(self, reply_ids: Sequence[UUID], seconds: float, patience_s: float) -> frozenset[UUID]:
        """Wait for the first time and be free again at once; the second time the patience is at its end."""
        self._note("put_off", list(reply_ids))
        again = frozenset(i for i in reply_ids if i not in self.put_off_once and patience_s > 0)
        self.put_off_once |= again
        self.attempts.subtract(again)
        self.claims -= again
        return again

    async def judge(self, judgements: Sequence[Judgement]) -> frozenset[UUID]:
        self._note("judge", list(judgements))
        self.judged |= {judgement.event.reply_id: judgement for judgement in judgements}
        self.states |= dict.fromkeys((j.event.reply_id for j in judgements), "judged")
        return frozenset(j.event.reply_id for j in judgements)

    async def told(self, reply_ids: Sequence[UUID]) -> None:
        self._note("told", list(reply_ids))
        self.states |= dict.fromkeys(reply_ids, "told")
        self.claims -= set(reply_ids)

    async def let_go(self, reply_ids: Sequence[UUID] | None = None) -> None:
        self.claims -= self.claims if reply_ids is None else set(reply_ids)

    async def renew(self, reply_ids: Sequence[UUID], seconds: float) -> None:
        self._note("renew", list(reply_ids))

    async def soft_beside(self, send_id: UUID) -> int:
        return self.soft

    async def refusing_domains(self, mailbox_id: str, since: datetime, besides: str) -> int:
        return self.refusing

    # -- the broker

    def work(self) -> Work:
        return Work()

    async def publish(self, work: Work) -> None:
        self._note("publish", work)
        self.published.append(work)


@dataclass
class ScriptedModel:
    """Answers what `answer` returns, when it returns."""

    answer: Callable[[Mail], Any]
    asked: list[Mail] = field(default_factory=list)

    async def classify_all(self, questions: Sequence[Question], routing: Routing = NO_ROUTING) -> Any:
        self.asked += [question.mail for question in questions]
        return [await self.answer(question.mail) for question in questions]


def some_id() -> UUID:
    """An id that nobody has."""
    return uuid4()
