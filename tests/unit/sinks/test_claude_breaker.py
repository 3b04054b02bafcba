"""The breaker: opens after failures in a row, lets one probe at a time through, closes when one is answered."""

from domain.replies.mail import Mail
from sinks.claude import NoAnswer
from sinks.claude_breaker import Breaker
from sinks.claude_metrics import BREAKER_OPEN
from tests.support.claude_server import ANSWER, error, judged
from tests.support.reading import NOW, claude, sound

MAIL = Mail(subject="Re: Question", text="Call me")


class Time:
    """Seconds that only tests move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(time: Time, after: int = 3) -> Breaker:
    breaker = Breaker(after=after, pause_s=10, now=time)
    for _ in range(after):
        assert breaker.allow()
        breaker.failed("overloaded")
    return breaker


def test_it_opens_after_failures_in_a_row_and_an_answer_between_begins_anew() -> None:
    breaker = Breaker(after=3, pause_s=10, now=Time())
    for why in ("overloaded", "timeout", None, "overloaded", "unavailable"):
        assert breaker.allow()
        if why is None:
            breaker.succeeded()
        else:
            breaker.failed(why)
    assert not breaker.is_open
    breaker.failed("unavailable")
    assert breaker.is_open
    assert (breaker.allow(), breaker.why, breaker.wait_s) == (False, "unavailable", 10)


def test_one_probe_goes_after_the_pause_and_its_answer_closes_it() -> None:
    time = Time()
    breaker = opened(time)
    assert BREAKER_OPEN._value.get() == 1
    time.now += 10
    assert [breaker.allow(), breaker.allow(), breaker.allow()] == [True, False, False]
    breaker.succeeded()
    assert breaker.allow()
    assert not breaker.is_open
    assert BREAKER_OPEN._value.get() == 0


def test_a_probe_that_fails_doubles_the_pause_up_to_two_minutes() -> None:
    time = Time()
    breaker = opened(time)
    pauses: list[float] = []
    for _ in range(6):
        time.now += breaker.wait_s
        assert breaker.allow()
        breaker.failed("overloaded")
        pauses.append(breaker.wait_s)
    assert pauses == [20, 40, 80, 120, 120, 120]


def test_what_the_api_asks_for_is_waited_for_up_to_ten_minutes() -> None:
    time = Time()
    for asked_s, waited_s in ((300, 300), (1e6, 600), (1, 10)):
        breaker = Breaker(after=1, pause_s=10, now=time)
        breaker.failed("overloaded", asked_s)
        assert breaker.wait_s == waited_s


def test_a_probe_that_was_given_up_lets_the_next_one_go() -> None:
    time = Time()
    breaker = opened(time)
    time.now += 10
    assert breaker.allow()
    breaker.gave_up()
    assert breaker.allow()


def test_calls_that_began_before_it_opened_do_not_lengthen_the_pause() -> None:
    time = Time()
    breaker = opened(time)
    time.now += 9
    breaker.failed("timeout")
    assert breaker.wait_s == 1


async def test_the_client_calls_nobody_while_it_is_open_and_comes_back_by_itself() -> None:
    time = Time()
    breaker = Breaker(after=2, pause_s=30, now=time)
    script = (lambda _: error(529, "overloaded_error"), lambda _: error(529, "overloaded_error"), judged(ANSWER))
    async with claude(*script, breaker=breaker, max_retries=0) as (client, server):
        for _ in range(5):
            assert await client.classify(MAIL, NOW) == NoAnswer("overloaded")
        assert len(server.requests) == 2
        time.now += 30
        sound(await client.classify(MAIL, NOW))
        sound(await client.classify(MAIL, NOW))
    assert not breaker.is_open


async def test_a_question_that_the_api_refuses_opens_nothing() -> None:
    breaker = Breaker(after=1, pause_s=30, now=Time())
    async with claude(lambda _: error(400, "invalid_request_error"), breaker=breaker) as (client, _):
        assert await client.classify(MAIL, NOW) == NoAnswer("rejected")
    assert not breaker.is_open
