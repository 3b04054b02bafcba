"""Replies of a server as they come: in pieces, together, late or never (RFC 5321)."""

import asyncio
from typing import Any, cast

import pytest
import uvloop

from sinks.smtp_wire import MAX_REPLY_BYTES, Dialogue, DroppedError, Reply


class SilentTransport:
    """Takes what is written; `abort` ends the dialogue as a lost connection would."""

    def __init__(self) -> None:
        self.protocol: Any = None

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)


def dialogue() -> Dialogue:
    return Dialogue(cast("asyncio.Transport", SilentTransport()))


@pytest.mark.parametrize("size", [1, 2, 5, 7, 100])
async def test_replies_are_read_however_they_are_cut(size: int) -> None:
    talk = dialogue()
    said = b"250-one\r\n250 two\r\n354\n220 \xff\r\r\n"
    for start in range(0, len(said), size):
        talk.data_received(said[start : start + size])
    assert [await talk.reply(1) for _ in range(3)] == [Reply(250, "one\ntwo"), Reply(354, ""), Reply(220, "\ufffd")]
    assert talk.is_quiet


async def test_half_a_line_is_not_quiet() -> None:
    talk = dialogue()
    talk.data_received(b"421 goo")
    assert not talk.is_quiet


@pytest.mark.parametrize(
    "said", [b"hello\r\n", b"250_no\r\n", b"x" * (MAX_REPLY_BYTES + 1), b"250-ab\r\n" * MAX_REPLY_BYTES]
)
async def test_what_is_no_reply_ends_the_connection(said: bytes) -> None:
    talk = dialogue()
    talk.data_received(said)
    with pytest.raises(DroppedError):
        await talk.reply(1)


async def test_each_reply_has_its_own_time() -> None:
    """A short one after a long one, and a new one that was asked for long after the timer was set."""
    talk, loop = dialogue(), asyncio.get_running_loop()
    loop.call_later(0.05, talk.data_received, b"250 ok\r\n")
    assert (await talk.reply(60)).code == 250
    asked_at = loop.time()
    with pytest.raises(TimeoutError, match="no reply in time"):
        await talk.reply(0.1)
    assert 0.09 <= loop.time() - asked_at < 5

    loop.call_later(0.1, talk.data_received, b"250 ok\r\n")
    assert (await talk.reply(0.3)).code == 250
    asked_at = loop.time()
    with pytest.raises(TimeoutError):
        await talk.reply(0.3)
    assert 0.29 <= loop.time() - asked_at < 5


async def test_a_connection_that_is_lost_fails_the_reply_that_is_awaited() -> None:
    talk = dialogue()
    asyncio.get_running_loop().call_soon(talk.abort)
    with pytest.raises(DroppedError):
        await talk.reply(60)
    with pytest.raises(DroppedError):
        await talk.reply(60)


def test_a_hair_of_time_left_is_no_trap_for_the_next_reply() -> None:
    """uvloop counts in milliseconds: for less than half of one it gives a handle without an instant."""

    async def two() -> Reply:
        talk, loop = dialogue(), asyncio.get_running_loop()
        loop.call_soon(talk.data_received, b"250 ok\r\n250 o")
        await talk.reply(0.0003)
        loop.call_later(0.01, talk.data_received, b"k again\r\n")
        return await talk.reply(5)

    assert uvloop.run(two()) == Reply(250, "ok again")
