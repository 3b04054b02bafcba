"""SES's notices (`notificationType`, or `eventType` of event publishing) as the reports that they stand for.

What SES says of a bounce: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html. The code of the receiving
server decides (7.7); where SES names none, what it calls the bounce does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from domain.replies.notices import Original, Refusal, complaint_notice, delivery_notice

DOMAIN = "amazonses.invalid"
RELAY = "email.amazonses.com"
"""SES writes an id of its own over a mail's Message-ID: this is what stands behind it."""

Short = Annotated[str, Field(max_length=2000)]

STATUS: Mapping[tuple[str, str], str] = {
    ("Permanent", "General"): "5.1.1",
    ("Permanent", "NoEmail"): "5.1.1",
    ("Permanent", "Suppressed"): "5.1.1",
    ("Permanent", "OnAccountSuppressionList"): "5.1.1",
    ("Permanent", "UnsubscribedRecipient"): "5.1.1",
    ("Transient", "MailboxFull"): "5.2.2",
    ("Transient", "MessageTooLarge"): "5.3.4",
    ("Transient", "ContentRejected"): "5.6.0",
    ("Transient", "AttachmentRejected"): "5.6.0",
}
"""(bounceType, bounceSubType) -> the code it stands for. Any other transient one is 4.0.0, any other is 5.0.0."""


class Recipient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    emailAddress: Annotated[str, Field(max_length=1000)]  # noqa: N815 - SES's names
    status: Short | None = None
    diagnosticCode: Short | None = None  # noqa: N815


class Bounce(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    bounceType: str = ""  # noqa: N815
    bounceSubType: str = ""  # noqa: N815
    bouncedRecipients: list[Recipient] = []  # noqa: N815
    feedbackId: str = ""  # noqa: N815


class Complaint(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    complainedRecipients: list[Recipient] = []  # noqa: N815
    complaintFeedbackType: Short | None = None  # noqa: N815
    feedbackId: str = ""  # noqa: N815


class Delay(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    delayedRecipients: list[Recipient] = []  # noqa: N815


class Header(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    value: str


class SentMail(BaseModel):
    """The mail of ours. `headers` are there only where SES is set to include them; `commonHeaders` has our Message-ID."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    messageId: Annotated[str, Field(max_length=200)] = ""  # noqa: N815
    source: Annotated[str, Field(max_length=1000)] = ""
    headers: list[Header] = []
    commonHeaders: dict[str, Any] = {}  # noqa: N815


class Notice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    mail: SentMail = SentMail()
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    deliveryDelay: Delay | None = None  # noqa: N815


def raw_of_notice(notice: Notice, kind: str, call_id: str) -> bytes | None:
    """The report; None for what tells nothing of a reply's kind (sends, deliveries, opens, clicks)."""
    relay_id = f"{notice.mail.messageId}@{RELAY}" if notice.mail.messageId else ""
    original = Original(_headers(notice.mail), notice.mail.source, relay_id)
    if kind == "Bounce" and notice.bounce is not None:
        bounce = notice.bounce
        refusals = [Refusal(r.emailAddress, r.status or _status(bounce), _said(r)) for r in bounce.bouncedRecipients]
        return delivery_notice(bounce.feedbackId or call_id, DOMAIN, original, refusals)
    if kind == "Complaint" and notice.complaint is not None:
        complaint = notice.complaint
        addresses = [recipient.emailAddress for recipient in complaint.complainedRecipients]
        feedback_type = complaint.complaintFeedbackType or ""
        return complaint_notice(
            complaint.feedbackId or call_id, DOMAIN, original, addresses, feedback_type=feedback_type
        )
    if kind == "DeliveryDelay" and notice.deliveryDelay is not None:
        refusals = [Refusal(r.emailAddress, r.status or "", _said(r)) for r in notice.deliveryDelay.delayedRecipients]
        return delivery_notice(call_id, DOMAIN, original, refusals, action="delayed")
    return None


def _said(recipient: Recipient) -> str:
    return (recipient.diagnosticCode or "").removeprefix("smtp;").strip()


def _status(bounce: Bounce) -> str:
    default = "4.0.0" if bounce.bounceType == "Transient" else "5.0.0"
    return STATUS.get((bounce.bounceType, bounce.bounceSubType), default)


def _headers(mail: SentMail) -> list[tuple[str, str]]:
    """Our headers as far as SES returns them."""
    found = [(header.name, header.value) for header in mail.headers]
    ours = mail.commonHeaders.get("messageId")
    if isinstance(ours, str) and ours and not any(name.lower() == "message-id" for name, _ in found):
        found.insert(0, ("Message-ID", ours))
    return found
