"""Mail in: parse, match, stop, store, tell. In that order, so that whoever hears of a reply finds its lead stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid5

import structlog

from agents.replying import metrics
from agents.replying.ports import Parser, Stops, Store, Touches
from domain.ids import NAMESPACE, event_id
from domain.leads.colleagues import UNTIL_CARD_IS_DONE
from domain.replies.fitting import made_message_id, names_a_mail
from domain.replies.mail import Mail
from domain.replies.matching import (
    CONFIDENCE,
    Candidate,
    ReadToken,
    base_subject,
    candidates,
    choose,
    is_own_copy,
    takes_hold,
)
from schemas.replies import InboundMail, Reply
from sinks.mailparser import Unreadable
from sinks.ports import SendRow, Stop
from sinks.postgres.replies import Known, Match, NewReply
from streams.inbound import Inbound
from streams.work import Work

log = structlog.get_logger("touchline.replies")

STOP_REASON = "reply"


def reply_source(reply_id: UUID) -> str:
    """The source id of a reply's stop, its suppression and its hold."""
    return f"reply:{reply_id}"


@dataclass(slots=True)
class _Arrival:
    """One mail on its way through a batch."""

    reply_id: UUID
    message_id: str
    body: InboundMail
    mail: Mail
    found: tuple[Candidate, ...] = ()
    answered: tuple[Candidate, SendRow] | None = None


class Intake:
    """Takes batches of raw mail. Everything it does can be done again: the same mail changes nothing twice."""

    def __init__(
        self,
        *,
        parser: Parser,
        store: Store,
        touches: Touches,
        stops: Stops,
        read_token: ReadToken,
        stored: Callable[[], None],
        is_colleague: Callable[[Mail, SendRow], bool] = lambda mail, touch: False,
    ) -> None:
        self._parser = parser
        self._store = store
        self._touches = touches
        self._stops = stops
        self._read_token = read_token
        self._stored = stored
        self._is_colleague = is_colleague

    async def take(self, work: Work, batch: Sequence[Inbound], now: datetime) -> None:
        """Process a batch; `now` is the campaign instant of its matches. `replies` events go into `work`."""
        arrivals = await self._parse(work, batch)
        if not arrivals:
            return
        known = await self._store.known(list(arrivals))
        fresh = [arrival for reply_id, arrival in arrivals.items() if reply_id not in known]
        await self._match(fresh)
        stored = await self._keep(fresh, now)
        for told in (*known.values(), *stored):
            if told.held and told.match is not None:
                work.emit("replies", _reply(told, told.match), told.match.lead_id)
        if stored:
            work.after_commit(self._stored)

    async def _parse(self, work: Work, batch: Sequence[Inbound]) -> dict[UUID, _Arrival]:
        """The mails of a batch by reply id: one that stands twice in it counts once."""
        arrivals: dict[UUID, _Arrival] = {}
        for event, mail in zip(batch, await self._parser.parse([e.body.raw for e in batch]), strict=True):
            if isinstance(mail, Unreadable):
                work.dead_letter(event, mail.reason, mail.detail)
                continue
            message_id = self._message_id(event.body, mail)
            reply_id = uuid5(NAMESPACE, f"reply\x00{message_id}")
            arrivals.setdefault(reply_id, _Arrival(reply_id, message_id, event.body, _delivered(mail, event.body)))
        return arrivals

    def _message_id(self, body: InboundMail, mail: Mail) -> str:
        """What makes it the same mail when it comes again. A machine that answers under our own Message-ID has none of
        its own."""
        told = (mail.message_id or "", body.message_id.replace("\x00", ""), made_message_id(body.raw))
        stated = next(filter(names_a_mail, told)).strip().strip("<>")
        if self._read_token(stated.partition("@")[0]) is None or is_own_copy(mail, self._read_token):
            return stated
        return f"{hashlib.blake2b(body.raw, digest_size=16).hexdigest()}.{stated}"

    async def _match(self, fresh: Sequence[_Arrival]) -> None:
        """Find the touch of each mail: by tokens for all at once, by other ids for what is left, then by sender and
        subject."""
        for arrival in fresh:
            arrival.found = candidates(arrival.mail, self._read_token)
        tokens = {c.send_id for arrival in fresh for c in arrival.found if c.send_id is not None}
        by_send_id = await self._touches.resolve(list(tokens)) if tokens else {}
        for arrival in fresh:
            arrival.answered = choose(arrival.found, by_send_id, {})
        ids = {c.message_id for a in fresh if a.answered is None for c in a.found if c.message_id is not None}
        by_message_id = await self._by_message_id(ids)
        for arrival in fresh:
            if arrival.answered is None:
                arrival.answered = choose(arrival.found, by_send_id, by_message_id) or await self._by_thread(
                    arrival.mail
                )
            if arrival.answered is not None and self._is_colleague(arrival.mail, arrival.answered[1]):
                arrival.answered = None  # the owner of one of our mailboxes wrote in the thread: nobody has answered

    async def _by_message_id(self, ids: set[str]) -> Mapping[str, SendRow]:
        """Rows by Message-ID without brackets, whichever way the ledger keeps it."""
        if not ids:
            return {}
        rows = await self._touches.resolve_message_ids([form for i in ids for form in (i, f"<{i}>")])
        return {message_id.strip("<>"): row for message_id, row in rows.items()}

    async def _by_thread(self, mail: Mail) -> tuple[Candidate, SendRow] | None:
        """The weakest match: the address was sent this subject. Reports and our own copies have no
        sender to speak of."""
        if mail.report is not None or mail.from_email is None or is_own_copy(mail, self._read_token):
            return None
        subject = base_subject(mail.subject)
        row = await self._touches.resolve_thread(mail.from_email, subject) if subject else None
        return None if row is None else (Candidate("sender_subject", send_id=row.send_id), row)

    async def _keep(self, fresh: Sequence[_Arrival], now: datetime) -> list[Known]:
        """Commit the stops, then the rows: a row says that its stop stands."""
        rows = [_new_reply(arrival, now) for arrival in fresh]
        if not rows:
            return []
        stops = [
            Stop(
                r.match.lead_id,
                None,
                STOP_REASON,
                reply_source(r.reply_id),
                r.match.campaign_id,
                now + UNTIL_CARD_IS_DONE,
            )
            for r in rows
            if r.held and r.match
        ]
        if stops:
            await self._stops.stop(stops)
        proved = [a.answered[1].send_id for a in fresh if a.answered is not None and a.answered[1].state == "ambiguous"]
        if proved:
            await self._touches.settle_ambiguous(proved)
        inserted = await self._store.insert(rows)
        for row in rows:
            metrics.MATCHES.labels("none" if row.match is None else row.match.matched_by).inc()
        kept = [Known(row.reply_id, row.at, row.held, row.match) for row in rows if row.reply_id in inserted]
        late = [row.reply_id for row in rows if row.reply_id not in inserted]
        if late:  # another worker stored the same mail in between: what it stored counts
            kept += (await self._store.known(late)).values()
        return kept


def _delivered(mail: Mail, body: InboundMail) -> Mail:
    """The mail with whom its envelope names besides: a reply address may stand in no header at all. And whether it was cut."""
    envelope = (address.replace("\x00", "").strip().strip("<>").lower()[:320] for address in body.envelope_to[:50])
    recipients = tuple(dict.fromkeys((*mail.recipients, *filter(None, envelope))))
    return replace(mail, recipients=recipients, truncated=mail.truncated or body.truncated)


def _new_reply(arrival: _Arrival, now: datetime) -> NewReply:
    body = arrival.body
    row = NewReply(
        reply_id=arrival.reply_id,
        message_id=arrival.message_id,
        source=body.source,
        received_at=body.received_at,
        received_wall=body.received_wall,
        at=now,
        mail=arrival.mail,
    )
    if arrival.answered is None:
        log.info("reply_untracked", reply_id=str(arrival.reply_id), source=body.source)
        return row
    candidate, touch = arrival.answered
    return replace(
        row,
        held=takes_hold(row.mail),
        match=Match(
            matched_by=candidate.matched_by,
            confidence=CONFIDENCE[candidate.matched_by],
            send_id=touch.send_id,
            enrollment_id=touch.enrollment_id,
            lead_id=touch.lead_id,
            campaign_id=touch.campaign_id,
            step_id=touch.step_id,
        ),
        pool_id=touch.pool_id,
        mailbox_id=touch.mailbox_id,
        lead_timezone=touch.timezone,
        address_key=touch.address_key,
    )


def _reply(known: Known, match: Match) -> Reply:
    return Reply(
        event_id=event_id("reply", known.reply_id),
        reply_id=known.reply_id,
        lead_id=match.lead_id,
        campaign_id=match.campaign_id,
        enrollment_id=match.enrollment_id,
        step_id=match.step_id,
        send_id=match.send_id,
        matched_by=match.matched_by,
        confidence=match.confidence,
        at=known.at,
    )
