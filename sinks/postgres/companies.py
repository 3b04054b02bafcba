"""Colleagues of who answered, at the gate (docs/behaviour.md 7.3): a consent row a campaign and company, flagged like a lead's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from domain.ids import event_id, key_hash
from schemas.enrollments import ColleagueAnswered
from schemas.sending import DueSend
from sinks.ports import Colleagues, Stop
from sinks.postgres.connect import classified
from sinks.postgres.queries import queries
from sinks.postgres.untold import Noted, note

SQL = queries("companies")
STOPS = queries("stops")

ENDED = "colleague_ended"
"""The gate's code where colleagues of who answered are written to no more."""


def company_key(secret: bytes, touch: DueSend) -> bytes | None:
    """The key of a campaign's row for the touch's company; None where it minds no colleagues."""
    if touch.colleagues is None:
        return None
    return key_hash(secret, "company", f"{touch.campaign_id}\x00{touch.domain}")


async def stop_with_colleagues(pool: asyncpg.Pool, stops: Sequence[Stop], keys: Sequence[bytes]) -> bool:
    """Commit stops of leads (`keys`) with those of their colleagues, as one. False, and nothing is done, where none of them has a
    company that is minded.
    """
    with classified:
        companies = await minded_companies(pool, stops)
        if not companies:
            return False
        async with pool.acquire() as connection, connection.transaction():
            await commit_stops(connection, stops, keys, companies)
    return True


async def minded_companies(connection: Any, stops: Sequence[Stop]) -> dict[tuple[str, str], list[bytes]]:
    """The keys of the companies whose people these answers concern, by campaign and lead."""
    answered = [stop for stop in stops if stop.campaign_id is not None]
    rows = await connection.fetch(
        SQL["companies_of"], [stop.campaign_id for stop in answered], [stop.lead_id for stop in answered]
    )
    found: dict[tuple[str, str], list[bytes]] = {}
    for row in rows:
        found.setdefault((row["campaign_id"], row["lead_id"]), []).append(row["company_key"])
    return found


async def commit_stops(
    connection: Any, stops: Sequence[Stop], keys: Sequence[bytes], companies: Mapping[tuple[str, str], Sequence[bytes]]
) -> None:
    """Stops of leads (`keys`) and of these companies, in the transaction of the connection. All their rows are locked first, in
    the order of everybody who locks them.
    """
    wanted = [
        (company, stop.source_id, key.hex(), stop.until)
        for stop, key in zip(stops, keys, strict=True)
        for company in companies.get((stop.campaign_id or "", stop.lead_id), ())
    ]
    everybody = [*keys, *(company for company, *_ in wanted)]
    await connection.execute(STOPS["ensure"], everybody)
    await connection.execute(SQL["lock_consents"], everybody)
    columns = ([stop.enrollment_id for stop in stops], [s.source_id for s in stops], [s.reason for s in stops])
    await connection.execute(STOPS["stop"], list(keys), *columns)
    if wanted:
        await connection.execute(SQL["stop_companies"], *map(list, zip(*wanted, strict=True)))


async def settle_colleagues(connection: Any, said: Colleagues) -> None:
    """Say what an answer means for colleagues, in the transaction of the connection, with what their leads are to hear of it."""
    rows = await connection.fetch(SQL["companies_of"], [said.campaign_id], [said.lead_id])
    keys = [row["company_key"] for row in rows]
    if not keys:
        return
    source = f"reply:{said.reply_id}"
    await connection.execute(SQL["lock_consents"], keys)
    if said.act in ("free", "drop"):
        await connection.execute(STOPS["release"], keys, [None] * len(keys), [source] * len(keys))
    else:
        reason = ENDED if said.act == "end" else "colleague"
        await connection.execute(SQL["settle_companies"], keys, source, reason, said.until)
    if said.act != "drop":
        leads = [row["lead_id"] for row in await connection.fetch(SQL["colleagues"], keys, said.lead_id)]
        await note(connection, [_told(said, lead_id) for lead_id in leads])


def _told(said: Colleagues, lead_id: str) -> Noted:
    event = ColleagueAnswered(
        event_id=event_id("colleague", said.act, said.reply_id, lead_id),
        lead_id=lead_id,
        campaign_id=said.campaign_id,
        reply_id=said.reply_id,
        act=said.act,  # pyright: ignore[reportArgumentType] - what was dropped is told to nobody
        until=said.until,
    )
    return Noted(event.event_id, "enrollments", lead_id, event.write().decode())
