"""Hostile mail through all that touches it: the parser in its child process, the matcher, the recognisers. `make fuzz`
runs ten thousand mails and says what the worst of them cost."""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from zoneinfo import ZoneInfo

import psutil

from domain.replies.mail import Mail
from domain.replies.matching import base_subject, candidates
from domain.replies.verdict import by_rules
from sinks.mailparser import MailParser, Unreadable
from tests.support.hostile_mail import hostile_mail
from tests.support.mail_corpus import corpus
from tests.support.replying import AT, read_token

MAX_SECONDS = 2.0
MAX_BYTES = 256 * 1024 * 1024
MAILS = 10_000

Make = Callable[[int, Sequence[bytes]], bytes]


@dataclass(slots=True)
class Figures:
    """What a run came to. A fault is a mail's seed with what it did."""

    mails: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, int] = (0.0, 0)
    """CPU seconds that the slowest mail took to parse, and its seed."""
    slowest_judgement_s: float = 0.0
    """CPU seconds of matching and recognising one mail."""
    parser_mib: float = 0.0
    """Most memory the child ever held."""
    growth_mib: float = 0.0
    """What this process grew by."""
    outcomes: dict[str, int] = field(default_factory=dict[str, int])


async def fuzz(seeds: Sequence[int], parser: MailParser | None = None, make: Make = hostile_mail) -> Figures:
    """Read each seed's mail. Faults are collected, not raised."""
    raws = [specimen.raw for specimen in corpus()]
    mine = parser is None
    parser = parser or MailParser()
    figures, outcomes = Figures(mails=len(seeds)), Counter[str]()
    before, began = psutil.Process().memory_info().rss, time.monotonic()
    try:
        for seed in seeds:
            outcomes[await _read(parser, seed, make(seed, raws), figures)] += 1
    finally:
        if mine:
            await parser.stop()
    figures.seconds = round(time.monotonic() - began, 1)
    figures.growth_mib = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before) / 2**20, 1)
    figures.outcomes = dict(outcomes.most_common())
    if figures.growth_mib * 2**20 > MAX_BYTES or figures.parser_mib * 2**20 > MAX_BYTES:
        figures.faults.append(f"memory: {figures.growth_mib} MiB here, {figures.parser_mib} MiB in the parser")
    return figures


async def _read(parser: MailParser, seed: int, raw: bytes, figures: Figures) -> str:
    child = await _child(parser)
    before = _cpu_s(child)
    (mail,) = await parser.parse([raw])
    if isinstance(mail, Unreadable):
        figures.faults.append(f"seed {seed}: {mail.reason}, {mail.detail}")
        return mail.reason
    spent = round(_cpu_s(child) - before, 3)
    figures.slowest = max(figures.slowest, (spent, seed))
    figures.parser_mib = max(figures.parser_mib, round(child.memory_info().rss / 2**20, 1))
    if spent > MAX_SECONDS:
        figures.faults.append(f"seed {seed}: parsed in {spent:.2f} s")
    return _judge(seed, mail, figures)


def _judge(seed: int, mail: Mail, figures: Figures) -> str:
    began = time.process_time()
    try:
        json.dumps(mail.to_json(), ensure_ascii=False).encode()
        candidates(mail, read_token)
        base_subject(mail.subject)
        verdict = by_rules(mail, (), AT, ZoneInfo("UTC"))
    except Exception as error:
        figures.faults.append(f"seed {seed}: {error!r}")
        return "error"
    spent = time.process_time() - began
    figures.slowest_judgement_s = max(figures.slowest_judgement_s, spent)
    if spent > MAX_SECONDS:
        figures.faults.append(f"seed {seed}: judged in {spent:.2f} s")
    return "to be read" if verdict is None else verdict.disposition


async def _child(parser: MailParser) -> psutil.Process:
    await parser.start()
    children = [p for p in psutil.Process().children() if "parser" in " ".join(p.cmdline())]
    return children[-1]


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> int:
    """Run and print the figures as JSON; 1 when there was a fault."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mails", type=int, default=MAILS)
    arguments.add_argument(
        "--seed", type=int, default=0, help="the first mail's seed; each further mail has the next one"
    )
    given = arguments.parse_args()
    figures = asyncio.run(fuzz(range(given.seed, given.seed + given.mails)))
    sys.stdout.write(json.dumps(asdict(figures), indent=2) + "\n")
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main())
