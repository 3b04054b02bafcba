"""The definitions in force, compiled: one snapshot that stays the same object until the broadcast changes."""

from __future__ import annotations

import structlog

from domain.campaign import Definitions as Compiled
from domain.compile import compile_definitions
from schemas.definitions import Definition
from streams.definitions import Definitions

LOG = structlog.get_logger("definitions")


class InForce:
    """Call it for the snapshot. What cannot be compiled is logged and left out; it never stops a role."""

    def __init__(self, broadcast: Definitions) -> None:
        self._broadcast = broadcast
        self._snapshot: Compiled | None = None
        broadcast.on_change(self._changed)

    def _changed(self, key: tuple[str, str], definition: Definition | None) -> None:
        self._snapshot = None

    def __call__(self) -> Compiled:
        """All definitions, as decisions use them."""
        if self._snapshot is None:
            self._snapshot, problems = compile_definitions(self._broadcast.all().values())
            for problem in problems:
                LOG.error("definition_left_out", problem=str(problem))
        return self._snapshot
