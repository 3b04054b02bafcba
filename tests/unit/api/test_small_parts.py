"""Logs without addresses, a clock that goes on, secrets that stay, a steward's judgement."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from api.logs import configure_logs, scrub
from api.steward import has_started, is_done
from api.supervisor import local_clock, local_secrets
from domain.tokens import TokenKeys
from schemas.definitions import Definition
from streams.settings import Settings, parse_origin

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to stderr, with logging put back afterwards."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logs(Settings(log_format="json"), "api")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_no_address_gets_into_a_log_line_by_any_way(written: io.StringIO) -> None:
    structlog.get_logger("x").info("sent", to="ann@x.example", note="see <Bob.O'Hara+1@y.example>")
    logging.getLogger("lib").warning("rejected: %s", "cy@z.example")
    try:
        raise ValueError("bad recipient eve@w.example")
    except ValueError:
        logging.getLogger("lib").exception("failed")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["sent", "rejected: [address]", "failed"]
    assert "@" not in written.getvalue()
    assert lines[0]["role"] == "api"


def test_scrubbing_leaves_other_text_alone() -> None:
    assert scrub("k1@ 5 @ 6 user@localhost") == "k1@ 5 @ 6 user@localhost"


def test_the_local_clock_goes_on_where_it_stood_at_any_rate(tmp_path: Path) -> None:
    first = local_clock(tmp_path, 3600.0, AT)
    again = local_clock(tmp_path, 3600.0, AT + timedelta(seconds=10))
    assert first == again
    slower = local_clock(tmp_path, 60.0, AT + timedelta(seconds=10))
    wall, campaign = parse_origin(slower["TOUCHLINE_CLOCK_ORIGIN"])
    assert (wall, campaign) == (AT + timedelta(seconds=10), AT + timedelta(hours=10))


def test_a_clock_at_rate_one_needs_no_origin(tmp_path: Path) -> None:
    assert local_clock(tmp_path, 1.0, AT) == {"TOUCHLINE_CLOCK_RATE": "1.0"}


def test_local_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    made = local_secrets(tmp_path)
    assert local_secrets(tmp_path) == made
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0
    TokenKeys.parse(made["TOUCHLINE_TOKEN_KEYS"])
    assert local_secrets(tmp_path / "other") != made


def campaign(**spec: Any) -> Definition:
    return Definition(kind="campaign", id="q1", revision=1, spec=spec, status="active", at=AT)


def figures(**more: int) -> dict[str, int]:
    return {"total_leads": 2, "enrolled": 2, "refused": 0, "active": 0, "paused": 0} | more


def test_a_campaign_is_done_when_every_lead_came_and_none_can_move() -> None:
    assert is_done(campaign(), figures(), AT)
    assert is_done(campaign(), figures(enrolled=1, refused=1), AT)
    assert not is_done(campaign(), figures(active=1), AT)
    assert not is_done(campaign(), figures(paused=1), AT)
    assert not is_done(campaign(), figures(enrolled=1), AT)
    assert not is_done(campaign(), figures(total_leads=0, enrolled=0), AT)
    assert not is_done(campaign(evergreen=True), figures(), AT)


def test_an_end_date_lasts_until_its_end_in_the_campaigns_zone() -> None:
    ends = campaign(end_date="2026-03-02", timezone="America/Los_Angeles")
    assert not is_done(ends, figures(active=1), datetime(2026, 3, 3, 7, 59, tzinfo=UTC))
    assert is_done(ends, figures(active=1), datetime(2026, 3, 3, 8, 0, tzinfo=UTC))


def test_a_scheduled_campaign_has_started_at_its_start_and_not_before() -> None:
    waits = campaign(start_at="2026-03-02T10:00:00+01:00")
    assert has_started(waits, AT)
    assert not has_started(waits, AT - timedelta(seconds=1))
