"""What Claude is given, what may stand in a draft, and that approved words go out exactly as they read (1.4)."""

from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.campaign import Arm, Writing
from domain.draft_checks import MAX_BODY, faults, form_faults
from domain.languages import language_of
from domain.links import bare_domains_in, links_in
from domain.message import SENDER_VARIABLES, compile_message
from domain.templates import compile_template
from domain.writing import Assignment, Words, assignment, literal, tidy, written_arm
from schemas.sending import Content, DueSend
from tests.support.leads import T0, Story, asks, campaign, email, enroll, in_force, mailbox

TEMPLATE = (
    "Hi {{ first_name }},\n\nwould you and {{ company }} like a look at https://ours.example/tour?\n\n{{ sender_name }}"
)
BODY_ALONE = "I would like to hear what you think of this."
PERSON = {"first_name": "Zoé", "company": "Acme"}
GOOD = Words(
    "An idea for Acme",
    "Hello Zoé,\n\nI saw that you run Acme, and I have an idea that would save you and your team a day a week. There is "
    "a short tour at https://ours.example/tour.\n\nBest,\n{{ sender_name }}",
)


def wanted(
    body: str = TEMPLATE, context: str = "Offer the tour.", merge: dict[str, Any] | None = None, **more: Any
) -> Assignment:
    arm = Arm("a", 1, compile_template("Question"), compile_template(body), is_html=more.pop("is_html", False))
    return assignment(
        campaign(), arm, Writing(context), merge=merge if merge is not None else PERSON,
        person=more.pop("person", PERSON), thread_subject=more.pop("thread_subject", None),
    )  # fmt: skip


def wrong(body: str, subject: str = "An idea") -> tuple[str, ...]:
    return faults(Words(subject, body + " And this is what we would like to say to you about the tour."), wanted())


def test_a_good_draft_has_no_fault() -> None:
    assert faults(GOOD, wanted()) == ()


def test_the_template_is_told_as_this_person_would_read_it() -> None:
    data = wanted().data
    assert data["template"]["body"].startswith("Hi Zoé,\n\nwould you and Acme like")
    assert data["template"]["body"].endswith("{{ sender_name }}")
    assert data["links"] == ["https://ours.example/tour"]
    assert data["language"] is None or data["language"] == "en"


def test_a_template_that_lacks_a_value_is_told_as_it_was_written() -> None:
    assert wanted(merge={}).data["template"]["body"] == TEMPLATE


def test_a_touch_that_answers_nothing_has_a_subject_of_its_own() -> None:
    arm = Arm("a", 1, None, compile_template("Hi"), is_html=False)
    told = [
        assignment(campaign(), arm, Writing(""), merge={}, person={}, thread_subject=subject)
        for subject in (None, "Hello")
    ]
    assert [one.has_subject for one in told] == [True, False]
    assert [one.data["has_subject"] for one in told] == [True, False]
    assert "empty_subject" in faults(Words(None, BODY_ALONE), told[0])
    assert faults(Words(None, BODY_ALONE), told[1]) == ()


def test_an_html_template_is_told_as_text_with_its_links() -> None:
    told = wanted('<p>Hi {{ first_name }}, <a href="https://ours.example/x">look</a></p>', is_html=True)
    assert "<p>" not in told.data["template"]["body"]
    assert told.links == {"https://ours.example/x"}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("See https://evil.example/pay now.", "link_not_given:https://evil.example/pay"),
        ("See https://ours.example/tour/admin now.", "link_not_given:https://ours.example/tour/admin"),
        ("See HTTPS://EVIL.example now.", "link_not_given:https://evil.example"),
        ("See www.evil.example now.", "link_not_given:www.evil.example"),
        ("See evil.com/pay now.", "link_not_given:evil.com/pay"),
        ("See //evil.com/pay now.", "link_not_given:evil.com/pay"),
        ("See s.example now.", "link_not_given:s.example"),
        ("See ours.exam now.", "link_not_given:ours.exam"),
        ("See evil。com now.", "link_not_given:evil.com"),
        ("See ｅｖｉｌ.com now.", "link_not_given:evil.com"),
        ("See 10.0.0.1/pay now.", "link_not_given:10.0.0.1/pay"),
        ("Write to boss@evil.example now.", "link_not_given:boss@evil.example"),
        ("Go javascript:alert(1) now.", "link_not_given:javascript:alert(1"),
        ("Go ftp://evil.example/x now.", "link_not_given:ftp://evil.example/x"),
        ("Hi {{ last_name }}.", "unknown_variable:last_name"),
        ("Hi {{ sender_name.__class__ }}.", "unknown_variable:sender_name.__class__"),
        ("Hi {% for x in y %}.", "unknown_variable:for"),
        ("Hi {name}.", "unknown_variable:name"),
        ("Hi [First Name].", "unknown_variable:First Name"),
        ("Hi %FIRSTNAME%.", "unknown_variable:FIRSTNAME"),
        ("Hi <<name>>.", "unknown_variable:name"),
        ("<b>Hi</b>.", "markup"),
        ("**Hi**.", "markup"),
        ("[tour](https://ours.example/tour)", "markup"),
        ("Hi\u200bthere.", "invisible_characters"),
        ("Hi\u202ethere.", "invisible_characters"),
        ("Bcc: all@evil.example\n\nHi.", "header_line"),
        ("Subject: Hi\n\nHi.", "header_line"),
        ("x" * MAX_BODY, "body_too_long"),
    ],
)  # fmt: skip
def test_what_may_not_stand_in_a_body(body: str, fault: str) -> None:
    assert fault in wrong(body)


@pytest.mark.parametrize(
    ("subject", "fault"),
    [
        ("Hi\r\nBcc: all@evil.example", "control_characters"),
        ("Hi\nX: y", "control_characters"),
        ("", "empty_subject"),
        ("   ", "empty_subject"),
        ("x" * 201, "subject_too_long"),
        ("Hi {{ first_name }}", "unknown_variable:first_name"),
        ("https://evil.example/", "link_not_given:https://evil.example"),
    ],
)
def test_what_may_not_stand_in_a_subject(subject: str, fault: str) -> None:
    assert fault in wrong("Hello.", subject)


def test_every_fault_is_named_at_once() -> None:
    found = faults(Words("", "{{ x }} https://evil.example"), wanted())
    assert {fault.partition(":")[0] for fault in found} == {"empty_subject", "unknown_variable", "link_not_given"}


def test_an_empty_draft_is_refused() -> None:
    assert "empty_body" in faults(Words("Hi", ""), wanted())


def test_a_short_draft_is_refused() -> None:
    assert "body_too_short" in faults(Words("Hi", "Hello."), wanted())


def test_what_looks_like_a_domain_may_stand_where_the_campaign_says_it_itself() -> None:
    told = wanted("Hi, is Booking.com still the channel that you use most of all for your house?")
    assert faults(Words("Hi", "Is Booking.com still what you use for most of it? I would like to know."), told) == ()


def test_a_link_in_a_persons_facts_is_no_link_that_was_given() -> None:
    told = wanted(person={**PERSON, "website": "https://evil.example/pay"})
    assert "link_not_given:https://evil.example/pay" in faults(
        Words("Hi", "Pay at https://evil.example/pay and all will be well with you and your team."), told
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Would you and your team like to have a look at what we do for hotels that are like yours?"),
        (
            "fr",
            "Je vous écris pour vous proposer une visite de notre outil avec votre équipe, et nous pouvons en parler.",
        ),
        ("de", "Wir haben eine Idee für Sie und Ihr Haus, die nicht viel Zeit braucht und mit der wir Ihnen helfen."),
        ("es", "Le escribo para enseñarle una idea que tenemos para su hotel y que nos gustaría ver con usted."),
        (
            "nl",
            "Wij hebben een idee voor u en uw hotel dat niet veel tijd kost, en wij komen het graag met u bespreken.",
        ),
        ("sv", "Vi har en idé för er och det hotell som ni har, och den tar inte mycket tid att titta på med oss."),
    ],
)
def test_languages_are_told_apart(code: str, text: str) -> None:
    assert language_of(text) == code


def test_a_draft_in_another_language_than_the_template_is_refused_unless_the_brief_names_one() -> None:
    english = "Would you and your team like to have a look at what we do for hotels that are like yours?"
    french = Words("Une idée", "Je vous écris pour vous proposer une visite de notre outil avec votre équipe.")
    assert faults(french, wanted(english)) == ("wrong_language:fr",)
    assert faults(french, wanted(english, "Write in French where the country is France.")) == ()


def test_a_persons_own_words_are_held_to_their_form_alone() -> None:
    assert form_faults(Words("Hi", "See https://else.example/x."), has_subject=True) == ()
    assert form_faults(Words("Hi", "Hi {{ first_name }}"), has_subject=True) == ("unknown_variable:first_name",)
    assert form_faults(Words(None, "Hi"), has_subject=False) == ()


def test_links_are_found_as_a_mail_program_would() -> None:
    text = "a https://A.example/x, (http://b.example/?q=1) mailto:x@y.example and ftp://c.example."
    assert links_in(text) == {
        "https://a.example/x", "http://b.example/?q=1", "mailto:x@y.example", "x@y.example", "ftp://c.example",
    }  # fmt: skip
    assert bare_domains_in("e.g. this, i.e. that. U.S.A. 3.5 percent, at 10.30") == frozenset()


def test_a_link_inside_a_value_that_the_template_shows_is_not_given_and_a_value_that_is_one_is() -> None:
    template = "Hi {{ company }}, book at {{ booking_link }}, please, and tell us what you think of it."
    told = wanted(template, merge={"company": "Pay https://evil.example now", "booking_link": "https://b.example/7"})
    assert told.links == {"https://b.example/7"}


# -- going out ---------------------------------------------------------------------------------------------------------


@given(st.text(alphabet=st.sampled_from("{}%# a'\"\\n-_.|sender_name"), max_size=60))
@example("{{{ sender_name }}}")
@example("{{ '{' }}{% raw %}{{ sender_name }}{% endraw %}")
@example("{")
def test_a_literal_says_exactly_its_text(text: str) -> None:
    values: dict[str, object] = {name: "{{ " + name + " }}" for name in SENDER_VARIABLES}
    shown = compile_template(literal(text)).render(values, html=False)
    assert " ".join(shown.split()).replace("{{ ", "{{").replace(" }}", "}}") == " ".join(text.split()).replace(
        "{{ ", "{{"
    ).replace(" }}", "}}")


def touch(content: Content | None) -> DueSend:
    (ask,) = asks(Story(in_force(campaign())).event(enroll()))
    return ask.model_copy(update={"content": content})


def sent(words: Words) -> Any:
    content = Content(subject=words.subject, body=words.body)
    message = compile_message(campaign(), email("intro"), written_arm(content, "a"), mailbox())
    rendered = message.render(
        touch(content), granted_at=T0, message_id="<token@sender.example>", reply_to=None,
        unsubscribe_url="https://t.example/u/1", pixel_url="https://t.example/o/1.gif",
        link=lambda url: f"https://t.example/c?{url}",
    )  # fmt: skip
    return message_from_bytes(rendered.data, policy=policy.default)


def test_approved_words_are_sent_with_footer_tracking_and_the_sender_filled_in() -> None:
    parsed = sent(GOOD)
    plain = parsed.get_body(("plain",)).get_content()
    html = parsed.get_body(("html",)).get_content()
    assert parsed["Subject"] == "An idea for Acme"
    assert "Best,\r\nAnna\r\n" in plain
    assert "Street 1" in plain
    assert "Unsubscribe: https://t.example/u/1" in plain
    assert 'href="https://t.example/c?https://ours.example/tour"' in html
    assert "o/1.gif" in html
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@given(st.text(max_size=80), st.text(min_size=1, max_size=200).filter(lambda text: bool(text.strip())))
@example("Hi\r\nBcc: a@b.example", "<script>alert(1)</script>{{ postal_address.__class__ }}{% for x in y %}")
def test_whatever_the_words_are_the_message_has_no_other_header_and_no_markup(subject: str, body: str) -> None:
    words = tidy(Words("S" + subject, "B" + body), has_subject=True)
    text = "".join(character for character in words.body if not 0xD800 <= ord(character) <= 0xDFFF).replace("\x00", "")
    title = "".join(c for c in words.subject or "S" if not 0xD800 <= ord(c) <= 0xDFFF).replace("\x00", "")
    parsed = sent(replace(words, subject=title, body=text))
    assert set(parsed.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version",
        "Content-Type",
    }  # fmt: skip
    assert "<script" not in parsed.get_body(("html",)).get_content()
