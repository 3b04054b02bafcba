"""A mailbox on an IMAP server, open: what is there, the mails, marks on them, waiting for more (docs/behaviour.md 7.1)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.inbox import Listed, Slice
from domain.senders import Imap
from sinks.imap_connect import ImapRefused, open_stream
from sinks.imap_stream import ImapFailed, ImapLost, ImapStream, Response, Text, Timeouts, losing
from sinks.imap_wire import (
    Garbled,
    body_of,
    fetched,
    folder_name,
    internal_date,
    number,
    numbered,
    search_date,
    searched,
    uid_of,
    uid_set,
)

__all__ = ["ImapFailed", "ImapLost", "ImapRefused", "ImapSession", "Opened", "Timeouts", "open_mailbox"]

LIST_AT_ONCE = 500
_NO_SUCH_FOLDER = frozenset({"TRYCREATE", "NONEXISTENT"})


@dataclass(frozen=True, slots=True)
class Opened:
    """What the server says of the folder. `uid_next` is None where it does not say."""

    uid_validity: int
    uid_next: int | None


@dataclass(frozen=True, slots=True)
class Bodies:
    """What came of a slice, by UID. `failure`: the server's words, where it would not give all of it."""

    raw: Mapping[int, bytes]
    failure: str | None = None


async def open_mailbox(imap: Imap, timeouts: Timeouts, tls: ssl.SSLContext | None = None) -> ImapSession:
    """Connect, log in, open the folder: read-only where processed mail is left alone. Raises ImapLost, ImapRefused."""
    stream, can = await open_stream(imap, timeouts, tls)
    try:
        return ImapSession(stream, can, await _open_folder(stream, imap))
    except BaseException:
        stream.close()
        raise


async def _open_folder(stream: ImapStream, imap: Imap) -> Opened:
    command = "EXAMINE" if imap.processed == "leave" else "SELECT"
    status, responses = await stream.command(command, Text(folder_name(imap.folder)))
    if status.kind != "OK":
        raise ImapRefused("folder", f"the folder cannot be opened: {status.said}")
    if command == "SELECT" and status.code == "READ-ONLY":
        raise ImapRefused("folder", "the folder is read-only: processed must be leave")
    told = {one.status.code: one.status.argument for one in responses if one.status is not None}
    uid_validity = number(told.get("UIDVALIDITY", "").encode())
    if not uid_validity:
        if not any((numbered(one.pieces[0]) or (0, ""))[1] == "EXISTS" for one in responses):
            raise ImapLost("garbled", f"{command}: an OK without what the folder has")
        raise ImapRefused("folder", "the server keeps no UIDs in this folder")
    return Opened(uid_validity, number(told.get("UIDNEXT", "").encode()))


class ImapSession:
    """Every method raises ImapLost; then there is nothing to do but to close it."""

    def __init__(self, stream: ImapStream, can: frozenset[str], opened: Opened) -> None:
        self._stream = stream
        self._can = can
        self._idles = "IDLE" in can
        self.opened = opened

    async def close(self) -> None:
        """Log out, where the server still listens, and hang up."""
        await self._stream.log_out()

    def abort(self) -> None:
        """Hang up without a word."""
        self._stream.close()

    async def search(self, low: int, high: int | None, since: datetime | None = None) -> list[int]:
        """UIDs from `low` to `high` (None: to the last), in order; `since`: without most of what came on earlier days."""
        self._stream.news = False
        on_days = ["SINCE", search_date(since)] if since is not None else []
        found = await self._search(f"{low}:{'*' if high is None else high}", *on_days)
        # `n:*` is never empty: it has the last mail even where its UID is below n
        return sorted(uid for uid in found if uid >= low and (high is None or uid <= high))

    async def highest(self) -> int:
        """The highest UID that there is; 0 for an empty folder."""
        return max(await self._search("*"), default=0)

    async def present(self, uids: Sequence[int]) -> list[int]:
        """Those of these that are there."""
        found = await self._search(uid_set(uids)) if uids else set[int]()
        return [uid for uid in uids if uid in found]

    async def _search(self, uids: str, *on_days: str) -> set[int]:
        responses = await self._done("UID SEARCH", "UID", uids, *on_days)
        async with losing("UID SEARCH"):
            found = [one for one in (searched(response.pieces[0]) for response in responses) if one is not None]
            if not found:  # no answer is not the answer "none": mail would be passed over
                raise Garbled("an OK without what was found")
            return {uid for one in found for uid in one}

    async def listed(self, uids: Sequence[int]) -> list[Listed]:
        """Sizes and dates; a mail that is gone is not in it."""
        found: dict[int, Listed] = {}
        for start in range(0, len(uids), LIST_AT_ONCE):
            some = uids[start : start + LIST_AT_ONCE]
            responses = await self._done("UID FETCH", uid_set(some), "(UID RFC822.SIZE INTERNALDATE)")
            async with losing("UID FETCH"):
                for items in filter(None, (fetched(one.pieces) for one in responses)):
                    uid, size = uid_of(items), number(items.get("RFC822.SIZE"))
                    if uid is not None and size is not None:
                        found[uid] = Listed(uid, size, internal_date(items.get("INTERNALDATE")))
        return [found[uid] for uid in uids if uid in found]

    async def bodies(self, wanted: Slice) -> Bodies:
        """The mails of a slice, unseen. One that is gone is not in it."""
        what = f"(UID BODY.PEEK[]<0.{wanted.limit}>)"
        status, responses = await self._stream.command("UID FETCH", uid_set(wanted.uids), what)
        raw: dict[int, bytes] = {}
        async with losing("UID FETCH"):
            for items in filter(None, (fetched(one.pieces) for one in responses)):
                uid, body = uid_of(items), body_of(items)
                if uid in wanted.uids and body:
                    raw[uid] = body[: wanted.limit]
        return Bodies(raw, None if status.kind == "OK" else str(ImapFailed("UID FETCH", status)))

    async def mark_seen(self, uids: Sequence[int]) -> None:
        """Mark them as read. Raises ImapFailed."""
        await self._done("UID STORE", uid_set(uids), "+FLAGS.SILENT", "(\\Seen)")

    async def move(self, uids: Sequence[int], folder: str) -> None:
        """Move them to a folder, which is made where there is none. Raises ImapFailed."""
        where = Text(folder_name(folder))
        command = "UID MOVE" if "MOVE" in self._can else "UID COPY"
        status, _ = await self._stream.command(command, uid_set(uids), where)
        if status.code in _NO_SUCH_FOLDER:
            await self._done("CREATE", where)
            status, _ = await self._stream.command(command, uid_set(uids), where)
        if status.kind != "OK":
            raise ImapFailed(command, status)
        if command == "UID COPY":
            await self._done("UID STORE", uid_set(uids), "+FLAGS.SILENT", "(\\Deleted)")
            if "UIDPLUS" in self._can:  # EXPUNGE alone would remove what others have marked
                await self._done("UID EXPUNGE", uid_set(uids))

    async def wait(self, idle_s: float, poll_s: float) -> None:
        """Return when there may be mail: at once where it was announced, after `idle_s` of IDLE without news, or, where
        the server does not idle, after `poll_s`."""
        if self._stream.news:
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        if self._idles:
            self._idles = await self._stream.idle(idle_s)
            if self._idles and (self._stream.news or loop.time() - began >= min(1.0, idle_s)):
                return
        await asyncio.sleep(poll_s)

    async def _done(self, name: str, *arguments: str | Text) -> list[Response]:
        return await self._stream.done(name, *arguments)
