"""The mail that the demo's correspondents write back: replies, automatic answers and delivery reports, as bytes."""

import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, parseaddr

from api.demo.personas import Persona, return_date
from domain.ids import draw

PHRASES: tuple[tuple[str, str], ...] = (
    ("fill quiet weeks", "intro"),
    ("Did my note reach you?", "nudge"),
    ("This is my last note", "last"),
)
"""A phrase of each step's text in examples/campaign.yaml: how the judge tells touches apart without asking Touchline."""

PIXEL = re.compile(r'<img[^>]+src="([^"]+/t/o/[^"]+)"')
LINK = re.compile(r'href="([^"]+/t/c/[^"]+)"')


@dataclass(frozen=True, slots=True)
class Letter:
    """One touch as its recipient reads it."""

    recipient: str
    sender: str
    reply_to: str
    message_id: str
    subject: str
    date: datetime
    step: str
    pixel: str | None
    links: tuple[str, ...]
    unsubscribe: str | None


def read_letter(raw: bytes) -> Letter:
    """Read a message the way a mail client does (standard library parser)."""
    message = message_from_bytes(raw, policy=policy.default)
    text = _part(message, "plain")
    html = _part(message, "html").replace("&amp;", "&")
    pixel = PIXEL.search(html)
    unsubscribe = re.search(r"<(https?://[^>]+)>", str(message.get("List-Unsubscribe", "")))
    sender = parseaddr(str(message["From"]))[1]
    return Letter(
        recipient=parseaddr(str(message["To"]))[1].lower(),
        sender=sender,
        reply_to=parseaddr(str(message.get("Reply-To", "")))[1] or sender,
        message_id=str(message["Message-ID"]).strip(),
        subject=str(message["Subject"]),
        date=message["Date"].datetime,
        step=next((step for phrase, step in PHRASES if phrase in text), "unknown"),
        pixel=pixel.group(1) if pixel else None,
        links=tuple(LINK.findall(html)),
        unsubscribe=unsubscribe.group(1) if unsubscribe else None,
    )


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body(preferencelist=(kind,))
    # Line wrapping of the transfer encoding is undone by the parser; a client also folds soft line ends.
    return (
        ""
        if body is None
        else " ".join(str(body.get_content()).split())
        if kind == "plain"
        else str(body.get_content())
    )


def answer(letter: Letter, persona: Persona, now: datetime, name: str = "") -> bytes:
    """The persona's reply to a letter, threaded as mail clients thread, with the letter quoted below.

    `name` is how the correspondent signs; without one it is read off the address.
    """
    message = EmailMessage(policy=policy.SMTP)
    local, _, host = letter.recipient.rpartition("@")
    person = name or local.replace(".", " ").replace("-", " ").title()
    if persona.from_colleague:
        message["From"] = f"Front Desk <frontdesk@{host}>"
    else:
        message["From"] = formataddr((person, letter.recipient))
    message["To"] = letter.reply_to
    message["Subject"] = (persona.subject or "Re: ") + letter.subject.removeprefix("Re: ")
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{draw(letter.message_id, persona.name):.17f}@{host}>"
    message["In-Reply-To"] = letter.message_id
    message["References"] = letter.message_id
    for header, value in persona.headers:
        message[header] = value
    texts = persona.texts
    text = texts[int(draw(letter.recipient, "text") * len(texts))]
    said = text.format(return_date=return_date(persona, now)) if "{return_date}" in text else text
    quoted = f"On {now:%a, %d %b %Y}, {letter.sender} wrote:\n> {letter.subject}\n> To stop these mails: unsubscribe"
    message.set_content(f"{said}\n\n{person}\n\n{quoted}\n")
    return message.as_bytes()


def delivery_report(letter: Letter, now: datetime) -> bytes:
    """A mail server's report (RFC 3464) that the recipient's address does not exist."""
    host = letter.recipient.rpartition("@")[2]
    boundary = "report-boundary-1"
    lines = [
        f"From: Mail Delivery System <MAILER-DAEMON@{host}>",
        f"To: {letter.sender}",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{draw(letter.message_id, 'report'):.17f}@{host}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"',
        "",
        f"--{boundary}",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered to one or more recipients.",
        "",
        f"--{boundary}",
        "Content-Type: message/delivery-status",
        "",
        f"Reporting-MTA: dns; mx.{host}",
        "",
        f"Final-Recipient: rfc822; {letter.recipient}",
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 The email account that you tried to reach does not exist",
        "",
        f"--{boundary}",
        "Content-Type: text/rfc822-headers",
        "",
        f"From: {letter.sender}",
        f"To: {letter.recipient}",
        f"Message-ID: {letter.message_id}",
        "",
        f"--{boundary}--",
        "",
    ]
    return "\r\n".join(lines).encode()
