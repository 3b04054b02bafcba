"""Documents to begin with, and what is told about a set of them."""

from __future__ import annotations

from typing import Any

import yaml

from domain.compile import InvalidDefinitions, read_documents

POOL = {"kind": "Pool", "id": "main"}
MAILBOX = {
    "kind": "Mailbox",
    "id": "anna",
    "pool": "main",
    "from": "Anna <anna@sender.example>",
    "postal_address": "Storgatan 1",
    "smtp": {"host": "h"},
}
NUMBER = {
    "kind": "SmsSender",
    "id": "mobile",
    "pool": "main",
    "from": "+46701234567",
    "provider": {"base_url": "https://sms.example", "account": "AC1", "token_ref": "env:SMS_TOKEN"},
}
EMAIL = {"id": "intro", "kind": "email", "subject": "Hello {{ company }}", "body": "Hi {{ first_name }}"}
LAST = {"id": "last", "kind": "email", "body": "Again"}
DOCUMENTS = """\
kind: Pool
id: main
---
kind: Mailbox
id: anna
pool: main
from: Anna Berg <anna@sender.example>
postal_address: Storgatan 1, Stockholm
smtp: {host: 127.0.0.1, port: 2525, security: none}
---
kind: Campaign
id: q1
name: Q1 Brokers
pool: main
mailboxes: [anna]
steps:
  - {id: intro, kind: email, subject: "Hello", body: "Hi {{ first_name | default('there') }}"}
"""
"""The same as a user writes it, with all that a campaign needs."""
CAMPAIGN = {"kind": "Campaign", "id": "q1", "name": "Q1", "pool": "main", "mailboxes": ["anna"], "steps": [EMAIL]}


def mistakes(*documents: dict[str, Any]) -> list[tuple[str, str]]:
    """Path and code of each, in the order they are told."""
    try:
        read_documents(yaml.safe_dump_all(documents))
    except InvalidDefinitions as error:
        return [(problem.path, problem.code) for problem in error.problems] or [("", "no problem was told")]
    return []


def problems(*documents: dict[str, Any]) -> dict[str, str]:
    found = mistakes(*documents)
    assert len(dict(found)) == len(found), "one path is told twice"
    return dict(found)


def of(*steps: dict[str, Any], **more: Any) -> dict[str, str]:
    return problems(POOL, MAILBOX, NUMBER, {**CAMPAIGN, "steps": list(steps), **more})
