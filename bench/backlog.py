"""Leads and touches that wait, as many as a measurement wants, in the very form in which the tables hold them.

One lead goes through the real decisions: enrolled, its first email asked for and sent, now waiting days for its second.
The others are that lead under other names, each waiting until its own instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import yaml

from bench.product import BODY, documents
from domain import ids
from domain.campaign import Campaign, CampaignLimits, Definitions
from domain.compile import compile_definitions, read_documents
from domain.leads import codec
from domain.leads.asking import due_send
from domain.leads.decide import decide
from domain.leads.effects import Ask, Policy
from domain.leads.state import Lead
from schemas.definitions import Definition
from schemas.enrollments import Enroll, LeadData
from schemas.sending import DueSend, SendResult

CAMPAIGN_ID = "waiting"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = timedelta(days=3)


def definitions() -> Definitions:
    """A campaign of two emails with three days between them, active, and its mailboxes."""
    docs = documents(CAMPAIGN_ID, 2525)
    steps = [
        *docs[-1]["steps"],
        {"id": "breathe", "kind": "wait", "duration": 3, "unit": "days"},
        {"id": "nudge", "kind": "email", "body": BODY},
    ]
    docs[-1] = {**docs[-1], "steps": steps}
    loaded = read_documents(yaml.safe_dump_all(docs))
    compiled, problems = compile_definitions(
        Definition(
            kind=item.doc.kind.lower(),  # pyright: ignore[reportArgumentType]
            id=item.doc.id,
            revision=1,
            spec=item.doc.model_dump(mode="json", by_alias=True),
            status="active" if item.doc.kind == "Campaign" else None,
            at=NOW,
        )
        for item in loaded
    )
    if problems:
        raise ValueError(f"the bench's campaign is not valid: {problems}")
    return compiled


def with_hourly_cap(known: Definitions, per_hour: int) -> Definitions:
    """The same with a rolling cap on the campaign."""
    campaign = known.campaigns[CAMPAIGN_ID]
    capped = replace(campaign, limits=CampaignLimits(per_hour, None, timedelta(minutes=10), None))
    return replace(known, campaigns={CAMPAIGN_ID: capped})


def _enroll(number: int) -> Enroll:
    return Enroll(
        event_id=ids.event_id("enroll", CAMPAIGN_ID, number),
        lead_id=_lead_id(number),
        campaign_id=CAMPAIGN_ID,
        lead=LeadData(**_facts(number)),  # pyright: ignore[reportArgumentType]
    )


def _lead_id(number: int) -> str:
    return f"lead-{number:08d}"


def _facts(number: int) -> dict[str, str]:
    return {
        "email": f"guest{number}@hotel{number % 5000}.example",
        "first_name": "Zoé",
        "last_name": "O'Neill",
        "company": f"Hôtel des Deux Rives {number}",
        "city": "Málaga",
        "country": "Spain",
        "timezone": "Europe/Madrid",
    }


def _asked(known: Definitions) -> tuple[Lead, DueSend]:
    decision = decide(None, _lead_id(0), _enroll(0), NOW, known, Policy())
    due = next(effect.due for effect in decision.effects if isinstance(effect, Ask))
    assert decision.lead is not None
    return decision.lead, due


def waiting_lead(known: Definitions) -> Lead:
    """The lead that all others are made of."""
    asked, due = _asked(known)
    result = SendResult(
        event_id="bench", send_id=due.send_id, enrollment_id=due.enrollment_id, lead_id=due.lead_id,
        campaign_id=CAMPAIGN_ID, campaign_version=1, step_id=due.step_id, ask_no=due.ask_no, grant_id="1-1",
        mailbox_id="box0", outcome="sent", granted_at=NOW, at=NOW, subject="Question about Hôtel des Deux Rives",
        message_id="<k1-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@sender.example>", code="250 2.0.0",
    )  # fmt: skip
    lead = decide(asked, due.lead_id, result, NOW, known, Policy()).lead
    assert lead is not None
    assert lead.enrollments[0].phase == "wait"
    return lead


def leads(known: Definitions, count: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of the `leads` table for leads that wait two to four days from `NOW`, each its own instant."""
    model = waiting_lead(known)
    e = model.enrollments[0]
    for number in range(count):
        wake_at = NOW + LATER + timedelta(microseconds=(number * 7_919_000_003) % 86_400_000_000)
        one = replace(model, facts=_facts(number), enrollments=(e._replace(due_at=wake_at, wake_at=wake_at),))
        yield _lead_id(number).encode(), codec.encode(one)


def asks(known: Definitions, count: int) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) of the `waiting` table for first touches that fell due one after the other before `NOW`."""
    campaign: Campaign = known.campaigns[CAMPAIGN_ID]
    step = campaign.steps["intro"]
    assert step.kind == "email"
    lead, _ = _asked(known)
    e = lead.enrollments[0]
    for number in range(count):
        lead_id, facts = _lead_id(number), _facts(number)
        due_at = NOW - timedelta(milliseconds=count - number)
        touch = due_send(
            lead_id,
            facts,
            e,
            ids.enrollment_id(CAMPAIGN_ID, lead_id),
            campaign,
            step,
            facts["email"],
            1,
            due_at,
            due_at,
        )
        yield touch.send_id.bytes, touch.write()
