"""Amazon SES through SNS: signatures, certificates, subscriptions, and what SES says."""

import base64
import io
import json
from datetime import timedelta
from typing import Any

import pytest

from api.http.inbound.ses import Ses
from domain.replies.mime import parse_mail
from domain.replies.recognise import recognise
from sinks.sns import SnsSigners
from tests.support.sns import (
    CERTIFICATE_URL,
    ISSUER_URL,
    SUBSCRIBE_URL,
    TOPIC,
    FakeInboundStore,
    amazon,
    confirmation,
    notification,
)
from tests.unit.api.conftest import AT

URL = "/webhooks/inbound/ses"
RAW = "From: Zoe <zoe@hotel.example>\r\nMessage-ID: <abc@hotel.example>\r\nSubject: Re: x\r\n\r\nYes please\r\n"
RECEIVED: dict[str, Any] = {
    "notificationType": "Received",
    "mail": {"messageId": "ses-1", "destination": ["reply@sender.example"]},
    "receipt": {"recipients": ["reply+x@sender.example"], "action": {"type": "SNS", "encoding": "UTF8"}},
    "content": RAW,
}
SENT = {
    "messageId": "0102018b-ses",
    "source": "ann@sender.example",
    "headersTruncated": False,
    "headers": [{"name": "Message-ID", "value": "<token@sender.example>"}, {"name": "Subject", "value": "Rooms"}],
}
SES_ID = "0102018b-ses@email.amazonses.com"
BOUNCE: dict[str, Any] = {
    "notificationType": "Bounce",
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {
                "emailAddress": "zoe@hotel.example",
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            }
        ],
        "feedbackId": "0102018b-feedback",
        "timestamp": "2026-03-02T08:59:59.000Z",
    },
    "mail": SENT,
}
COMPLAINT: dict[str, Any] = {
    "eventType": "Complaint",
    "complaint": {
        "complainedRecipients": [{"emailAddress": "zoe@hotel.example"}],
        "complaintFeedbackType": "abuse",
        "feedbackId": "0102018b-complaint",
    },
    "mail": SENT,
}


class World:
    """The API with SES switched on, and the web that it sees."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.web, roots = amazon(AT)
        self.store = FakeInboundStore()
        api.services.inbound["ses"] = Ses([TOPIC], SnsSigners(self.web, self.store, roots), self.web, self.store)

    async def call(self, message: dict[str, str], **headers: str) -> tuple[int, dict[str, str]]:
        answer = await self.api.client.post(URL, data=json.dumps(message).encode(), headers=headers)
        return answer.status, await answer.json()

    @property
    def mails(self) -> list[Any]:
        return [sent.message for sent in self.api.kafka.sent]


@pytest.fixture
def ses(api: Any) -> World:
    return World(api)


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_signed_mail_is_on_the_broker_when_it_is_answered(ses: World, version: str) -> None:
    answer = await ses.call(notification(RECEIVED, AT, version=version))
    assert answer == (200, {"message_id": "<abc@hotel.example>"})
    (mail,) = ses.mails
    assert (mail.raw, mail.source, mail.envelope_to) == (RAW.encode(), "ses", ["reply+x@sender.example"])


async def test_content_in_base64_is_taken_byte_for_byte(ses: World) -> None:
    raw = RAW.encode() + b"\xff\xfe"
    received = {**RECEIVED, "content": base64.b64encode(raw).decode()}
    received["receipt"] = {"action": {"type": "SNS", "encoding": "BASE64"}}
    assert (await ses.call(notification(received, AT)))[0] == 200
    assert ses.mails[0].raw == raw


async def test_a_subject_is_signed_where_there_is_one(ses: World) -> None:
    assert (await ses.call(notification(RECEIVED, AT, Subject="Amazon SES Email Receipt")))[0] == 200
    forged = {**notification(RECEIVED, AT, Subject="Amazon SES", MessageId="2"), "Subject": "Other"}
    assert (await ses.call(forged))[0] == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"Message": "{}"},
        {"MessageId": "another"},
        {"Timestamp": "2026-03-02T09:00:01.000Z"},
        {"Signature": base64.b64encode(b"x" * 256).decode()},
        {"Signature": "not base64"},
        {"Signature": ""},
        {"SignatureVersion": "2"},
        {"SignatureVersion": "3"},
        {"TopicArn": TOPIC + "2"},
        {"SigningCertURL": CERTIFICATE_URL.replace("https", "http")},
        {"SigningCertURL": CERTIFICATE_URL.replace("eu-west-1", "us-east-1")},
        {"SigningCertURL": CERTIFICATE_URL.replace("sns.eu", "sns.evil.example/sns.eu")},
        {"SigningCertURL": CERTIFICATE_URL.replace("https://", "https://evil.example@")},
        {"SigningCertURL": CERTIFICATE_URL.replace(".com/", ".com.evil.example/")},
        {"SigningCertURL": CERTIFICATE_URL.replace(".com/", ".com:8443/")},
        {
            "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/?Action=GetTopic#SimpleNotificationService-01234567.pem"
        },
    ],
)
async def test_a_forged_message_is_401_and_nothing_strange_is_visited(ses: World, changed: dict[str, str]) -> None:
    status, _ = await ses.call({**notification(RECEIVED, AT), **changed})
    assert (status, ses.mails, ses.api.postgres.calls) == (401, [], {})
    assert set(ses.web.visited) <= {CERTIFICATE_URL, ISSUER_URL}


async def test_a_message_older_than_sns_repeats_one_is_401_and_a_late_retry_is_not(ses: World) -> None:
    assert (await ses.call(notification(RECEIVED, AT - timedelta(minutes=66))))[0] == 401
    assert (await ses.call(notification(RECEIVED, AT + timedelta(minutes=6))))[0] == 401
    assert (await ses.call(notification(RECEIVED, AT - timedelta(minutes=64))))[0] == 200


async def test_a_repeated_message_is_409(ses: World) -> None:
    told = notification(RECEIVED, AT)
    assert [(await ses.call(told))[0] for _ in range(2)] == [200, 409]
    assert len(ses.mails) == 1


async def test_kafka_away_is_503_and_the_retry_is_taken(ses: World) -> None:
    told = notification(RECEIVED, AT)
    ses.api.kafka.away = True
    assert (await ses.call(told))[0] == 503
    ses.api.kafka.away = False
    assert (await ses.call(told))[0] == 200


async def test_a_certificate_that_cannot_be_fetched_now_is_503(ses: World) -> None:
    ses.web.away = True
    assert (await ses.call(notification(RECEIVED, AT)))[0] == 503
    assert ses.api.postgres.calls == {}


async def test_a_configured_topics_subscription_is_confirmed_once(ses: World) -> None:
    asked = confirmation(AT)
    assert (await ses.call(asked))[0] == 200
    assert ses.web.visited.count(SUBSCRIBE_URL) == 1
    assert ses.store.topics == {TOPIC: "confirmed"}
    assert (await ses.call(asked))[0] == 409
    assert ses.web.visited.count(SUBSCRIBE_URL) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/?" + SUBSCRIBE_URL.partition("?")[2],
        "https://evil.example/?" + SUBSCRIBE_URL.partition("?")[2],
        "https://sns.eu-west-1.amazonaws.com.evil.example/?" + SUBSCRIBE_URL.partition("?")[2],
        "https://sns.eu-west-1.amazonaws.com:444/?" + SUBSCRIBE_URL.partition("?")[2],
        SUBSCRIBE_URL.replace("ConfirmSubscription", "Unsubscribe"),
        SUBSCRIBE_URL.replace("123456789012", "999999999999"),
        SUBSCRIBE_URL.replace("eu-west-1.amazonaws", "us-east-1.amazonaws"),
        "https://[",
    ],
)
async def test_a_subscription_that_leads_elsewhere_is_not_visited(ses: World, url: str) -> None:
    assert (await ses.call(confirmation(AT, SubscribeURL=url)))[0] == 401
    assert url not in ses.web.visited
    assert ses.api.postgres.calls == {}


async def test_a_subscription_that_sns_does_not_take_now_is_asked_for_again(ses: World) -> None:
    page = ses.web.pages.pop(SUBSCRIBE_URL)
    asked = confirmation(AT)
    assert (await ses.call(asked))[0] == 503
    ses.web.pages[SUBSCRIBE_URL] = page
    assert (await ses.call(asked))[0] == 200


async def test_the_end_of_a_subscription_is_noted_and_not_undone(ses: World) -> None:
    assert (await ses.call(confirmation(AT, "UnsubscribeConfirmation")))[0] == 200
    assert ses.store.topics == {TOPIC: "ended"}
    assert SUBSCRIBE_URL not in ses.web.visited


async def test_raw_delivery_has_no_signature_and_is_refused_with_the_remedy(ses: World) -> None:
    status, said = await ses.call(notification(RECEIVED, AT), **{"x-amz-sns-rawdelivery": "true"})
    assert (status, "switch it off" in said["error"]) == (400, True)


async def test_a_mail_that_was_put_into_s3_is_refused_with_the_remedy(ses: World) -> None:
    told = {**RECEIVED, "content": None, "receipt": {"action": {"type": "S3", "bucketName": "b"}}}
    status, said = await ses.call(notification(told, AT))
    assert status == 400
    assert said["error"].startswith("Message.content: is missing (action S3)")


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({**RECEIVED, "content": "!", "receipt": {"action": {"encoding": "BASE64"}}}, "Message.content"),
        ({**BOUNCE, "bounce": {"bouncedRecipients": "x"}}, "Message.bounce.bouncedRecipients"),
        ("hello", "Message"),
        ("[1]", "Message"),
    ],
)
async def test_a_malformed_notice_is_400_with_its_field(ses: World, said: Any, field: str) -> None:
    status, answer = await ses.call(notification(said, AT))
    assert (status, answer["error"].split(":")[0]) == (400, field)
    assert (ses.mails, ses.api.postgres.calls) == ([], {})


@pytest.mark.parametrize("body", [b"", b"[]", b'{"Type": "Notification"}', b"\xff", b"[" * 100_000])
async def test_what_is_no_sns_message_is_400(ses: World, body: bytes) -> None:
    assert (await ses.api.client.post(URL, data=body)).status == 400


@pytest.mark.parametrize(
    "said",
    [
        {"notificationType": "Delivery", "mail": SENT},
        {"eventType": "Open", "mail": SENT},
        {"notificationType": "AmazonSnsSubscriptionSucceeded"},
        "Successfully validated SNS topic for Amazon SES event publishing.",
        {},
    ],
)
async def test_what_tells_nothing_of_a_reply_is_answered_and_not_recorded(ses: World, said: Any) -> None:
    assert (await ses.call(notification(said, AT)))[0] == 200
    assert ses.mails == []


async def test_a_bounce_becomes_the_report_that_a_server_would_have_mailed(ses: World) -> None:
    assert (await ses.call(notification(BOUNCE, AT)))[0] == 200
    mail = parse_mail(ses.mails[0].raw)
    assert mail.report is not None
    assert mail.report.original_message_ids == (SES_ID, "token@sender.example")
    assert mail.recipients == ("ann@sender.example",)
    found = recognise(mail, AT, AT.tzinfo)  # type: ignore[arg-type]
    assert found is not None
    assert (found.disposition, found.bounce, found.bounce_code, found.bounced) == (
        "BOUNCE",
        "hard",
        "5.1.1",
        ("zoe@hotel.example",),
    )


@pytest.mark.parametrize(
    ("kind", "sub_kind", "bounce"),
    [
        ("Permanent", "NoEmail", "hard"),
        ("Permanent", "OnAccountSuppressionList", "hard"),
        ("Transient", "MailboxFull", "soft"),
        ("Transient", "General", "soft"),
        ("Undetermined", "Undetermined", "soft"),
    ],
)
async def test_a_bounce_without_a_code_is_what_ses_calls_it(ses: World, kind: str, sub_kind: str, bounce: str) -> None:
    told = {"bounceType": kind, "bounceSubType": sub_kind, "bouncedRecipients": [{"emailAddress": "zoe@hotel.example"}]}
    assert (await ses.call(notification({**BOUNCE, "bounce": told}, AT)))[0] == 200
    found = recognise(parse_mail(ses.mails[0].raw), AT, AT.tzinfo)  # type: ignore[arg-type]
    assert found is not None
    assert (found.disposition, found.bounce) == ("BOUNCE", bounce)


async def test_a_notice_told_twice_under_two_ids_is_one_mail(ses: World) -> None:
    await ses.call(notification(BOUNCE, AT))
    await ses.call(notification(BOUNCE, AT, MessageId="another"))
    assert len({mail.message_id for mail in ses.mails}) == 1


async def test_a_complaint_becomes_a_feedback_report(ses: World) -> None:
    assert (await ses.call(notification(COMPLAINT, AT)))[0] == 200
    mail = parse_mail(ses.mails[0].raw)
    found = recognise(mail, AT, AT.tzinfo)  # type: ignore[arg-type]
    assert found is not None
    assert (found.disposition, found.suppresses, found.bounced) == ("COMPLAINT", True, ("zoe@hotel.example",))
    assert mail.report is not None
    assert mail.report.original_message_ids == (SES_ID, "token@sender.example")


async def test_a_delay_changes_nothing(ses: World) -> None:
    told = {
        "eventType": "DeliveryDelay",
        "deliveryDelay": {"delayedRecipients": [{"emailAddress": "zoe@hotel.example"}]},
    }
    assert (await ses.call(notification({**told, "mail": SENT}, AT)))[0] == 200
    found = recognise(parse_mail(ses.mails[0].raw), AT, AT.tzinfo)  # type: ignore[arg-type]
    assert found is not None
    assert found.disposition == "AUTOMATED"


async def test_without_headers_our_message_id_is_read_from_the_common_ones(ses: World) -> None:
    sent = {
        "messageId": "ses",
        "source": "ann@sender.example",
        "commonHeaders": {"messageId": "<token@sender.example>"},
    }
    await ses.call(notification({**BOUNCE, "mail": sent}, AT))
    report = parse_mail(ses.mails[0].raw).report
    assert report is not None
    assert report.original_message_ids == ("ses@email.amazonses.com", "token@sender.example")


async def test_nothing_in_a_notice_can_add_a_header_or_a_part(ses: World) -> None:
    hostile = "x@hotel.example\r\nStatus: 5.1.1\r\n\r\n--boundary\r\nSubject: unsubscribe"
    told = {
        "bouncedRecipients": [{"emailAddress": hostile, "status": "4.2.2\nAction: delayed", "diagnosticCode": hostile}]
    }
    sent = {"source": "a@b.example\r\nTo: victim@hotel.example", "headers": [{"name": "A\r\nB", "value": "c"}]}
    assert (await ses.call(notification({**BOUNCE, "bounce": told, "mail": sent}, AT)))[0] == 200
    mail = parse_mail(ses.mails[0].raw)
    assert mail.report is not None
    assert [(r.action, r.status) for r in mail.report.recipients] == [("failed", "4.2.2")]
    assert "unsubscribe" not in mail.subject


async def test_a_call_larger_than_sns_makes_them_is_not_read(ses: Any) -> None:
    body = b'{"Message": [' + b"[]," * 800_000 + b"[]]}"
    answer = await ses.api.client.post(URL, data=io.BytesIO(body))
    assert (answer.status, ses.mails) == (413, [])
