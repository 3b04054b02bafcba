"""The killable parser: a mail that hangs, dies or eats memory costs itself, never its neighbours."""

import asyncio
import time
from collections.abc import AsyncIterator

import psutil
import pytest
import uvloop

from domain.replies.mail import Mail
from sinks.mailparser import MailParser, Unreadable
from tests.support import mails


@pytest.fixture
async def parser() -> AsyncIterator[MailParser]:
    parser = MailParser()
    yield parser
    await parser.stop()


@pytest.fixture
async def hostile() -> AsyncIterator[MailParser]:
    parser = MailParser(limit_s=0.5, module="tests.support.hostile_parser")
    yield parser
    await parser.stop()


def texts(answers: list[Mail | Unreadable]) -> list[str]:
    return [answer.text if isinstance(answer, Mail) else answer.reason for answer in answers]


async def test_a_batch_is_answered_in_order(parser: MailParser) -> None:
    answers = await parser.parse([mails.plain(f"answer {number}") for number in range(200)])
    assert texts(answers) == [f"answer {number}" for number in range(200)]


@pytest.mark.parametrize(
    ("command", "reason"), [(b"hang", "parse_timeout"), (b"die", "parse_crash"), (b"eat", "parse_memory")]
)
async def test_a_mail_that_breaks_the_process_costs_itself(hostile: MailParser, command: bytes, reason: str) -> None:
    assert texts(await hostile.parse([b"before", command, b"after", command, b"last"])) == [
        "before",
        reason,
        "after",
        reason,
        "last",
    ]


async def test_noise_on_stdout_does_not_get_between_the_answers(hostile: MailParser) -> None:
    assert texts(await hostile.parse([b"shout", b"b"])) == ["shout", "b"]


async def test_a_cancelled_call_leaves_no_answer_for_the_next_one(hostile: MailParser) -> None:
    await hostile.start()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await hostile.parse([b"sleep", b"stale"])
    assert texts(await hostile.parse([b"fresh"])) == ["fresh"]


async def test_a_bomb_is_over_within_two_seconds_and_its_memory(parser: MailParser) -> None:
    await parser.start()
    bombs = [
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A" * 25_000_000,
        b"Content-Type: text/html\r\n\r\n" + b"<div><b>" * 500_000,
        b"X-A: b\r\n" * 1_000_000,
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n" * 1_000_000,
        b"From: a@b.example\r\n\r\n" + b"\r\n" * 3_000_000,
    ]
    for bomb in bombs:
        started = time.monotonic()
        answer, neighbour = await parser.parse([bomb, mails.plain("fine")])
        assert isinstance(answer, Unreadable) or answer.truncated
        assert texts([neighbour]) == ["fine"]
        assert time.monotonic() - started < 3  # two for the bomb, the rest for its neighbour and a new process
        (child,) = [p for p in psutil.Process().children() if "mailparser_child" in " ".join(p.cmdline())]
        assert child.memory_info().rss < 256 * 1024 * 1024


def test_it_works_on_the_loop_that_roles_run_on() -> None:
    async def run() -> list[str]:
        parser = MailParser(limit_s=0.5, module="tests.support.hostile_parser")
        answers = await parser.parse([b"a", b"die", b"hang", b"b"])
        await parser.stop()
        return texts(answers)

    assert uvloop.run(run()) == ["a", "parse_crash", "parse_timeout", "b"]


async def test_stopping_leaves_no_process_behind() -> None:
    parser = MailParser()
    await parser.start()
    (child,) = [p for p in psutil.Process().children() if "mailparser_child" in " ".join(p.cmdline())]
    await parser.stop()
    assert not child.is_running()
