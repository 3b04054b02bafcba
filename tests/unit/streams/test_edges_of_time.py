"""Instants at the edge of the calendar cost the record that holds them, and `9999-12-31` means never."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from domain.dispatch.limits import CampaignMeter
from domain.leads.turn import ends_at
from domain.windows import next_midnight
from schemas.definitions import CampaignDoc, DelayDoc, MailboxDoc
from streams.codec import decode
from streams.errors import Poison
from streams.inbound import Raw
from tests.support.dispatching import campaign

ENROLL = {"type": "enroll", "event_id": "e", "lead_id": "l", "campaign_id": "c", "lead": {"email": "a@b.co"}}


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_that_utc_cannot_hold_is_a_bad_record_and_nothing_worse(at: str) -> None:
    with pytest.raises(Poison) as caught:
        decode(Raw("enrollments", 0, 0, b"l", json.dumps(ENROLL | {"at": at}).encode()))
    assert caught.value.reason == "invalid"


@pytest.mark.parametrize("end", [date(9999, 12, 31), date(9999, 12, 30), date(1970, 1, 1)])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "UTC"])
def test_any_end_date_that_a_campaign_may_have_can_be_reckoned_with(end: date, zone: str) -> None:
    from dataclasses import replace

    known = campaign(end_date=end)
    known = replace(known, window=replace(known.window, zone=zone))
    ends = ends_at(known)
    assert ends is not None
    assert (ends > datetime(2026, 1, 1, tzinfo=UTC)) is (end.year == 9999)
    meter = CampaignMeter("c")
    meter.define(known)


def test_the_last_day_of_the_calendar_has_no_midnight_after_it() -> None:
    last = datetime(9999, 12, 31, 12, tzinfo=UTC)
    assert next_midnight(ZoneInfo("UTC"), last) == datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("delay", [{"days": 3651}, {"hours": 10**12}])
def test_a_delay_longer_than_ten_years_is_refused(delay: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="less than or equal"):
        DelayDoc(**delay)


@pytest.mark.parametrize("gap", [[0, float("inf")], [0, 1e300], [float("nan"), 1]])
def test_a_gap_that_no_clock_reaches_is_refused(gap: list[float]) -> None:
    mailbox = {
        "kind": "Mailbox", "id": "m", "pool": "p", "from": "a@b.example", "postal_address": "x", "smtp": {"host": "h"},
    }  # fmt: skip
    MailboxDoc.model_validate(mailbox)
    with pytest.raises(ValueError, match="gap_seconds"):
        MailboxDoc.model_validate(mailbox | {"gap_seconds": gap})


def test_an_end_date_before_computers_is_refused() -> None:
    spec = {
        "kind": "Campaign", "id": "c", "name": "c", "pool": "p", "mailboxes": ["m"],
        "steps": [{"id": "a", "kind": "email", "subject": "s", "body": "b"}],
    }  # fmt: skip
    CampaignDoc.model_validate(spec)
    with pytest.raises(ValueError, match="end_date"):
        CampaignDoc.model_validate(spec | {"end_date": "0001-01-01"})
