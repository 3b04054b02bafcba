"""A reply with its thread: what was sent, and what came back, in order (docs/behaviour.md 8.3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg

from sinks.postgres.connect import classified
from sinks.postgres.queries import queries

SQL = queries("threads")


class UnknownReplyError(Exception):
    """There is no such reply."""


class Threads:
    """Threads as people read them. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def thread(self, reply_id: UUID) -> dict[str, Any]:
        """`{reply: {...}, thread: [...]}`: the reply with its verdict, and everything of its enrollment, oldest first.

        An item has `kind` (`touch` or `reply`), `at`, `subject`, `body` and its ids. A touch's words are those that were
        written for it alone, else its template's (`is_template`). A reply that answers nothing of ours stands in its
        thread alone. Raises UnknownReplyError.
        """
        with classified:
            async with self._pool.acquire() as connection:
                row = await connection.fetchrow(SQL["answered"], reply_id)
                if row is None:
                    raise UnknownReplyError(f"no reply {reply_id}")
                if row["enrollment_id"] is None:
                    return {"reply": _reply(row), "thread": [_answer(row)]}
                answers = await connection.fetch(SQL["answers"], row["enrollment_id"])
                touches = await connection.fetch(
                    SQL["touches"], row["lead_id"], row["enrollment_id"], row["address_key"]
                )
                wanted = {(t["campaign_id"], t["campaign_version"]) for t in touches if t["body"] is None}
                specs: dict[tuple[str, int], Mapping[str, Any]] = {}
                for campaign_id, revision in wanted:
                    spec = await connection.fetchval(SQL["template"], campaign_id, revision)
                    specs[campaign_id, revision] = json.loads(spec) if spec is not None else {}
        items = [_answer(answer) for answer in answers]
        items += [_touch(t, specs.get((t["campaign_id"], t["campaign_version"]), {})) for t in touches]
        return {"reply": _reply(row), "thread": sorted(items, key=lambda item: item["at"])}


def _reply(row: Any) -> dict[str, Any]:
    """The reply as people read it: without what only machines need, with what was made of it."""
    hidden = {"facts", "address_key", "event"}
    told = {name: value for name, value in row.items() if name not in hidden}
    facts: dict[str, Any] = json.loads(row["facts"])
    event: dict[str, Any] = json.loads(row["event"]) if row["event"] is not None else {}
    told["recipients"] = facts.get("recipients", [])
    told["attachments"] = facts.get("attachments", [])
    for name in ("confidence", "sentiment", "summary", "entities", "draft_reply", "return_at"):
        told[name] = event.get(name)
    return told


def _answer(row: Any) -> dict[str, Any]:
    names = ("reply_id", "send_id", "step_id", "from_email", "from_name", "subject", "body", "quoted", "disposition")
    return {"kind": "reply", "at": row["at"], **{name: row[name] for name in names}}


def _touch(row: Any, spec: Mapping[str, Any]) -> dict[str, Any]:
    template = _template(spec, row["step_id"], row["variant"])
    body = row["body"] if row["body"] is not None else template.get("body")
    return {
        "kind": "touch",
        "at": row["granted_at"],
        "send_id": row["send_id"],
        "step_id": row["step_id"],
        "variant": row["variant"],
        "mailbox_id": row["mailbox_id"],
        "state": row["state"],
        "message_id": row["message_id"],
        "subject": row["subject"] if row["subject"] is not None else template.get("subject"),
        "body": body,
        "is_template": row["body"] is None and body is not None,
        "approved_by": row["approved_by"] or row["decided_by"],
    }


def _template(spec: Mapping[str, Any], step_id: str, variant: str) -> Mapping[str, Any]:
    """The words of a step's arm as the campaign was written; nothing where it has no such step."""
    step = next((step for step in spec.get("steps", ()) if step.get("id") == step_id), None)
    if step is None:
        return {}
    words = {"subject": step.get("subject"), "body": step.get("body")}
    own = next((arm for arm in step.get("arms") or () if arm.get("name") == variant), None)
    if own is None and variant == "b":
        own = step.get("variant_b")
    return words | {name: own[name] for name in words if own and own.get(name) is not None}
