"""Every mail of tests/mail comes to what is written of it: its match, its stop, its new text, its disposition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agents.replying.intake import Intake
from domain.replies.mail import Mail
from domain.replies.matching import candidates
from domain.replies.mime import parse_mail
from domain.replies.verdict import Verdict, by_rules
from sinks.mailparser import MailParser
from sinks.postgres.replies import Match
from streams.work import Work
from tests.support.mail_corpus import Specimen, corpus, filled, sent, world
from tests.support.replying import AT, Parser, inbound, read_token

UTC = ZoneInfo("UTC")
SURE = 0.9
"""From this confidence on a match must never be false."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mail, up to where a model would be asked."""

    mail: Mail
    match: Match | None
    stopped: bool
    verdict: Verdict | None

    @property
    def disposition(self) -> str | None:
        return self.verdict and self.verdict.disposition

    @property
    def return_date(self) -> date | None:
        at = self.verdict and self.verdict.return_at
        return at.astimezone(UTC).date() if at else None

    @property
    def suppresses(self) -> bool:
        """A verdict about a mail that answers nothing of ours has no consequences."""
        return self.match is not None and self.verdict is not None and self.verdict.suppresses


OUTCOMES: dict[Specimen, Outcome] = {}


async def outcome(specimen: Specimen) -> Outcome:
    """Parsed, matched and judged as the replies role does it, once for all tests."""
    if specimen not in OUTCOMES:
        ledger = world()
        intake = Intake(
            parser=Parser(), store=ledger, touches=ledger, stops=ledger, read_token=read_token, stored=lambda: None
        )
        await intake.take(Work(), [inbound(specimen.raw)], AT)
        (row,) = ledger.stored.values()
        stopped = any(name == "stop" and stops for name, stops in ledger.log)
        verdict = by_rules(row.mail, (), specimen.received_at, UTC)
        OUTCOMES[specimen] = Outcome(row.mail, row.match, stopped, verdict)
    return OUTCOMES[specimen]


@pytest.mark.parametrize("specimen", corpus(), ids=lambda s: s.label)
async def test_a_mail_comes_to_what_is_written_of_it(specimen: Specimen) -> None:
    got, text = await outcome(specimen), specimen.expected.text
    assert found(got) == wanted(specimen, got)
    new = flat(got.mail.text)
    assert text is None or new == flat(text)
    assert [part for part in specimen.expected.has if flat(part) not in new] == []
    assert [part for part in specimen.expected.lacks if flat(part) in new] == []


def found(got: Outcome) -> dict[str, Any]:
    names = {row.send_id: name for name, row in sent().items()}
    return {
        "match": got.match and got.match.matched_by,
        "send": got.match and names[got.match.send_id],
        "stops": got.stopped,
        "disposition": got.disposition,
        "return_date": got.return_date,
        "suppresses": got.suppresses,
        "bounce": got.verdict and got.verdict.bounce,
        "code": got.verdict and got.verdict.bounce_code,
        "truncated": got.mail.truncated,
        "attachments": list(got.mail.attachments),
    }


def wanted(specimen: Specimen, got: Outcome) -> dict[str, Any]:
    """What is written of a mail; where it leaves room, what was got, if that is within it."""
    expected = specimen.expected
    facts = expected.model_dump(exclude={"text", "has", "lacks"})
    facts["send"] = expected.match and (expected.send or "nora")
    if isinstance(expected.disposition, list):
        facts["disposition"] = got.disposition if got.disposition in expected.disposition else expected.disposition
    if expected.truncated is None:
        facts["truncated"] = got.mail.truncated
    if expected.attachments is None:
        facts["attachments"] = list(got.mail.attachments)
    return facts


def flat(text: str) -> str:
    return " ".join(text.split())


async def test_the_child_process_reads_every_mail_as_it_is_read_here() -> None:
    child, raws = MailParser(), [specimen.raw for specimen in corpus()]
    try:
        assert await child.parse(raws) == [(await outcome(specimen)).mail for specimen in corpus()]
    finally:
        await child.stop()


async def test_no_match_of_high_confidence_is_false() -> None:
    wrong: list[str] = []
    for specimen in corpus():
        match, expected = (await outcome(specimen)).match, specimen.expected
        right = sent()[expected.send or "nora"].send_id if expected.match else None
        if match is not None and match.confidence >= SURE and match.send_id != right:
            wrong.append(specimen.label)
    assert wrong == []


async def test_every_threaded_answer_finds_its_send() -> None:
    threaded = [s for s in corpus() if s.expected.match not in {None, "sender_subject"}]
    lost: list[str] = []
    for specimen in threaded:
        match = (await outcome(specimen)).match
        if match is None or match.send_id != sent()[specimen.expected.send or "nora"].send_id:
            lost.append(specimen.label)
    assert lost == []
    assert len(threaded) >= 200


async def test_no_unsubscribe_is_missed_and_none_is_made_up() -> None:
    asked = {s.label for s in corpus() if s.expected.disposition == "UNSUBSCRIBE"}
    free = {s.label for s in corpus() if not isinstance(s.expected.disposition, list)}
    honoured = {s.label for s in corpus() if (await outcome(s)).disposition == "UNSUBSCRIBE"} & free
    assert {"missed": asked - honoured, "made up": honoured - asked} == {"missed": set(), "made up": set()}
    assert len(asked) >= 30


async def test_only_what_must_be_suppressed_is() -> None:
    suppressed = {s.label for s in corpus() if (await outcome(s)).suppresses}
    assert suppressed == {s.label for s in corpus() if s.expected.suppresses}


async def test_a_date_with_two_readings_is_refused_in_every_language() -> None:
    two = [s for s in corpus() if "ambiguous" in s.name and "unambiguous" not in s.name]
    assert {s.label: (await outcome(s)).return_date for s in two} == {s.label: None for s in two}
    assert len(two) >= 3


def test_a_decoy_with_a_token_of_ours_would_match() -> None:
    """The other half of the decoys: it is the token alone that keeps them out."""
    for specimen in corpus():
        template = specimen.template()
        ours = re.sub(rb"\{\{(?:elsewhere|forged)", rb"{{token", template)
        if ours != template and specimen.family == "decoys":
            assert not candidates_with_token(template)
            assert candidates_with_token(ours)


def candidates_with_token(template: bytes) -> bool:
    return any(found.send_id for found in candidates(parse_mail(filled(template)), read_token))


def test_nobody_is_named_who_exists() -> None:
    """Every address and every link lies in a domain that is reserved (RFC 2606)."""
    reserved = re.compile(r"(?:^|\.)(?:example|test|invalid)$", re.IGNORECASE)
    named = re.compile(rb"(?:@|https?://)((?:[\w-]+\.)+[A-Za-z]{2,})\b")
    for specimen in corpus():
        unfolded = specimen.template().replace(b"=\r\n", b"")  # quoted-printable breaks lines inside names
        hosts = {match.decode() for match in named.findall(unfolded)} - {"www.w3.org"}
        assert [host for host in hosts if reserved.search(host) is None] == [], specimen.label


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len(corpus()) >= 300
