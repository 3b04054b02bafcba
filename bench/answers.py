"""What an answer costs before any model sees it: parsed in the child process, matched, recognised.

The mails are those of the corpus under tests/mail, but not what is hostile or built to break: as people and servers write.
"""

from __future__ import annotations

import os
from datetime import datetime
from itertools import cycle, islice
from zoneinfo import ZoneInfo

from bench.cpu import Meter
from bench.figures import Figure, Sizes, per_item_us, say
from bench.product import Stack
from domain.replies.mail import Mail
from domain.replies.matching import candidates
from domain.replies.verdict import by_rules
from sinks.mailparser import MailParser
from tests.support.mail_corpus import corpus
from tests.support.replying import read_token

BATCH = 50
UNUSUAL = frozenset({"hostile", "built", "odd"})
ZONE = ZoneInfo("Europe/Berlin")


async def measure_answers(stack: Stack, sizes: Sizes) -> list[Figure]:
    """Microseconds of CPU an answer, of this process and of the parser's. (A match's look into PostgreSQL is not in it.)"""
    usual = [(mail.raw, mail.received_at) for mail in corpus() if mail.family not in UNUSUAL]
    say(f"{sizes.answers} answers, of {len(usual)} kinds")
    parser = MailParser()
    await parser.start()
    try:
        await _answer(parser, usual)  # once: patterns are compiled, caches filled
        meter = Meter((os.getpid(),))
        meter.start()
        judged = await _answer(parser, list(islice(cycle(usual), sizes.answers)))
        spent = meter.stop()
    finally:
        await parser.stop()
    return [Figure("reply.cpu_us", per_item_us(spent, judged), "us", judged)]


async def _answer(parser: MailParser, mails: list[tuple[bytes, datetime]]) -> int:
    judged = 0
    for start in range(0, len(mails), BATCH):
        some = mails[start : start + BATCH]
        for (_, received_at), mail in zip(some, await parser.parse([raw for raw, _ in some]), strict=True):
            if isinstance(mail, Mail):
                candidates(mail, read_token)
                by_rules(mail, (), received_at, ZONE)
                judged += 1
    return judged
