"""A provider's notice of a failure or a complaint, as the report (RFC 3464, RFC 5965) that a mail server would have mailed.

So it is matched, judged by the one table of codes, stored and told like any report (docs/behaviour.md 7.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from domain.replies.rebuilt import header_line, multipart

MAX_RECIPIENTS = 50
FROM = "MAILER-DAEMON"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recipient that was not reached: an enhanced code (RFC 3463) where one is known, and what its server said."""

    address: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """The mail of ours that a notice is about: its headers as the provider returns them, its envelope's sender, and the
    Message-ID that the provider gave it in the place of ours, without brackets.
    """

    headers: Sequence[tuple[str, str]] = ()
    sender: str = ""
    relay_id: str = ""


def delivery_notice(
    notice_id: str,
    domain: str,
    original: Original,
    refusals: Sequence[Refusal],
    *,
    action: Literal["failed", "delayed"] = "failed",
    date: str = "",
) -> bytes:
    """A delivery report of `domain`. `notice_id` names it: the same notice is the same mail."""
    groups = [header_line("Reporting-MTA", f"dns; {domain}") + _relay_line(original)]
    for refusal in refusals[:MAX_RECIPIENTS]:
        group = header_line("Final-Recipient", f"rfc822; {refusal.address}") + header_line("Action", action)
        group += header_line("Status", refusal.status or ("4.0.0" if action == "delayed" else "5.0.0"))
        if refusal.diagnostic:
            group += header_line("Diagnostic-Code", f"smtp; {refusal.diagnostic}")
        groups.append(group)
    subject = (
        "Delivery Status Notification (Delay)" if action == "delayed" else "Delivery Status Notification (Failure)"
    )
    status = header_line("Content-Type", "message/delivery-status") + b"\r\n" + b"\r\n".join(groups)
    return _report("delivery-status", status, original, notice_id=notice_id, domain=domain, subject=subject, date=date)


def complaint_notice(
    notice_id: str,
    domain: str,
    original: Original,
    addresses: Sequence[str],
    *,
    feedback_type: str = "",
    date: str = "",
) -> bytes:
    """A feedback report of `domain`: these recipients called the mail unwanted, or, by `not-spam`, wanted."""
    fields = [
        header_line("Feedback-Type", feedback_type or "abuse"),
        header_line("User-Agent", domain),
        header_line("Version", "1"),
        _relay_line(original),
        *(header_line("Original-Rcpt-To", address) for address in addresses[:MAX_RECIPIENTS]),
    ]
    status = header_line("Content-Type", "message/feedback-report") + b"\r\n" + b"".join(fields)
    return _report(
        "feedback-report", status, original, notice_id=notice_id, domain=domain, subject="Feedback report", date=date
    )


def _relay_line(original: Original) -> bytes:
    return header_line("Original-Message-ID", f"<{original.relay_id}>") if original.relay_id else b""


def _report(
    kind: str, status: bytes, original: Original, *, notice_id: str, domain: str, subject: str, date: str
) -> bytes:
    head = (
        header_line("From", f"{FROM}@{domain}")
        + (header_line("To", original.sender) if original.sender else b"")
        + header_line("Subject", subject)
        + header_line("Message-ID", f"<{notice_id}@{domain}>")
        + (header_line("Date", date) if date else b"")
        + header_line("Auto-Submitted", "auto-replied")
        + b"MIME-Version: 1.0\r\n"
    )
    said = header_line("Content-Type", "text/plain") + b"\r\n" + subject.encode() + b"\r\n"
    returned = header_line("Content-Type", "text/rfc822-headers") + b"\r\n"
    returned += b"".join(header_line(name, value) for name, value in original.headers[:200])
    return head + multipart(f"multipart/report; report-type={kind}", [said, status, returned])
