"""One question to Claude through Anthropic's Messages API: data in, JSON out, and nothing raised for what goes wrong.

No tools, structured output, a deadline over all repeats, a breaker, a budget; whatever happens instead of an answer comes
back as `NoAnswer`.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NotRequired, Protocol, TypedDict, Unpack

import structlog

from domain.claude_prices import Price, Usage, most
from sinks import claude_metrics as metrics
from sinks.claude_breaker import Breaker
from streams.errors import Retryable

if TYPE_CHECKING:
    from anthropic import APIStatusError, AsyncAnthropic
    from anthropic.types import Message

log = structlog.get_logger("touchline.claude")

Purpose = Literal["classify", "write"]

MAX_RETRIES = 4
"""Repeats after 429, 529, other 5xx and lost connections, with back-off, or after what Retry-After says."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 8.0
CALL_TIMEOUT_S = 20.0
DEADLINE_S = 60.0
"""Wall seconds for one question, all repeats included. A Retry-After beyond it is no repeat, but a pause of the breaker."""
MAX_ANSWER = 200_000
"""Characters of an answer that are looked at."""
AWAY = frozenset({"overloaded", "unavailable", "timeout"})
"""Reasons that say something about the API, not about the question: it is worth asking again later."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The model gave nothing to act on. `why`: timeout, refused, truncated, malformed, overloaded, unavailable,
    rejected, no_budget."""

    why: str
    ask_again_s: float | None = field(default=None, compare=False)
    """Wall seconds after which asking again may help, where that is known."""

    @property
    def is_away(self) -> bool:
        """Whether the API, and not the question, is the reason."""
        return self.why in AWAY


class Meter(Protocol):
    """What is spent today, by all processes together (`sinks.postgres.claude_spend.ClaudeSpend`)."""

    async def reserve(self, usd: float) -> date | None:
        """Set aside what a call may cost; the day it counts for, None: the day's budget does not allow it."""
        ...

    async def settle(self, day: date, reserved: float, usage: Usage, usd: float) -> None:
        """Put what a call did cost in place of what was set aside for it."""
        ...


class Options(TypedDict):
    """Which model, with which key, and how long to try: `deadline_s` and `call_timeout_s` are wall seconds."""

    model: str
    api_key: str
    base_url: NotRequired[str | None]
    deadline_s: NotRequired[float]
    call_timeout_s: NotRequired[float]
    max_retries: NotRequired[int]
    price: NotRequired[Price | None]
    meter: NotRequired[Meter | None]
    breaker: NotRequired[Breaker | None]


class ClaudeClient:
    """Connections to the API. `close` it."""

    def __init__(self, purpose: Purpose, **options: Unpack[Options]) -> None:
        from anthropic import AsyncAnthropic

        self._purpose = purpose
        self._model = options["model"]
        self._deadline_s = options.get("deadline_s", DEADLINE_S)
        self._max_retries = options.get("max_retries", MAX_RETRIES)
        self._price = options.get("price")
        self._meter = options.get("meter")
        self._breaker = options.get("breaker")
        self._client: AsyncAnthropic = AsyncAnthropic(
            api_key=options["api_key"],
            base_url=options.get("base_url"),
            timeout=options.get("call_timeout_s", CALL_TIMEOUT_S),
            max_retries=0,  # `_answer` repeats: it knows the deadline, and what to do with a long Retry-After
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def ask(self, *, system: str, data: str, schema: dict[str, Any], max_tokens: int) -> str | NoAnswer:
        """The text of the answer, which the API has promised to be JSON of the schema. Check it all the same.

        Raises Retryable when a meter is given and Postgres is away.
        """
        breaker = self._breaker
        if breaker is not None and not breaker.allow():
            metrics.CALLS.labels(self._purpose, "breaker_open").inc()
            return NoAnswer(breaker.why, breaker.wait_s)
        told = False
        try:
            reserved = most(len(system) + len(str(schema)), data, max_tokens, self._price)
            day = None if self._meter is None else await self._meter.reserve(reserved)
            if self._meter is not None and day is None:
                metrics.OVER_BUDGET.labels(self._purpose).inc()
                return self.nothing("no_budget")
            usage = Usage()
            try:
                message = await self._answer(system, data, schema, max_tokens)
                if not isinstance(message, NoAnswer):
                    usage = _usage(message)
            finally:
                await self._count(day, reserved, usage)
            if breaker is not None:
                told = True
                if isinstance(message, NoAnswer) and message.is_away:
                    breaker.failed(message.why, message.ask_again_s)
                else:
                    breaker.succeeded()
            return message if isinstance(message, NoAnswer) else self._text(message)
        finally:
            if breaker is not None and not told:
                breaker.gave_up()

    async def _answer(self, system: str, data: str, schema: dict[str, Any], max_tokens: int) -> Message | NoAnswer:
        """The message, asked for again while that may help and the deadline allows it."""
        import anthropic

        until = time.monotonic() + self._deadline_s
        for repeat in range(self._max_retries + 1):
            asked_s: float | None = None
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    return await self._client.messages.create(
                        model=self._model,
                        max_tokens=max_tokens,
                        system=[{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
                        messages=[{"role": "user", "content": data}],
                        output_config={"format": {"type": "json_schema", "schema": schema}},
                    )
            except (TimeoutError, anthropic.APITimeoutError):
                why = "timeout"
            except anthropic.APIConnectionError:
                why = "unavailable"
            except anthropic.APIStatusError as error:
                why = _why(error)
                asked_s = _asked_s(error)
            except (anthropic.AnthropicError, ValueError, TypeError):
                return self.nothing("malformed")
            pause_s = asked_s if asked_s is not None else _pause_s(repeat)
            last = repeat == self._max_retries or time.monotonic() + pause_s >= until
            if why not in AWAY or last:
                return self.nothing(why, asked_s)
            await asyncio.sleep(pause_s)
        raise AssertionError("the last repeat returns")

    async def _count(self, day: date | None, reserved: float, usage: Usage) -> None:
        usd = usage.cost(self._price)
        for kind, tokens in usage._asdict().items():
            if tokens:
                metrics.TOKENS.labels(self._purpose, kind).inc(tokens)
        metrics.USD.labels(self._purpose).inc(usd)
        if self._meter is None or day is None:
            return
        try:
            await self._meter.settle(day, reserved, usage, usd)
        except Retryable as error:  # what was set aside stays counted: too much rather than too little
            log.warning("claude_spend_not_settled", error=str(error))

    def _text(self, message: Message) -> str | NoAnswer:
        if message.stop_reason == "refusal":
            return self.nothing("refused")
        if message.stop_reason != "end_turn":
            return self.nothing("truncated" if message.stop_reason == "max_tokens" else "malformed")
        blocks = message.content or ()
        text = "".join(block.text for block in blocks if block.type == "text")
        if any(block.type != "text" for block in blocks) or len(text) > MAX_ANSWER:
            return self.nothing("malformed")
        metrics.CALLS.labels(self._purpose, "answered").inc()
        return text

    def nothing(self, why: str, ask_again_s: float | None = None) -> NoAnswer:
        """No answer, said once in the log."""
        metrics.CALLS.labels(self._purpose, why).inc()
        log.warning("no_answer_from_model", why=why, model=self._model)
        return NoAnswer(why, ask_again_s)


def _why(error: APIStatusError) -> str:
    if error.status_code in {429, 529}:
        return "overloaded"
    return "unavailable" if error.status_code >= 500 or error.status_code == 408 else "rejected"


def _asked_s(error: APIStatusError) -> float | None:
    """What the server asks to wait for, in seconds (`retry-after`; `retry-after-ms`, which Anthropic sends too)."""
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            asked_s = float(error.response.headers.get(name, "")) * unit
        except ValueError:
            continue
        if 0 <= asked_s < float("inf"):
            return asked_s
    return None


def _pause_s(repeat: int) -> float:
    """Half a second, doubling, give or take a quarter."""
    return min(FIRST_PAUSE_S * 2**repeat, LONGEST_PAUSE_S) * random.uniform(0.75, 1.25)


def _usage(message: Message) -> Usage:
    """What the API counted. A server that counts nothing is believed."""
    usage: Any = getattr(message, "usage", None)
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    counts = [getattr(usage, name, None) for name in names]
    return Usage(*(count if isinstance(count, int) and count > 0 else 0 for count in counts))


def prompt(version: str) -> str:
    """The instructions of a version: the name of a file, so that a change of the text is a new file."""
    return (Path(__file__).parent / "prompts" / f"{version}.txt").read_text("utf-8")
