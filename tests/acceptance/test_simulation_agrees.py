"""What `touchline simulate` foretells is what happens: the same campaign, seed and correspondents on the real roles."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import aiohttp
import pytest

from api.demo.correspondents import BROWSER
from api.demo.letters import Letter, answer, read_letter
from api.demo.personas import SILENT, Persona, persona_of
from api.demo.rig import Options
from api.local.smtp_record import Accepted
from domain.simulation.people import Act, Rates, acts_on
from tests.support.lockstep import Lockstep

CAMPAIGN = Path(__file__).with_name("several.yaml")
MONDAY = datetime(2026, 3, 2, 7, 17, 13, tzinfo=UTC)
"""Before the window opens: everybody stands in the queue, whoever came first. Not a round hour before: what waits is asked
for again after an hour, which the simulation has no need of, and must not meet its own grant on the way.
"""
OPENS = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STOCKHOLM = ZoneInfo("Europe/Stockholm")
LEADS = 24
SEED = 5
RATES = Rates(opens=0.5, clicks=0.2, replies=0.15)
ANSWERS = {
    "INTERESTED": "Yes, this sounds great. Could we talk on Thursday?",
    "NEEDS_MORE_INFO": "Could you send more information about the commission and the contract length?",
    "NOT_INTERESTED": "Thank you, but we are not interested.",
    "UNSUBSCRIBE": "Please unsubscribe me.",
}


class Send(NamedTuple):
    """What both runs must agree on, of each send."""

    lead_id: str
    step_id: str
    variant: str
    day: str


def local_day(at: datetime) -> str:
    return at.astimezone(STOCKHOLM).date().isoformat()


class EachSecond(Lockstep):
    """The clock goes by whole seconds, as ticks and the simulation do; what is due on one is not put off by a microsecond."""

    async def _next_instants(self) -> list[datetime]:
        least = timedelta(microseconds=1)
        return [at - least if at - least > self.now else at for at in await super()._next_instants()]


class People:
    """The correspondents of the simulation, at work on what the real mail server accepted."""

    def __init__(self) -> None:
        self.lock: Lockstep
        self.done: Counter[str] = Counter()

    async def read(self, accepted: Accepted) -> None:
        """Script what the reader of a letter does, from the instant of its grant on."""
        letter = read_letter(accepted.raw or b"")
        rows = await self.lock.rig.query(
            "select send_id, granted_at from sends where message_id = $1", letter.message_id
        )
        for act in acts_on(rows[0]["send_id"], RATES, SEED):
            self.lock.at(rows[0]["granted_at"] + act.after, partial(self.act, act, letter))

    async def act(self, act: Act, letter: Letter) -> None:
        self.done[act.kind] += 1
        async with aiohttp.ClientSession() as http:
            if act.kind == "reply":
                await self.reply(http, act, letter)
                return
            url = letter.pixel if act.kind == "open" else next(iter(letter.links), letter.pixel)
            async with http.get(url or "", headers=BROWSER, allow_redirects=False) as got:
                assert got.status in (200, 302)

    async def reply(self, http: aiohttp.ClientSession, act: Act, letter: Letter) -> None:
        rig = self.lock.rig
        persona = Persona("scripted", 0.0, texts=(ANSWERS[act.disposition or ""],))
        raw = answer(letter, persona, self.lock.now, "Zoe Martin")
        body = json.dumps({"raw": base64.b64encode(raw).decode(), "envelope_to": [letter.reply_to]}).encode()
        stamp = str(int(datetime.now(UTC).timestamp()))
        signed = hmac.new(rig.correspondents.secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {"touchline-timestamp": stamp, "touchline-signature": signed, "Content-Type": "application/json"}
        async with http.post(rig.correspondents.webhook, data=body, headers=headers) as got:
            assert got.status in (200, 202)


def a_file_of_leads(path: Path) -> Path:
    """Leads whose addresses the demo's own correspondents leave alone."""
    numbers = [n for n in range(200) if persona_of(f"guest-{n}@quiet-{n}.example") is SILENT][:LEADS]
    path.write_text("\n".join(["lead_id,email", *(f"lead-{n},guest-{n}@quiet-{n}.example" for n in numbers)]) + "\n")
    return path


async def simulated(lock: Lockstep, leads: Path, sends: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The command's answer and its file of sends."""
    told = await lock.rig.touchline(
        "simulate", "several", "--definitions", str(CAMPAIGN), "--leads", str(leads), "--sends", str(sends),
        "--start", MONDAY.isoformat(), "--seed", str(SEED),
        "--open-rate", str(RATES.opens), "--click-rate", str(RATES.clicks), "--reply-rate", str(RATES.replies),
    )  # fmt: skip
    return told, [json.loads(line) for line in sends.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_simulated_and_a_real_run_agree_on_every_send_and_explain_says_what_is_in_the_way(
    servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    leads = a_file_of_leads(tmp_path / "leads.csv")
    people = People()
    options = Options(LEADS, campaign=CAMPAIGN, leads_file=leads, starts_at=MONDAY)
    async with EachSecond(tmp_path / "run", options, grain=timedelta(seconds=1), on_letter=people.read) as lock:
        people.lock = lock
        told, foretold = await simulated(lock, leads, tmp_path / "sends.jsonl")
        assert datetime.fromisoformat(told["finished_at"]) - MONDAY > timedelta(days=4)
        await lock.rig.launch()
        await lock.quiet()
        await _explains_the_window(lock, foretold[1]["lead_id"])
        await lock.run_until(datetime.fromisoformat(told["finished_at"]) + timedelta(hours=1))
        await lock.run_until(lock.rig.settled)
        rows = await lock.rig.query(
            "select lead_id, step_id, variant, mailbox_id, granted_at from sends where state = 'sent'"
        )
        first, late, evening = await _explained(lock, foretold)
    real = {Send(row["lead_id"], row["step_id"], row["variant"], local_day(row["granted_at"])) for row in rows}
    expected = {
        Send(one["lead_id"], one["step_id"], one["variant"], local_day(datetime.fromisoformat(one["at"])))
        for one in foretold
    }
    assert real == expected
    assert len(rows) == len(foretold) == told["sends"]
    assert {send.step_id for send in real} == {"intro", "nudge", "again", "last"}
    assert {send.variant for send in real} == {"a", "b"}
    assert people.done["open"] > 5
    assert people.done["reply"] > 1
    assert len({send.day for send in real}) > 3
    _mailboxes_agree(rows, foretold)
    _explains_what_was(first, late, evening)


def _mailboxes_agree(rows: list[Any], foretold: list[dict[str, Any]]) -> None:
    """The number a mailbox and day, within two in a hundred."""
    real = Counter((row["mailbox_id"], local_day(row["granted_at"])) for row in rows)
    expected = Counter((one["mailbox_id"], local_day(datetime.fromisoformat(one["at"]))) for one in foretold)
    assert real.keys() == expected.keys()
    for place, count in expected.items():
        assert abs(real[place] - count) <= 0.02 * count, place


async def _explains_the_window(lock: Lockstep, lead_id: str) -> None:
    """Before the window opens: the limit in the way, the instant it frees, who goes first; the rest is ahead."""
    told = await lock.rig.touchline("explain", lead_id, "several")
    assert (told["source"], told["status"]) == ("live", "enrolled")
    by_step = {touch["step_id"]: touch for touch in told["touches"]}
    intro = by_step["intro"]
    assert (intro["state"], intro["code"], intro["position"]) == ("waiting", "window_closed", 1)
    assert datetime.fromisoformat(intro["until"]) == OPENS
    assert by_step["last"]["state"] == "ahead"


async def _explained(lock: Lockstep, foretold: list[dict[str, Any]]) -> tuple[Any, Any, Any]:
    """What `explain` says of the first who was written to; and, of the first of the second day, now and the evening before."""
    first = await lock.rig.touchline("explain", foretold[0]["lead_id"], "several")
    tuesday = next(one for one in foretold if one["step_id"] == "intro" and one["at"][:10] == "2026-03-03")
    late = await lock.rig.touchline("explain", tuesday["lead_id"], "several")
    evening = await lock.rig.touchline("explain", tuesday["lead_id"], "several", "--at", "2026-03-02T15:00:00Z")
    return first, late, evening


def _explains_what_was(first: Any, late: Any, evening: Any) -> None:
    """Afterwards: what was sent, by whom; and at an instant of the past, the limit in the way then and when it freed."""
    intro = _intro(first)
    assert (first["source"], intro["state"]) == ("live", "done")
    assert datetime.fromisoformat(intro["at"]) == OPENS
    assert datetime.fromisoformat(_intro(late)["at"]).date().isoformat() == "2026-03-03"
    then = _intro(evening)
    assert (evening["source"], then["state"], then["code"]) == ("history", "waiting", "campaign_day")
    assert datetime.fromisoformat(then["until"]) == datetime(2026, 3, 2, 23, 0, tzinfo=UTC)


def _intro(told: Any) -> Any:
    return next(touch for touch in told["touches"] if touch["step_id"] == "intro")
