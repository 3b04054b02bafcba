"""Not one byte of what is signed, or of a signature, can be changed."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.inbound import generic, mailgun, ses, standard
from api.http.inbound.calls import REMEMBERED_S, WINDOW_S, Call, Refused
from api.http.inbound.forms import read_form
from api.http.inbound.mailgun import Mailgun
from api.http.inbound.ses import Ses
from domain.sns import SIGNED, signed_text
from sinks.sns import NotSigned, Signed, SnsSigners
from tests.support.sns import CERTIFICATE_URL, TOPIC, FakeInboundStore, amazon, confirmation, notification
from tests.unit.api.conftest import AT

KEY = b"k" * 24
NOW = int(AT.timestamp())
BODIES = st.binary(min_size=1, max_size=200)


@st.composite
def changed(draw: st.DrawFn, data: bytes) -> bytes:
    """The same bytes with one changed, added or taken away."""
    at = draw(st.integers(0, len(data) - 1))
    other = draw(st.integers(0, 255).filter(lambda byte: byte != data[at]))
    return draw(
        st.sampled_from(
            [
                data[:at] + bytes([other]) + data[at + 1 :],
                data[:at] + bytes([other]) + data[at:],
                data[:at] + data[at + 1 :],
            ]
        ).filter(lambda made: made != data)
    )


def text(data: bytes) -> str:
    """As a header's bytes reach us."""
    return data.decode("utf-8", "surrogateescape")


@given(st.data(), BODIES, st.sampled_from(["id", "timestamp", "signature", "body"]))
def test_a_standard_call_with_one_byte_changed_is_refused(data: st.DataObject, body: bytes, part: str) -> None:
    parts = {"id": b"msg_1", "timestamp": str(NOW).encode(), "body": body}
    parts["signature"] = b"v1," + standard.sign("msg_1", str(NOW), body, KEY).encode()
    assert standard.verify({f"webhook-{n}": text(v) for n, v in parts.items()}, body, [KEY], NOW) == "msg_1"
    parts[part] = data.draw(changed(parts[part]))
    headers = {f"webhook-{name}": text(value) for name, value in parts.items()}
    if part == "signature" and text(parts[part]).split() == [f"v1,{standard.sign('msg_1', str(NOW), body, KEY)}"]:
        return  # a space before or after it
    with pytest.raises(Refused) as refused:
        standard.verify(headers, parts["body"], [KEY], NOW)
    assert refused.value.status == 401


@given(st.data(), BODIES, st.sampled_from(["timestamp", "signature", "body"]))
def test_a_generic_call_with_one_byte_changed_is_refused(data: st.DataObject, body: bytes, part: str) -> None:
    parts = {"timestamp": str(NOW).encode(), "body": body, "signature": generic.sign(str(NOW), body, KEY).encode()}
    parts[part] = data.draw(changed(parts[part]))
    headers = {f"touchline-{name}": text(value) for name, value in parts.items()}
    with pytest.raises(Refused) as refused:
        generic.verify(headers, parts["body"], [KEY], NOW)
    assert refused.value.status == 401


@given(st.data(), st.sampled_from(["timestamp", "token", "signature"]))
def test_a_mailgun_call_with_one_byte_of_its_signature_changed_is_refused(data: st.DataObject, part: str) -> None:
    parts = {"timestamp": str(NOW).encode(), "token": b"t" * 50}
    parts["signature"] = mailgun.sign(str(NOW), "t" * 50, KEY).encode()
    parts[part] = data.draw(changed(parts[part]))
    form = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), v) for n, v in parts.items()
    )
    call = Call({"content-type": "multipart/form-data; boundary=b"}, form + b"--b--\r\n", NOW)
    with pytest.raises(Refused) as refused:
        asyncio.run(Mailgun([KEY]).read(call))
    assert refused.value.status in {401, 400}


WEB, ROOTS = amazon(AT)
SIGNERS = SnsSigners(WEB, FakeInboundStore(), ROOTS)


async def is_signed(message: dict[str, str]) -> bool:
    signed = signed_text(message)
    if signed is None:
        return False
    try:
        await SIGNERS.check(
            Signed(signed, message["Signature"], message["SignatureVersion"], CERTIFICATE_URL, "eu-west-1"), NOW
        )
    except NotSigned:
        return False
    return True


MESSAGES = {
    "Notification": notification("what SES says", AT, Subject="Amazon SES"),
    "SubscriptionConfirmation": confirmation(AT),
    "UnsubscribeConfirmation": confirmation(AT, "UnsubscribeConfirmation", version="2"),
}


@given(st.data(), st.sampled_from(sorted(MESSAGES)))
def test_an_sns_message_with_one_byte_changed_is_refused(data: st.DataObject, kind: str) -> None:
    message = MESSAGES[kind]
    field = data.draw(st.sampled_from([*SIGNED[kind], "Signature"]))
    other = data.draw(changed(message[field].encode())).decode("latin-1")
    assert asyncio.run(is_signed(message))
    assert not asyncio.run(is_signed({**message, field: other}))


def test_the_string_that_sns_signs_is_that_of_its_documentation() -> None:
    message = {
        "Type": "Notification",
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Subject": "My First Message",
        "Message": "Hello world!",
        "Timestamp": "2012-04-26T20:45:04.751Z",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    }
    expected = (
        "Message\nHello world!\nMessageId\n165545c9-2a5c-472c-8df2-7ff2be2b3b1b\nSubject\nMy First Message\n"
        f"Timestamp\n2012-04-26T20:45:04.751Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
    )
    assert signed_text(message) == expected.encode()


@given(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(max_size=300), max_size=6))
def test_a_form_comes_back_byte_for_byte(fields: dict[str, bytes]) -> None:
    boundary = b"unlikely-0123456789"
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, n.encode(), v)
        for n, v in fields.items()
    ]
    body = b"".join(parts) + b"--%s--\r\n" % boundary
    assert read_form(f"multipart/form-data; boundary={boundary.decode()}", body).fields == fields


@given(
    st.binary(max_size=500),
    st.sampled_from(["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", ""]),
)
def test_any_bytes_are_a_form_or_refused(body: bytes, content_type: str) -> None:
    try:
        refused = read_form(content_type, body) and None
    except Refused as error:
        refused = error.status
    assert refused in {None, 400}


@given(
    BODIES,
    st.dictionaries(st.sampled_from(["content-type", "webhook-id", "touchline-signature"]), st.text(max_size=20)),
)
def test_an_unsigned_call_is_refused_whatever_it_is(body: bytes, headers: dict[str, Any]) -> None:
    for provider in (generic.Generic([KEY]), standard.Standard([KEY]), Mailgun([KEY])):
        with pytest.raises(Refused) as refused:
            asyncio.run(provider.read(Call(headers, body, NOW)))
        assert refused.value.status in {400, 401}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def objects(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields, each of any kind."""
    return st.dictionaries(st.sampled_from(names), JSON, max_size=len(names))


async def outcome(provider: Any, call: Call) -> int:
    """200 or the refusal. Anything else goes through, and fails the test."""
    try:
        taken = await provider.read(call)
    except Refused as refused:
        return refused.status
    assert taken.mail is None or taken.mail.raw
    return 200


MAIL_FIELDS = ["raw", "id", "message_id", "envelope_to", "received_at", "from", "to", "cc", "subject", "data"]
MAIL_FIELDS += ["in_reply_to", "references", "date", "headers", "text", "html", "attachments"]
NOTICE = {"bounce": ["bounceType", "bounceSubType", "bouncedRecipients", "feedbackId"]}
NOTICE |= {
    "complaint": ["complainedRecipients", "complaintFeedbackType"],
    "mail": ["source", "headers", "commonHeaders"],
}
NOTICE |= {"receipt": ["recipients", "action"], "deliveryDelay": ["delayedRecipients"]}
EVENT = ["id", "event", "severity", "recipient", "delivery-status", "message", "envelope"]


@given(objects(MAIL_FIELDS) | JSON)
def test_a_signed_body_of_any_json_is_a_mail_or_400(said: Any) -> None:
    body = json.dumps(said).encode()
    headers = {"webhook-id": "1", "webhook-timestamp": str(NOW)}
    headers["webhook-signature"] = f"v1,{standard.sign('1', str(NOW), body, KEY)}"
    assert asyncio.run(outcome(standard.Standard([KEY]), Call(headers, body, NOW))) in {200, 400}


@given(
    st.fixed_dictionaries(
        {}, optional={name: objects(fields) | JSON for name, fields in NOTICE.items()} | {"content": JSON}
    ),
    st.sampled_from(["Received", "Bounce", "Complaint", "DeliveryDelay", "Send"]),
    st.sampled_from(["notificationType", "eventType"]),
)
def test_a_signed_notice_of_any_json_is_taken_or_400(said: dict[str, Any], kind: str, named: str) -> None:
    body = json.dumps(notification({**said, named: kind}, AT)).encode()
    provider = Ses([TOPIC], SIGNERS, WEB, FakeInboundStore())
    assert asyncio.run(outcome(provider, Call({}, body, NOW))) in {200, 400}


@given(objects(EVENT) | JSON)
def test_a_signed_event_of_any_json_is_taken_or_400(event: Any) -> None:
    signed = {"timestamp": str(NOW), "token": "t", "signature": mailgun.sign(str(NOW), "t", KEY)}
    body = json.dumps({"signature": signed, "event-data": event}).encode()
    call = Call({"content-type": "application/json"}, body, NOW)
    assert asyncio.run(outcome(Mailgun([KEY]), call)) in {200, 400}


def test_an_id_is_remembered_for_longer_than_its_signature_is_accepted() -> None:
    assert max(ses.OLDEST_S, mailgun.OLDEST_S, WINDOW_S) + WINDOW_S < REMEMBERED_S
