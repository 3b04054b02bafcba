"""Reading a mailbox: where it stands, what to fetch next and how much of it, when to try again (docs/behaviour.md 7.1).

A mail's UID rises within a mailbox for as long as its UIDVALIDITY stands (RFC 3501, 2.3.1.1). A position says that every UID
up to `last_uid` is done with: on the broker, not wanted, gone, or set aside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from domain.senders import Imap

LOOK_BACK = timedelta(days=7)
"""How far before the last time that everything was read a mailbox with new UIDs is read again."""
MAX_WHOLE = 25 * 1024 * 1024
"""Bytes of a mail that is fetched whole."""
FRONT = 1024 * 1024
"""Of a longer one: its headers and the beginning of its text."""
FRONT_OF_STUCK = 64 * 1024
"""Of one that could not be fetched several times."""
SLICE_BYTES = 4 * 1024 * 1024
SLICE_MAILS = 50
WINDOW = 5_000
WIDEST_WINDOW = 1 << 31

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
FIRST_REST_S = 15 * 60.0
LONGEST_REST_S = 6 * 3600.0
TRIES_IN_PLACE = 2
"""Times that a mail is fetched alone before the rest goes on without it."""
FIRST_LATER = timedelta(minutes=10)
LONGEST_LATER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a mailbox stands. Of UIDs below `filtered_below` only mail that came at `since` or later is taken: the rest was
    there before; what comes later is taken whatever its date, for a person may move an old mail in."""

    uid_validity: int
    last_uid: int
    filtered_below: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail on the server: its size as the server states it, and when it came, where it says so."""

    uid: int
    size: int
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Mails that are fetched with one command: so many bytes of each."""

    uids: tuple[int, ...]
    limit: int
    is_partial: bool = False
    """These are known to be longer than what is asked for."""


def account_of(imap: Imap) -> str:
    """What one worker reads at a time: two definitions that name the same folder of the same user share it."""
    return f"{imap.username}@{imap.host}:{imap.port}/{imap.folder}"


def stand(
    known: Position | None, *, uid_validity: int, uid_next: int, since: datetime, read_at: datetime | None
) -> Position:
    """The position in a mailbox that was just opened. `read_at`: when everything in it had last been read.

    Other UIDs than before (another UIDVALIDITY, or UIDs that went back, as after a restored backup) begin anew: mail since a
    week before `read_at` is read again. What comes twice counts once, by its Message-ID.
    """
    if known is None:
        return Position(uid_validity, 0, uid_next, since)
    if known.uid_validity == uid_validity and known.last_uid < uid_next:
        return known
    again = known.since if read_at is None else max(known.since, read_at - LOOK_BACK)
    return Position(uid_validity, 0, uid_next, again)


def at_uid(position: Position, uid: int) -> Position:
    """The position when everything up to `uid` is done with. It never goes back."""
    return replace(position, last_uid=max(position.last_uid, uid))


def window(position: Position, uid_next: int, width: int) -> tuple[int, int] | None:
    """The next range of UIDs to ask for, both ends in it; None when there are none below `uid_next`. Below
    `filtered_below` and above it other mail is wanted, so no range has both."""
    low = position.last_uid + 1
    end = min(uid_next, position.filtered_below) if low < position.filtered_below else uid_next
    return (low, min(end - 1, low + width - 1)) if low < end else None


def next_width(width: int, found: int) -> int:
    """How wide the next range is: gaps are crossed ever faster, and mail is listed a few thousand at a time."""
    return WINDOW if found else min(width * 4, WIDEST_WINDOW)


def is_wanted(mail: Listed, position: Position) -> bool:
    """Whether the mail is to be fetched. One without a date is."""
    if mail.uid >= position.filtered_below or mail.received_at is None:
        return True
    return mail.received_at >= position.since


def slices(mails: Iterable[Listed], alone: Collection[int] = ()) -> list[Slice]:
    """Commands for these mails, in the order of their UIDs. Those in `alone`, and large ones, have one of their own."""
    found: list[Slice] = []
    held: list[Listed] = []
    for mail in sorted(mails, key=lambda one: one.uid):
        if mail.size > MAX_WHOLE:
            by_itself = Slice((mail.uid,), FRONT, is_partial=True)
        elif mail.size > SLICE_BYTES or mail.uid in alone:
            by_itself = Slice((mail.uid,), MAX_WHOLE)
        else:
            by_itself = None
        fits = len(held) < SLICE_MAILS and sum(one.size for one in held) + mail.size <= SLICE_BYTES
        if held and (by_itself or not fits):
            found.append(_together(held))
            held = []
        if by_itself:
            found.append(by_itself)
        else:
            held.append(mail)
    if held:
        found.append(_together(held))
    return found


def _together(mails: Sequence[Listed]) -> Slice:
    """Servers state sizes that are somewhat wrong: what fills the limit all the same is fetched again by itself."""
    return Slice(tuple(mail.uid for mail in mails), max(mail.size for mail in mails) * 5 // 4 + 4096)


def stuck_slice(uid: int, size: int, tries: int) -> Slice:
    """How a mail is fetched that was set aside after `tries` tries: whole once more, then its front alone."""
    if size > MAX_WHOLE:
        return Slice((uid,), FRONT if tries <= TRIES_IN_PLACE else FRONT_OF_STUCK, is_partial=True)
    if tries <= TRIES_IN_PLACE:
        return Slice((uid,), MAX_WHOLE)
    return Slice((uid,), FRONT_OF_STUCK, is_partial=size > FRONT_OF_STUCK)


def pause_s(failures: int, draw: float) -> float:
    """Wall seconds until a server that was lost `failures` times in a row is tried again; `draw` in [0, 1) spreads them."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 20)) * (0.5 + draw / 2)


def rest_s(refusals: int) -> float:
    """Wall seconds until a login that was refused is tried again unchanged: rarely, for servers lock accounts out."""
    return min(LONGEST_REST_S, FIRST_REST_S * 2.0 ** min(refusals - 1, 20))


def later(tries: int) -> timedelta:
    """When a mail that could not be fetched `tries` times is tried again."""
    return min(LONGEST_LATER, FIRST_LATER * 2 ** min(max(tries - TRIES_IN_PLACE, 0), 20))
