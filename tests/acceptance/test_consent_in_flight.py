"""People leave by every way while mails to them are in the air or about to go; the mail server's record is the witness."""

import asyncio
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiohttp import ClientSession

from api.demo.correspondents import post_mail
from api.demo.letters import Letter, answer, read_letter
from api.demo.personas import SILENT, Persona, persona_of
from api.demo.rig import Options, Rig
from api.local.smtp_record import read_record
from domain.tokens import address_key
from tests.support.waiting import wait_for

LEADS = 30
RATE = 600.0
"""Ten minutes a second: an hour's wait is six seconds."""
WAYS = ("one_click", "page", "command", "import", "reply", "mailto")
ASKS = Persona("asks", 0.0, texts=("Please unsubscribe me.",))


def leads_file(path: Path) -> Path:
    """Leads who do nothing by themselves."""
    addresses = (f"guest-{number}@quiet.example" for number in itertools.count())
    silent = itertools.islice((address for address in addresses if persona_of(address) is SILENT), LEADS)
    rows = [f"lead-{number},{address}" for number, address in enumerate(silent)]
    path.write_text("\n".join(["lead_id,email", *rows]) + "\n")
    return path


@dataclass(frozen=True, slots=True)
class Mail:
    """A message on the server's record."""

    letter: Letter
    at: datetime
    mailto: str


def record(rig: Rig) -> dict[str, list[Mail]]:
    """What was accepted, by recipient, in its order."""
    found: dict[str, list[Mail]] = defaultdict(list)
    for message in read_record(rig.stack.smtp_record):
        letter = read_letter(message.raw or b"")
        mailto = re.search(r"<mailto:([^?>]+)", message.headers["list_unsubscribe"])
        assert mailto is not None
        found[letter.recipient].append(Mail(letter, message.accepted_wall, mailto[1]))
    return found


class Leaving:
    """The ways by which somebody leaves, each as it is used."""

    def __init__(self, rig: Rig, http: ClientSession, first: dict[str, Mail]) -> None:
        self.rig, self.http, self.first = rig, http, first

    async def one_click(self, addresses: list[str]) -> None:
        for address in addresses:
            async with self.http.post(self.url(address), data={"List-Unsubscribe": "One-Click"}) as said:
                assert said.status == 200

    async def page(self, addresses: list[str]) -> None:
        for address in addresses:
            async with self.http.post(self.url(address), data={"scope": "campaign"}) as said:
                assert said.status == 200

    async def command(self, addresses: list[str]) -> None:
        told = await self.rig.touchline("suppress", *map(str.upper, addresses), "--reason", "asked_by_phone")
        assert all(one["new"] and one["proof"]["holds"] for one in told["suppressed"])

    async def import_(self, addresses: list[str]) -> None:
        path = self.rig.directory / "left.csv"
        path.write_text("\ufeffE-Mail;Scope\n" + "".join(f"{address};goal:nurture\n" for address in addresses))
        told = await self.rig.touchline("suppressions", "import", str(path))
        assert (told["added"], told["bad"]) == (len(addresses), 0)

    async def reply(self, addresses: list[str]) -> None:
        for address in addresses:
            letter = self.first[address].letter
            await self._post(answer(letter, ASKS, self.rig.clock.now()), letter.reply_to)
        await self._suppressed(addresses)

    async def mailto(self, addresses: list[str]) -> None:
        for number, address in enumerate(addresses):
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = address, self.first[address].mailto, "unsubscribe"
            mail["Message-ID"] = f"<leaves-{number}@quiet.example>"
            mail.set_content("")
            await self._post(mail.as_bytes(), self.first[address].mailto)
        await self._suppressed(addresses)

    def url(self, address: str) -> str:
        return self.first[address].letter.unsubscribe or ""

    async def _post(self, raw: bytes, to: str) -> None:
        webhook, secret = f"{self.rig.public_url}/webhooks/inbound/generic", self.rig.correspondents.secret
        assert await post_mail(self.http, webhook, secret, raw, to, self.rig.clock.wall()) in (200, 202)

    async def _suppressed(self, addresses: list[str]) -> None:
        keys = [address_key(self.rig.keys.hash_secret, address) for address in addresses]

        async def all_there() -> bool:
            rows = await self.rig.query("select distinct key from suppressions where key = any($1)", keys)
            return len(rows) == len(keys)

        await wait_for(all_there, 20, what="the mails are judged")


async def standing(rig: Rig, emails: dict[str, str]) -> dict[str, list[str]]:
    """State -> addresses of the second mail, as the ledger has it."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in await rig.query(
        "select lead_id, state from sends where step_id = 'nudge' order by sending_at, claimed_at, lead_id"
    ):
        found[row["state"]].append(emails[row["lead_id"]])
    return found


async def proof_of(rig: Rig, http: ClientSession, address: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {rig.env['TOUCHLINE_API_TOKEN']}"}
    url = f"{rig.public_url}/api/suppressions/show"
    async with http.post(url, headers=headers, json={"address": address}) as said:
        assert said.status == 200
        return await said.json()


@contextmanager
def standing_still(rig: Rig) -> Iterator[None]:
    """The mail server answers nothing until the end of the block: what has passed the gate stays in the air."""
    process = psutil.Process(rig.stack.smtp.pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def leave_by_every_way(rig: Rig, http: ClientSession) -> tuple[list[str], list[str]]:
    """Six whose second mail is in the air and six whose second mail is next, by each way one of both."""
    emails = {lead.lead_id: lead.email for lead in rig.leads}
    await wait_for(lambda: len(record(rig)) == LEADS, 40, what="everybody has the first mail")

    async def full() -> bool:
        now = await standing(rig, emails)
        return len(now["sending"]) >= len(WAYS) and len(now["claimed"]) >= len(WAYS)

    leaving = Leaving(rig, http, {address: mails[0] for address, mails in record(rig).items()})
    ways = (leaving.one_click, leaving.page, leaving.command, leaving.import_, leaving.reply, leaving.mailto)
    with standing_still(rig):
        await wait_for(full, 30, what="mails in the air and mails behind them")
        now = await standing(rig, emails)
        in_the_air, behind = now["sending"][-len(WAYS) :], now["claimed"][-len(WAYS) :]
        await asyncio.gather(*(way([a, b]) for way, a, b in zip(ways, in_the_air, behind, strict=True)))
    return in_the_air, behind


async def come_back(rig: Rig, http: ClientSession, letter: Letter) -> dict[str, Any]:
    """Take the one click back on the page that the mail links to; what is known of the address then."""
    url = letter.unsubscribe or ""
    async with http.get(url) as page:
        sources = re.search(r'name="take_back" value="([^"]+)"', await page.text())
    assert sources is not None
    async with http.post(url, data={"take_back": sources[1]}) as said:
        assert said.status == 200
    return await proof_of(rig, http, letter.recipient)


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_whoever_leaves_gets_nothing_but_what_was_in_the_air_and_the_proof_names_exactly_that(
    servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    options = Options(
        LEADS,
        RATE,
        campaign=Path(__file__).with_name("consent.yaml"),
        leads_file=leads_file(tmp_path / "leads.csv"),
        env={"TOUCHLINE_API_TOKEN": "operator"},
    )
    async with Rig(tmp_path / "run", options) as rig, ClientSession() as http:
        await rig.launch()
        in_the_air, behind = await leave_by_every_way(rig, http)
        left = {*in_the_air, *behind}
        stays = {lead.email for lead in rig.leads} - left
        await wait_for(lambda: all(len(record(rig)[one]) == 3 for one in stays), 40, what="the others get all three")
        await wait_for(rig.settled, 40)
        stories = {address: await proof_of(rig, http, address) for address in left}
        ended = {
            row["lead_id"]: row["status"] for row in await rig.query("select lead_id, status from enrollment_places")
        }
        mails = record(rig)
        rows = await rig.query("select send_id, message_id from sends")
        told = await rig.touchline("suppressions", "show", in_the_air[0])
        back = await come_back(rig, http, mails[in_the_air[0]][0].letter)

    send_ids = {row["message_id"]: str(row["send_id"]) for row in rows}
    for address, story in stories.items():
        records = [one for one in story["records"] if one["of"] == "address"]
        committed = min(datetime.fromisoformat(one["suppressed_at"]) for one in records)
        late = {send_ids[mail.letter.message_id] for mail in mails[address] if mail.at > committed}
        named = {touch["send_id"] for touch in story["proof"]["in_the_air"]}
        assert late == named, f"{address}: {story}"
        for touch in story["proof"]["in_the_air"]:
            assert touch["passed_at"] <= touch["suppressed_at"] < touch["finished_at"]
        assert story["proof"]["holds"]
        assert story["in_force"]
    assert [len(mails[address]) for address in (*in_the_air, *behind)] == [2] * len(WAYS) + [1] * len(WAYS)
    assert all(stories[address]["proof"]["in_the_air"] for address in in_the_air)
    assert not any(stories[address]["proof"]["in_the_air"] for address in behind)
    assert {one["way"] for story in stories.values() for one in story["records"]} == {
        "one_click", "page", "command", "import", "reply",
    }  # fmt: skip
    emails = {lead.lead_id: lead.email for lead in rig.leads}
    assert {emails[lead] for lead, status in ended.items() if status == "unsubscribed"} == left
    assert told == stories[in_the_air[0]]
    assert (back["in_force"], {one["lifted_by"] for one in back["records"]}) == ([], {"person"})
