"""A campaign over four channels on the whole pipeline: email, a manual touch, a text and a call (docs/behaviour.md 4.4)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from api.demo.rig import Options, Rig
from domain.tokens import address_key
from tests.support.lockstep import Lockstep
from tests.support.sms_provider import NUMBER, TOKEN, SmsServer
from tests.support.waiting import wait_for

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEADS = {
    "stops": "+46701000001",
    "answers": "+46 70 100 00 02",
    "nobody": "+46701000003",  # nobody connects with this one
    "numberless": "",
    "unreachable": "0046-701000005",
}
CALLED = ("unreachable", "numberless", "nobody")


@pytest.fixture
async def provider() -> AsyncIterator[SmsServer]:
    server = SmsServer()
    yield server
    await server.stop()


async def cards(rig: Rig, step_id: str) -> dict[str, dict[str, Any]]:
    """The cards of a step, by lead."""
    return {card["lead_id"]: card for card in await rig.touchline("cards", "list") if card["step_id"] == step_id}


async def close(rig: Rig, card: dict[str, Any], state: str) -> int:
    """Close a card by REST; the answer's status."""
    url = f"{rig.public_url}/api/cards/{card['card_id']}/{state}"
    headers = {"Authorization": f"Bearer {rig.env['TOUCHLINE_API_TOKEN']}"}
    async with ClientSession() as session, session.post(url, headers=headers, json={"by": "kim"}) as answer:
        return answer.status


async def statuses(rig: Rig) -> dict[str, str]:
    return {row["lead_id"]: row["status"] for row in await rig.query("select lead_id, status from enrollment_places")}


async def told(lock: Lockstep) -> None:
    """Wait until all that was noted is told, and done with."""

    async def nothing_noted() -> bool:
        return not await lock.rig.query("select 1 from untold_events where topic <> 'card-events' limit 1")

    await wait_for(nothing_noted, 20)
    await lock.quiet()


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_an_email_a_manual_touch_a_text_and_a_call_follow_each_other_and_end_as_each_person_answers(
    servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, provider: SmsServer
) -> None:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    leads = tmp_path / "leads.csv"
    rows = [f"{name},{name}@quiet.example,{name.title()},Doe,{phone}" for name, phone in LEADS.items()]
    leads.write_text("\n".join(["lead_id,email,first_name,last_name,phone", *rows]) + "\n")
    options = Options(
        len(LEADS),
        campaign=Path(__file__).with_name("channels.yaml"),
        leads_file=leads,
        starts_at=NINE,
        env={"SMS_TOKEN": TOKEN, "TOUCHLINE_API_TOKEN": "operator"},
    )
    base_url = await provider.start()
    async with Lockstep(tmp_path / "run", options) as lock:
        rig = lock.rig
        sender = next(document for document in rig.documents if document["kind"] == "SmsSender")
        sender["provider"]["base_url"] = base_url
        await rig.launch()
        await lock.run_until(lambda: len(rig.accepted()) == len(LEADS))
        await lock.quiet()

        # People connect with four of the five: the sequence goes on at once, at nine o'clock.
        tasks = await cards(rig, "linkedin")
        assert set(tasks) == set(LEADS)
        assert tasks["stops"]["title"] == "Connect with Stops Doe on LinkedIn"
        for name in ("stops", "answers"):
            assert (await rig.touchline("card", "done", tasks[name]["card_id"]))["told"] is True
        for name in ("numberless", "unreachable"):
            assert await close(rig, tasks[name], "done") == 200
            assert await close(rig, tasks[name], "done") == 200
        await told(lock)
        assert lock.now == NINE
        assert len(provider.texts) == 2

        # The number's limit holds the third text back for exactly an hour.
        await lock.run_until(lambda: len(provider.texts) == 3, longest=HOUR)
        assert lock.now == NINE + HOUR
        granted = await rig.query("select granted_at from sends where mailbox_id = 'texts' and state = 'sent'")
        assert sorted(row["granted_at"] for row in granted) == [NINE, NINE, NINE + HOUR]
        by_number = {text.to: text for text in provider.texts}
        assert set(by_number) == {"+46701000001", "+46701000002", "+46701000005"}
        assert {text.sender for text in provider.texts} == {NUMBER}
        assert by_number["+46701000002"].body == "Hi Answers, did you see our mail?\nReply STOP to opt out"

        # What the provider tells: one arrived, one cannot; one says STOP, one answers. Told twice, it counts once.
        inbound = (await rig.touchline("sms", "address", "texts"))["inbound_url"]
        for _ in range(2):
            assert await provider.tell(by_number["+46701000001"], "delivered") == 204
            assert await provider.tell(by_number["+46701000005"], "undelivered", "30005") == 204
            assert await provider.answer(inbound, "+46701000001", "Stop!", "SM1") == 200
            assert await provider.answer(inbound, "+46701000002", "Yes, do call me", "SM2") == 200
        secret = rig.keys.hash_secret
        (row,) = await rig.query(
            "select suppressions from consents where key = $1", address_key(secret, "+46701000001")
        )
        assert row["suppressions"] == ["all"]
        await told(lock)
        now = await statuses(rig)
        assert (now["stops"], now["answers"], now["unreachable"]) == ("unsubscribed", "replied", "active")
        replies = {card["lead_id"] for card in await rig.touchline("cards", "list") if card["reply_id"]}
        assert replies == {"answers"}

        # The calls: a day after the text, or where nobody connected when that card's time is over.
        await lock.run_until(NINE + 3 * DAY)
        await lock.quiet()
        calls = await cards(rig, "call")
        assert set(calls) == set(CALLED)
        fell_due = {name: datetime.fromisoformat(card["created_at"]) for name, card in calls.items()}
        assert fell_due == {"numberless": NINE + DAY, "unreachable": NINE + HOUR + DAY, "nobody": NINE + 3 * DAY}
        # One of them was due for two days already: its sequence has gone on without it.
        assert (await statuses(rig))["numberless"] == "completed"
        await rig.touchline("card", "done", calls["nobody"]["card_id"])
        await rig.touchline("card", "done", calls["numberless"]["card_id"])
        await told(lock)
        assert (await statuses(rig))["nobody"] == "completed"
        await lock.run_until(NINE + 4 * DAY)
        await lock.quiet()
        ended = await statuses(rig)
        figures = await rig.progress()
    assert set(ended.values()) == {"completed", "replied", "unsubscribed"}
    assert len(provider.texts) == 3
    expected = {
        "emails_sent": 5, "emails_delivered": 5, "sms_sent": 3, "sms_replied": 1, "emails_replied": 0, "bounced": 0,
        "tasks_completed": 6, "calls_completed": 2, "unsubscribed": 1, "failed": 1, "enrolled": 5,
    }  # fmt: skip
    assert {name: figures[name] for name in expected} == expected
