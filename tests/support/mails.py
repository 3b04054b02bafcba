"""Mails as programs and servers write them, for tests. Names are invented."""

from __future__ import annotations

GMAIL_ANSWER = """\
From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <Joerg.Mueller@Corp.example>
To: Anna Berg <{to}>
Subject: Re: Question about Corp
Message-ID: <CAF123@mail.corp.example>
In-Reply-To: <{token}@sender.example>
References: <older@sender.example> <{token}@sender.example>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="000000000000abc"

--000000000000abc
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

{body}

On Mon, 2 Mar 2026 at 09:00, Anna Berg <anna@sender.example>
wrote:

> Hi J=C3=B6rg,
> unsubscribe here
>

--000000000000abc
Content-Type: text/html; charset="UTF-8"

<div dir="ltr">the same</div>

--000000000000abc--
"""

OUTLOOK_HTML_ANSWER = """\
From: "Berg, Per" <per@corp.example>
To: anna@sender.example
Subject: Re: Question
Message-ID: <outlook1@corp.example>
In-Reply-To: <{token}@sender.example>
Content-Type: text/html; charset="windows-1252"
Content-Transfer-Encoding: 8bit

<html><head><style>p {{ color: red }}</style></head><body><p>What does it cost?</p><p>Per</p>
<div id="divRplyFwdMsg"><b>From:</b> Anna Berg<br><b>Sent:</b> Monday<br></div>
<div>remove me from your list</div></body></html>
"""

OUTLOOK_TEXT_ANSWER = """\
Sounds good, call me.

Get Outlook for iOS
________________________________
From: Anna Berg <anna@sender.example>
Sent: Monday, March 2, 2026 9:00 AM
To: Per Berg <per@corp.example>
Subject: Question

Unsubscribe: https://t.example/u/x
"""

EXCHANGE_AWAY = """\
From: Per Berg <per@corp.example>
To: anna@sender.example
Subject: Automatic reply: Question
Message-ID: <away1@corp.example>
In-Reply-To: <{token}@sender.example>
Auto-Submitted: auto-generated
X-Auto-Response-Suppress: All
Content-Type: text/plain; charset="utf-8"

Thank you for your message. I am out of the office until 16 March with limited access to e-mail.
"""

POSTFIX_BOUNCE = """\
Return-Path: <>
From: MAILER-DAEMON@mx.sender.example (Mail Delivery System)
To: anna@sender.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce1@mx.sender.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.sender.example. I'm sorry to have to inform you
that your message could not be delivered. unsubscribe

--b1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.sender.example
X-Postfix-Queue-ID: 4F1

Final-Recipient: rfc822; Gone@corp.example
Original-Recipient: rfc822;gone@corp.example
Action: {action}
Status: {status}
Remote-MTA: dns; mx.corp.example
Diagnostic-Code: smtp; {diagnostic}

--b1
Content-Description: Undelivered Message
Content-Type: message/rfc822

From: Anna Berg <anna@sender.example>
To: gone@corp.example
Subject: Question
Message-ID: <{token}@sender.example>
Content-Type: text/plain

Hi, unsubscribe here
--b1--
"""

EXIM_BOUNCE = """\
Return-path: <>
From: Mail Delivery System <Mailer-Daemon@mx.other.example>
To: anna@sender.example
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1-0003@mx.other.example>
X-Failed-Recipients: gone@corp.example
Auto-Submitted: auto-replied

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its recipients.

  gone@corp.example
    host mx.corp.example [192.0.2.1]
    SMTP error from remote mail server after RCPT TO:<gone@corp.example>:
    550 5.1.1 <gone@corp.example>: Recipient address rejected

------ This is a copy of the message, including all the headers. ------

From: Anna Berg <anna@sender.example>
Message-ID: <{token}@sender.example>
Subject: Question

Hi
"""

ARF_COMPLAINT = """\
From: <feedback@provider.example>
To: fbl@sender.example
Subject: complaint about message from 192.0.2.7
Message-ID: <arf1@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b2"

--b2
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--b2
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: ProviderFBL/1.0
Version: 1
Original-Rcpt-To: <per@corp.example>

--b2
Content-Type: text/rfc822-headers

From: Anna Berg <anna@sender.example>
Message-ID: <{token}@sender.example>
Subject: Question

--b2--
"""

READ_RECEIPT = """\
From: Per Berg <per@corp.example>
To: anna@sender.example
Subject: Read: Question
Message-ID: <mdn1@corp.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="b3"

--b3
Content-Type: text/plain

Your message was read on Monday.

--b3
Content-Type: message/disposition-notification

Final-Recipient: rfc822; per@corp.example
Original-Message-ID: <{token}@sender.example>
Disposition: manual-action/MDN-sent-manually; displayed

--b3--
"""


def raw(template: str, token: str = "", **fields: str) -> bytes:
    """The mail as a server hands it over: CRLF line ends."""
    defaults = {
        "to": "anna@sender.example",
        "body": "Sounds good",
        "action": "failed",
        "status": "5.1.1",
        "diagnostic": "550 5.1.1 no such user",
        "kind": "abuse",
    }
    return template.format(token=token, **(defaults | fields)).replace("\n", "\r\n").encode()


def plain(
    body: str, *, subject: str = "Re: Question", sender: str = "Per Berg <per@corp.example>", **headers: str
) -> bytes:
    """A simple mail with any further headers (underscores stand for hyphens)."""
    fields = {"From": sender, "To": "anna@sender.example", "Subject": subject, "Message-ID": "<plain1@corp.example>"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n".encode()
