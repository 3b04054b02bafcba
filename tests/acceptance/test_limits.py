"""The table of docs/behaviour.md 3.1 on the whole pipeline, read from the dates of what the mail server accepted."""

import itertools
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from api.demo.judge import max_in_rolling
from api.demo.personas import SILENT, persona_of
from api.demo.rig import Options, Rig
from tests.support.touchline import letters
from tests.support.waiting import wait_for

LEADS = 110
RATE = 1800.0
"""Half an hour a second: a cycle of ten minutes is a third of one."""
AHEAD = timedelta(hours=11)
"""Campaign time to enroll and launch in, before the window opens (the last one closed five hours ago): 22 s."""


def leads_file(path: Path) -> Path:
    """Leads who never answer; their time is the campaign's."""
    addresses = (f"guest-{number}@quiet.example" for number in itertools.count())
    silent = itertools.islice((address for address in addresses if persona_of(address) is SILENT), LEADS)
    rows = [f"lead-{number},{address}" for number, address in enumerate(silent)]
    path.write_text("\n".join(["lead_id,email", *rows]) + "\n")
    return path


def zone_where_it_is_nine(at: datetime) -> str:
    """A zone without daylight saving in which the window, nine to five, opens at this hour and not before."""
    east = (9 - at.hour + 12) % 24 - 12
    return f"Etc/GMT{-east:+d}"  # POSIX counts westward


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_standard_preset_sends_25_each_ten_minutes_until_75_and_goes_on_when_the_hour_is_over(
    servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    options = Options(
        LEADS, RATE, campaign=Path(__file__).with_name("burst.yaml"), leads_file=leads_file(tmp_path / "leads.csv")
    )
    async with Rig(tmp_path / "run", options) as rig:
        opens = (rig.clock.now() + AHEAD).replace(minute=0, second=0, microsecond=0)
        campaign = next(document for document in rig.documents if document["kind"] == "Campaign")
        campaign["timezone"] = zone_where_it_is_nine(opens)
        await rig.launch()
        assert rig.clock.now() < opens, "the machine was too slow to launch before the window opened"
        await wait_for(lambda: len(rig.accepted()) >= LEADS, 120, what="all mails accepted")
        await wait_for(rig.settled, 30)
        dates = [mail.date for mail in letters(rig.stack.smtp_record)]
    assert len(dates) == LEADS
    assert max_in_rolling(dates) == 75
    assert max_in_rolling(dates, timedelta(minutes=10)) == 25
    minutes = Counter(round((date - opens).total_seconds() / 60) for date in dates)
    assert minutes == {0: 25, 10: 25, 20: 25, 60: 25, 70: 10}
