"""What cannot be told costs no other result."""

from __future__ import annotations

import pytest

from agents.sending import reports
from agents.sending import teller as telling
from agents.sending.teller import Teller
from streams.errors import Poison
from tests.support.ledger import AT, grant
from tests.support.sender import FakeStream
from tests.support.waiting import wait_for


async def test_a_result_that_no_topic_takes_costs_no_other_and_not_the_teller(monkeypatch: pytest.MonkeyPatch) -> None:
    emit = telling.emit

    def narrow(work: object, messages: object) -> None:
        if any(message.lead_id == "odd" for message in messages if hasattr(message, "lead_id")):  # type: ignore[attr-defined]
            raise Poison("output_too_large")
        emit(work, messages)  # type: ignore[arg-type]

    monkeypatch.setattr(telling, "emit", narrow)
    stream, told = FakeStream(), list[str]()
    teller = Teller(stream)
    for lead in ("zoe", "odd", "max"):
        teller.tell(reports.refuse(grant(lead), "x", AT), lambda lead=lead: told.append(lead))
    teller.start()
    await wait_for(lambda: told == ["zoe", "max"], 5)
    teller.tell(reports.refuse(grant("late"), "x", AT), lambda: told.append("late"))
    await wait_for(lambda: told == ["zoe", "max", "late"], 5)
    await teller.all_told()
    await teller.stop()
    assert [result.lead_id for result in stream.results] == ["zoe", "max", "late"]
