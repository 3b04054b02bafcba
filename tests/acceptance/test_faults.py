"""Killed workers and a killed broker, judged by the mail server; and a judge that is shown what it must find."""

import json
from pathlib import Path

import pytest

from bench.faults import NOUGHT
from tests.support.touchline import touchline

CAMPAIGN = Path(__file__).with_name("days.yaml")


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_nothing_is_lost_or_sent_twice_while_workers_and_the_broker_are_killed() -> None:
    ended = await touchline(
        "--leads", "60", "--kills", "6", "--freezes", "0", "--broker-restarts", "1", "--postgres-restarts", "0",
        "--pause", "1", "--rate", "14400", "--campaign", str(CAMPAIGN), "--no-control",
        env={"TOUCHLINE_SESSION_TIMEOUT_S": "6"}, module="bench.faults", deadline_s=280,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert told["settled"]
    assert (told["kills"], told["broker_restarts"]) == (6, 1)
    assert {"leads", "dispatch", "sender"} <= set(told["kills_by_role"])
    assert [told[name] for name in NOUGHT] == [0] * 7
    assert told["answers"] > 5
    assert told["repeats"] >= told["answers"]
    assert told["ambiguous"] <= told["kills"] * 40
    assert told["emails_accepted"] > 60


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_judge_finds_duplicates_when_the_ledger_is_switched_off(servers: dict[str, str]) -> None:
    ended = await touchline("--control-only", env=servers, module="bench.faults", deadline_s=220)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["control_duplicates"] > 0
