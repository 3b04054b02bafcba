"""What an SMS provider calls: answers and delivery notices, each stored before it is answered."""

from dataclasses import replace
from typing import Any

import pytest

from domain.ids import enrollment_id, send_id
from domain.replies.mime import parse_mail
from domain.text_tokens import answers_path, notice_path
from domain.texts import text_id
from domain.tokens import read_mail_token
from schemas.replies import InboundMail
from schemas.tracking import Hit
from sinks.ports import SendRow
from tests.support.waiting import wait_for
from tests.unit.api.conftest import AT

ZOE = "+46701234567"


def row(**more: Any) -> SendRow:
    enrollment = enrollment_id("q1", "lead-1")
    sent = SendRow(
        send_id=send_id(enrollment, "ping"),
        enrollment_id=enrollment,
        lead_id="lead-1",
        campaign_id="q1",
        campaign_version=1,
        step_id="ping",
        entry_no=1,
        pool_id="main",
        mailbox_id="texts",
        variant="a",
        grant_id="1-1",
        granted_at=AT,
        state="sent",
        message_id=text_id(send_id(enrollment, "ping")),
        timezone=None,
        address_key=b"key",
    )
    return replace(sent, **more)


@pytest.fixture
def inbound(api: Any) -> str:
    api.postgres.texts[ZOE] = row()
    return answers_path(api.keys, "texts")


def form(text: str, number: str = "+46 70 123 45 67", sid: str = "SM1", **more: str) -> dict[str, str]:
    return {"From": number, "To": "+46700000001", "Body": text, "MessageSid": sid, "NumMedia": "0", **more}


async def mails(api: Any) -> list[InboundMail]:
    return [out.message for out in api.kafka.sent if out.topic == "inbound-replies"]


def hits(api: Any) -> list[Hit]:
    return [out.message for out in api.kafka.sent if out.topic == "tracking-hits"]


# -- answers -----------------------------------------------------------------------------------------------------------


async def test_an_answer_is_stored_and_goes_on_as_mail_to_the_touch_it_answers(api: Any, inbound: str) -> None:
    answer = await api.client.post(inbound, data=form("Yes, call me"))
    assert (answer.status, answer.content_type) == (200, "text/xml")
    assert "<Response></Response>" in await answer.text()
    (out,) = await wait_for(lambda: api.kafka.sent)
    assert (out.topic, out.key) == ("inbound-replies", "<SM1@sms.invalid>")
    assert out.message.source == "sms:texts"
    mail = parse_mail(out.message.raw)
    assert mail.text.strip() == "Yes, call me"
    (to,) = mail.recipients
    assert read_mail_token(api.keys, to.removeprefix("reply+").partition("@")[0]) == row().send_id
    assert api.postgres.suppressed == []


async def test_an_answer_told_twice_keeps_its_ids(api: Any, inbound: str) -> None:
    for _ in range(2):
        await api.client.post(inbound, data=form("Yes"))
    await wait_for(lambda: len(api.kafka.sent) == 2)
    assert len({out.message.event_id for out in api.kafka.sent}) == 1


async def test_an_answer_is_taken_while_kafka_is_away(api: Any, inbound: str) -> None:
    api.kafka.away = True
    assert (await api.client.post(inbound, data=form("Yes"))).status == 200
    assert len(api.notes.waiting) == 1
    api.kafka.away = False
    await wait_for(lambda: api.kafka.sent)


async def test_stop_suppresses_number_and_lead_before_it_is_answered(api: Any, inbound: str) -> None:
    api.kafka.away = True
    assert (await api.client.post(inbound, data=form(" stop "))).status == 200
    (suppression,) = api.postgres.suppressed
    assert (suppression.email, suppression.lead_id, suppression.scope) == (ZOE, "lead-1", "all")
    api.kafka.away = False
    (told,) = await wait_for(lambda: hits(api))
    assert (told.type, told.lead_id, told.step_id) == ("unsubscribe", "lead-1", "ping")


async def test_stop_from_a_number_we_never_wrote_to_suppresses_the_number(api: Any) -> None:
    assert (await api.client.post(answers_path(api.keys, "texts"), data=form("STOP"))).status == 200
    (suppression,) = api.postgres.suppressed
    assert (suppression.email, suppression.lead_id) == (ZOE, None)
    (mail,) = await wait_for(lambda: [out.message for out in api.kafka.sent])
    assert parse_mail(mail.raw).recipients == ("unknown@sms.invalid",)


async def test_a_stop_that_cannot_be_committed_is_503_and_promises_nothing(api: Any, inbound: str) -> None:
    api.postgres.away = True
    assert (await api.client.post(inbound, data=form("STOP"))).status == 503
    assert api.kafka.sent == []
    assert api.notes.waiting == []


async def test_an_answer_that_cannot_be_stored_is_503(api: Any, inbound: str) -> None:
    api.notes.away = True
    assert (await api.client.post(inbound, data=form("Yes"))).status == 503


async def test_pictures_are_told_of_and_not_fetched(api: Any, inbound: str) -> None:
    await api.client.post(inbound, data=form("", NumMedia="2", MediaUrl0="http://10.0.0.1/x"))
    (mail,) = await wait_for(lambda: [out.message for out in api.kafka.sent])
    assert parse_mail(mail.raw).text.strip() == "[2 attached]"


@pytest.mark.parametrize("path", ["/webhooks/sms/inbound/texts/x", "/webhooks/sms/status/x"])
async def test_an_address_that_is_none_of_ours_is_404_and_records_nothing(api: Any, path: str) -> None:
    assert (await api.client.post(path, data=form("STOP"))).status == 404
    assert api.postgres.suppressed == []


async def test_the_address_of_another_sender_is_404(api: Any, inbound: str) -> None:
    assert (await api.client.post(inbound.replace("/texts/", "/other/"), data=form("STOP"))).status == 404


@pytest.mark.parametrize(
    "bad", [{}, form("Hi", number="Hotel"), form("Hi", sid=""), form("Hi", sid="a\r\nBcc: x"), form("Hi", number="+1")]
)
async def test_a_form_that_is_no_text_is_400(api: Any, inbound: str, bad: dict[str, str]) -> None:
    assert (await api.client.post(inbound, data=bad)).status == 400
    assert api.notes.waiting == []


async def test_a_form_without_end_is_413(api: Any, inbound: str) -> None:
    assert (await api.client.post(inbound, data=form("x" * 70_000))).status == 413


# -- notices -----------------------------------------------------------------------------------------------------------


def status(name: str, code: str = "") -> dict[str, str]:
    return {"MessageSid": "SM1", "MessageStatus": name, "ErrorCode": code}


async def test_a_delivered_text_is_told(api: Any, inbound: str) -> None:
    path = notice_path(api.keys, row().send_id)
    assert (await api.client.post(path, data=status("delivered"))).status == 204
    (told,) = await wait_for(lambda: hits(api))
    assert (told.type, told.send_id, told.code) == ("delivered", row().send_id, None)


@pytest.mark.parametrize(("code", "reason"), [("30005", "bounce"), ("21610", "unsubscribe")])
async def test_a_number_that_takes_no_texts_is_suppressed_and_the_lead_is_not(
    api: Any, inbound: str, code: str, reason: str
) -> None:
    path = notice_path(api.keys, row().send_id)
    assert (await api.client.post(path, data=status("undelivered", code))).status == 204
    (suppression,) = api.postgres.suppressed
    assert (suppression.address_key, suppression.lead_id, suppression.reason) == (b"key", None, reason)
    (told,) = await wait_for(lambda: hits(api))
    assert (told.type, told.code) == ("undelivered", f"sms:{code}")


@pytest.mark.parametrize("code", ["30003", "30007", "", "<script>"])
async def test_another_failure_is_told_and_suppresses_nobody(api: Any, inbound: str, code: str) -> None:
    await api.client.post(notice_path(api.keys, row().send_id), data=status("failed", code))
    (told,) = await wait_for(lambda: hits(api))
    assert told.type == "undelivered"
    assert told.code == (f"sms:{code}" if code.isdigit() else "sms:undelivered")
    assert api.postgres.suppressed == []


@pytest.mark.parametrize("name", ["queued", "sending", "sent", "accepted", ""])
async def test_a_notice_that_says_nothing_new_is_taken_and_told_nobody(api: Any, inbound: str, name: str) -> None:
    assert (await api.client.post(notice_path(api.keys, row().send_id), data=status(name))).status == 204
    assert api.notes.waiting == []
    assert len(api.services.hits) == 0


async def test_a_notice_that_may_settle_a_text_is_stored_and_not_only_held(api: Any, inbound: str) -> None:
    api.postgres.texts[ZOE] = row(state="ambiguous")
    api.kafka.away = True
    await api.client.post(notice_path(api.keys, row().send_id), data=status("delivered"))
    assert len(api.notes.waiting) == 1


async def test_a_notice_while_postgres_is_away_is_503(api: Any, inbound: str) -> None:
    api.postgres.away = True
    assert (await api.client.post(notice_path(api.keys, row().send_id), data=status("delivered"))).status == 503
