"""Machines' reports about mail of ours: delivery reports (RFC 3464), complaints (ARF, RFC 5965),
receipts (RFC 8098)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from typing import TypeAlias

from domain.replies.bounces import enhanced_code
from domain.replies.mail import RecipientStatus, Report, ReportKind

MAX_RECIPIENTS = 50

REPORT_TYPES: Mapping[str, ReportKind] = {
    "delivery-status": "delivery",
    "feedback-report": "complaint",
    "disposition-notification": "receipt",
}
STATUS_PARTS: Mapping[str, ReportKind] = {
    "message/delivery-status": "delivery",
    "message/global-delivery-status": "delivery",
    "message/feedback-report": "complaint",
    "message/disposition-notification": "receipt",
}
RETURNED_PARTS = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}
)

_MESSAGE_ID = re.compile(r"<([^<>\s]{3,996})>")
_RETURNED_ID = re.compile(r"^\s{0,8}(?:>\s?)?Message-I[dD]:\s*<([^<>\s]{3,996})>", re.MULTILINE)
_ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,100}@[^\s<>,;:\"()]{1,255}")
_MAILER = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|maildelivery|bounce[s]?|mdaemon)(?:[+.=-][^@]*)?@")
_FAILURE_SUBJECT = re.compile(
    r"undeliver|delivery (?:status notification|failure|failed|has failed|report)|returned mail|failure notice|"
    r"mail delivery|"
    r"could ?n[o']t be delivered|not delivered|delivery to .{0,80}failed",
    re.IGNORECASE,
)
_DELAY_SUBJECT = re.compile(r"delay|warning|still being retried|not yet delivered", re.IGNORECASE)

Part: TypeAlias = "Message[str, str]"
"""A part of a mail. (The class is generic for type checkers only.)"""


def structured_report(message: Part, parts: Sequence[Part]) -> Report | None:
    """The report that a mail's parts make: multipart/report, or a status part in any other wrapping."""
    kind: ReportKind | None = None
    if message.get_content_type() == "multipart/report":
        kind = REPORT_TYPES.get(str(message.get_param("report-type", "")).lower())
    status: Part | None = None
    returned: list[Part] = []
    for part in parts:
        content_type = part.get_content_type()
        if content_type in STATUS_PARTS and status is None:
            status, kind = part, STATUS_PARTS[content_type]
        elif content_type in RETURNED_PARTS:
            returned.append(part)
    if kind is None:
        return None
    groups = [] if status is None else _groups(status)
    recipients: list[RecipientStatus] = []
    feedback_type: str | None = None
    ids: list[str] = []
    for group in groups[: MAX_RECIPIENTS + 1]:
        feedback_type = feedback_type or _field(group, "feedback-type")
        ids += _MESSAGE_ID.findall(_field(group, "original-message-id") or "")
        if group.get("final-recipient") or group.get("original-recipient") or group.get("original-rcpt-to"):
            recipients.append(_recipient(group))
    for part in returned[:5]:
        ids += _returned_ids(part)
    return Report(
        kind, tuple(recipients), tuple(dict.fromkeys(ids)), None if feedback_type is None else feedback_type.lower()
    )


def returned_report(headers: Mapping[str, str], from_email: str | None, subject: str, text: str) -> Report | None:
    """A delivery report without structure (Exim, qmail, older gateways): a mailer's mail that says so and quotes the
    original."""
    mailer = from_email is not None and _MAILER.match(from_email) is not None
    bounced = headers.get("x-failed-recipients", "")
    if not (bounced and (mailer or headers.get("return-path") == "<>")) and not (
        mailer and _FAILURE_SUBJECT.search(subject)
    ):
        return None
    action = "delayed" if _DELAY_SUBJECT.search(subject) else "failed"
    addresses: Iterable[str | None] = _ADDRESS.findall(bounced)[:MAX_RECIPIENTS] or [None]
    code = enhanced_code(text[:10_000])
    recipients = tuple(RecipientStatus(None if a is None else a.lower(), action, code) for a in addresses)
    return Report("delivery", recipients, tuple(dict.fromkeys(_RETURNED_ID.findall(text)))[:10])


def _groups(status: Part) -> list[Part]:
    """The groups of fields of a status part: the parser has split delivery reports; other kinds are
    one block of text."""
    payload = status.get_payload()
    if isinstance(payload, list):
        return [group for group in payload if isinstance(group, Message)]
    data = status.get_payload(decode=True)
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else str(payload)
    blocks = re.split(r"\r?\n[ \t]*\r?\n", text[:100_000].strip())
    return [HeaderParser(policy=compat32).parsestr(block) for block in blocks[: MAX_RECIPIENTS + 1]]


def _recipient(group: Part) -> RecipientStatus:
    address = (
        _field(group, "original-recipient")
        or _field(group, "final-recipient")
        or _field(group, "original-rcpt-to")
        or ""
    )
    found = _ADDRESS.search(address)
    diagnostic = _field(group, "diagnostic-code")
    status = _field(group, "status")
    code = enhanced_code(status) if status else None
    if (code is None or code.endswith(".0.0")) and diagnostic:
        code = enhanced_code(diagnostic) or code
    action = _field(group, "action")
    return RecipientStatus(
        address=found.group().lower() if found else None,
        action=None if action is None else action.lower().split(" ")[0],
        status=code,
        diagnostic=None if diagnostic is None else diagnostic[:300],
    )


def _field(group: Part, name: str) -> str | None:
    value = group.get(name)
    if value is None:
        return None
    return "".join(c for c in " ".join(str(value)[:2000].split()) if c.isprintable() and not "\ud800" <= c <= "\udfff")


def _returned_ids(part: Part) -> list[str]:
    """The Message-ID of the mail that a report gives back, whole or as headers."""
    payload = part.get_payload()
    if isinstance(payload, list):
        inner = payload[0] if payload else None
        return _MESSAGE_ID.findall(str(inner.get("message-id", ""))[:2000]) if isinstance(inner, Message) else []
    data = part.get_payload(decode=True)
    text = data[:100_000].decode("utf-8", "replace") if isinstance(data, bytes) else ""
    return _RETURNED_ID.findall(text.replace("\x00", ""))[:1]
