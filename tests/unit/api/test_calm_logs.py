"""Logs while a server is away: one line each, seldom, without tracebacks; never a local variable."""

import logging

import pytest
import structlog

from api.logs import AGAIN_S, Calm, configure_logs
from streams.settings import Settings


class Now:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def record(name: str, message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error is not None else None
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, exc_info)


def test_a_library_says_the_same_thing_once_in_ten_seconds_and_then_how_often_it_wanted_to() -> None:
    now = Now()
    calm = Calm(now)
    told = [calm.filter(record("aiokafka.conn", "Unable connect to node %s", number)) for number in range(50)]
    assert told == [True] + [False] * 49
    now.at += AGAIN_S
    again = record("aiokafka.conn", "Unable connect to node %s", 1)
    assert calm.filter(again)
    assert again.getMessage() == "Unable connect to node 1 (49 more like this)"


def test_other_messages_and_our_own_are_not_held_back() -> None:
    calm = Calm(Now())
    for name, message in (("aiokafka.conn", "one"), ("aiokafka.conn", "two"), ("streams.process", "x")):
        assert calm.filter(record(name, message))
    assert calm.filter(record("streams.process", "x"))


@pytest.mark.parametrize("error", [ConnectionRefusedError("refused"), TimeoutError(), OSError("no route")])
def test_the_traceback_of_an_infrastructure_error_becomes_one_line(error: Exception) -> None:
    told = record("asyncpg.pool", "cannot reconnect", error=error)
    assert Calm(Now()).filter(told)
    assert told.exc_info is None
    assert told.getMessage() == f"cannot reconnect: {str(error) or type(error).__name__}"


def test_the_traceback_of_a_defect_stays() -> None:
    told = record("aiokafka.consumer", "broken", error=KeyError("x"))
    assert Calm(Now()).filter(told)
    assert told.exc_info is not None


def test_a_traceback_in_the_log_shows_no_local_variable(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logs(Settings(log_format="console"), "leads")
        try:
            fail("secret".upper())
        except ValueError:
            logging.getLogger("touchline").exception("it failed")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
    told = capsys.readouterr().err
    assert "ValueError: wrong" in told
    assert "SECRET" not in told


def fail(password: str) -> None:
    assert password
    raise ValueError("wrong")
