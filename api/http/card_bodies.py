"""What calls about cards may say: bodies and filters, checked at the door."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from api.errors import UserError
from schemas.base import Instant
from schemas.cards import CardState
from schemas.replies import CardType, Priority
from sinks.postgres.board import NOBODY_HAS_IT, Filter

MAX_CARDS = 1_000


Person = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
Queue = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=r"^[^\x00]*$")]
FORM = ConfigDict(frozen=True, extra="forbid")


class ByIn(BaseModel):
    """Who does it, where the token does not say."""

    model_config = FORM
    by: Person | None = None


M = TypeVar("M", bound=ByIn)


class ActIn(ByIn):
    """Besides, which version of the card was seen (none: whichever there is)."""

    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class ApproveIn(ActIn):
    body: Words | None = None


class AssignIn(ActIn):
    to: Person | None = None


class EditIn(ActIn):
    queue: Queue | None = None
    priority: Priority | None = None
    due_at: Instant | None = None
    body: Words | None = None


class NoteIn(ByIn):
    body: Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=r"^[^\x00]*$")]


class BulkIn(ByIn):
    """Either the cards themselves, or a filter."""

    card_ids: Annotated[list[UUID], Field(max_length=MAX_CARDS)] = []
    queue: Queue | None = None
    type: CardType | None = None
    campaign_id: str | None = None


class PageIn(BaseModel):
    """The filters of the board, as a query says them."""

    model_config = FORM
    queue: str | None = None
    state: list[CardState] = []
    campaign_id: str | None = None
    assigned_to: Person | None = None
    unassigned: bool = False
    priority: Priority | None = None
    type: CardType | None = None
    lead_id: str | None = None
    reply_id: UUID | None = None
    due_before: Instant | None = None
    overdue: bool = False
    q: Annotated[str, Field(max_length=200)] | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_CARDS)] = 200
    after: Annotated[str, Field(max_length=300)] | None = None


def read(model: type[M], body: bytes) -> M:
    """A body. Raises UserError, which names every field that is wrong."""
    try:
        asked = model.model_validate_json(body if body.strip() else b"{}")
    except ValidationError as error:
        raise _refused("the body cannot be used", error) from None
    if isinstance(asked, BulkIn) and bool(asked.card_ids) == any((asked.queue, asked.type, asked.campaign_id)):
        raise UserError("say either card_ids, or a queue, a type or a campaign_id")
    return asked


def page_of(query: Any, now: datetime) -> tuple[Filter, int, str | None]:
    """What a query asks for: which cards, how many at most, after which place. Raises UserError."""
    given: dict[str, Any] = {name: query[name] for name in query if name != "state"}
    states = query.getall("state", [])
    if states:
        given["state"] = states
    try:
        asked = PageIn.model_validate(given)
    except ValidationError as error:
        raise _refused("the board cannot be filtered so", error) from None
    if asked.unassigned and asked.assigned_to is not None:
        raise UserError("say either assigned_to or unassigned")
    before = min(filter(None, (asked.due_before, now if asked.overdue else None)), default=None)
    wanted = Filter(
        queue=asked.queue,
        states=asked.state or None,
        campaign_id=asked.campaign_id,
        assigned_to=NOBODY_HAS_IT if asked.unassigned else asked.assigned_to,
        priority=asked.priority,
        type=asked.type,
        lead_id=asked.lead_id,
        reply_id=asked.reply_id,
        due_before=before,
        text=asked.q or None,
    )
    return wanted, asked.limit, asked.after


def _refused(what: str, error: ValidationError) -> UserError:
    problems = [
        f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False)
    ]
    return UserError(what, problems)
