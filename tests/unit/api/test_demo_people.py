"""The demo's people: shares add up, letters are read as a client reads them, answers are what the texts say."""

from datetime import UTC, datetime

import pytest

from api.demo.claude_stub import ClaudeStub, classify
from api.demo.letters import Letter, answer, delivery_report
from api.demo.personas import PERSONAS, SILENT, STEPS, Persona, expected_steps, persona_of
from domain.replies.mail import Mail
from domain.replies.verdict import ModelAnswer
from sinks.claude import Claude

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LETTER = Letter(
    "zoe@hotel.example", "anna@sender.example", "reply+t@r.example", "<a.b@c>", "Hello", NOW, "intro", None, (), None
)


def named(name: str) -> Persona:
    return next(persona for persona in PERSONAS if persona.name == name)


def test_shares_leave_room_for_the_silent_and_every_persona_occurs() -> None:
    assert abs(sum(persona.share for persona in PERSONAS) + SILENT.share - 1) < 1e-9
    found = {persona_of(f"lead{n}@hotel.example").name for n in range(2000)}
    assert found == {persona.name for persona in (*PERSONAS, SILENT)}


def test_whoever_ends_it_gets_the_touches_up_to_the_answer_and_others_get_all() -> None:
    assert expected_steps(named("not_now")) == {"intro", "nudge"}
    assert expected_steps(named("out_of_office")) == set(STEPS)
    assert expected_steps(named("bounce_at_once")) == set()


def test_an_absence_names_its_return_date_in_words_and_says_that_it_is_automatic() -> None:
    raw = answer(LETTER, named("out_of_office"), NOW).decode()
    assert "11 March 2026" in raw
    assert "Auto-Submitted: auto-replied" in raw


def test_a_colleague_answers_from_another_address_in_the_same_thread() -> None:
    raw = answer(LETTER, named("colleague"), NOW).decode()
    assert "frontdesk@hotel.example" in raw
    assert "In-Reply-To: <a.b@c>" in raw


def test_a_delivery_report_names_the_message_it_is_about() -> None:
    raw = delivery_report(LETTER, NOW).decode()
    assert "Status: 5.1.1" in raw
    assert "Message-ID: <a.b@c>" in raw


@pytest.mark.parametrize(
    ("persona", "disposition"),
    [
        ("interested", "INTERESTED"),
        ("question", "NEEDS_MORE_INFO"),
        ("not_now", "NOT_INTERESTED"),
        ("gibberish", "ESCALATE_UNCLEAR"),
        ("colleague", "INTERESTED"),
        ("no_account", "NO_ACTIVE_PROFILE"),
    ],
)
def test_the_stand_in_judges_each_text_as_its_persona_means_it(persona: str, disposition: str) -> None:
    assert {classify(text)["disposition"] for text in named(persona).texts} == {disposition}


async def test_the_real_client_reads_the_stand_ins_answer() -> None:
    async with ClaudeStub() as stub:
        claude = Claude(model="claude-stub", api_key="local", base_url=stub.url)
        found = await claude.classify(Mail(subject="Re: Hello", text="How much would that cost?"), NOW)
        await claude.close()
    assert isinstance(found, ModelAnswer)
    assert found.disposition == "NEEDS_MORE_INFO"
    assert found.draft_reply
