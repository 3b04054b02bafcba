"""Reads one mailbox: what is there, then what comes, for as long as it is ours (docs/behaviour.md 7.1).

The order for every mail: on the broker and acknowledged, then marked on the server, then the position moves. Killed in between,
the mail is read again, and counts once by its Message-ID; the other way round it would be lost.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog

from agents import inbox_metrics as metrics
from agents.inbox_fares import Fares
from agents.inbox_ports import Tools
from domain.inbox import (
    MAX_WHOLE,
    TRIES_IN_PLACE,
    WINDOW,
    Listed,
    Position,
    Slice,
    at_uid,
    is_wanted,
    later,
    next_width,
    slices,
    stand,
    stuck_slice,
    window,
)
from domain.senders import Imap
from schemas.replies import InboundMail
from sinks.imap import ImapFailed, ImapLost, ImapRefused, ImapSession
from sinks.inbound_mail import inbound_mail
from sinks.postgres.connect import retrying
from sinks.postgres.inboxes import Claimed, Stuck
from streams.errors import Poison, Retryable

log = structlog.get_logger("touchline.inbox")

SLOWEST_S = 10.0
NOTHING = "the server gives nothing of it"
T = TypeVar("T")


class TakenOver(Exception):
    """Another worker reads this mailbox by now."""


class Reader:
    """One mailbox. `mailbox_id` is its name in logs and metrics, `account` its key in Postgres."""

    def __init__(self, account: str, mailbox_id: str, imap: Imap, claimed: Claimed, tools: Tools) -> None:
        self._account = account
        self._mailbox = mailbox_id
        self._imap = imap
        self._known = claimed
        self._at = claimed.position
        self._read_at = claimed.read_at
        self._tools = tools
        self._tries: dict[int, int] = {}
        self._unmarked: str | None = None
        self._fares = Fares(account, mailbox_id, imap, tools)

    async def run(self) -> None:
        """Read until it is cancelled, or another worker reads it. Faults are waited out, told, and never raised."""
        try:
            while True:
                await self._once()
        except TakenOver:
            log.info("inbox_taken_over", mailbox=self._mailbox)
        finally:
            metrics.WATCHED.labels(self._mailbox).set(0)

    async def _once(self) -> None:
        try:
            await self._session()
        except ImapRefused as error:
            await self._fares.rest(error)
        except ImapLost as error:
            await self._fares.away(error.reason, str(error))
        except ImapFailed as error:
            await self._fares.away("failed", str(error))
        except Retryable as error:
            await self._fares.away("postgres", type(error).__name__)
        except TakenOver:
            raise
        except Exception as error:
            log.exception("inbox_defect", mailbox=self._mailbox)
            await self._fares.away("defect", type(error).__name__)

    # -- one connection

    async def _session(self) -> None:
        await self._fares.say("connecting")
        session = await self._tools.open(self._imap)
        try:
            await self._catch_up(session)
            pace, quiet = self._tools.pace, 0
            while True:
                await self._again(session)
                quiet = 0 if await self._arrivals(session) else quiet + 1
                self._read_at = await self._fares.abreast(self._unmarked)
                await session.wait(min(pace.idle_s, pace.first_idle_s * 2.0 ** min(quiet, 20)), pace.poll_s)
        except asyncio.CancelledError:
            await session.close()
            raise
        finally:
            session.abort()

    async def _catch_up(self, session: ImapSession) -> None:
        """What stood there when the folder was opened, range by range."""
        opened = session.opened
        uid_next = opened.uid_next or max(await session.highest(), self._at.last_uid if self._at else 0) + 1
        at = stand(
            self._at,
            uid_validity=opened.uid_validity,
            uid_next=uid_next,
            since=self._known.since,
            read_at=self._read_at,
        )
        if at != self._at:
            await self._begin(at)
        await self._fares.say("reading")
        width = WINDOW
        while (span := window(at, uid_next, width)) is not None:
            low, high = span
            uids = await session.search(low, high, at.since if low < at.filtered_below else None)
            await self._take(session, uids)
            at = await self._advance(high, 0)
            width = next_width(width, len(uids))

    async def _begin(self, at: Position) -> None:
        if self._at is not None:
            log.warning("inbox_renumbered", mailbox=self._mailbox, again_since=at.since.isoformat())
            metrics.RENUMBERED.labels(self._mailbox).inc()
        if not await self._kept(lambda: self._tools.store.begin(self._account, at)):
            raise TakenOver
        self._at = at
        self._tries.clear()

    async def _arrivals(self, session: ImapSession) -> bool:
        """What has come since; whether anything has."""
        uids = await session.search(self._position.last_uid + 1, None)
        if uids:
            await self._take(session, uids)
            await self._advance(uids[-1], 0)
        return bool(uids)

    async def _take(self, session: ImapSession, uids: Sequence[int]) -> None:
        listed = await session.listed(uids)
        for uid in await session.present(sorted(set(uids) - {mail.uid for mail in listed})):
            await self._set_aside(Listed(uid, 0, None), TRIES_IN_PLACE, NOTHING)
        mails = {mail.uid: mail for mail in listed if is_wanted(mail, self._position)}
        for part in slices(mails.values(), self._tries):
            async with self._tools.large if len(part.uids) == 1 else self._tools.small:
                raw = await self._fetch(session, part, mails)
                await self._settle(session, part, raw, mails)

    async def _fetch(self, session: ImapSession, part: Slice, mails: Mapping[int, Listed]) -> dict[int, bytes]:
        """The mails of a slice; those that cannot be had are set aside, those that are gone are left out."""
        try:
            bodies = await session.bodies(part)
        except ImapLost as error:
            await self._suspect(part, mails, str(error))
            raise
        raw = dict(bodies.raw)
        for uid in [uid for uid in raw if len(raw[uid]) >= part.limit and not part.is_partial and len(part.uids) > 1]:
            raw |= await self._fetch(session, slices([mails[uid]], [uid])[0], mails)
        for uid in await session.present([uid for uid in part.uids if uid not in bodies.raw]):
            if len(part.uids) > 1:
                raw |= await self._fetch(session, slices([mails[uid]], [uid])[0], mails)
            else:
                await self._set_aside(mails[uid], TRIES_IN_PLACE, bodies.failure or NOTHING)
        return raw

    async def _suspect(self, part: Slice, mails: Mapping[int, Listed], detail: str) -> None:
        """The connection ended over these: they are fetched one by one next time, and one that ends it again and again by
        itself is set aside."""
        for uid in part.uids:
            self._tries[uid] = self._tries.get(uid, 0) + 1
        uid = part.uids[0]
        if len(part.uids) == 1 and self._tries[uid] > TRIES_IN_PLACE:
            await self._set_aside(mails[uid], self._tries.pop(uid), detail)
            await self._advance(uid, 0)

    async def _set_aside(self, mail: Listed, tries: int, detail: str) -> None:
        log.error("inbox_mail_set_aside", mailbox=self._mailbox, uid=mail.uid, tries=tries, detail=detail)
        metrics.STUCK.labels(self._mailbox).inc()
        stuck = Stuck(mail.uid, mail.size, tries)
        validity = self._position.uid_validity
        await self._kept(lambda: self._tools.store.set_aside(self._account, validity, stuck, detail, later(tries)))

    async def _again(self, session: ImapSession) -> None:
        """Mails that were set aside, when their time has come."""
        validity = self._position.uid_validity
        for stuck in await self._kept(lambda: self._tools.store.stuck(self._account, validity)):
            there = await session.listed([stuck.uid])
            if there:
                part = stuck_slice(stuck.uid, there[0].size, stuck.tries)
                more = Stuck(stuck.uid, there[0].size, stuck.tries + 1)
                # first, so that a mail that ends the connection is not tried at once again
                await self._put_off(more, "the connection ended over it")
                bodies = await session.bodies(part)
                if stuck.uid not in bodies.raw:
                    await self._put_off(more, bodies.failure or NOTHING)
                    continue
                await self._publish(self._messages(part, bodies.raw, {stuck.uid: there[0]}))
                await self._mark(session, [stuck.uid])
            await self._kept(lambda uid=stuck.uid: self._tools.store.unstuck(self._account, validity, uid))

    async def _put_off(self, stuck: Stuck, detail: str) -> None:
        validity = self._position.uid_validity
        again_in = later(stuck.tries)
        await self._kept(lambda: self._tools.store.set_aside(self._account, validity, stuck, detail, again_in))

    # -- what becomes of a mail, in this order

    async def _settle(
        self, session: ImapSession, part: Slice, raw: Mapping[int, bytes], mails: Mapping[int, Listed]
    ) -> None:
        if raw:
            await self._publish(self._messages(part, raw, mails))
            await self._mark(session, sorted(raw))
        await self._advance(part.uids[-1], len(raw))

    def _messages(self, part: Slice, raw: Mapping[int, bytes], mails: Mapping[int, Listed]) -> list[InboundMail]:
        wall = self._tools.clock.wall()
        made: list[InboundMail] = []
        for uid in sorted(raw):
            most = part.limit if len(part.uids) == 1 else MAX_WHOLE
            is_cut = part.is_partial or len(raw[uid]) >= most
            if is_cut:
                metrics.CUT.labels(self._mailbox).inc()
            made.append(
                inbound_mail(
                    raw[uid],
                    source=f"imap:{self._mailbox}",
                    received_at=self._received_at(mails[uid]),
                    received_wall=wall,
                    truncated=is_cut,
                )
            )
        return made

    def _received_at(self, mail: Listed) -> datetime:
        now = self._tools.clock.now()
        return min(now, mail.received_at) if self._tools.is_real_time and mail.received_at is not None else now

    async def _publish(self, messages: Sequence[InboundMail]) -> None:
        """Return when the broker has them. While it is away they wait here, and the position where it is."""
        failures = 0
        while True:
            try:
                await self._tools.publish(messages)
            except Retryable as error:
                failures += 1
                log.warning("inbox_waits_for_kafka", mailbox=self._mailbox, failures=failures, error=str(error))
                await asyncio.sleep(min(SLOWEST_S, 0.1 * 2 ** min(failures, 8)) * random.uniform(0.5, 1.0))
            except Poison as poison:
                if len(messages) > 1:
                    for message in messages:
                        await self._publish([message])
                else:  # no record can hold it: trying again would not help, and the rest must go on
                    log.error("inbox_mail_refused", mailbox=self._mailbox, reason=poison.reason, detail=poison.detail)
                return
            else:
                metrics.MAILS.labels(self._mailbox).inc(len(messages))
                return

    async def _mark(self, session: ImapSession, uids: Sequence[int]) -> None:
        """As `processed` says. It is for people: a server that will not loses no mail."""
        try:
            if self._imap.processed == "seen":
                await session.mark_seen(uids)
            elif self._imap.move_to is not None:
                await session.move(uids, self._imap.move_to)
            self._unmarked = None
        except ImapFailed as error:
            log.warning("inbox_not_marked", mailbox=self._mailbox, mails=len(uids), error=str(error))
            self._unmarked = f"processed mail is not marked: {error}"

    async def _advance(self, uid: int, taken: int) -> Position:
        at = at_uid(self._position, uid)
        if at != self._at or taken:
            await self._kept(lambda: self._tools.store.advance(self._account, at, taken))
        self._at = at
        for done in [one for one in self._tries if one <= uid]:
            del self._tries[done]
        return at

    @property
    def _position(self) -> Position:
        assert self._at is not None, "the folder was opened"
        return self._at

    @staticmethod
    async def _kept(call: Callable[[], Awaitable[T]]) -> T:
        """What Postgres answers, waited for while it is away."""
        return await retrying("inbox", call)
