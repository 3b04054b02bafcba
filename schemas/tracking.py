"""`tracking-hits` (key lead_id): raw opens, clicks, unsubscribes and delivery notices of texts, as they came in."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from schemas.base import Identifier, Instant, Message, Text

Verdict = Literal["human", "prefetch", "scanner", "own"]


class Hit(Message):
    """One request to a pixel, a click link or an unsubscribe link, or a provider's notice of what became of a text.

    Carries no full address of the caller.
    """

    TOPIC: ClassVar[str] = "tracking-hits"
    type: Literal["open", "click", "unsubscribe", "delivered", "undelivered"]
    event_id: Identifier
    lead_id: Identifier
    campaign_id: Identifier
    step_id: Identifier
    entry_no: int = 1
    send_id: UUID
    url: Text | None = None
    method: str = "GET"
    user_agent: Text = ""
    network: Text = ""
    scope: Literal["all", "campaign", "goal"] = "all"
    code: Annotated[str, Field(max_length=100, description="Why a text was not delivered.")] | None = None
    at: Instant
    wall: Instant
