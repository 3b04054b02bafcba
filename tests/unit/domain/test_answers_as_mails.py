"""Answers to replies as the bytes that leave (docs/behaviour.md 7.6, 8.2)."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from uuid import UUID

import pytest

from agents.sending.book import Book, NoSuchStep
from domain.answering import AUTO_STEP, answer_step, compile_answer, compile_auto_answer, is_answer
from domain.campaign import AutoReply
from domain.message import CompiledMessage
from domain.templates import compile_template
from schemas.sending import Content, Thread
from tests.support.dispatching import MONDAY, touch
from tests.support.leads import campaign, mailbox

THREAD = Thread(subject="AW: Rooms", message_ids=["<ours@sender.example>", "<theirs@corp.example>"])
CONTENT = Content(body="It has 120 rooms: https://hotel.example/{{ first_name }}\n\nAnna")
STATUS = AutoReply(None, compile_template("Dear {{ first_name }}, we look into it."))


def sent(message: CompiledMessage, step_id: str = "answer:1") -> Message:
    rendered = message.render(
        touch("zoe", step_id=step_id, thread=THREAD),
        granted_at=MONDAY,
        message_id="<token@sender.example>",
        reply_to="reply+token@in.example",
        unsubscribe_url="https://t.example/u/1",
        pixel_url="https://t.example/t/o/1.gif",
        link=lambda url: f"https://t.example/t/c/{url}",
    )
    return message_from_bytes(rendered.data, policy=default)


def body(message: Message) -> str:
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert part is not None
    return part.get_content()


def test_an_approved_answer_stands_in_the_replys_thread_says_exactly_its_words_and_is_not_tracked() -> None:
    message = sent(compile_answer(campaign(), CONTENT, mailbox()))
    assert message["Subject"] == "Re: AW: Rooms"
    assert message["In-Reply-To"] == "<theirs@corp.example>"
    assert str(message["References"]).split() == ["<ours@sender.example>", "<theirs@corp.example>"]
    assert message["Auto-Submitted"] is None
    assert message["Reply-To"] == "reply+token@in.example"
    assert "https://hotel.example/{{ first_name }}" in body(message)
    assert "/t/c/" not in message.as_string()
    assert "/t/o/" not in message.as_string()


def test_an_answer_by_itself_says_that_a_machine_wrote_it() -> None:
    message = sent(compile_auto_answer(campaign(), STATUS, mailbox()))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == "<theirs@corp.example>"
    assert body(message).startswith("Dear Zoé, we look into it.")
    assert "/t/o/" not in message.as_string()


def test_an_answer_by_itself_may_have_a_subject_of_its_own() -> None:
    words = replace(STATUS, subject=compile_template("Your question, {{ first_name }}"))
    assert sent(compile_auto_answer(campaign(), words, mailbox()))["Subject"] == "Your question, Zoé"


def test_no_step_of_a_campaign_can_be_named_like_an_answer() -> None:
    assert is_answer(answer_step(UUID(int=1)))
    assert is_answer(AUTO_STEP)
    assert not is_answer("answer")


def test_words_that_were_taken_away_since_are_not_sent() -> None:
    book = Book()
    with pytest.raises(NoSuchStep):
        book.message(touch("zoe", step_id=AUTO_STEP, variant="STATUS"), mailbox())
