"""Numbers in one spelling, the words of a text, requests to be left alone, and tokens for providers."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign import SmsSender, SmsStep
from domain.numbers import e164, is_number
from domain.replies.mime import parse_mail
from domain.replies.recognise import recognise
from domain.senders import SmsProvider
from domain.templates import MissingVariable, compile_template
from domain.text_answers import as_mail
from domain.text_tokens import answers_token, is_answers_token, notice_token, read_notice_token
from domain.texts import MAX_TEXT, OPT_OUT, TextTooLong, asks_to_stop, compile_text, is_text_id, text_id
from domain.tokens import TokenKeys, address_key, mail_token, read_mail_token
from domain.windows import zone_of
from tests.support.ledger import AT, grant

KEYS = TokenKeys.parse("k1:" + "A" * 43 + "=")
OLD_AND_NEW = TokenKeys.parse("k2:" + "B" * 43 + "=,k1:" + "A" * 43 + "=,hash:" + "A" * 43 + "=")
SEND = UUID("7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77")
SENDER = SmsSender("texts", 1, "main", "+46700000001", SmsProvider("http://x", None, "AC1", "env:T"))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+46 70-123 45 67", "+46701234567"),
        ("0046701234567", "+46701234567"),
        ("tel:+1 (415) 555-2671", "+14155552671"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+33.6.12.34.56.78", "+33612345678"),
        ("+\uff14\uff16 701234567", "+46701234567"),
        ("+46\u00a070\u2011123\u200a45\u200a67", "+46701234567"),
        ("\u202a+46 (0)70 123\u200b45 67\u202c", "+46701234567"),
        ("(+46) (0)70 123 45 67", "+46701234567"),
        ("TEL:\uff0b46701234567", "+46701234567"),
        ("+39 (06) 123 4567", "+39061234567"),
        ("+44 (020) 7946 0958", None),
        ("070-123 45 67", None),
        ("+0701234567", None),
        ("+461234", None),
        ("+46701234567x12", None),
        ("+1234567890123456", None),
        ("", None),
        ("zoe@hotel.example", None),
        ("+46701234567" + " " * 100, None),
    ],
)
def test_a_number_has_one_spelling_and_is_never_guessed(written: str, number: str | None) -> None:
    assert e164(written) == number


@given(st.text(max_size=80))
def test_whatever_is_written_the_answer_is_a_number_or_none_and_normal_already(text: str) -> None:
    number = e164(text)
    assert number is None or (is_number(number) and e164(number) == number)


def test_a_number_and_an_address_never_share_a_key() -> None:
    secret = KEYS.hash_secret
    assert address_key(secret, "+46701234567") != address_key(secret, "@+46701234567")
    assert address_key(secret, "Zoe@Hotel.example") == address_key(secret, "zoe@hotel.example")


def step(body: str) -> SmsStep:
    template = compile_template(body)
    return SmsStep("ping", None, template, template.variables)


def words(body: str, **merge: str) -> str:
    touch = grant("zoe").touch.model_copy(update={"merge": merge})
    return compile_text(step(body), SENDER).render(touch, "https://t.example.com/u/x")


def test_a_text_without_a_way_out_gets_one() -> None:
    assert words("Hi {{ first_name }}", first_name="Zoé") == f"Hi Zoé\n{OPT_OUT}"


@pytest.mark.parametrize("body", ["Hi. Text STOP to end.", "Hi. {{ unsubscribe_url }}"])
def test_a_text_with_a_way_out_is_left_as_it_is(body: str) -> None:
    assert OPT_OUT not in words(body)


def test_a_missing_variable_fails_the_text_and_a_default_does_not() -> None:
    with pytest.raises(MissingVariable):
        words("Hi {{ first_name }}")
    assert (
        words("Hi {{ first_name | default('there') }}, from {{ sender_name }}. STOP")
        == "Hi there, from +46700000001. STOP"
    )


def test_a_text_longer_than_a_provider_takes_fails() -> None:
    with pytest.raises(TextTooLong):
        words("{{ company }}", company="x" * MAX_TEXT)


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop! ", "Unsubscribe", "ARRÊT", "arret", "Please stop", "STOP ALL", "opt out", "Stop SMS"),
        *("ARRE\u0302T", "\uff33\uff34\uff2f\uff30"),
    ],
)
def test_a_request_to_stop_is_known(text: str) -> None:
    assert asks_to_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Stop by on Tuesday?",
        "Don't stop",
        "I can't stop thinking about it",
        "please",
        "Yes",
        "ok all",
        "out",
        "x" * 100,
    ],
)
def test_an_answer_that_says_more_is_for_people(text: str) -> None:
    assert not asks_to_stop(text)


def test_a_provider_token_is_read_back_and_no_other_text_is_one() -> None:
    token = notice_token(KEYS, SEND)
    assert read_notice_token(KEYS, token) == SEND
    assert read_notice_token(OLD_AND_NEW, token) == SEND
    assert read_notice_token(KEYS, mail_token(KEYS, SEND)) is None
    assert read_mail_token(KEYS, token) is None
    for position in range(len(token)):
        for letter in "a2":
            changed = token[:position] + letter + token[position + 1 :]
            assert changed == token or read_notice_token(KEYS, changed) is None


def test_an_answers_token_is_its_senders_alone() -> None:
    token = answers_token(KEYS, "texts")
    assert is_answers_token(KEYS, "texts", token)
    assert is_answers_token(OLD_AND_NEW, "texts", token)
    assert not is_answers_token(KEYS, "other", token)
    assert not is_answers_token(KEYS, "texts", token[:-1])
    assert not is_answers_token(KEYS, "texts", "")


def test_a_text_has_an_id_of_its_own() -> None:
    assert is_text_id(text_id(SEND))
    assert not is_text_id("<k1-abc@sender.example>")
    assert not is_text_id(None)


@pytest.mark.parametrize("text", ["Yes please, call me é 💌", "line one\nline two", "", "Subject: x\r\nTo: y", "\x00"])
def test_an_answer_reads_back_from_its_mail(text: str) -> None:
    raw = as_mail(KEYS, provider_id="SM9", number="+46701234567", text=text, send_id=SEND, at=AT)
    mail = parse_mail(raw)
    assert mail.message_id == "SM9@sms.invalid"
    assert mail.from_name == "+46701234567"
    (to,) = mail.recipients
    assert read_mail_token(KEYS, to.removeprefix("reply+").partition("@")[0]) == SEND
    assert " ".join(mail.text.split()) == " ".join(text.replace("\x00", "").split())


def test_a_stop_is_recognised_before_any_model_and_an_answer_to_nothing_is_nobodys() -> None:
    raw = as_mail(KEYS, provider_id="SM9", number="+46701234567", text="ARRET", send_id=SEND, at=AT)
    found = recognise(parse_mail(raw), AT, zone_of(None, None, None))
    assert found is not None
    assert found.disposition == "UNSUBSCRIBE"
    lost = parse_mail(as_mail(KEYS, provider_id="SM9", number="+46701234567", text="Hi", send_id=None, at=AT))
    assert lost.recipients == ("unknown@sms.invalid",)


def test_a_sender_may_have_a_name_in_place_of_a_number() -> None:
    named = replace(SENDER, number="Hotel")
    touch = grant("zoe").touch
    assert compile_text(step("From {{ sender_name }}. STOP"), named).render(touch, "u") == "From Hotel. STOP"
