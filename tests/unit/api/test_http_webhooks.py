"""The generic signed webhook: verified, taken once, answered after the broker has it."""

import asyncio
import base64
import gzip
import io
import json
from email.message import EmailMessage
from typing import Any

import pytest

from api.http import webhooks
from api.http.inbound.calls import Call, Refused
from api.http.inbound.generic import Generic, sign
from domain.replies.fitting import find_message_id
from domain.replies.mime import parse_mail
from sinks.inbound_mail import MAX_RAW
from streams.topology import TOPICS
from tests.unit.api.conftest import AT, SECRET

RAW = b"From: Zoe <zoe@hotel.example>\r\nMessage-ID:\r\n <abc@hotel.example>\r\nSubject: Re: x\r\n\r\nYes please\r\n"


def signed(body: dict[str, Any], *, at: int | None = None, secret: bytes = SECRET) -> dict[str, Any]:
    data = json.dumps(body).encode()
    timestamp = str(int(AT.timestamp()) if at is None else at)
    return {
        "data": data,
        "headers": {"touchline-timestamp": timestamp, "touchline-signature": sign(timestamp, data, secret)},
    }


MAIL = {"raw": base64.b64encode(RAW).decode(), "envelope_to": ["reply+x@sender.example"], "id": "call-1"}
URL = "/webhooks/inbound/generic"


async def test_a_signed_call_is_on_the_broker_when_it_is_answered(api: Any) -> None:
    answer = await api.client.post(URL, **signed(MAIL))
    assert (answer.status, await answer.json()) == (200, {"message_id": "<abc@hotel.example>"})
    (sent,) = api.kafka.sent
    assert (sent.topic, sent.key, sent.message.raw) == ("inbound-replies", "<abc@hotel.example>", RAW)
    assert sent.message.envelope_to == ["reply+x@sender.example"]
    assert sent.message.read(sent.message.write()).raw == RAW


async def test_raw_may_be_text_and_the_senders_message_id_counts(api: Any) -> None:
    body = {"raw": "Subject: é\r\n\r\nHi", "message_id": "<m@x.example>", "envelope_to": "a@x.example"}
    assert (await api.client.post(URL, **signed(body))).status == 200
    message = api.kafka.sent[0].message
    assert (message.message_id, message.raw) == ("<m@x.example>", "Subject: é\r\n\r\nHi".encode())


async def test_a_repeated_call_is_409_and_records_nothing(api: Any) -> None:
    await api.client.post(URL, **signed(MAIL))
    assert (await api.client.post(URL, **signed(MAIL))).status == 409
    assert len(api.kafka.sent) == 1


async def test_a_call_without_its_own_id_is_known_by_its_signature(api: Any) -> None:
    body = {"raw": MAIL["raw"]}
    assert (await api.client.post(URL, **signed(body))).status == 200
    assert (await api.client.post(URL, **signed(body))).status == 409


async def test_a_call_that_kafka_did_not_take_is_503_and_its_retry_is_welcome(api: Any) -> None:
    api.kafka.away = True
    assert (await api.client.post(URL, **signed(MAIL))).status == 503
    api.kafka.away = False
    assert (await api.client.post(URL, **signed(MAIL))).status == 200
    assert len(api.kafka.sent) == 1


@pytest.mark.parametrize(
    "call",
    [
        signed(MAIL, secret=b"wrong"),
        signed(MAIL, at=int(AT.timestamp()) - 301),
        signed(MAIL, at=int(AT.timestamp()) + 301),
        {"data": json.dumps(MAIL).encode()},
        {**signed(MAIL), "data": json.dumps({**MAIL, "id": "other"}).encode()},
        {"data": b"", "headers": {"touchline-timestamp": "x", "touchline-signature": sign("x", b"", SECRET)}},
    ],
    ids=["wrong secret", "too old", "too new", "unsigned", "changed body", "no number"],
)
async def test_forged_and_expired_calls_are_401_and_record_nothing(api: Any, call: dict[str, Any]) -> None:
    assert (await api.client.post(URL, **call)).status == 401
    assert api.kafka.sent == []
    assert api.postgres.calls == {}


async def test_an_unknown_provider_is_404(api: Any) -> None:
    assert (await api.client.post("/webhooks/inbound/nobody", **signed(MAIL))).status == 404


@pytest.mark.parametrize("body", [{}, {"raw": ""}, {"raw": "x", "message_id": "m" * 999}])
async def test_a_body_that_is_no_mail_is_400(api: Any, body: dict[str, Any]) -> None:
    assert (await api.client.post(URL, **signed(body))).status == 400
    assert api.kafka.sent == []


async def test_a_body_over_the_limit_is_413_whether_it_says_its_length_or_not(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MAX_BODY", 1000)

    async def chunks() -> Any:
        for _ in range(20):
            yield b"x" * 100

    assert (await api.client.post(URL, data=b"x" * 2000)).status == 413
    assert (await api.client.post(URL, data=chunks())).status == 413


async def test_a_message_too_long_for_the_topic_loses_its_attachment_and_keeps_its_text(api: Any) -> None:
    mail = EmailMessage()
    mail["From"], mail["Message-ID"], mail["Subject"] = "zoe@hotel.example", "<big@hotel.example>", "Re: plan"
    mail.make_mixed()
    mail.add_attachment(b"\x01" * (MAX_RAW + 1000), maintype="application", subtype="pdf", filename="plan.pdf")
    mail.add_attachment("Yes please, with the plan.\n")
    call = signed({"raw": base64.b64encode(mail.as_bytes().replace(b"attachment\n\nYes", b"inline\n\nYes")).decode()})
    assert (await api.client.post(URL, data=io.BytesIO(call["data"]), headers=call["headers"])).status == 200
    message = api.kafka.sent[0].message
    kept = parse_mail(message.raw)
    assert (kept.message_id, kept.attachments[0]) == ("big@hotel.example", "plan.pdf")
    assert (kept.text, message.truncated) == ("Yes please, with the plan.", True)


async def test_text_without_end_is_cut_to_what_the_topic_takes(api: Any) -> None:
    raw = RAW + "\u00e9".encode() * MAX_RAW
    call = signed({"raw": base64.b64encode(raw).decode(), "envelope_to": ["a" * 320] * 5000})
    assert (await api.client.post(URL, data=io.BytesIO(call["data"]), headers=call["headers"])).status == 200
    message = api.kafka.sent[0].message
    assert raw.startswith(message.raw)
    assert len(message.write()) <= TOPICS["inbound-replies"].max_value
    assert message.truncated


async def test_an_older_secret_counts_while_it_is_listed(api: Any) -> None:
    api.services.inbound["generic"] = Generic([b"the new one", SECRET])
    assert (await api.client.post(URL, **signed(MAIL))).status == 200
    assert (await api.client.post(URL, **signed({**MAIL, "id": "2"}, secret=b"the new one"))).status == 200


@pytest.mark.parametrize("name", ["standard", "mailgun", "ses"])
async def test_a_provider_without_its_setting_is_404_and_says_which(api: Any, name: str) -> None:
    answer = await api.client.post(f"/webhooks/inbound/{name}", **signed(MAIL))
    assert (answer.status, "TOUCHLINE_INBOUND_" in (await answer.json())["error"]) == (404, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"touchline-signature": "\udcff"},
        {"touchline-timestamp": "\udcff\u0661", "touchline-signature": "\u00e9"},
        {"touchline-timestamp": "9" * 500, "touchline-signature": "0" * 64},
        {"Content-Type": "message/rfc822; \u00e9"},
    ],
)
async def test_headers_of_any_bytes_are_401(headers: dict[str, str]) -> None:
    with pytest.raises(Refused) as refused:
        await Generic([SECRET]).read(Call(headers, b"{}", AT.timestamp()))
    assert refused.value.status == 401


async def test_a_few_large_bodies_are_read_at_a_time_and_all_are_answered(api: Any) -> None:
    call = signed({"raw": base64.b64encode(RAW + b"x" * 2_000_000).decode()})
    posts = [api.client.post(URL, data=io.BytesIO(call["data"]), headers=call["headers"]) for _ in range(10)]
    answers = await asyncio.gather(*posts)
    assert {answer.status for answer in answers} <= {200, 409}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"message-id: <a@b>\n\nx", "<a@b>"),
        (b"X: 1\r\nMessage-Id:   <a@b>\r\n\r\n", "<a@b>"),
    ],
)
def test_message_ids_are_found_in_the_header(raw: bytes, expected: str) -> None:
    assert find_message_id(raw) == expected


def test_a_message_id_in_the_body_is_not_the_mails_and_mails_without_one_count_once() -> None:
    raw = b"Subject: x\n\nMessage-ID: <quoted@b>\n"
    made = find_message_id(raw)
    assert made.endswith("@no-message-id.invalid>")
    assert made == find_message_id(raw)
    assert made != find_message_id(raw + b" ")


@pytest.mark.parametrize("nothing", [b"<>", b"<@>", b"<@host.example>"])
def test_an_id_that_names_nothing_is_none(nothing: bytes) -> None:
    raw = b"Message-ID: " + nothing + b"\r\n\r\nYes"
    assert find_message_id(raw) != find_message_id(raw + b", please")


async def test_a_compressed_body_is_bounded_by_what_comes_out_of_it(api: Any) -> None:
    bomb = gzip.compress(b"\0" * (webhooks.MAX_BODY + 1))
    answer = await api.client.post(URL, data=bomb, headers={"Content-Encoding": "gzip"})
    assert (len(bomb) < 100_000, answer.status) == (True, 413)


async def test_a_call_that_was_taken_is_not_taken_again_as_a_mail_of_another_type(api: Any) -> None:
    """No signature covers the content type: read as a message, the same bytes would be another call with another id."""
    call = signed(MAIL)
    assert (await api.client.post(URL, **call)).status == 200
    again = await api.client.post(URL, data=call["data"], headers={**call["headers"], "Content-Type": "message/rfc822"})
    assert (again.status, len(api.kafka.sent)) == (400, 1)
