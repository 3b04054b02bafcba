"""`tracking-hits` (key lead_id): raw opens, clicks and unsubscribes, as they came in."""

from typing import ClassVar, Literal
from uuid import UUID

from schemas.base import Identifier, Instant, Message, Text

Verdict = Literal["human", "prefetch", "scanner", "own"]


class Hit(Message):
    """One request to a pixel, a click link or an unsubscribe link. Carries no full address of the caller."""

    TOPIC: ClassVar[str] = "tracking-hits"
    type: Literal["open", "click", "unsubscribe"]
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
    at: Instant
    wall: Instant
