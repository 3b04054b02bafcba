"""Claude reads the answers that no rule knows (docs/behaviour.md 7.6), through Anthropic's Messages API.

A mail is data: it goes in as one JSON object, there are no tools, and the answer is checked against the allowed
values again. Whatever goes wrong (no answer in time, a refusal, an answer that is cut off or malformed) comes back
as `NoAnswer`, for a person to decide.

Mails that wait at once can go in one request, because the instructions are longer than most answers. Each has an id of its
own that nobody outside can know, and each answer is checked by itself; a mail without a sound answer is asked about alone.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from domain.draft_checks import INVISIBLE
from domain.replies.mail import Mail
from domain.replies.verdict import ModelAnswer
from domain.routing import NO_ROUTING, Routing
from sinks import claude_client
from sinks.claude_answers import answer_schema, read_answers
from sinks.claude_client import ClaudeClient, NoAnswer, Options

PROMPT_VERSION = "classify_v2"
"""Name of the prompt's file: a change of its text is a new file."""
MAX_BODY = 8000
MAX_TOKENS = 1500
TOKENS_A_MAIL = 600
"""For each further mail of a request."""
MAX_TOGETHER = 1500
"""Characters that a mail may have to share a request with others."""

_TALKS_TO_A_MODEL = re.compile(
    r"ignor|disregard|forget|instruc|prompt|system|assistant|classif|disposition|json|[{}<>`]|\bids?\b|claude|anthropic"
    r"|\bmodel|\babove\b|obey|word for word|answer with|respond with|\bbatch\b"
    r"|oubli|consigne|anweisung|verg[ie]ss|klassifi|olvid|clasific|istruzion|dimentic|esque[cç]|instruç|aanwijzing|vergeet|negeer"
    r"|(?-i:INTERESTED|UNSUBSCRIBE|AUTOMATED|OUT_OF_OFFICE|ESCALATE|NEEDS_MORE|NO_ACTIVE)"
    # of several mails
    r"|mails\b|messages|replies|answers|courriels|réponses|nachrichten|ander\w+ antwort|correos|mensajes|respuestas|messaggi"
    r"|risposte|mensagens|respostas|berichten|ander\w* antwo|(?:every|each|all) (?:other )?(?:e?-?mail|message|reply)",
    re.IGNORECASE,
)
"""What mails say in the seven languages that may want to be more than data, or speak of other mails: they go alone, where
there is none besides. No list knows all; each answer is checked by itself.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """A mail to be read, and the instant at which it came."""

    mail: Mail
    received_at: datetime


class Claude:
    """One client for a process. `close` it."""

    def __init__(self, *, new_id: Callable[[], str] = lambda: secrets.token_hex(4), **options: Unpack[Options]) -> None:
        self._client = ClaudeClient("classify", **options)
        self._prompt = prompt()
        self._new_id = new_id

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()

    async def classify(
        self, mail: Mail, received_at: datetime, routing: Routing = NO_ROUTING
    ) -> ModelAnswer | NoAnswer:
        """What the model makes of a mail. Never raises for what the model or the network does.

        Raises Retryable where a budget is kept and Postgres is away.
        """
        (answer,) = await self._ask([Question(mail, received_at)], routing)
        return self._client.nothing("malformed") if answer is None else answer

    async def classify_all(
        self, questions: Sequence[Question], routing: Routing = NO_ROUTING
    ) -> list[ModelAnswer | NoAnswer]:
        """What the model makes of several mails, in their order: in one request, and alone those that it gave no sound
        answer for. Where the API itself is away nobody is asked again.
        """
        if len(questions) == 1:
            return [await self.classify(questions[0].mail, questions[0].received_at, routing)]
        answers: list[ModelAnswer | NoAnswer] = []
        for question, answer in zip(questions, await self._ask(questions, routing), strict=True):
            if answer is None or (isinstance(answer, NoAnswer) and not answer.is_away and answer.why != "no_budget"):
                answers.append(await self.classify(question.mail, question.received_at, routing))
            else:
                answers.append(answer)
        return answers

    async def _ask(self, questions: Sequence[Question], routing: Routing) -> list[ModelAnswer | NoAnswer | None]:
        """One request; None: there is no sound answer for this mail."""
        ids = [self._new_id() for _ in questions]
        text = await self._client.ask(
            system=self._prompt + own_names(routing),
            data=as_data(questions, ids),
            schema=answer_schema(routing),
            max_tokens=MAX_TOKENS + TOKENS_A_MAIL * (len(questions) - 1),
        )
        if isinstance(text, NoAnswer):
            return [text for _ in questions]
        found = read_answers(text, routing)
        return [found.get(one) for one in ids]


def prompt() -> str:
    """The instructions, of the version in force."""
    return claude_client.prompt(PROMPT_VERSION)


def own_names(routing: Routing) -> str:
    """What the user's routing adds to the instructions; the same text for every mail."""
    lines: list[str] = []
    for what, names in (("dispositions", routing.dispositions), ("categories", routing.categories)):
        if names:
            lines += [f"\nThe team has {what} of its own, which come before the others where they fit better:"]
            lines += [f"- {own.id}: {own.description}" for own in names.values()]
    return "\n".join(lines) + "\n" if lines else ""


def as_data(questions: Sequence[Question], ids: Sequence[str]) -> str:
    """The mails as one JSON object: no character of them can end its string. Quoted history, addresses, headers and
    attachments stay here."""
    mails = [
        {
            "id": one,
            "from_name": question.mail.from_name,
            "subject": question.mail.subject,
            "body": question.mail.text[:MAX_BODY],
            "received_on": question.received_at.date().isoformat(),
            "truncated": question.mail.truncated or len(question.mail.text) > MAX_BODY,
        }
        for one, question in zip(ids, questions, strict=True)
    ]
    return json.dumps({"mails": mails}, ensure_ascii=False)


def may_share(mail: Mail) -> bool:
    """Whether a mail may go in one request with others: short, and nothing in it speaks to a model."""
    told = (mail.from_name or "", mail.subject, mail.text)
    return len(mail.text) <= MAX_TOGETHER and not any(
        _TALKS_TO_A_MODEL.search(text) or INVISIBLE.search(text) for text in told
    )


__all__ = ["Claude", "NoAnswer", "Question", "as_data", "may_share", "own_names", "prompt"]
