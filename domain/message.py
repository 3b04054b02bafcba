"""A touch as the bytes that leave (docs/behaviour.md 1.3, 1.4, 4.1, 4.2; RFC 5322, 2046, 8058).

`compile_message` does what is the same for every lead, once for each step, arm and mailbox; `render` fills in the rest.
No value can add a header, a recipient or markup: header values are cleaned and encoded, HTML is escaped, bodies are
encoded.
"""

from __future__ import annotations

from binascii import b2a_qp
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.campaign import Arm, Campaign, EmailStep, Mailbox
from domain.headers import (
    InvalidAddress,
    check_address,
    clean_header,
    date_text,
    header_text,
    is_message_id,
    mailbox_text,
)
from domain.html import before_end, has_links, html_to_text, is_html, rewrite_links, text_to_html
from domain.templates import RenderError, Template, TemplateError, compile_template, merge_values
from domain.tokens import TokenKeys, mail_token
from schemas.sending import DueSend, Thread

SENDER_VARIABLES = frozenset(
    {"sender_name", "sender_first_name", "sender_email", "postal_address", "unsubscribe_url", "pixel_url"}
)
"""Variables that the mailbox and the message itself give: no lead carries them."""

MAX_LINE = 998
MAX_SUBJECT = 9_000
_LONGEST_THREAD = 20
_PIXEL = '<img src="{{ pixel_url }}" width="1" height="1" alt="" style="border:0">'
_HTML_START = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head><body>\n'
_HTML_END = "\n</body></html>\n"


class NoSubject(RenderError):
    """A follow-up without a subject of its own, and no earlier touch whose thread it could go on."""

    code = "no_subject"

    def __init__(self) -> None:
        super().__init__("the email has no subject and no earlier touch to answer")


class SubjectTooLong(RenderError):
    """What was merged into the subject makes it longer than anybody could read, or a result carry."""

    code = "subject_too_long"

    def __init__(self) -> None:
        super().__init__(f"the subject is longer than {MAX_SUBJECT} characters")


class Rendered(NamedTuple):
    """A finished message: `data` has CRLF lines of at most 998 octets, all of them 7-bit. `to` is its one recipient."""

    data: bytes
    subject: str
    to: str
    message_id: str


def message_id_of(keys: TokenKeys, send_id: UUID, mailbox: Mailbox) -> str:
    """The Message-ID of a touch, the same however often it is tried: `<mailtoken@from-domain>`."""
    return f"<{mail_token(keys, send_id)}@{mailbox.from_email.rpartition('@')[2]}>"


def reply_address(message_id: str, mailbox: Mailbox) -> str | None:
    """`reply+mailtoken@reply_domain` with the token of the touch's Message-ID, or None without a reply domain."""
    token = message_id[1:].partition("@")[0]
    return f"reply+{token}@{mailbox.reply_domain}" if mailbox.reply_domain else None


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """One arm of one step from one mailbox, ready to be filled."""

    subject: Template | None
    text: Template
    html: Template
    variables: frozenset[str]
    sender: dict[str, object]
    from_header: str
    track_opens: bool
    track_clicks: bool
    has_links: bool
    headers: str = ""
    """Further header lines, each with its CRLF."""

    def render(
        self,
        touch: DueSend,
        *,
        granted_at: datetime,
        message_id: str,
        reply_to: str | None,
        unsubscribe_url: str,
        pixel_url: str | None,
        link: Callable[[str], str],
    ) -> Rendered:
        """The message of `touch`. `link` gives the address a click goes through.

        Raises RenderError and InvalidAddress: the touch has failed, for the reason in `code` (`missing_variable:NAME`).
        """
        to = check_address(touch.email)
        values = merge_values(touch.merge, self.variables)
        if "email" in self.variables:
            values.setdefault("email", to)
        values.update(self.sender)
        values["unsubscribe_url"] = unsubscribe_url
        if self.track_opens and pixel_url:
            values["pixel_url"] = pixel_url
        subject = self._subject(values, touch.thread)
        text = self.text.fill(values, html=False)
        html = self.html.fill(values, html=True)
        if self.has_links:
            html = rewrite_links(html, unsubscribe_url, link if self.track_clicks else None)
        head = (
            f"From: {self.from_header}\r\n"
            f"To: {to}\r\n"
            f"Subject: {header_text(subject)}\r\n"
            f"Date: {date_text(granted_at)}\r\n"
            f"Message-ID: {message_id}\r\n"
            f"{_reply_headers(reply_to, touch.thread)}"
            f"{_unsubscribe_headers(unsubscribe_url, reply_to)}"
            f"{self.headers}"
        )
        data = head.encode("ascii") + _multipart(text, html, f"=_{message_id[1:44].partition('@')[0]}")
        return Rendered(data, subject, to, message_id)

    def _subject(self, values: dict[str, object], thread: Thread | None) -> str:
        if self.subject is not None:
            subject = clean_header(self.subject.fill(values, html=False)) or _no_subject()
            if len(subject) > MAX_SUBJECT:
                raise SubjectTooLong
            return subject
        if thread is None:
            raise NoSubject
        subject = clean_header(thread.subject)
        return subject if subject[:3].lower() == "re:" else f"Re: {subject}"


def _no_subject() -> str:
    raise NoSubject


def _reply_headers(reply_to: str | None, thread: Thread | None) -> str:
    lines = f"Reply-To: {reply_to}\r\n" if reply_to else ""
    ids = [message_id for message_id in thread.message_ids if is_message_id(message_id)] if thread else []
    if ids:
        lines += f"In-Reply-To: {ids[-1]}\r\nReferences: " + "\r\n ".join(ids[-_LONGEST_THREAD:]) + "\r\n"
    return lines


def _unsubscribe_headers(url: str, reply_to: str | None) -> str:
    """List-Unsubscribe with the one-click POST of RFC 8058, and a mail address where replies have a domain."""
    mail = f",\r\n <mailto:{reply_to.replace('reply+', 'unsubscribe+', 1)}?subject=unsubscribe>" if reply_to else ""
    return f"List-Unsubscribe: <{url}>{mail}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _multipart(text: str, html: str, boundary: str) -> bytes:
    """The two alternatives, plain text first, with the headers that describe them."""
    while boundary in text or boundary in html:  # never in practice: the boundary comes from the touch's own token
        boundary += "="
    parts = b"".join(_part(kind, body, boundary) for kind, body in (("plain", text), ("html", html)))
    start = f'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="{boundary}"\r\n'
    return start.encode("ascii") + parts + f"\r\n--{boundary}--\r\n".encode("ascii")


def _part(kind: str, body: str, boundary: str) -> bytes:
    """One body as it is where every line is short and ASCII, else quoted-printable."""
    if not body.endswith("\n"):
        body += "\n"
    raw = body.encode("utf-8", "replace")
    encoding = "7bit"
    if not body.isascii() or (len(body) > MAX_LINE and max(map(len, raw.split(b"\n"))) > MAX_LINE):
        raw, encoding = b2a_qp(raw, istext=True), "quoted-printable"
    head = (
        f"\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode("ascii") + raw.replace(b"\n", b"\r\n")


def compile_message(campaign: Campaign, step: EmailStep | None, arm: Arm, mailbox: Mailbox) -> CompiledMessage:
    """Compile an arm of a step for a mailbox: keep the result for as long as neither definition changes. None: an answer to
    a reply, which is no step.
    """
    source = arm.body.source.replace("\r\n", "\n").replace("\r", "\n")
    footer_text, footer_html = _footer(arm.body.variables)
    if arm.is_html:
        html = compile_template(before_end(source, footer_html + (_PIXEL if campaign.track_opens else "")))
        text = compile_template(html_to_text(source) + footer_text)
    else:
        body = text_to_html(source) + footer_html + (_PIXEL if campaign.track_opens else "")
        html = compile_template(_HTML_START + body + _HTML_END)
        text = compile_template(source.rstrip("\n") + "\n" + footer_text)
    subject_variables = arm.subject.variables if arm.subject else frozenset[str]()
    return CompiledMessage(
        subject=arm.subject,
        text=text,
        html=html,
        variables=(text.variables | html.variables | subject_variables) - SENDER_VARIABLES,
        sender={
            "sender_name": mailbox.from_name or mailbox.from_email,
            "sender_first_name": (mailbox.from_name or mailbox.from_email).split()[0],
            "sender_email": mailbox.from_email,
            "postal_address": mailbox.postal_address,
        },
        from_header=mailbox_text(mailbox.from_name, mailbox.from_email),
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        has_links=has_links(html.source),
    )


def _footer(variables: frozenset[str]) -> tuple[str, str]:
    """What a body lacks of the unsubscribe link and the sender's postal address, as text and as HTML."""
    text, html = "", ""
    if "postal_address" not in variables:
        text += "{{ postal_address }}\n"
        html += "{{ postal_address }}<br>\n"
    if "unsubscribe_url" not in variables:
        text += "Unsubscribe: {{ unsubscribe_url }}\n"
        html += '<a href="{{ unsubscribe_url }}">Unsubscribe</a>\n'
    if not text:
        return "", ""
    return f"\n-- \n{text}", f'\n<p style="color:#666666;font-size:12px">{html}</p>\n'


__all__ = [
    "SENDER_VARIABLES",
    "CompiledMessage",
    "InvalidAddress",
    "NoSubject",
    "RenderError",
    "Rendered",
    "TemplateError",
    "compile_message",
    "is_html",
    "message_id_of",
    "reply_address",
]
