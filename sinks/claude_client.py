"""One question to Claude through Anthropic's Messages API: data in, JSON out, and nothing raised for what goes wrong.

No tools, a deadline over all repeats, structured output; whatever happens instead of an answer comes back as `NoAnswer`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict, Unpack

import structlog

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from anthropic.types import Message

log = structlog.get_logger("touchline.claude")

MAX_RETRIES = 4
"""Repeats after 429, 529, other 5xx and lost connections, with back-off or after what Retry-After says."""
CALL_TIMEOUT_S = 20.0
DEADLINE_S = 60.0
"""Wall seconds for one question, all repeats included."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The model gave nothing to act on. `why`: timeout, refused, truncated, malformed, overloaded, unavailable,
    rejected."""

    why: str


class Options(TypedDict):
    """Which model, with which key, and how long to try: `deadline_s` and `call_timeout_s` are wall seconds."""

    model: str
    api_key: str
    base_url: NotRequired[str | None]
    deadline_s: NotRequired[float]
    call_timeout_s: NotRequired[float]
    max_retries: NotRequired[int]


class ClaudeClient:
    """Connections to the API. `close` it."""

    def __init__(self, **options: Unpack[Options]) -> None:
        from anthropic import AsyncAnthropic

        self._model = options["model"]
        self._deadline_s = options.get("deadline_s", DEADLINE_S)
        self._client: AsyncAnthropic = AsyncAnthropic(
            api_key=options["api_key"],
            base_url=options.get("base_url"),
            timeout=options.get("call_timeout_s", CALL_TIMEOUT_S),
            max_retries=options.get("max_retries", MAX_RETRIES),
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def ask(self, *, system: str, data: str, schema: dict[str, Any], max_tokens: int) -> str | NoAnswer:
        """The text of the answer, which the API has promised to be JSON of the schema. Check it all the same."""
        import anthropic

        try:
            async with asyncio.timeout(self._deadline_s):
                message = await self._client.messages.create(
                    model=self._model,
                    max_tokens=max_tokens,
                    system=system,
                    messages=[{"role": "user", "content": data}],
                    output_config={"format": {"type": "json_schema", "schema": schema}},
                )
        except (TimeoutError, anthropic.APITimeoutError):
            return self.nothing("timeout")
        except anthropic.APIConnectionError:
            return self.nothing("unavailable")
        except anthropic.APIStatusError as error:
            busy = error.status_code in {429, 529}
            return self.nothing("overloaded" if busy else "unavailable" if error.status_code >= 500 else "rejected")
        except (anthropic.AnthropicError, ValueError, TypeError):
            return self.nothing("malformed")
        return self._text(message)

    def _text(self, message: Message) -> str | NoAnswer:
        if message.stop_reason == "refusal":
            return self.nothing("refused")
        if message.stop_reason != "end_turn":
            return self.nothing("truncated" if message.stop_reason == "max_tokens" else "malformed")
        return "".join(block.text for block in message.content or () if block.type == "text")

    def nothing(self, why: str) -> NoAnswer:
        """No answer, said once in the log."""
        log.warning("no_answer_from_model", why=why, model=self._model)
        return NoAnswer(why)


def prompt(version: str) -> str:
    """The instructions of a version: the name of a file, so that a change of the text is a new file."""
    return (Path(__file__).parent / "prompts" / f"{version}.txt").read_text("utf-8")
