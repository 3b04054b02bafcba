"""`touchline doctor` measures how far a machine's clock is from Postgres's: grants and ticks are judged by the latter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from api import doctor
from api.doctor import Check, CheckFailed, ahead_of, judged_skew
from streams.settings import Settings

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clocks:
    """Two clocks, `ahead_s` apart. Each answer takes its trip's time, half of it on the way there."""

    def __init__(self, ahead_s: float, trips_s: Iterable[float] = (0.0, 0.0, 0.0)) -> None:
        self.now = NOON
        self.ahead = timedelta(seconds=ahead_s)
        self._trips = iter(trips_s)

    def here(self) -> datetime:
        return self.now + self.ahead

    async def there(self) -> datetime:
        half = timedelta(seconds=next(self._trips) / 2)
        self.now += half
        read = self.now
        self.now += half
        return read


@pytest.mark.parametrize("ahead_s", [-3600, -42, -0.5, 0, 7, 90])
async def test_the_difference_is_measured_with_its_sign(ahead_s: float) -> None:
    clocks = Clocks(ahead_s)
    assert await ahead_of(clocks.there, clocks.here) == pytest.approx(ahead_s)


async def test_a_slow_answer_is_no_difference() -> None:
    clocks = Clocks(-42, [8.0, 0.2, 20.0])
    assert await ahead_of(clocks.there, clocks.here) == pytest.approx(-42)


@pytest.mark.parametrize("ahead_s", [-5, -0.1, 0, 4.9])
def test_a_few_seconds_are_said_and_are_no_fault(ahead_s: float) -> None:
    assert f"{abs(ahead_s):.1f} s" in judged_skew(ahead_s)


@pytest.mark.parametrize(
    ("ahead_s", "measured", "meaning"),
    [
        (-42, "42.0 s behind", "nothing is sent"),
        (-30, "30.0 s behind", "nothing is sent"),
        (-20, "20.0 s behind", "live 10 s instead of 30"),
        (31, "31.0 s ahead of", "live 61 s instead of 30"),
        (61, "61.0 s ahead of", "nothing falls due"),
    ],
)
def test_a_clock_that_is_off_is_named_with_its_code_the_measure_what_it_means_and_the_fix(
    ahead_s: float, measured: str, meaning: str
) -> None:
    with pytest.raises(CheckFailed) as failed:
        judged_skew(ahead_s)
    assert failed.value.found.startswith("clock_skew: ")
    assert measured in failed.value.found
    assert meaning in failed.value.found
    assert "NTP" in failed.value.remedy


async def test_the_check_stands_in_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    clocks = Clocks(-42)
    closed: list[bool] = []

    class Connection:
        async def fetchval(self, query: str) -> datetime:
            assert "clock_timestamp" in query
            return await clocks.there()

        async def close(self) -> None:
            closed.append(True)

    async def connect(*_: object, **__: object) -> Connection:
        return Connection()

    async def measured(there: Callable[[], Awaitable[datetime]], _: Callable[[], datetime]) -> float:
        return await ahead_of(there, clocks.here)

    monkeypatch.setattr(doctor.asyncpg, "connect", connect)
    monkeypatch.setattr(doctor, "ahead_of", measured)
    monkeypatch.setattr(doctor, "CHECKS", tuple(one for one in doctor.CHECKS if one[0] == "clock"))
    (check,) = await doctor.examine(Settings(postgres_dsn="postgresql://x@127.0.0.1/x"))  # type: ignore[arg-type]
    assert (check.name, check.ok, closed) == ("clock", False, [True])
    assert "42.0 s behind" in check.found


async def test_without_postgres_there_is_nothing_to_compare_with(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*_: object, **__: object) -> None:
        raise OSError("refused")

    monkeypatch.setattr(doctor.asyncpg, "connect", connect)
    monkeypatch.setattr(doctor, "CHECKS", tuple(one for one in doctor.CHECKS if one[0] == "clock"))
    found = await doctor.examine(Settings(postgres_dsn="postgresql://x@127.0.0.1/x"))  # type: ignore[arg-type]
    assert found == [Check("clock", ok=False, found="cannot be compared", remedy="see postgres above")]
