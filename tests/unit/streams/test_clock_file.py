"""A clock that a test moves: the same for every process that maps its file."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.bootstrap import clock_of
from streams.clock import Clock, FileClock, write_instant
from streams.settings import SettingsError, load_settings

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_every_reader_sees_the_instant_that_was_written_and_none_in_between(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_instant(path, NOON)
    one, other = FileClock(path), FileClock(path)
    assert one.now() == other.now() == NOON
    later = NOON + timedelta(days=400, microseconds=1)
    write_instant(path, later)
    assert one.now() == other.now() == later
    assert abs(one.wall() - datetime.now(UTC)) < timedelta(seconds=1)


def test_it_never_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_instant(path, NOON)
    with pytest.raises(ValueError, match="never goes back"):
        write_instant(path, NOON - timedelta(microseconds=1))
    assert FileClock(path).now() == NOON


def test_a_process_follows_it_only_where_it_is_told_to(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    write_instant(path, NOON)
    assert clock_of(load_settings(clock_file=path)).now() == NOON
    assert isinstance(clock_of(load_settings()), Clock)


def test_a_file_that_is_missing_or_a_rate_besides_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"TOUCHLINE_CLOCK_FILE: there is no file .*Example: "):
        load_settings(clock_file=tmp_path / "none")
    path = tmp_path / "clock"
    write_instant(path, NOON)
    origin = "2026-01-05T09:00:00Z/2026-01-05T09:00:00Z"
    with pytest.raises(SettingsError, match="goes with no clock_rate"):
        load_settings(clock_file=path, clock_rate=60.0, clock_origin=origin)
