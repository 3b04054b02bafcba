"""Mailgun: forwarded mail whole and taken apart, its events, its signature of a token."""

import hashlib
import hmac
import io
import json
from typing import Any
from urllib.parse import quote_from_bytes, quote_plus

import pytest

from api.http.inbound import forms
from api.http.inbound.mailgun import OLDEST_S, Mailgun, sign
from domain.replies.mime import parse_mail
from domain.replies.recognise import recognise
from tests.unit.api.conftest import AT

URL = "/webhooks/inbound/mailgun/mime"
KEY, OLD = b"key-of-the-account", b"key-that-was"
NOW = int(AT.timestamp())
RAW = b"From: Zo\xeb <zoe@hotel.example>\r\nMessage-ID: <abc@hotel.example>\r\nSubject: Re: x\r\n\r\nYes\r\n--x\r\n\xff\x00\r\n"
HEADERS = [
    ["From", "Zoe <zoe@hotel.example>"],
    ["To", "reply+x@sender.example"],
    ["Subject", "Re: Rooms"],
    ["Message-Id", "<m1@hotel.example>"],
    ["In-Reply-To", "<t@sender.example>"],
    ["Content-Type", 'multipart/mixed; boundary="theirs"'],
]


def signature(token: str = "t" * 50, at: int = NOW, key: bytes = KEY) -> dict[str, str]:
    return {"timestamp": str(at), "token": token, "signature": sign(str(at), token, key)}


class Form:
    """A form as Mailgun posts it."""

    def __init__(self, fields: dict[str, Any], **more: Any) -> None:
        self.parts: list[bytes] = []
        for name, value in {"recipient": "reply+x@sender.example", **signature(**more), **fields}.items():
            self.add(f'name="{name}"', value if isinstance(value, bytes) else str(value).encode())

    def add(self, disposition: str, value: bytes, content_type: str | None = None) -> None:
        kind = f"Content-Type: {content_type}\r\n" if content_type else ""
        self.parts.append(f"Content-Disposition: form-data; {disposition}\r\n{kind}\r\n".encode() + value)

    def attach(self, value: bytes, filename: str, content_type: str) -> None:
        self.add(f'name="attachment-{len(self.parts)}"; filename="{filename}"', value, content_type)

    @property
    def call(self) -> dict[str, Any]:
        body = b"".join(b"--form\r\n" + part + b"\r\n" for part in self.parts) + b"--form--\r\n"
        return {"data": body, "headers": {"Content-Type": "multipart/form-data; boundary=form"}}


@pytest.fixture
def mailgun(api: Any) -> Any:
    api.services.inbound["mailgun"] = Mailgun([KEY, OLD])
    return api


def test_the_signature_is_that_of_mailguns_documentation() -> None:
    """`hmac.new(key=signing_key, msg=f"{timestamp}{token}", digestmod=sha256).hexdigest()`."""
    expected = hmac.new(KEY, f"{NOW}token".encode(), hashlib.sha256).hexdigest()
    assert sign(str(NOW), "token", KEY) == expected


async def test_a_whole_message_is_taken_byte_for_byte(mailgun: Any) -> None:
    answer = await mailgun.client.post(URL, **Form({"body-mime": RAW}).call)
    assert (answer.status, await answer.json()) == (200, {"message_id": "<abc@hotel.example>"})
    message = mailgun.kafka.sent[0].message
    assert (message.raw, message.envelope_to, message.source) == (RAW, ["reply+x@sender.example"], "mailgun")


async def test_a_whole_message_may_come_as_a_file(mailgun: Any) -> None:
    made = Form({})
    made.add('name="body-mime"; filename="mail.eml"', RAW, "message/rfc822")
    assert (await mailgun.client.post(URL, **made.call)).status == 200
    assert mailgun.kafka.sent[0].message.raw == RAW


async def test_a_whole_message_in_a_urlencoded_form_is_taken_byte_for_byte(mailgun: Any) -> None:
    fields = "&".join(f"{name}={value}" for name, value in signature().items())
    body = f"{fields}&body-mime={quote_from_bytes(RAW)}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await mailgun.client.post(URL, data=body.encode(), headers=headers)).status == 200
    assert mailgun.kafka.sent[0].message.raw == RAW


@pytest.mark.parametrize("url", [URL, "/webhooks/inbound/mailgun"])
async def test_a_mail_taken_apart_is_put_together_again(mailgun: Any, url: str) -> None:
    made = Form({"message-headers": json.dumps(HEADERS), "body-plain": "Yes, please.\n", "body-html": "<p>Yes</p>"})
    made.attach(b"%PDF", "plan.pdf", "application/pdf")
    made.attach(b"BEGIN:VCALENDAR\nMETHOD:REPLY\n", "a.ics", "text/calendar")
    assert (await mailgun.client.post(url, **made.call)).status == 200
    mail = parse_mail(mailgun.kafka.sent[0].message.raw)
    assert (mail.from_email, mail.subject, mail.in_reply_to) == (
        "zoe@hotel.example",
        "Re: Rooms",
        ("t@sender.example",),
    )
    assert (mail.text, mail.attachments, mail.calendar_method) == ("Yes, please.", ("plan.pdf", "a.ics"), "REPLY")


async def test_without_a_list_of_headers_its_fields_are_read(mailgun: Any) -> None:
    fields = {"From": "zoe@hotel.example", "subject": "Re: x", "Message-Id": "<m2@hotel.example>", "body-plain": "Yes"}
    assert (await mailgun.client.post(URL, **Form(fields).call)).status == 200
    message = mailgun.kafka.sent[0].message
    assert (message.message_id, parse_mail(message.raw).from_email) == ("<m2@hotel.example>", "zoe@hotel.example")


async def test_a_report_that_was_taken_apart_is_still_a_report(mailgun: Any) -> None:
    status = b"Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; zoe@hotel.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
    made = Form({"message-headers": json.dumps(HEADERS), "body-plain": "It failed."})
    made.attach(status, "status", "message/delivery-status")
    made.attach(b"Message-ID: <t@sender.example>\r\n", "h", "text/rfc822-headers")
    assert (await mailgun.client.post(URL, **made.call)).status == 200
    report = parse_mail(mailgun.kafka.sent[0].message.raw).report
    assert report is not None
    assert (report.recipients[0].status, report.original_message_ids) == ("5.1.1", ("t@sender.example",))


async def test_both_keys_count_while_one_is_changed(mailgun: Any) -> None:
    assert (await mailgun.client.post(URL, **Form({"body-mime": RAW}, key=OLD).call)).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"key": b"wrong"},
        {"at": NOW - OLDEST_S - 1},
        {"at": NOW + 301},
        {"token": ""},
    ],
    ids=["key", "expired", "ahead", "no token"],
)
async def test_forged_and_expired_calls_are_401_and_record_nothing(mailgun: Any, more: dict[str, Any]) -> None:
    assert (await mailgun.client.post(URL, **Form({"body-mime": RAW}, **more).call)).status == 401
    assert (mailgun.kafka.sent, mailgun.postgres.calls) == ([], {})


async def test_a_token_that_was_taken_brings_no_other_mail_however_late(mailgun: Any) -> None:
    """The body is not signed: whoever saw a call could send another with it."""
    at = NOW - OLDEST_S + 60
    assert (await mailgun.client.post(URL, **Form({"body-mime": RAW}, at=at).call)).status == 200
    for raw in (RAW, b"Subject: unsubscribe\r\n\r\nstop"):
        assert (await mailgun.client.post(URL, **Form({"body-mime": raw}, at=at).call)).status == 409
    assert len(mailgun.kafka.sent) == 1


async def test_a_call_that_kafka_did_not_take_is_welcome_hours_later(mailgun: Any) -> None:
    mailgun.kafka.away = True
    assert (await mailgun.client.post(URL, **Form({"body-mime": RAW}, at=NOW - 7 * 3600).call)).status == 503
    mailgun.kafka.away = False
    assert (await mailgun.client.post(URL, **Form({"body-mime": RAW}, at=NOW - 7 * 3600).call)).status == 200


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "body-mime"),
        ({"body-mime": b""}, "body-mime"),
        ({"message-headers": "nonsense"}, "message-headers"),
        ({"message-headers": "[[1]]"}, "message-headers"),
    ],
)
async def test_a_form_without_a_mail_is_400_with_the_field(mailgun: Any, fields: dict[str, Any], field: str) -> None:
    answer = await mailgun.client.post(URL, **Form(fields).call)
    assert (answer.status, (await answer.json())["error"].split(":")[0]) == (400, field)
    assert (mailgun.kafka.sent, mailgun.postgres.calls) == ([], {})


@pytest.mark.parametrize(
    ("content_type", "body", "field"),
    [
        ("text/plain", b"x", "content-type"),
        ("multipart/form-data", b"x", "content-type"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx", "body"),
        ("multipart/form-data; boundary=b", b"\r\n--b" * 2000, "body"),
        ("application/x-www-form-urlencoded", b"a=1&" * 2000, "body"),
        ("application/json", b"{", "body"),
    ],
)
async def test_what_is_no_form_is_400(mailgun: Any, content_type: str, body: bytes, field: str) -> None:
    answer = await mailgun.client.post(URL, data=body, headers={"Content-Type": content_type})
    assert (answer.status, (await answer.json())["error"].split(":")[0]) == (400, field)


async def event(mailgun: Any, data: Any, **more: Any) -> int:
    body = json.dumps({"signature": signature(**more), "event-data": data}).encode()
    headers = {"Content-Type": "application/json"}
    return (await mailgun.client.post("/webhooks/inbound/mailgun", data=body, headers=headers)).status


FAILED: dict[str, Any] = {
    "id": "G9Bn5sl1TC6nu79C8C0bwg",
    "event": "failed",
    "severity": "permanent",
    "recipient": "zoe@hotel.example",
    "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": "550 5.1.1 no such user"},
    "message": {"headers": {"message-id": "token@sender.example", "subject": "Rooms"}},
    "envelope": {"sender": "ann@sender.example"},
}


@pytest.mark.parametrize(
    ("changed", "disposition", "bounce"),
    [
        ({}, "BOUNCE", "hard"),
        (
            {"delivery-status": {"code": 605, "message": "Not delivering to previously bounced address"}},
            "BOUNCE",
            "hard",
        ),
        ({"delivery-status": {"code": 452, "message": "452 4.2.2 mailbox full"}}, "BOUNCE", "soft"),
        ({"severity": "temporary"}, "AUTOMATED", None),
        ({"event": "complained"}, "COMPLAINT", None),
    ],
)
async def test_an_event_becomes_the_report_that_a_server_would_have_mailed(
    mailgun: Any, changed: dict[str, Any], disposition: str, bounce: str | None
) -> None:
    assert await event(mailgun, {**FAILED, **changed}) == 200
    mail = parse_mail(mailgun.kafka.sent[0].message.raw)
    assert mail.report is not None
    assert mail.report.original_message_ids == ("token@sender.example",)
    found = recognise(mail, AT, AT.tzinfo)  # type: ignore[arg-type]
    assert found is not None
    assert (found.disposition, found.bounce) == (disposition, bounce)


@pytest.mark.parametrize("kind", ["delivered", "opened", "unsubscribed"])
async def test_other_events_are_answered_and_not_recorded(mailgun: Any, kind: str) -> None:
    assert await event(mailgun, {**FAILED, "event": kind}) == 200
    assert mailgun.kafka.sent == []


async def test_a_forged_or_malformed_event_is_refused(mailgun: Any) -> None:
    assert await event(mailgun, FAILED, key=b"wrong") == 401
    assert await event(mailgun, {"event": 1}) == 400
    assert await event(mailgun, None) == 400
    body = json.dumps({"event-data": FAILED}).encode()
    headers = {"Content-Type": "application/json"}
    assert (await mailgun.client.post("/webhooks/inbound/mailgun", data=body, headers=headers)).status == 401
    assert (mailgun.kafka.sent, mailgun.postgres.calls) == ([], {})


async def test_escapes_are_undone_only_for_whoever_has_signed(mailgun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """25 MB of escapes cost seconds: strangers get none of them undone, whichever field they stand in."""
    undone: list[int] = []
    real = forms._unquoted
    monkeypatch.setattr(forms, "_unquoted", lambda value: undone.append(len(value)) or real(value))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for name in ("body-mime", "token", "timestamp", "signature", "x" * 100_000):
        fields = {**signature(key=b"wrong"), "body-mime": "x", name: "%41" * 100_000}
        body = "&".join(f"{key}={value}" for key, value in fields.items())
        assert (await mailgun.client.post(URL, data=body.encode(), headers=headers)).status == 401
    assert max(undone) <= forms.MAX_SHORT


@pytest.mark.parametrize("octets", [bytes(range(256)), b"=%+&\r\n==\r\n%zz=3D=\n", b" \t=\r\n.\r\n"])
def test_a_urlencoded_form_gives_back_every_byte(octets: bytes) -> None:
    for written in (quote_plus(octets), quote_from_bytes(octets, safe="")):
        form = forms.read_form("application/x-www-form-urlencoded", f"a=1&Mail={written}&mail=2".encode())
        assert form.data("mail") == octets
    assert forms.read_form("application/x-www-form-urlencoded", b"a=b=c&&d").data("a") == b"b=c"


async def test_an_event_is_small_and_a_large_one_is_not_read(mailgun: Any) -> None:
    body = b'{"event-data": [' + b"[]," * 400_000 + b"[]]}"
    answer = await mailgun.client.post(
        "/webhooks/inbound/mailgun", data=io.BytesIO(body), headers={"Content-Type": "application/json"}
    )
    assert (answer.status, mailgun.kafka.sent) == (413, [])
