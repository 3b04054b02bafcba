"""The table of docs/behaviour.md 3.1, to the microsecond: the real roles with their clock in lockstep."""

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.demo.rig import Options
from tests.support.lockstep import Lockstep

TEN = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
"""A Monday, within the window."""
LEADS = 110


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_standard_preset_launched_at_ten_sends_25_at_10_00_10_10_10_20_none_at_10_30_and_25_at_11_00(
    servers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in servers.items():
        monkeypatch.setenv(name, value)
    leads = tmp_path / "leads.csv"
    leads.write_text("\n".join(["lead_id,email", *(f"lead-{n},guest-{n}@quiet.example" for n in range(LEADS))]) + "\n")
    options = Options(LEADS, campaign=Path(__file__).with_name("burst.yaml"), leads_file=leads, starts_at=TEN)
    async with Lockstep(tmp_path / "run", options) as lock:
        await lock.rig.launch()
        await lock.run_until(lambda: len(lock.rig.accepted()) >= 25)
        assert lock.now == TEN
        await lock.run_until(TEN + timedelta(minutes=30))
        assert len(lock.rig.accepted()) == 75
        await lock.run_until(lambda: len(lock.rig.accepted()) >= LEADS)
        rows = await lock.rig.query("select granted_at, mailbox_id from sends where state = 'sent'")
        dates = [letter.date for letter in lock.rig.accepted()]
    granted = Counter(row["granted_at"] - TEN for row in rows)
    assert granted == {timedelta(minutes=at): 25 for at in (0, 10, 20, 60)} | {timedelta(minutes=70): 10}
    assert Counter(date - TEN for date in dates) == granted  # a mail's Date is its grant's instant
    by_mailbox = Counter(row["mailbox_id"] for row in rows)
    assert all(abs(one - other) <= 1 for one, other in itertools.combinations(by_mailbox.values(), 2))
