"""Machines' reports about mail of ours: delivery reports (RFC 3464), complaints (ARF, RFC 5965),
receipts (RFC 8098)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from email.message import Message
from email.parser import HeaderParser
from functools import cache
from typing import TypeAlias

from domain.replies.bounces import VAGUE, enhanced_code, said_code
from domain.replies.charsets import RAW_HEADERS, clean, raw_text
from domain.replies.languages import LANGUAGES
from domain.replies.mail import RecipientStatus, Report, ReportKind
from domain.replies.patterns import Pattern, flat, pattern

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
_MAILER = re.compile(
    r"^(?:mailer-?daemon|postmaster|mail-?daemon|maildelivery|mail-?delivery|bounces?|mdaemon|"
    r"microsoftexchange[0-9a-f]*|systemadministrator)(?:[+.=-][^@]*)?@"
)
_MAILER_NAME = re.compile(
    r"mail delivery (?:sub)?system|mailer[- ]daemon|postmaster|mail(?: transfer)? system|mail delivery", re.IGNORECASE
)
_DELAYED = re.compile(
    r"^\W*warning\b|delivery (?:is |was |has been |will be )?delayed|not yet been delivered|"
    r"will (?:be retried|keep trying|continue to be attempted)|"
    r"this is (?:only )?a warning|delivery attempts will continue",
    re.IGNORECASE,
)
_COMPLAINT_SUBJECT = re.compile(
    r"^\W*(?:complaint about message from|abuse report|spam complaint|fbl report)\b", re.IGNORECASE
)
_FAILED_LINE = re.compile(r"^\s{0,8}<?([^\s<>,;:\"()]{1,100}@[^\s<>,;:\"()]{1,255})>?(?::|\s|$)", re.MULTILINE)
_RETURNED_TO = re.compile(r"^\s{0,8}(?:>\s?)?To:(.{1,400})", re.MULTILINE | re.IGNORECASE)
_COPY_BEGINS = re.compile(
    r"^.{0,10}(?:-{3,}.{0,20}(?:copy of the message|original message|returned message|headers of the message|"
    r"below this line)|message headers? follow|"
    r"received: from|return-path:|unsent message)",
    re.IGNORECASE | re.MULTILINE,
)

Part: TypeAlias = "Message[str, str]"
"""A part of a mail. (The class is generic for type checkers only.)"""


def inner_parts(part: Part) -> list[Part]:
    """The parts or mails that a part consists of; none where it has a body of its own."""
    payload = part.get_payload() if part.is_multipart() else []
    return [inner for inner in payload if isinstance(inner, Message)]


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
    if kind is None and returned and _COMPLAINT_SUBJECT.match(str(message.get("subject", ""))[:200]):
        kind = "complaint"
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
    returned_to: list[str] = []
    for part in returned[:5]:
        its_ids, its_recipients = _returned(part)
        ids += its_ids
        returned_to += its_recipients
    return Report(
        kind,
        tuple(recipients),
        tuple(dict.fromkeys(ids)),
        None if feedback_type is None else feedback_type.lower(),
        tuple(dict.fromkeys(returned_to)),
    )


def is_mailer(address: str | None) -> bool:
    """Whether mail programs send their reports from such an address."""
    return address is not None and _MAILER.match(address) is not None


def returned_report(
    headers: Mapping[str, str], from_email: str | None, from_name: str | None, subject: str, text: str
) -> Report | None:
    """A delivery report without structure (Exim, qmail, older gateways): a mailer's mail that says so and quotes the
    original."""
    bounced = headers.get("x-failed-recipients", "")
    nobody = headers.get("return-path") == "<>" or from_email is None
    mailer = is_mailer(from_email) or (nobody and _MAILER_NAME.search(from_name or "") is not None)
    plain = flat(subject, 300)
    failed = _subjects("failure_subjects").search(plain) is not None
    late = _subjects("delay_subjects").search(plain) is not None
    if not (mailer and (failed or late)) and not (bounced and (mailer or nobody)):
        return None
    late = (late and not failed) or _DELAYED.search(f"{plain}\n{text[:2000]}") is not None
    copy = _COPY_BEGINS.search(text)
    notice = text[:10_000] if copy is None else text[: copy.start()][:10_000]
    addresses: Iterable[str | None] = _ADDRESS.findall(bounced) or _FAILED_LINE.findall(notice) or [None]
    code = _code(None, notice) or enhanced_code(text[:10_000])
    recipients = tuple(
        RecipientStatus(None if a is None else a.lower(), "delayed" if late else "failed", code)
        for a in dict.fromkeys(list(addresses)[:MAX_RECIPIENTS])
    )
    ids, returned_to = _of_copy(text)
    return Report("delivery", recipients, ids, returned_to=returned_to)


@cache
def _subjects(what: str) -> Pattern:
    return pattern(*(subject for language in LANGUAGES for subject in getattr(language, what)))


def _groups(status: Part) -> list[Part]:
    """The groups of fields of a status part: the parser has split delivery reports; other kinds are
    one block of text."""
    groups = inner_parts(status)
    if groups:
        return groups if len(groups) != 1 else [*groups, *_blocks(groups[0])]  # the parser took it for a mail
    return _blocks(status)


def _blocks(part: Part) -> list[Part]:
    data = part.get_payload(decode=True)
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else ""
    blocks = re.split(r"\r?\n[ \t]*\r?\n", text[:100_000].strip())
    return [HeaderParser(policy=RAW_HEADERS).parsestr(block) for block in blocks[: MAX_RECIPIENTS + 1]]


def _recipient(group: Part) -> RecipientStatus:
    address = (
        _field(group, "original-recipient")
        or _field(group, "final-recipient")
        or _field(group, "original-rcpt-to")
        or ""
    )
    found = _ADDRESS.search(address)
    diagnostic = _field(group, "diagnostic-code")
    code = _code(_field(group, "status"), diagnostic)
    action = _field(group, "action")
    return RecipientStatus(
        address=found.group().lower() if found else None,
        action=None if action is None else action.lower().split(" ")[0],
        status=code,
        diagnostic=None if diagnostic is None else diagnostic[:300],
    )


def _code(status: str | None, words: str | None) -> str | None:
    """The code of a failure: the stated one, unless it is vague and the words beside it say more."""
    code = enhanced_code(status) if status else None
    if not words or (code is not None and code not in VAGUE and not code.endswith(".0.0")):
        return code
    better = enhanced_code(words)
    if (better is None or better in VAGUE) and not (code or better or "").startswith("4"):
        better = said_code(words) or better
    return better or code


def _field(group: Part, name: str) -> str | None:
    value = group.get(name)
    if value is None:
        return None
    return "".join(c for c in " ".join(clean(raw_text(str(value)[:2000])).split()) if c.isprintable())


def _returned(part: Part) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(Message-IDs, recipients) of the mail that a report gives back, whole or as headers."""
    inner = next(iter(inner_parts(part)), None)
    if inner is not None:
        to = _ADDRESS.findall((_field(inner, "to") or "").lower())
        return tuple(_MESSAGE_ID.findall(_field(inner, "message-id") or "")), tuple(to[:MAX_RECIPIENTS])
    data = part.get_payload(decode=True)
    text = data[:100_000].decode("utf-8", "replace") if isinstance(data, bytes) else ""
    ids, to = _of_copy(text.replace("\x00", ""))
    return ids[:1], to


def _of_copy(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(Message-IDs, recipients) of a mail that stands in a text."""
    to = _RETURNED_TO.search(text)
    recipients = () if to is None else tuple(_ADDRESS.findall(to.group(1).lower())[:MAX_RECIPIENTS])
    return tuple(dict.fromkeys(_RETURNED_ID.findall(text)))[:10], recipients
