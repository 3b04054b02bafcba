"""The generic signed webhook: verified, taken once, answered after the broker has it."""

import base64
import io
import json
from typing import Any

import pytest

from api.http import webhooks
from api.http.webhooks import MAX_RAW, find_message_id, sign
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


async def test_a_message_too_long_for_the_topic_is_cut_to_fit(api: Any) -> None:
    raw = RAW + b"a" * (MAX_RAW + 1000)
    call = signed({"raw": base64.b64encode(raw).decode()})
    assert (await api.client.post(URL, data=io.BytesIO(call["data"]), headers=call["headers"])).status == 200
    message = api.kafka.sent[0].message
    assert message.raw == raw[:MAX_RAW]
    assert len(message.write()) <= TOPICS["inbound-replies"].max_value


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
