"""What the writer asks of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from domain.writing import Words
from schemas.drafts import DraftApproved, DraftOver, DraftRejected, DraftWanted
from sinks.claude_client import NoAnswer
from sinks.postgres.drafts import ToWrite, Written
from streams.work import Work


class Model(Protocol):
    """What writes (`sinks.claude_writer.ClaudeWriter`)."""

    @property
    def model(self) -> str: ...

    async def write(self, data: Mapping[str, Any], refused_because: Sequence[str] = ()) -> Words | NoAnswer: ...


class Store(Protocol):
    """The stored drafts (`sinks.postgres.drafts.Drafts`)."""

    async def want(self, requests: Sequence[DraftWanted], reason: str | None) -> None: ...

    async def end(self, ended: Sequence[DraftOver], at: datetime) -> None: ...

    async def claim(self, limit: int, seconds: float) -> list[ToWrite]: ...

    async def put_off(self, send_id: UUID, reason: str, seconds: float) -> None: ...

    async def write(self, written: Written) -> bool: ...

    async def untold(self, limit: int) -> list[DraftApproved | DraftRejected]: ...

    async def told(self, send_ids: Sequence[UUID]) -> None: ...

    async def let_go(self, send_ids: Sequence[UUID] | None = None) -> None: ...

    async def renew(self, send_ids: Sequence[UUID], seconds: float) -> None: ...

    async def note_reason(self, reason: str | None) -> None: ...


class Publisher(Protocol):
    """Writing outside of a batch, with the broker's acknowledgement (`streams.role.RoleStream`)."""

    def work(self) -> Work: ...

    async def publish(self, work: Work) -> None: ...
