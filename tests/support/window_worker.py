"""A small dispatch role in a process of its own: windows in the limits stage, an output, a table in the state stage.

Each `mailbox_paused` puts its event id into the window of its pool at its own minute (reason "free" deletes that
window), withdraws a touch as an output, and writes the table `waiting`.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from schemas.sending import WithdrawSend
from streams.clock import Clock
from streams.inbound import Inbound
from streams.role import RoleStream
from streams.settings import load_settings
from streams.work import Work
from tests.support.stream_worker import report


class Granting:
    """The handler."""

    def __init__(self, stream: RoleStream) -> None:
        self.stream = stream
        self.grants = stream.window_table("grants", 60)
        self.waiting = stream.table("waiting")

    async def start(self) -> None:
        report("started")

    async def stop(self) -> None:
        report("stopped")

    async def recovered(self, partitions: frozenset[int]) -> None:
        windows = {f"{key}@{start}": value.decode() for key, start, value, _ in self.grants.entries()}
        report("recovered", windows=windows, waiting=sorted(key.decode() for key, _, _ in self.waiting.entries()))

    async def revoked(self, partitions: frozenset[int]) -> None:
        report("revoked")

    async def reset(self) -> None:
        report("reset")

    async def handle(self, work: Work, batch: Sequence[Inbound]) -> None:
        for event in batch:
            body, partition = event.body, event.partition
            start = int(body.at.timestamp()) // 60 * 60
            ids: list[str] = json.loads(work.get_window(self.grants, event.key, start) or b"[]")
            if body.event_id not in ids:
                ids.append(body.event_id)
            value = None if body.reason == "free" else json.dumps(ids).encode()
            work.put_window(self.grants, event.key, start, value, partition)
            work.put(self.waiting, event.key.encode(), body.event_id.encode(), partition)
            withdraw = WithdrawSend(
                event_id=body.event_id,
                send_id=uuid5(NAMESPACE_URL, body.event_id),
                lead_id="l",
                campaign_id="c",
                pool_id=event.key,
                ask_no=1,
                reason="test",
                at=body.at,
            )
            work.emit("due-sends", withdraw, event.key, partition=partition)
        ids = [event.body.event_id for event in batch]
        work.after_commit(lambda: report("done", ids=ids))


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stream = RoleStream(role="dispatch", settings=load_settings(), clock=Clock(), topics=["grant-outcomes"])
    return stream.run(Granting(stream))


if __name__ == "__main__":
    sys.exit(main())
