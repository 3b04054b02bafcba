"""What the replies role asks of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.replies.mail import Mail
from domain.replies.verdict import ModelAnswer
from domain.routing import Routing
from sinks.claude import NoAnswer, Question
from sinks.mailparser import Unreadable
from sinks.ports import SendRow, Stop, Suppression
from sinks.postgres.replies import Judgement, Known, NewReply, OpenState, StoredReply
from streams.work import Work


class Parser(Protocol):
    """Raw mail -> parsed mail, within limits (`sinks.mailparser.MailParser`)."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def parse(self, raws: Sequence[bytes]) -> list[Mail | Unreadable]: ...


class Store(Protocol):
    """The stored mails (`sinks.postgres.replies.Replies`)."""

    async def known(self, reply_ids: Sequence[UUID]) -> Mapping[UUID, Known]: ...

    async def insert(self, replies: Sequence[NewReply]) -> frozenset[UUID]: ...

    async def claim(self, states: Sequence[OpenState], limit: int, seconds: float) -> list[StoredReply]: ...

    async def hand_over(self, reply_ids: Sequence[UUID]) -> None: ...

    async def put_off(self, reply_ids: Sequence[UUID], seconds: float, patience_s: float) -> frozenset[UUID]: ...

    async def judge(self, judgements: Sequence[Judgement]) -> frozenset[UUID]: ...

    async def told(self, reply_ids: Sequence[UUID]) -> None: ...

    async def let_go(self, reply_ids: Sequence[UUID] | None = None) -> None: ...

    async def renew(self, reply_ids: Sequence[UUID], seconds: float) -> None: ...

    async def soft_beside(self, send_id: UUID) -> int: ...

    async def refusing_domains(self, mailbox_id: str, since: datetime, besides: str) -> int: ...


class Touches(Protocol):
    """How a mail finds its touch (the part of `sinks.ports.ResolvePort` that is used here)."""

    async def resolve(self, send_ids: Sequence[UUID]) -> dict[UUID, SendRow]: ...

    async def resolve_message_ids(self, message_ids: Sequence[str]) -> dict[str, SendRow]: ...

    async def resolve_thread(self, email: str, subject: str) -> SendRow | None: ...

    async def settle_ambiguous(self, send_ids: Sequence[UUID]) -> int: ...


class Stops(Protocol):
    """The part of `sinks.ports.StopPort` that is used here."""

    async def stop(self, stops: Sequence[Stop]) -> None: ...

    async def suppress(self, suppressions: Sequence[Suppression]) -> None: ...


class Model(Protocol):
    """What reads a mail that no rule knows (`sinks.claude.Claude`)."""

    async def classify_all(
        self, questions: Sequence[Question], routing: Routing = ...
    ) -> list[ModelAnswer | NoAnswer]: ...


class Publisher(Protocol):
    """Writing outside of a batch, with the broker's acknowledgement (`streams.role.RoleStream`)."""

    def work(self) -> Work: ...

    async def publish(self, work: Work) -> None: ...
