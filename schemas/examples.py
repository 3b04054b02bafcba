"""One valid and one invalid example for every topic: they stand in `docs/contract/examples/` and the tests read them."""

from dataclasses import dataclass
from typing import Any

AT = "2026-03-02T09:00:00Z"
EVENT = "0f5a3c1e-0d35-5c0c-9a55-5f1b5d7f0c11"
SEND = "7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77"
ENROLLMENT = "b3b8f0de-6a0f-5d51-9a1e-0c9f6a7e2d10"
REPLY = "a1c5f5b2-3a0d-5e0f-b1d8-8f2b6c3d9e01"


@dataclass(frozen=True, slots=True)
class Example:
    """A record's key and value; `fault` says which field makes an invalid one invalid."""

    key: str
    value: dict[str, Any]
    fault: str = ""


TOUCH: dict[str, Any] = {
    "type": "due",
    "version": 1,
    "event_id": EVENT,
    "send_id": SEND,
    "enrollment_id": ENROLLMENT,
    "lead_id": "lead-1042",
    "campaign_id": "q1-brokers",
    "campaign_version": 3,
    "step_id": "intro",
    "pool_id": "main",
    "ask_no": 1,
    "priority": 1,
    "due_at": AT,
    "at": AT,
    "email": "zoe@hotel.example",
    "domain": "hotel.example",
    "variant": "a",
    "timezone": "Europe/Paris",
    "merge": {"first_name": "Zoé", "company": "Hôtel des Deux Rives"},
}

OF_SEND: dict[str, Any] = {
    "lead_id": "lead-1042",
    "campaign_id": "q1-brokers",
    "enrollment_id": ENROLLMENT,
    "step_id": "intro",
    "send_id": SEND,
}

TICK: dict[str, Any] = {"version": 1, "at": AT, "wall": AT}

VALID: dict[str, Example] = {
    "definitions": Example(
        "pool:main",
        {
            "version": 1,
            "kind": "pool",
            "id": "main",
            "revision": 1,
            "spec": {"kind": "Pool", "id": "main"},
            "deleted": False,
            "at": AT,
        },
    ),
    "enrollments": Example(
        "lead-1042",
        {
            "type": "enroll",
            "version": 1,
            "event_id": EVENT,
            "lead_id": "lead-1042",
            "campaign_id": "q1-brokers",
            "lead": {
                "email": "zoe@hotel.example",
                "first_name": "Zoé",
                "company": "Hôtel des Deux Rives",
                "timezone": "Europe/Paris",
                "attributes": {"rooms": 84, "tags": ["independent", "coast"]},
            },
            "variant": "random",
            "added_by": "api",
        },
    ),
    "lead-ticks": Example("0", TICK),
    "pool-ticks": Example("0", TICK),
    "due-sends": Example("main", TOUCH),
    "sends": Example(
        "anna",
        {
            "version": 1,
            "event_id": EVENT,
            "grant_id": "0000000007-0000000042",
            "mailbox_id": "anna",
            "pool_partition": 3,
            "pool_epoch": 7,
            "granted_at": AT,
            "granted_wall": AT,
            "expires_wall": "2026-03-02T09:00:30Z",
            "touch": TOUCH,
        },
    ),
    "grant-outcomes": Example(
        "main",
        {
            "type": "outcome",
            "version": 1,
            "event_id": EVENT,
            "pool_id": "main",
            "mailbox_id": "anna",
            "campaign_id": "q1-brokers",
            "grant_id": "0000000007-0000000042",
            "send_id": SEND,
            "granted_at": AT,
            "used": True,
            "reason": "sent",
            "at": AT,
        },
    ),
    "send-results": Example(
        "lead-1042",
        {
            "version": 1,
            "event_id": EVENT,
            **OF_SEND,
            "campaign_version": 3,
            "ask_no": 1,
            "attempt": 1,
            "grant_id": "0000000007-0000000042",
            "mailbox_id": "anna",
            "variant": "a",
            "outcome": "sent",
            "granted_at": AT,
            "at": AT,
            "message_id": "<a.pw4mj4csuvpgz6ekgxzgwhicxb6v3jg25ui3c@sender.example>",
            "code": "250",
        },
    ),
    "tracking-hits": Example(
        "lead-1042",
        {
            "version": 1,
            "type": "click",
            "event_id": EVENT,
            "lead_id": "lead-1042",
            "campaign_id": "q1-brokers",
            "step_id": "intro",
            "entry_no": 1,
            "send_id": SEND,
            "url": "https://sender.example/rates",
            "method": "GET",
            "user_agent": "Mozilla/5.0",
            "network": "198.51.100.0/24",
            "at": AT,
            "wall": AT,
        },
    ),
    "inbound-replies": Example(
        "<reply-1@hotel.example>",
        {
            "version": 1,
            "event_id": EVENT,
            "message_id": "<reply-1@hotel.example>",
            "source": "generic",
            "received_at": AT,
            "received_wall": AT,
            "envelope_to": ["anna@sender.example"],
            "raw": "RnJvbTogem9lQGhvdGVsLmV4YW1wbGUNCg0KWWVzLCBwbGVhc2UuDQo=",
        },
    ),
    "replies": Example(
        "lead-1042",
        {
            "version": 1,
            "event_id": EVENT,
            "reply_id": REPLY,
            **OF_SEND,
            "matched_by": "in_reply_to",
            "confidence": 1.0,
            "at": AT,
        },
    ),
    "dispositions": Example(
        "lead-1042",
        {
            "version": 1,
            "event_id": EVENT,
            "reply_id": REPLY,
            **OF_SEND,
            "disposition": "INTERESTED",
            "category": "OPPORTUNITY",
            "confidence": 0.93,
            "sentiment": 0.7,
            "summary": "Wants to talk next week.",
            "matched_by": "in_reply_to",
            "decided_by": "model",
            "lead_name": "Zoé Martin",
            "at": AT,
        },
    ),
    "engagements": Example(
        "lead-1042",
        {
            "version": 1,
            "type": "sent",
            "event_id": EVENT,
            **OF_SEND,
            "campaign_version": 3,
            "entry_no": 1,
            "mailbox_id": "anna",
            "variant": "a",
            "status": "active",
            "previous_status": "enrolled",
            "at": AT,
        },
    ),
    "draft-requests": Example(
        "lead-1042",
        {
            "type": "wanted",
            "version": 1,
            "event_id": EVENT,
            **OF_SEND,
            "campaign_version": 3,
            "variant": "a",
            "merge": {"first_name": "Zoé", "company": "Hôtel des Deux Rives"},
            "person": {"first_name": "Zoé", "title": "Directrice", "company": "Hôtel des Deux Rives", "city": "Paris"},
            "at": AT,
        },
    ),
    "drafts": Example(
        "lead-1042",
        {
            "type": "approved",
            "version": 1,
            "event_id": EVENT,
            **OF_SEND,
            "subject": "Vos chambres cet été",
            "body": "Bonjour Zoé,\n\nUne question sur votre saison d'été...",
            "at": AT,
        },
    ),
    "tasks": Example(
        "lead-1042",
        {
            "version": 1,
            "event_id": EVENT,
            "lead_id": "lead-1042",
            "campaign_id": "q1-brokers",
            "enrollment_id": ENROLLMENT,
            "step_id": "call",
            "title": "Call Zoé Martin",
            "description": "Ask about the summer season.",
            "queue": "sales",
            "priority": "high",
            "task_kind": "schedule_call",
            "due_at": "2026-03-04T09:00:00Z",
            "at": AT,
        },
    ),
    "card-events": Example(
        "7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77",
        {
            "version": 1,
            "type": "moved",
            "event_id": EVENT,
            "card_id": "7d9c2f0a-52f5-5a6e-8a3c-2f6b1d0e4a77",
            "card_version": 2,
            "card_type": "schedule_call",
            "state": "in_review",
            "previous_state": "suggested",
            "queue": "sales",
            "priority": "high",
            "assigned_to": "kim",
            "actor": "kim",
            "due_at": "2026-03-03T09:00:00Z",
            "lead_id": "lead-1042",
            "campaign_id": "q1-brokers",
            "enrollment_id": ENROLLMENT,
            "step_id": "intro",
            "at": AT,
        },
    ),
    "dead-letters": Example(
        "lead-1042",
        {
            "version": 1,
            "role": "leads",
            "reason": "invalid_json",
            "detail": "expected value at line 1 column 1",
            "topic": "enrollments",
            "partition": 3,
            "offset": 1207,
            "at": AT,
            "truncated": False,
        },
    ),
}


def _without(topic: str, field: str) -> Example:
    example = VALID[topic]
    return Example(example.key, {k: v for k, v in example.value.items() if k != field}, f"{field} is missing")


def _with(topic: str, field: str, value: object, fault: str) -> Example:
    example = VALID[topic]
    return Example(example.key, {**example.value, field: value}, fault)


INVALID: dict[str, Example] = {
    "definitions": _with("definitions", "revision", 0, "revision starts at 1"),
    "enrollments": _without("enrollments", "campaign_id"),
    "lead-ticks": _with("lead-ticks", "at", "2026-03-02T09:00:00", "at has no offset from UTC"),
    "pool-ticks": _with("pool-ticks", "version", 2, "version 2 is not known"),
    "due-sends": _with("due-sends", "ask_no", 0, "ask_no starts at 1"),
    "sends": _without("sends", "grant_id"),
    "grant-outcomes": _with("grant-outcomes", "type", "guess", "type is not one of the known ones"),
    "send-results": _with("send-results", "outcome", "probably", "outcome is not one of the known ones"),
    "tracking-hits": _with("tracking-hits", "send_id", "42", "send_id is not a UUID"),
    "inbound-replies": _with("inbound-replies", "raw", "YWJj=Q", "raw is not base64"),
    "replies": _with("replies", "matched_by", "luck", "matched_by is not one of the known ways"),
    "dispositions": _with("dispositions", "disposition", "MAYBE", "disposition is not one of the known ones"),
    "engagements": _without("engagements", "lead_id"),
    "tasks": _with("tasks", "priority", "urgent", "priority is not one of the known ones"),
    "draft-requests": _with("draft-requests", "send_id", "intro", "send_id is no UUID"),
    "drafts": _with("drafts", "body", "", "an approved draft says something"),
    "card-events": _with("card-events", "state", "lost", "state is not one of the known ones"),
    "dead-letters": _without("dead-letters", "reason"),
}
