"""Reading changelogs back into tables, on Faust's orders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from faust.types.tuples import TP

if TYPE_CHECKING:
    from streams.seam import SafeApp


class Replay:
    """Changelog records on their way into Faust's tables while it recovers.

    Faust decides what to recover, from which offset, and what follows; this does the reading, at a quarter of the cost
    a record. Keys and values stand in the changelog as Faust writes and reads them.
    """

    def __init__(self, app: SafeApp, tables: Mapping[str, Any]) -> None:
        self._app = app
        self._tables = {table.changelog_topic_name: table for table in tables.values()}

    def apply(self, tp: TP, message: Any) -> None:
        """Put one record into its table, unless it is there already."""
        recovery = self._recovery
        if tp not in recovery.active_tps:
            return
        seen = recovery.active_offsets.get(tp)
        if seen is not None and message.offset <= seen:
            return
        recovery.active_offsets[tp] = message.offset
        table = self._tables[tp.topic]
        key = message.key if table.key_type is bytes else table._to_key(json.loads(message.key))
        store = table.data
        if message.value is None:
            store.data.pop(key, None)
            store._key_partition.pop(key, None)
        else:
            store.data[key] = message.value
            store._key_partition[key] = message.partition

    async def finish(self, *, idle: bool) -> None:
        """After each fetch: tell Faust when every table is whole.

        A log may end in something that is not a record (a transaction's marker, what compaction left). Nothing will
        ever come at the last offset then; Faust would wait for it for ever, the position tells.
        """
        recovery = self._recovery
        waited_for = recovery.signal_recovery_end
        if not waited_for._waiters:  # a signal that nobody waits for yet would end the next recovery instead
            return
        if idle:
            for tp, missing in recovery.active_remaining().items():
                if missing > 0 and tp in recovery.active_tps:
                    position = await self._app.consumer.position(tp)
                    if position is not None and position > recovery.active_highwaters[tp]:
                        recovery.active_offsets[tp] = recovery.active_highwaters[tp]
        if not recovery.need_recovery():
            recovery._set_recovery_ended()
            waited_for.set()
            waited_for.clear()

    @property
    def _recovery(self) -> Any:
        return cast(Any, self._app.tables).recovery
