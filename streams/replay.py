"""Reading changelogs back into tables, on Faust's orders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from aiokafka.errors import IllegalStateError
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

    def apply(self, tp: TP, records: Sequence[Any]) -> None:
        """Put a partition's records into its table, unless they are there already."""
        recovery = self._recovery
        if tp not in recovery.active_tps:
            return
        seen = recovery.active_offsets.get(tp)
        table = self._tables[tp.topic]
        raw_keys = table.key_type is bytes
        data, partition_of = table.data.data, table.data._key_partition
        for record in records:
            if seen is not None and record.offset <= seen:
                continue
            key = record.key if raw_keys else table._to_key(json.loads(record.key))
            if record.value is None:
                data.pop(key, None)
                partition_of.pop(key, None)
            else:
                data[key] = record.value
                partition_of[key] = tp.partition
        if seen is None or records[-1].offset > seen:
            recovery.active_offsets[tp] = records[-1].offset

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
            await self._pass_what_is_no_record()
        if not recovery.need_recovery():
            recovery._set_recovery_ended()
            waited_for.set()
            waited_for.clear()

    async def _pass_what_is_no_record(self) -> None:
        recovery, generation = self._recovery, self._app.consumer_generation_id
        for tp in [tp for tp, missing in recovery.active_remaining().items() if missing > 0]:
            try:
                position = await self._app.consumer.position(tp)
            except IllegalStateError:  # it was given up
                return
            if self._app.consumer_generation_id != generation or tp not in recovery.active_tps:
                return
            if position is not None and position > recovery.active_highwaters[tp]:
                recovery.active_offsets[tp] = recovery.active_highwaters[tp]

    @property
    def _recovery(self) -> Any:
        return cast(Any, self._app.tables).recovery
