"""Replies as people read them, and the match that a person makes (docs/behaviour.md 7.2)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from domain.ids import event_id
from domain.leads.colleagues import UNTIL_CARD_IS_DONE
from domain.replies.mail import Mail
from domain.replies.matching import takes_hold
from schemas.replies import Reply
from sinks.ports import Stop
from sinks.postgres.companies import commit_stops, minded_companies
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.threads import Threads, UnknownReplyError
from sinks.postgres.untold import Noted, note

SQL = queries("reply_desk")

ANSWERABLE = frozenset({"sending", "sent", "ambiguous"})
"""States of a touch that somebody can have answered."""


class NoMatchError(Exception):
    """The reply and the touch cannot be matched; the message says why."""


class ReplyDesk(Threads):
    """What people do with replies. Every method raises Retryable when Postgres is away."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self._pool = pool

    async def replies(
        self,
        *,
        campaign_id: str | None = None,
        lead_id: str | None = None,
        disposition: str | None = None,
        untracked: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Replies, newest first; each filter that is given must hold. `untracked`: those that answer nothing of ours."""
        with classified:
            rows = await self._pool.fetch(
                SQL["replies"], campaign_id, lead_id, disposition, "untracked" if untracked else None, limit
            )
        return [dict(row) for row in rows]

    async def match(self, reply_id: UUID, send_id: UUID, by: str) -> dict[str, Any]:
        """Say which touch an untracked reply answers. The lead's stop, the match and what leads are to hear of it are one
        transaction; the mail is then judged like any other. Returns the lead, the campaign and the step.

        Raises UnknownReplyError, NoMatchError.
        """
        with classified:
            async with self._pool.acquire() as connection, connection.transaction():
                reply = await connection.fetchrow(SQL["lock_reply"], reply_id)
                if reply is None:
                    raise UnknownReplyError(f"no reply {reply_id}")
                if reply["state"] != "untracked":
                    raise NoMatchError(f"reply {reply_id} is matched already, with touch {reply['send_id']}")
                send = await connection.fetchrow(SQL["send"], send_id)
                if send is None:
                    raise NoMatchError(f"no touch {send_id}: `touchline lead ID` names the touches of a lead")
                if send["state"] not in ANSWERABLE:
                    raise NoMatchError(f"touch {send_id} is {send['state']}: nobody can have answered it")
                held = takes_hold(Mail.from_json(json.loads(reply["facts"])))
                if held:
                    await _stop(connection, send, reply_id, reply["at"])
                if send["state"] == "ambiguous":
                    await connection.execute(queries("ledger")["settle_ambiguous"], [send_id])
                await connection.execute(
                    SQL["match"], reply_id, held, send_id, send["enrollment_id"], send["lead_id"], send["campaign_id"],
                    send["step_id"], send["pool_id"], send["mailbox_id"], send["timezone"], send["address_key"], by,
                )  # fmt: skip
                if held:
                    await note(connection, [_told(reply_id, send, reply["at"])])
        return {name: send[name] for name in ("lead_id", "campaign_id", "step_id", "send_id")}


async def _stop(connection: Any, send: Any, reply_id: UUID, at: datetime) -> None:
    """The stop that any match commits, with that of colleagues, in the transaction of this one."""
    stop = Stop(send["lead_id"], None, "reply", f"reply:{reply_id}", send["campaign_id"], at + UNTIL_CARD_IS_DONE)
    companies = await minded_companies(connection, [stop])
    await commit_stops(connection, [stop], [send["lead_key"]], companies)


def _told(reply_id: UUID, send: Any, at: datetime) -> Noted:
    event = Reply(
        event_id=event_id("reply", reply_id),
        reply_id=reply_id,
        lead_id=send["lead_id"],
        campaign_id=send["campaign_id"],
        enrollment_id=send["enrollment_id"],
        step_id=send["step_id"],
        send_id=send["send_id"],
        matched_by="hand",
        confidence=1.0,
        at=at,
    )
    return Noted(event.event_id, "replies", event.lead_id, event.write().decode())
