"""Every grant has its answer: one that has none holds its mailbox's slot for ever, and forty of them the mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agents.sending import reports
from sinks.ports import IntakeResult, Offer
from streams.errors import Poison
from streams.work import Work
from tests.support.ledger import grant
from tests.support.sender import MemoryLedger, Office, inbound
from tests.support.waiting import wait_for


class Refusing(MemoryLedger):
    """A database that cannot hold what some leads' grants carry."""

    async def intake(self, offers: Sequence[Offer]) -> IntakeResult:
        if any(offer.grant.touch.lead_id == "odd" for offer in offers):
            raise Poison("database_refused", "invalid byte sequence")
        return await super().intake(offers)


async def test_a_grant_that_the_ledger_cannot_hold_fails_and_gives_its_slot_back() -> None:
    async with Office(ledger=Refusing()) as office:
        odd = grant("odd")
        await office.take(odd)
        (result,), (answer,) = office.stream.results, office.stream.answers
    assert (result.lead_id, result.outcome, result.code) == ("odd", "failed", "database_refused")
    assert (answer.grant_id, answer.used) == (odd.grant_id, False)


async def test_such_a_grant_among_others_is_left_to_the_runner_to_single_out() -> None:
    async with Office(ledger=Refusing()) as office:
        with pytest.raises(Poison):
            await office.sender.handle(Work(), [inbound(grant("zoe")), inbound(grant("odd"))])


async def test_a_subject_longer_than_a_result_can_carry_fails_its_touch_only() -> None:
    async with Office() as office:
        await office.take(grant("zoe", merge={"first_name": "Zoe", "company": "x" * 11_000}), grant("max"))
        await wait_for(lambda: len(office.stream.results) >= 2, 5)
        told = {result.lead_id: (result.outcome, result.code) for result in office.stream.results}
    assert told["zoe"] == ("failed", "subject_too_long")
    assert told["max"][0] == "sent"


async def test_an_outcome_that_cannot_be_told_costs_no_other_and_not_the_mailbox(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = reports.report

    def broken(verdict: Any) -> Any:
        if verdict.claim.grant.touch.lead_id == "odd":
            raise ValueError("a defect")
        return report(verdict)

    monkeypatch.setattr(reports, "report", broken)
    async with Office() as office:
        await office.take(grant("odd"), grant("zoe"))
        await wait_for(lambda: office.outcomes() == ["zoe sent"], 5)
        await office.take(grant("max"))
        await wait_for(lambda: office.outcomes() == ["zoe sent", "max sent"], 5)
        await wait_for(lambda: len(office.sender._hands) == 1, 5)  # nothing is settled past the one that is untold
