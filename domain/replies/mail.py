"""Inbound mail as decisions see it: small, decoded, without attachments' contents."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

ReportKind = Literal["delivery", "complaint", "receipt"]


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """One recipient's fields of a delivery report (RFC 3464, section 2.3)."""

    address: str | None
    action: str | None
    """failed | delayed | delivered | relayed | expanded, lower case."""
    status: str | None
    """Enhanced status code (RFC 3463) such as 5.1.1, or the basic SMTP code when that is all there is."""
    diagnostic: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A machine's report about a mail of ours: delivery (RFC 3464), complaint (ARF, RFC 5965) or receipt (RFC 8098)."""

    kind: ReportKind
    recipients: tuple[RecipientStatus, ...] = ()
    original_message_ids: tuple[str, ...] = ()
    """Message-IDs of the mail that the report is about, as it returned them."""
    feedback_type: str | None = None
    returned_to: tuple[str, ...] = ()
    """Whom the mail that it returns was for: of several recipients' fates these count."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A parsed mail. Every text is valid Unicode without NUL; addresses are lower case; lists are in
    the mail's order."""

    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    from_email: str | None = None
    from_name: str | None = None
    recipients: tuple[str, ...] = ()
    """To, Cc, Delivered-To, X-Original-To, Envelope-To: wherever a reply address may stand."""
    subject: str = ""
    text: str = ""
    """The new text: without quoted history, signature and disclaimer."""
    quoted: str = ""
    """What was cut from it."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """The headers that tell a machine's mail from a person's (`mime.TELLING_HEADERS`), lower-case names."""
    content_type: str = "text/plain"
    calendar_method: str | None = None
    report: Report | None = None
    attachments: tuple[str, ...] = ()
    truncated: bool = False
    """Something was cut off to stay within the limits of size, depth and number of parts."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Mail:
        """The inverse of `to_json`, after a trip through JSON."""
        report = raw.get("report")
        return cls(
            message_id=raw.get("message_id"),
            in_reply_to=tuple(raw.get("in_reply_to", ())),
            references=tuple(raw.get("references", ())),
            from_email=raw.get("from_email"),
            from_name=raw.get("from_name"),
            recipients=tuple(raw.get("recipients", ())),
            subject=raw.get("subject", ""),
            text=raw.get("text", ""),
            quoted=raw.get("quoted", ""),
            headers=raw.get("headers", {}),
            content_type=raw.get("content_type", "text/plain"),
            calendar_method=raw.get("calendar_method"),
            report=None if report is None else _report_from_json(report),
            attachments=tuple(raw.get("attachments", ())),
            truncated=raw.get("truncated", False),
        )


def _report_from_json(raw: dict[str, Any]) -> Report:
    return Report(
        kind=raw["kind"],
        recipients=tuple(RecipientStatus(**status) for status in raw["recipients"]),
        original_message_ids=tuple(raw["original_message_ids"]),
        feedback_type=raw["feedback_type"],
        returned_to=tuple(raw.get("returned_to", ())),
    )
