"""Questions that people ask and the answers they get, on the whole pipeline: approved by a person, or by the campaign's own words.

Everybody here works at one company, so the first question also holds the others until its card is done.
"""

import itertools
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from api.demo.correspondents import post_mail
from api.demo.letters import answer, read_letter
from api.demo.personas import SILENT, Persona, persona_of
from api.demo.rig import Options, Rig
from api.local.smtp_record import read_record
from tests.support.claude_server import ClaudeServer, asked, message
from tests.support.waiting import wait_for

NAMES = ("Ann", "Bo", "Cy")
RATE = 3600.0


def leads_file(path: Path) -> Path:
    """Leads who do nothing by themselves."""
    addresses = (f"guest-{number}@quiet.example" for number in itertools.count())
    silent = itertools.islice((address for address in addresses if persona_of(address) is SILENT), len(NAMES))
    rows = [f"lead-{name},{address},{name},Quiet" for name, address in zip(NAMES, silent, strict=True)]
    path.write_text("\n".join(["lead_id,email,first_name,company", *rows]) + "\n")
    return path


def read(request: dict[str, Any]) -> dict[str, Any]:
    """A model that reads what is asked: whoever asks how it stands asks for the status."""
    said: list[dict[str, Any]] = []
    for mail in asked(request):
        status = "how does it stand" in mail["body"].lower()
        said.append(
            {
                "id": mail["id"], "disposition": "NEEDS_MORE_INFO", "category": "STATUS" if status else "INFORMATION",
                "confidence": 0.97, "sentiment": 0.2, "summary": "Asks.", "return_date": None, "entities": [],
                "draft_reply": "Thank you for asking, we have a hundred and twenty rooms.",
            }
        )  # fmt: skip
    return message({"answers": said})


class Scene:
    """The run as its people see it."""

    def __init__(self, rig: Rig, http: ClientSession) -> None:
        self.rig, self.http = rig, http
        self.emails = {lead.lead_id.removeprefix("lead-"): lead.email for lead in rig.leads}

    def mails(self, name: str) -> list[EmailMessage]:
        """What the mail server accepted for somebody, in order."""
        found: list[EmailMessage] = []
        for accepted in read_record(self.rig.stack.smtp_record):
            mail = message_from_bytes(accepted.raw or b"", policy=policy.default)
            assert isinstance(mail, EmailMessage)
            if str(mail["To"]) == self.emails[name]:
                found.append(mail)
        return found

    async def writes(self, name: str, text: str) -> str:
        """Somebody answers the latest mail; the Message-ID of the answer."""
        letter = read_letter(self.mails(name)[-1].as_bytes())
        raw = answer(letter, Persona(text, 0.0, texts=(text,)), self.rig.clock.now(), name)
        webhook, secret = f"{self.rig.public_url}/webhooks/inbound/generic", self.rig.correspondents.secret
        assert await post_mail(self.http, webhook, secret, raw, letter.reply_to, self.rig.clock.wall()) in (200, 202)
        return str(message_from_bytes(raw, policy=policy.default)["Message-ID"])

    async def status(self, name: str) -> str:
        return (await self.rig.statuses())[self.emails[name]]

    async def card(self, name: str) -> dict[str, Any]:
        """The newest card that answers somebody."""
        rows = await self.rig.query(
            "select card_id, state, reply_id from cards where lead_id = $1 and type = 'reply_to_email' order by created_at desc",
            f"lead-{name}",
        )
        return dict(rows[0]) if rows else {}

    async def until(self, what: str, holds: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
        await wait_for(holds, seconds, what=what)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_questions_are_answered_once_and_colleagues_wait_until_a_person_is_done(
    servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    model = ClaudeServer(read)
    url = await model.start()
    options = Options(
        len(NAMES), RATE, campaign=Path(__file__).with_name("answers.yaml"),
        leads_file=leads_file(tmp_path / "leads.csv"), env={"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "test"},
    )  # fmt: skip
    try:
        async with Rig(tmp_path / "run", options) as rig, ClientSession() as http:
            await _walk(Scene(rig, http))
    finally:
        await model.stop()


async def _walk(scene: Scene) -> None:
    rig = scene.rig
    await rig.launch()

    async def all_written_to() -> bool:
        return all(scene.mails(name) for name in NAMES)

    await scene.until("the first mails", all_written_to)
    question = await scene.writes("Ann", "How many rooms do you have?")

    async def colleagues_wait() -> bool:
        return await scene.status("Bo") == await scene.status("Cy") == "paused" and bool(await scene.card("Ann"))

    await scene.until("a card for Ann, and her colleagues held", colleagues_wait)
    held_at = rig.clock.now()

    async def past_their_wait() -> bool:
        return (rig.clock.now() - held_at).total_seconds() > 5 * 3600

    await scene.until("the time of the second mails", past_their_wait)
    assert [len(scene.mails(name)) for name in NAMES] == [1, 1, 1], (
        "nothing goes to the company while Ann's card is open"
    )

    card = await scene.card("Ann")
    await rig.touchline("cards", "approve", str(card["card_id"]))

    async def answered() -> bool:
        return (await scene.card("Ann"))["state"] == "done"

    await scene.until("Ann is answered", answered)
    first = scene.mails("Ann")[1]
    assert first["In-Reply-To"] == question
    assert first["Subject"] == f"Re: {scene.mails('Ann')[0]['Subject']}"
    text = first.get_body(("plain",))
    assert text is not None
    assert text.get_content().startswith("Thank you for asking, we have a hundred and twenty rooms.")
    assert "/t/o/" not in first.as_string()

    async def colleagues_go_on() -> bool:
        return len(scene.mails("Bo")) == len(scene.mails("Cy")) == 2

    await scene.until("the colleagues' second mails", colleagues_go_on)
    await scene.writes("Bo", "How does it stand?")

    async def answered_by_itself() -> bool:
        return len(scene.mails("Bo")) == 3

    await scene.until("Bo is answered by the campaign's own words", answered_by_itself)
    automatic = scene.mails("Bo")[2]
    assert automatic["Auto-Submitted"] == "auto-replied"
    assert "https://ours.example/status" in automatic.as_string(), "no link is rewritten"
    await scene.writes("Bo", "And now, how does it stand?")

    async def judged_and_over() -> bool:
        judged = await rig.query("select 1 from replies where lead_id = 'lead-Bo' and state = 'told'")
        (job,) = await rig.query("select status from jobs where campaign_id = $1", rig.campaign_id)
        return len(judged) == 2 and job["status"] == "completed"

    await scene.until("Bo's second question is judged, and the campaign is over", judged_and_over)
    late = await scene.card("Bo")
    await rig.touchline("cards", "approve", str(late["card_id"]))

    async def answered_late() -> bool:
        return len(scene.mails("Bo")) == 4

    await scene.until("an answer after the campaign's end", answered_late)
    assert "Auto-Submitted" not in scene.mails("Bo")[3], "a thread is answered by itself once"
    thread = await rig.touchline("replies", "show", str(card["reply_id"]))
    assert [item["kind"] for item in thread["thread"]] == ["touch", "reply", "touch"]
    assert thread["thread"][2]["approved_by"]
