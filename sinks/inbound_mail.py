"""Mail on its way in, whichever way it came: one form for the topic (docs/behaviour.md 7.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.ids import event_id
from domain.replies.fitting import find_message_id, fit
from domain.replies.mime import MAX_RAW as MAX_READ
from schemas.replies import InboundMail
from streams.topology import TOPICS

MAX_RAW = min(MAX_READ, (TOPICS["inbound-replies"].max_value - 64 * 1024) * 3 // 4)
"""Bytes of a message that go on the topic: no more than fits there, and than the parser looks at."""
MAX_RECIPIENTS = 100
MAX_ADDRESS = 320
MAX_MESSAGE_ID = 998


def inbound_mail(
    raw: bytes,
    *,
    source: str,
    received_at: datetime,
    received_wall: datetime,
    envelope_to: Sequence[str] = (),
    message_id: str | None = None,
    truncated: bool = False,
) -> InboundMail:
    """The message for `inbound-replies`; its key is its `message_id`. A mail of more than MAX_RAW bytes loses attachments.

    `message_id` is what the provider says it is, without one the header is read. `truncated`: the caller has cut it already.
    """
    stated = _clean(message_id or "") or _clean(find_message_id(raw))
    kept, cut = fit(raw, MAX_RAW)
    return InboundMail.model_construct(
        event_id=event_id("inbound", stated),
        message_id=stated,
        source=source,
        received_at=received_at,
        received_wall=received_wall,
        envelope_to=[address[:MAX_ADDRESS] for address in envelope_to[:MAX_RECIPIENTS]],
        raw=kept,
        truncated=truncated or cut,
    )


def _clean(message_id: str) -> str:
    return message_id.replace("\x00", "").strip()[:MAX_MESSAGE_ID]
