"""A lead's engagement history as JSON values: where it stands, what gave its score, its threads, its timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from api.errors import NotFoundError
from sinks.postgres.read_models import ReadModels


async def engagement_history(models: ReadModels, lead_id: str, now: datetime) -> dict[str, Any]:
    """`standing`, `changes`, `threads` and `timeline` of a lead (docs/behaviour.md 6.5). Raises NotFoundError."""
    timeline = await models.timeline(lead_id)
    if not timeline:
        raise NotFoundError(f"nothing is known of lead {lead_id!r}")
    return {
        "standing": _plain(await models.scores.of_lead(lead_id, now)),
        "changes": [_plain(row) for row in await models.scores.changes(lead_id)],
        "threads": [_plain(row) for row in await models.scores.threads(lead_id)],
        "timeline": [_plain(row) for row in timeline],
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON values, without what is not there."""
    return {name: _value(name, value) for name, value in row.items() if value is not None and name != "seq"}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return json.loads(value) if name == "data" and isinstance(value, str) else value
