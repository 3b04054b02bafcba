"""Amazon SES through SNS: mail that SES receives, and its notices of bounces, complaints and delays.

An SNS message is signed with a certificate of Amazon's (`sinks/sns.py`), and only configured topics are listened to: their
subscriptions are confirmed by visiting the address that SNS gives. SES puts a mail of up to 150 KB into the message with its
SNS action; a mail that it puts into S3 instead cannot be fetched from here and is refused.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from api.http.inbound.calls import WINDOW_S, Call, Received, Refused, Taken, check_age, check_call_id
from api.http.inbound.json_mail import first_problem, json_object
from api.http.inbound.ses_notices import Notice, raw_of_notice
from domain.sns import NOTIFICATION, SUBSCRIPTION, is_subscribe_url, region_of, signed_text
from sinks.postgres.inbound import SubscriptionState
from sinks.sns import NotSigned, Signed, SnsSigners
from sinks.web import Web
from streams.errors import Permanent, Retryable

LOG = structlog.get_logger("api.ses")
OLDEST_S = 3600 + WINDOW_S
"""SNS repeats a call that failed for an hour at most, with the time of the first."""
MAX_MESSAGE = 2 * 1024 * 1024
"""Bytes of a call: SNS's messages have 256 KB, which may be more as JSON. It is read before its signature can be."""
CHATTER = ("Successfully validated SNS topic", "You have successfully subscribed")
"""How SES begins the message by which it tries a topic."""


class SnsMessage(BaseModel):
    """An SNS message of any type."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    Type: str
    MessageId: str
    TopicArn: str
    Message: str
    Timestamp: str
    Subject: str | None = None
    Signature: str = ""
    SignatureVersion: str = ""
    SigningCertURL: str = ""
    SubscribeURL: str | None = None
    Token: str | None = None


class Action(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str = ""
    encoding: str = "UTF8"


class Receipt(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    recipients: list[Annotated[str, Field(max_length=320)]] = []
    action: Action = Action()


class ReceivedMail(BaseModel):
    """What SES tells of a mail that it received."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    content: str | None = None
    receipt: Receipt = Receipt()


class Subscriptions(Protocol):
    """Where it is noted what became of a subscription (`sinks.postgres.inbound.InboundStore`)."""

    async def note_subscription(self, topic: str, state: SubscriptionState) -> None: ...


class Ses:
    """Listens to these topics (ARNs)."""

    def __init__(self, topics: Sequence[str], signers: SnsSigners, web: Web, subscriptions: Subscriptions) -> None:
        self._topics = tuple(topics)
        self._signers = signers
        self._web = web
        self._subscriptions = subscriptions

    @property
    def about(self) -> str:
        return ", ".join(self._topics)

    async def read(self, call: Call) -> Taken:
        if call.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
            raise Refused(
                400, "x-amz-sns-rawdelivery: raw message delivery has no signature: switch it off at the subscription"
            )
        message = await self._verified(call)
        call_id = check_call_id(message.MessageId, "MessageId")
        if message.Type == NOTIFICATION:
            return self._notification(call_id, message)
        if message.Type == SUBSCRIPTION:
            if not is_subscribe_url(message.SubscribeURL or "", message.TopicArn):
                raise Refused(401, "SubscribeURL: does not lead to SNS and this topic")
            return Taken(call_id, None, "subscribed", lambda: self._confirm(message))
        return Taken(call_id, None, "unsubscribed", lambda: self._ended(message))

    async def _verified(self, call: Call) -> SnsMessage:
        """Raises Refused (401, 400) and Retryable."""
        said = json_object(call.body, at_most=MAX_MESSAGE)
        try:
            message = SnsMessage.model_validate(said)
        except ValidationError as error:
            raise Refused(400, first_problem(error)) from None
        region = region_of(message.TopicArn)
        if message.TopicArn not in self._topics or region is None:
            raise Refused(401, "TopicArn: is none of those in TOUCHLINE_INBOUND_SES_TOPICS")
        signed = signed_text(message.model_dump(exclude_none=True))
        if signed is None:
            raise Refused(400, "Type: must be Notification, SubscriptionConfirmation or UnsubscribeConfirmation")
        statement = Signed(signed, message.Signature, message.SignatureVersion, message.SigningCertURL, region)
        try:
            await self._signers.check(statement, call.now_s)
        except NotSigned as error:
            raise Refused(401, str(error)) from None
        check_age(_unix_seconds(message.Timestamp), call.now_s, oldest_s=OLDEST_S)
        return message

    async def _confirm(self, message: SnsMessage) -> None:
        """Visit the address: from then on SNS delivers."""
        try:
            await self._web.get(message.SubscribeURL or "")
        except Permanent as error:
            raise Retryable(f"the subscription could not be confirmed: {error}") from error
        await self._subscriptions.note_subscription(message.TopicArn, "confirmed")
        LOG.info("sns_subscribed", topic=message.TopicArn)

    async def _ended(self, message: SnsMessage) -> None:
        """Somebody ended the subscription. It is not renewed: that is for people to decide."""
        await self._subscriptions.note_subscription(message.TopicArn, "ended")
        LOG.warning("sns_unsubscribed", topic=message.TopicArn, remedy="subscribe this address to the topic again")

    def _notification(self, call_id: str, message: SnsMessage) -> Taken:
        said = _told(message.Message)
        if said is None:
            return Taken(call_id, None, "a test of SES")
        kind = str(said.get("notificationType") or said.get("eventType") or "")
        if kind == "Received":
            return Taken(call_id, _mail(said))
        if kind == "AmazonSnsSubscriptionSucceeded":
            return Taken(call_id, None, "a test of SES")
        try:
            raw = raw_of_notice(Notice.model_validate(said), kind, call_id)
        except ValidationError as error:
            raise Refused(400, f"Message.{first_problem(error)}") from None
        return Taken(
            call_id, None if raw is None else Received(raw), f"{kind or 'no notificationType'}: nothing to record"
        )


def _told(text: str) -> dict[str, Any] | None:
    """The JSON object that SES sends; None for the words by which it tries a topic. Raises Refused (400)."""
    try:
        found = from_json(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found  # pyright: ignore[reportUnknownVariableType]
    if text.startswith(CHATTER):
        return None
    raise Refused(400, "Message: must be the JSON of an SES notification")


def _mail(said: dict[str, Any]) -> Received:
    try:
        mail = ReceivedMail.model_validate(said)
    except ValidationError as error:
        raise Refused(400, f"Message.{first_problem(error)}") from None
    if not mail.content:
        LOG.error(
            "ses_mail_without_content", action=mail.receipt.action.type, remedy="use the SNS action in the receipt rule"
        )
        raise Refused(
            400,
            f"Message.content: is missing (action {mail.receipt.action.type[:20] or 'unknown'}): use SES's SNS action, not S3",
        )
    try:
        if mail.receipt.action.encoding.upper() == "BASE64":
            raw = base64.b64decode("".join(mail.content.split()), validate=True)
        else:
            raw = mail.content.encode("utf-8", "surrogatepass")
    except (binascii.Error, ValueError):
        raise Refused(400, "Message.content: is no base64, as its action says") from None
    return Received(raw, envelope_to=mail.receipt.recipients)


def _unix_seconds(timestamp: str) -> str:
    """SNS's instant (ISO 8601, UTC) in whole seconds; empty where it is none."""
    try:
        at = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    return str(int(at.timestamp())) if at.tzinfo is not None and at.year > 1970 else ""
