"""From the documents of senders to the senders that decisions use (docs/behaviour.md 3.2, 4.1, 4.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from domain.documents import InvalidDefinitions, Problem
from domain.headers import InvalidAddress, check_address, clean_header
from domain.numbers import e164
from domain.senders import AutoPause, Imap, Mailbox, Ramp, SmsProvider, SmsSender, Smtp, WorkdayRanges
from schemas.definitions import MailboxDoc, SmsSenderDoc, WorkdayDoc
from schemas.senders import ImapDoc

PROVIDER_PER_DAY: Mapping[str, int | None] = {
    "gmail": 500,  # docs/behaviour.md 3.2; what Google allows a consumer account in 24 hours
    "microsoft": 10_000,  # Exchange Online's recipient rate limit a mailbox and day
    "resend": None,  # by plan, not by sender
    "other": None,
}
"""What a provider accepts from one sender a day."""

_FROM = re.compile(r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^<>"]*?))\s*<(?P<address>[^<>]+)>\s*')


def read_from(text: str) -> tuple[str, str]:
    """The name and the address of `Anna Berg <anna@sender.example>` or of a bare address. Raises InvalidAddress."""
    match = _FROM.fullmatch(text)
    if match is None:
        return "", check_address(text.strip())
    name = match["bare"] if match["quoted"] is None else re.sub(r"\\(.)", r"\1", match["quoted"])
    return clean_header(name), check_address(match["address"].strip())


def minutes_of(clock: str) -> int:
    """`08:30` as minutes after midnight."""
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)


def compile_mailbox(doc: MailboxDoc, revision: int) -> Mailbox:
    """A mailbox as its definition says."""
    try:
        name, address = read_from(doc.from_)
    except InvalidAddress as error:
        raise InvalidDefinitions([Problem("from", "invalid_address", str(error), f"mailbox {doc.id}")]) from error
    return Mailbox(
        mailbox_id=doc.id,
        revision=revision,
        pool_id=doc.pool,
        from_name=name,
        from_email=address,
        postal_address=doc.postal_address.strip(),
        smtp=Smtp(**doc.smtp.model_dump()),
        zone=doc.timezone,
        reply_domain=doc.reply_domain.lower() if doc.reply_domain else None,
        per_hour=doc.hourly_limit,
        per_day=doc.daily_limit,
        gap_s=(0.0, 0.0) if doc.gap_seconds == 0 else doc.gap_seconds,
        recipient_domain_per_hour=doc.recipient_domain_hourly_limit,
        provider=doc.provider,
        provider_per_day=PROVIDER_PER_DAY[doc.provider],
        ramp=Ramp(doc.ramp.start, doc.ramp.increment, doc.ramp.cap) if doc.ramp is not None else None,
        workday=_workday(doc.workday) if doc.workday is not None else None,
        auto_pause=AutoPause(**doc.auto_pause.model_dump()) if doc.auto_pause else None,
        imap=_imap(doc.imap) if doc.imap is not None else None,
    )


def _imap(doc: ImapDoc) -> Imap:
    processed, _, move_to = doc.processed.partition(":")
    return Imap(
        host=doc.host.lower(),
        port=doc.port or (993 if doc.security == "tls" else 143),
        security=doc.security,
        username=doc.username,
        password_ref=doc.password_ref,
        token_ref=doc.token_ref,
        folder="INBOX" if doc.folder.upper() == "INBOX" else doc.folder,
        processed=processed,
        move_to=move_to or None,
        since=doc.since,
    )


def _workday(doc: WorkdayDoc) -> WorkdayRanges:
    return WorkdayRanges(
        start=_range(doc.start),
        finish=_range(doc.finish),
        lunch_start=_range(doc.lunch.start) if doc.lunch is not None else None,
        lunch_minutes=doc.lunch.minutes if doc.lunch is not None else (0, 0),
        daily_target=doc.daily_target,
        hourly_ceiling=doc.hourly_ceiling,
    )


def _range(times: tuple[str, str]) -> tuple[int, int]:
    return minutes_of(times[0]), minutes_of(times[1])


def compile_sms_sender(doc: SmsSenderDoc, revision: int) -> SmsSender:
    """An SMS number as its definition says."""
    provider = doc.provider
    return SmsSender(
        mailbox_id=doc.id,
        revision=revision,
        pool_id=doc.pool,
        number=e164(doc.from_) or doc.from_.strip(),
        provider=SmsProvider(provider.base_url, provider.url_ref, provider.account, provider.token_ref),
        zone=doc.timezone,
        per_hour=doc.hourly_limit,
        per_day=doc.daily_limit,
        gap_s=(0.0, 0.0) if doc.gap_seconds == 0 else doc.gap_seconds,
        status_callback=doc.status_callback,
    )
