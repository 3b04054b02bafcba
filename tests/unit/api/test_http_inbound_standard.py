"""Standard Webhooks: the published example, rotation, repeats; and bodies in every form."""

import base64
import json
from typing import Any

import pytest

from api.http.inbound.calls import Call, Refused
from api.http.inbound.standard import Standard, sign, verify
from domain.replies.mime import parse_mail
from domain.webhook_keys import generic_keys, standard_key
from tests.unit.api.conftest import AT

URL = "/webhooks/inbound/standard"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY, OLD = standard_key(SECRET), standard_key("whsec_" + base64.b64encode(b"an older secret of ours").decode())
NOW = int(AT.timestamp())
RAW = b"From: Zoe <zoe@hotel.example>\r\nMessage-ID: <abc@hotel.example>\r\nSubject: Re: x\r\n\r\nYes please\r\n"
MAIL = {"raw": base64.b64encode(RAW).decode()}


def call(
    body: Any = MAIL,
    *,
    call_id: str = "msg_1",
    at: int = NOW,
    key: bytes = KEY,
    front: str = "webhook-",
    more: str = "",
) -> dict[str, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = f"v1,{sign(call_id, str(at), data, key)}"
    headers = {f"{front}id": call_id, f"{front}timestamp": str(at), f"{front}signature": more + signature}
    return {"data": data, "headers": headers}


@pytest.fixture
def standard(api: Any) -> Any:
    api.services.inbound["standard"] = Standard([KEY, OLD])
    return api


def test_the_published_example_verifies() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert verify(headers, b'{"test": 2432232314}', [KEY], 1614265330) == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    with pytest.raises(Refused):
        verify(headers, b'{"test": 2432232315}', [KEY], 1614265330)


@pytest.mark.parametrize("front", ["webhook-", "svix-"])
async def test_a_signed_call_is_on_the_broker_when_it_is_answered(standard: Any, front: str) -> None:
    answer = await standard.client.post(URL, **call(front=front))
    assert (answer.status, await answer.json()) == (200, {"message_id": "<abc@hotel.example>"})
    assert (standard.kafka.sent[0].message.raw, standard.kafka.sent[0].message.source) == (RAW, "standard")


@pytest.mark.parametrize(
    "signed",
    [call(key=OLD), call(more=f"v1,{base64.b64encode(b'x' * 32).decode()} "), call(more="v1a,abc v2,xyz  ")],
    ids=["an older secret", "a second signature", "other kinds of signatures"],
)
async def test_a_secret_is_changed_without_losing_a_call(standard: Any, signed: dict[str, Any]) -> None:
    assert (await standard.client.post(URL, **signed)).status == 200


@pytest.mark.parametrize(
    "forged",
    [
        call(key=b"x" * 24),
        call(at=NOW - 301),
        call(at=NOW + 301),
        {**call(), "data": json.dumps({**MAIL, "id": "2"}).encode()},
        {**call(), "headers": {**call()["headers"], "webhook-id": "msg_2"}},
        {**call(), "headers": {**call()["headers"], "webhook-timestamp": str(NOW - 1)}},
        {**call(), "headers": {**call()["headers"], "webhook-timestamp": "now"}},
        {**call(), "headers": {}},
        call(call_id=f"a.{NOW}"),
        call(at=0),
    ],
    ids=["secret", "expired", "ahead", "body", "id", "time", "no time", "unsigned", "stop in id", "epoch"],
)
async def test_forged_and_expired_calls_are_401_and_record_nothing(standard: Any, forged: dict[str, Any]) -> None:
    answer = await standard.client.post(URL, **forged)
    assert answer.status == 401
    assert (standard.kafka.sent, standard.postgres.calls) == ([], {})


async def test_a_retry_with_a_new_time_is_409_after_it_was_taken_and_welcome_before(standard: Any) -> None:
    standard.kafka.away = True
    assert (await standard.client.post(URL, **call(at=NOW - 60))).status == 503
    standard.kafka.away = False
    assert [(await standard.client.post(URL, **call(at=NOW - age))).status for age in (30, 0)] == [200, 409]
    assert len(standard.kafka.sent) == 1


async def test_a_call_whose_taking_could_not_be_noted_is_asked_for_again(standard: Any) -> None:
    standard.postgres.away = True
    assert (await standard.client.post(URL, **call())).status == 503
    assert standard.kafka.sent == []
    standard.postgres.away = False
    assert (await standard.client.post(URL, **call())).status == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"[]", "body"),
        (b"{", "body"),
        (b'{"a":' * 50_000, "body"),
        (b"\xff\xfe", "body"),
        ({}, "raw"),
        ({"raw": ""}, "raw"),
        ({"raw": 1}, "raw"),
        ({"data": {"raw": ""}}, "data.raw"),
        ({"raw": "x", "received_at": "yesterday"}, "received_at"),
        ({"from": "a@b.example", "headers": 1}, "headers"),
    ],
)
async def test_a_body_that_is_no_mail_is_400_with_its_field(standard: Any, body: Any, field: str) -> None:
    answer = await standard.client.post(URL, **call(body))
    assert (answer.status, (await answer.json())["error"].split(":")[0]) == (400, field)
    assert (standard.kafka.sent, standard.postgres.calls) == ([], {})


async def test_the_mail_may_stand_under_data(standard: Any) -> None:
    body = {"type": "email.received", "timestamp": "2026-03-02T09:00:00Z", "data": MAIL}
    assert (await standard.client.post(URL, **call(body))).status == 200
    assert standard.kafka.sent[0].message.raw == RAW


async def test_the_body_may_be_the_message_itself(standard: Any) -> None:
    signed = call(RAW + b"\xff\x00")
    signed["headers"]["Content-Type"] = "message/rfc822"
    assert (await standard.client.post(URL, **signed)).status == 200
    assert standard.kafka.sent[0].message.raw == RAW + b"\xff\x00"


@pytest.mark.parametrize(
    "headers",
    [
        {"In-Reply-To": "<t@sender.example>", "Auto-Submitted": "auto-replied", "Received": ["a", "b"]},
        [{"name": "In-Reply-To", "value": "<t@sender.example>"}, {"name": "Auto-Submitted", "value": "auto-replied"}],
        [["In-Reply-To", "<t@sender.example>"], ["Auto-Submitted", "auto-replied"]],
    ],
)
async def test_a_mail_taken_apart_is_put_together_again(standard: Any, headers: Any) -> None:
    body = {
        "from": "Zoë <zoe@hotel.example>",
        "to": ["reply+x@sender.example"],
        "subject": "Re: Rooms\r\nBcc: victim@hotel.example",
        "message_id": "<m1@hotel.example>",
        "headers": headers,
        "text": "Yes, please.\n\nOn Monday Ann wrote:\n> Rooms?\n",
        "html": "<p>Yes, please.</p>",
        "attachments": [{"filename": 'plan".pdf', "content_type": "application/pdf"}],
    }
    assert (await standard.client.post(URL, **call(body))).status == 200
    message = standard.kafka.sent[0].message
    mail = parse_mail(message.raw)
    assert message.message_id == "<m1@hotel.example>"
    assert (mail.from_email, mail.from_name, mail.message_id) == ("zoe@hotel.example", "Zoë", "m1@hotel.example")
    assert (mail.in_reply_to, mail.recipients) == (("t@sender.example",), ("reply+x@sender.example",))
    assert mail.headers["auto-submitted"] == "auto-replied"
    assert (mail.text, mail.attachments) == ("Yes, please.", ("plan'.pdf",))
    assert "victim@hotel.example" not in mail.recipients


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_not base64", "whsec_" + "A" * 1000])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="a key"):
        standard_key(secret)


@pytest.mark.parametrize(
    ("value", "keys"),
    [
        ("one", ["one"]),
        ("a,b", ["a,b"]),
        ("a,", ["a,"]),
        ("new-secret-of-16-b, old-secret-of-16-b", None),
        ("env:NEW,env:OLD", ["env:NEW", "env:OLD"]),
        (",", [","]),
    ],
)
def test_short_pieces_of_a_generic_secret_are_no_secrets(value: str, keys: list[str] | None) -> None:
    assert generic_keys(value) == (keys or [value, "new-secret-of-16-b", "old-secret-of-16-b"])


async def test_verification_comes_before_anything_is_read() -> None:
    with pytest.raises(Refused) as refused:
        await Standard([KEY]).read(Call({}, b"no mail at all", NOW))
    assert refused.value.status == 401
