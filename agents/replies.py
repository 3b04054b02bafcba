"""replies: answers, bounces and complaints.

Reads `inbound-replies`, `draft-requests`. Writes `replies` (at the match, from the batch), `dispositions` and mailbox
pauses on `grant-outcomes` (from the second loop), `drafts`. Owns the tables `replies` and `drafts` in Postgres; commits
stops and suppressions to the ledger before it tells of them.

What happens when a reply arrives: `handle` parses it in a killable process, finds its touch, commits the lead's
stop, stores the mail and tells `leads`, all in `agents/replying/intake.py`. The classifier then judges the stored
mail (`agents/replying/classifier.py`): users' rules, recognisers, model, and tells the disposition.

It has Claude, so touches that Claude writes are written here too, in loops of their own (`agents/writing.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from agents.replying.classifier import Classifier
from agents.replying.intake import Intake
from agents.replying.knowledge import Knowledge
from agents.replying.ports import Model, Parser, Publisher, Stops, Store, Touches
from agents.replying.reading import PATIENCE_S, TOGETHER
from agents.writing import Writer
from domain.replies.matching import ReadToken
from streams.clock import ClockLike
from streams.inbound import Inbound
from streams.work import Work

ROLE = "replies"
TOPICS = ("inbound-replies", "draft-requests")


class Replies:
    """The role's handler. It keeps nothing in memory that a rebalance could make wrong."""

    def __init__(
        self,
        *,
        parser: Parser,
        store: Store,
        touches: Touches,
        stops: Stops,
        publisher: Publisher,
        knowledge: Knowledge,
        read_token: ReadToken,
        clock: ClockLike,
        model: Model | None,
        writer: Writer | None = None,
        together: int = TOGETHER,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._clock = clock
        self._parser = parser
        self._writer = writer
        self._classifier = Classifier(
            store=store, stops=stops, publisher=publisher, knowledge=knowledge, clock=clock, model=model, together=together,
            patience_s=patience_s,
        )  # fmt: skip
        self._intake = Intake(
            parser=parser,
            store=store,
            touches=touches,
            stops=stops,
            read_token=read_token,
            stored=self._classifier.wake,
            is_colleague=knowledge.is_colleague,
        )

    async def start(self) -> None:
        """Start the parser's process and the classifier, which runs on through rebalances: its rows belong to no
        partition."""
        await self._parser.start()
        await self._classifier.start()
        if self._writer is not None:
            await self._writer.start()

    async def stop(self) -> None:
        """Stop both; what was claimed is free for other workers."""
        if self._writer is not None:
            await self._writer.stop()
        await self._classifier.stop()
        await self._parser.stop()

    async def recovered(self, partitions: frozenset[int]) -> None:
        """There is no table to recover."""

    async def revoked(self, partitions: frozenset[int]) -> None:
        """Nothing is in flight between batches."""

    async def reset(self) -> None:
        """There is no state in memory to rebuild."""

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        """Match and stop. Offsets are acked when the stops and rows are committed and the `replies`
        are on the broker."""
        mails = [event for event in batch if event.topic == "inbound-replies"]
        if mails:
            await self._intake.take(work, mails, self._clock.now())
        requests = [event.body for event in batch if event.topic == "draft-requests"]
        if requests and self._writer is not None:
            await self._writer.take(work, requests)
