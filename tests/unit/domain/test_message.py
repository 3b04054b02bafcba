"""Finished messages, read back by the standard library: nothing but what was meant (behaviour 1.4, 4.1, 4.2)."""

import base64
import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaign import Arm, Campaign, CampaignLimits, EmailStep, Mailbox, Smtp, Window
from domain.headers import InvalidAddress, check_address
from domain.html import html_to_text, is_html, text_to_html
from domain.message import NoSubject, Rendered, compile_message, message_id_of, reply_address
from domain.templates import MissingVariable, clean_text, compile_template
from domain.tokens import TokenKeys, read_mail_token
from schemas.sending import DueSend, Thread

KEYS = TokenKeys.parse("k1:" + base64.b64encode(b"k" * 32).decode())
SEND_ID = UUID(int=42)
GRANTED_AT = datetime(2026, 3, 6, 9, 5, 7, tzinfo=UTC)
UNSUBSCRIBE = "https://t.example/u/k1.abc_-"
PIXEL = "https://t.example/t/o/k1.pix.gif"
ANNA = Mailbox(
    mailbox_id="anna",
    revision=1,
    pool_id="main",
    from_name="Anna Berg",
    from_email="anna@sender.example",
    postal_address="Storgatan 1, 111 22 Stockholm",
    smtp=Smtp("127.0.0.1", 25, "none", None, "login", None),
    reply_domain="reply.sender.example",
)
BODY = "Hi {{ first_name | default('there') }},\n\nSee https://sender.example/spring?a=1&b=2 for {{ company }}.\n\n{{ sender_name }}\n"
FUZZED = st.text(max_size=120)
HEADERS = ["From", "To", "Subject", "Date", "Message-ID", "Reply-To"]
HEADERS += ["List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type"]


def due(thread: Thread | None = None, address: str = "lead@riad.example", **merge: object) -> DueSend:
    return DueSend(
        event_id="e",
        send_id=SEND_ID,
        enrollment_id=UUID(int=1),
        lead_id="lead-1",
        campaign_id="c",
        campaign_version=1,
        step_id="intro",
        pool_id="main",
        ask_no=1,
        priority=1,
        due_at=GRANTED_AT,
        at=GRANTED_AT,
        email=address,
        domain="riad.example",
        merge=merge,  # type: ignore[arg-type]
        thread=thread,
    )


def campaign(step: EmailStep, *, tracking: bool = True) -> Campaign:
    limits = CampaignLimits(75, 25, timedelta(minutes=10), 50)
    return Campaign(
        campaign_id="c",
        revision=1,
        name="C",
        goal="nurture",
        pool_id="main",
        mailbox_ids=("anna",),
        status="active",
        limits=limits,
        window=Window(frozenset(range(5)), 9, 17),
        steps={step.step_id: step},
        first_step_id=step.step_id,
        track_opens=tracking,
        track_clicks=tracking,
    )


def rendered(
    touch: DueSend,
    *,
    subject: str | None = "About {{ company }}",
    body: str = BODY,
    mailbox: Mailbox = ANNA,
    tracking: bool = True,
) -> Rendered:
    arm = Arm("a", 1, compile_template(subject) if subject else None, compile_template(body), is_html(body))
    step = EmailStep("intro", None, (arm,), frozenset())
    return compile_message(campaign(step, tracking=tracking), step, arm, mailbox).render(
        touch,
        granted_at=GRANTED_AT,
        message_id=message_id_of(KEYS, touch.send_id, mailbox),
        reply_to=reply_address(message_id_of(KEYS, touch.send_id, mailbox), mailbox),
        unsubscribe_url=UNSUBSCRIBE,
        pixel_url=PIXEL,
        link=lambda url: f"https://t.example/t/c/{base64.urlsafe_b64encode(url.encode()).decode()}",
    )


def read(message: Rendered) -> EmailMessage:
    parsed = email.message_from_bytes(message.data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def bodies(message: Rendered) -> tuple[str, str]:
    """The plain text and the HTML, with newlines as they are in Python."""
    parts = list(read(message).iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    text, html = (str(part.get_content()).replace("\r\n", "\n") for part in parts)
    return text, html


def destinations(html: str) -> list[str]:
    """Where the links of a message lead, with those that are tracked shown as `click:URL`."""
    found = [link.replace("&amp;", "&") for link in re.findall(r'<a href="([^"]*)"', html)]
    prefix = "https://t.example/t/c/"
    return [
        f"click:{base64.urlsafe_b64decode(link.removeprefix(prefix)).decode()}" if link.startswith(prefix) else link
        for link in found
    ]


def test_a_message_has_exactly_the_headers_it_should() -> None:
    message = rendered(due(first_name="Åsa", company="Riad"))
    parsed = read(message)
    token = message.message_id[1:].partition("@")[0]
    assert read_mail_token(KEYS, token) == SEND_ID
    assert dict(parsed.items()) == {
        "From": "Anna Berg <anna@sender.example>",
        "To": "lead@riad.example",
        "Subject": "About Riad",
        "Date": "Fri, 06 Mar 2026 09:05:07 +0000",
        "Message-ID": f"<{token}@sender.example>",
        "Reply-To": f"reply+{token}@reply.sender.example",
        "List-Unsubscribe": f"<{UNSUBSCRIBE}>, <mailto:unsubscribe+{token}@reply.sender.example?subject=unsubscribe>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative; boundary="=_{token}"',
    }
    assert (message.subject, message.to) == ("About Riad", "lead@riad.example")


def test_without_a_reply_domain_there_is_no_reply_to_and_no_mailto() -> None:
    parsed = read(rendered(due(company="Riad"), mailbox=replace(ANNA, reply_domain=None)))
    assert parsed["Reply-To"] is None
    assert parsed["List-Unsubscribe"] == f"<{UNSUBSCRIBE}>"


def test_plain_text_becomes_html_with_paragraphs_links_and_a_footer() -> None:
    text, html = bodies(rendered(due(first_name="Åsa", company="Riad & Co")))
    assert text == (
        "Hi Åsa,\n\nSee https://sender.example/spring?a=1&b=2 for Riad & Co.\n\nAnna Berg\n"
        f"\n-- \nStorgatan 1, 111 22 Stockholm\nUnsubscribe: {UNSUBSCRIBE}\n"
    )
    assert "<p>Hi Åsa,</p>" in html
    assert ">https://sender.example/spring?a=1&amp;b=2</a> for Riad &amp; Co.</p>" in html
    assert destinations(html) == ["click:https://sender.example/spring?a=1&b=2", UNSUBSCRIBE]
    assert html.count(f'<img src="{PIXEL}"') == 1


def test_html_becomes_plain_text() -> None:
    body = (
        "<html><head><style>p {color: red}</style></head><body><h1>Hello {{ first_name }}</h1>"
        '<p>A &amp; B, <a href="https://sender.example/{{ slug }}">our rates</a><br>and <b>more</b></p>'
        "<ul>{% for t in tags %}<li>{{ t }}</li>{% endfor %}</ul></body></html>"
    )
    text, html = bodies(rendered(due(first_name="Åsa", company="X", slug="spring", tags=["spa", "sea"]), body=body))
    assert text.startswith("Hello Åsa\n\nA & B, our rates (https://sender.example/spring)\nand more\n\n- spa\n- sea\n")
    assert text.endswith(f"Unsubscribe: {UNSUBSCRIBE}\n")
    assert html.index(PIXEL) < html.index("</body>")
    assert destinations(html)[0] == "click:https://sender.example/spring"


def test_a_body_that_has_the_unsubscribe_link_and_the_address_gets_no_footer() -> None:
    body = "Hi\n\n{{ postal_address }}\nStop: {{ unsubscribe_url }}\n"
    text, html = bodies(rendered(due(company="X"), body=body))
    assert text == f"Hi\n\nStorgatan 1, 111 22 Stockholm\nStop: {UNSUBSCRIBE}\n"
    assert destinations(html) == [UNSUBSCRIBE]
    assert html.count("Storgatan") == 1


def test_only_web_links_are_rewritten() -> None:
    links = ["mailto:a@b.example", "tel:+46", "#top", "HTTPS://a.example/x", "http://b.example", "/relative"]
    body = (
        "<p>"
        + "".join(f"<a class=x href='{link}'>x</a>" for link in links)
        + '<a href="{{ unsubscribe_url }}">y</a></p>'
    )
    _, html = bodies(rendered(due(company="X"), body=body))
    html = html.replace("<a class=x href='", '<a href="').replace("'>", '">').replace("<a class=x", "<a")
    assert destinations(html) == [
        *links[:3],
        "click:HTTPS://a.example/x",
        "click:http://b.example",
        "/relative",
        UNSUBSCRIBE,
    ]


def test_without_tracking_no_link_is_rewritten_and_there_is_no_pixel() -> None:
    _, html = bodies(rendered(due(company="X"), tracking=False))
    assert destinations(html) == ["https://sender.example/spring?a=1&b=2", UNSUBSCRIBE]
    assert "<img" not in html


def test_a_link_that_a_value_turned_into_code_is_disarmed() -> None:
    _, html = bodies(rendered(due(company="X", site="java\tscript:alert(1)"), body='<p><a href="{{ site }}">x</a></p>'))
    assert destinations(html) == ["#", UNSUBSCRIBE]


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [("About Riad", "Re: About Riad"), ("RE: About Riad", "RE: About Riad"), ("Größe", "Re: Größe")],
)
def test_a_follow_up_without_a_subject_goes_on_in_the_thread(earlier: str, expected: str) -> None:
    thread = Thread(subject=earlier, message_ids=["<1@sender.example>", "<2@sender.example>", "not an id\r\nX: y"])
    parsed = read(rendered(due(thread, company="X"), subject=None))
    assert parsed["Subject"] == expected
    assert parsed["In-Reply-To"] == "<2@sender.example>"
    assert str(parsed["References"]).split() == ["<1@sender.example>", "<2@sender.example>"]
    assert parsed["X"] is None


def test_a_follow_up_without_any_subject_fails() -> None:
    with pytest.raises(NoSubject):
        rendered(due(company="X"), subject=None)


def test_a_missing_variable_fails_the_touch() -> None:
    with pytest.raises(MissingVariable) as caught:
        rendered(due(first_name="Åsa"))
    assert caught.value.code == "missing_variable:company"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@",
        "@b.example",
        "a@b",
        "a b@c.example",
        "a@b.example,c@d.example",
        "a@b.example\r\nBcc: c@d.example",
        "<a@b.example>",
        '"a b"@c.example',
        "a..b@c.example",
        "a@[127.0.0.1]",
        "a@-b.example",
        "a" * 65 + "@b.example",
        "a@b.example\x00",
        "a@b@c.example",
        f"a@{'b' * 64}.example",
        "a\u2028@b.example",
    ],
)
def test_an_address_that_is_not_one_recipient_fails_the_touch(address: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        rendered(due(address=address, company="X"))
    assert caught.value.code == "invalid_address"


def test_an_address_is_written_one_way() -> None:
    assert check_address(" Lead.One@Riad.Example. ") == "lead.one@riad.example"


def test_an_address_outside_ascii_has_its_own_reason_and_a_domain_its_ascii_form() -> None:
    with pytest.raises(InvalidAddress) as caught:
        rendered(due(address="åsa@riad.example", company="X"))
    assert caught.value.code == "smtputf8_unsupported"
    assert rendered(due(address="Lead@Bücher.example", company="X")).to == "lead@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Berg, Anna", '"Berg, Anna" <anna@sender.example>'), ('A "B" \\ C', '"A \\"B\\" \\\\ C" <anna@sender.example>')],
)
def test_a_senders_name_is_quoted(name: str, expected: str) -> None:
    message = rendered(due(company="X"), mailbox=replace(ANNA, from_name=name))
    assert f"From: {expected}\r\n".encode() in message.data
    sender = read(message)["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == (name, "anna@sender.example")


@pytest.mark.parametrize("name", ["Åsa Öberg", "=?utf-8?q?x?=", "Anna\r\nBcc: x@y.example", "李" * 60])
def test_a_senders_name_cannot_add_a_header(name: str) -> None:
    parsed = read(rendered(due(company="X"), mailbox=replace(ANNA, from_name=name)))
    assert list(parsed.keys()) == HEADERS
    # the standard library keeps the space between the encoded words of a long name, which RFC 2047 (6.2) drops
    assert parsed["From"].addresses[0].display_name.replace(" ", "") == name.replace("\r\n", "").replace(" ", "")


def test_a_value_that_looks_encoded_is_shown_as_it_is_written() -> None:
    company = "=?utf-8?q?=0D=0ABcc:_x=40y.example?="
    parsed = read(rendered(due(company=company)))
    assert parsed["Subject"] == f"About {company}"
    assert list(parsed.keys()) == HEADERS


@pytest.mark.parametrize("separator", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00"])
def test_no_line_separator_ends_a_header(separator: str) -> None:
    message = rendered(due(company=f"Riad{separator}Bcc: x@y.example"))
    parsed = read(message)
    assert list(parsed.keys()) == HEADERS
    assert str(parsed["Subject"]) in {"About Riad Bcc: x@y.example", "About RiadBcc: x@y.example"}
    assert message.subject == parsed["Subject"]


@pytest.mark.parametrize("separator", ["\r\n", "\x85", "\u2028", "\u2029", "\x00"])
def test_an_earlier_subject_and_a_senders_name_are_cleaned_too(separator: str) -> None:
    thread = Thread.model_construct(subject=f"About{separator}Riad", message_ids=["<1@sender.example>"])
    touch = due(company="X").model_copy(update={"thread": thread})
    message = rendered(touch, subject=None, mailbox=replace(ANNA, from_name=f"Anna{separator}Berg"))
    parsed = read(message)
    assert message.subject == parsed["Subject"] == "Re: About Riad"
    assert parsed["From"].addresses[0].display_name == "Anna Berg"


def test_direction_marks_do_not_stand_in_a_subject() -> None:
    assert rendered(due(company="Riad\u202egpj.exe\u200b")).subject == "About Riadgpj.exe"


def test_long_lines_and_other_scripts_stay_within_what_smtp_carries() -> None:
    message = rendered(due(company="x" * 3000, first_name="李" * 500), subject="{{ company }}")
    assert max(map(len, message.data.split(b"\r\n"))) <= 998
    assert message.data.isascii()
    text, _ = bodies(message)
    assert "x" * 3000 in text
    assert "李" * 500 in text
    assert read(message)["Subject"] == "x" * 3000


def test_a_value_that_holds_the_boundary_ends_no_part() -> None:
    boundary = "=_" + message_id_of(KEYS, SEND_ID, ANNA)[1:].partition("@")[0]
    text, html = bodies(rendered(due(company=f"x\n--{boundary}--\nContent-Type: text/html\n\n<script>")))
    assert f"--{boundary}--" in text
    assert "<script>" not in html


@settings(deadline=None)  # each example compiles three templates
@given(first_name=FUZZED, company=FUZZED, city=FUZZED)
def test_whatever_the_values_are_the_message_is_what_was_meant(first_name: str, company: str, city: str) -> None:
    """The standard library reads exactly our headers, one recipient, and bodies with the values as they are."""
    source = "Hi {{ first_name | default('there') }} in {{ city | default('town') }}"
    touch = due(first_name=first_name, company=company, city=city)
    message = rendered(touch, subject="About {{ company | default('you') }}", body=source)
    parsed = read(message)
    assert list(parsed.keys()) == HEADERS
    assert [address.addr_spec for address in parsed["To"].addresses] == ["lead@riad.example"]
    assert str(parsed["Subject"]) == message.subject
    text, html = bodies(message)

    def shown(value: str, default: str) -> str:
        return clean_text(value) if value.strip() else default

    said = f"Hi {shown(first_name, 'there')} in {shown(city, 'town')}"
    assert text == f"{said}\n\n-- \nStorgatan 1, 111 22 Stockholm\nUnsubscribe: {UNSUBSCRIBE}\n"
    harmless = bodies(rendered(due(), subject="S", body=source))[1]
    assert re.findall(r"<[^>]*>", html) == re.findall(r"<[^>]*>", harmless)
    lines = message.data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert message.data.isascii()
    assert b"\n" not in message.data.replace(b"\r\n", b"")
    assert b"\r" not in message.data.replace(b"\r\n", b"")


@settings(deadline=None)
@given(source=st.text(st.sampled_from("ab <>&\"'{}%#\n:/.htps-"), max_size=80))
def test_any_text_survives_the_conversion_to_html_and_back(source: str) -> None:
    body = source.replace("{", "").replace("\t", " ")
    made = compile_template(text_to_html(body)).render({}, html=True)
    words = compile_template(html_to_text(made)).render({}, html=False)
    without_links = re.sub(r" \(https?://[^)]*\)", "", words)
    assert "".join(without_links.split()) == "".join(body.split())


@pytest.mark.parametrize(
    "source", ["&#123;&#123; 7 * 7 }}", "&#123;% if %}", "a &#123;# b", "{% raw %}{{ x }}{% endraw %}"]
)
def test_braces_that_are_text_stay_text(source: str) -> None:
    words = compile_template(html_to_text(source)).render({}, html=False)
    assert words.strip() in {"{{ 7 * 7 }}", "{% if %}", "a {# b", "{{ x }}"}


def test_a_condition_that_stands_in_comments_holds_for_the_text_too() -> None:
    source = "<p>A</p><!-- {% if vip %} --><p>B</p><!-- {% endif %} -->"
    made = compile_template(html_to_text(source))
    assert made.render({}, html=False).split() == ["A"]
    assert made.render({"vip": True}, html=False).split() == ["A", "B"]
