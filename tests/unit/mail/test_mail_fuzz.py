"""Whatever arrives, the parser, the matcher and the recognisers come to an end of it (docs/behaviour.md 7.9). `make fuzz`
reads ten thousand mails, this a few hundred."""

from sinks.mailparser import MailParser
from tests.support.mail_fuzz import MAX_BYTES, MAX_SECONDS, fuzz


async def test_hostile_mail_neither_crashes_nor_hangs_nor_eats_memory() -> None:
    figures = await fuzz(range(300))
    assert figures.faults == []
    assert figures.slowest[0] < MAX_SECONDS
    assert figures.slowest_judgement_s < MAX_SECONDS
    assert figures.parser_mib * 2**20 < MAX_BYTES


async def test_a_parser_that_hangs_dies_or_swells_is_found_out() -> None:
    parser = MailParser(limit_s=0.5, module="tests.support.hostile_parser")
    commands = (b"hang", b"die", b"eat", b"fine")
    try:
        figures = await fuzz(range(4), parser, make=lambda seed, _corpus: commands[seed])
    finally:
        await parser.stop()
    assert [fault.split(",")[0] for fault in figures.faults] == [
        "seed 0: parse_timeout",
        "seed 1: parse_crash",
        "seed 2: parse_memory",
    ]
