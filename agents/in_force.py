"""The definitions in force, compiled: one snapshot that stays the same object until the broadcast changes."""

from __future__ import annotations

import structlog

from domain.campaign import Definitions as Snapshot
from domain.compile import NOT_COMPILED, Compiled, assemble, compile_definition
from domain.documents import InvalidDefinitions
from schemas.definitions import Definition
from streams.definitions import Definitions

LOG = structlog.get_logger("definitions")
_Key = tuple[str, str]
_Version = tuple[int, str | None]


class InForce:
    """Call it for the snapshot. Each version of a definition is compiled once, and is the same object in every snapshot.

    What cannot be compiled is logged with its id and left out; it never stops a role. `touchline doctor` shows it too.
    """

    def __init__(self, broadcast: Definitions) -> None:
        self._broadcast = broadcast
        self._snapshot: Snapshot | None = None
        self._compiled: dict[_Key, tuple[_Version, Compiled | None]] = {}
        broadcast.on_change(self._changed)

    def _changed(self, key: _Key, definition: Definition | None) -> None:
        self._snapshot = None
        if definition is None:
            self._compiled.pop(key, None)

    def __call__(self) -> Snapshot:
        """All definitions, as decisions use them."""
        if self._snapshot is None:
            current = self._broadcast.all()
            compiled = (self._of(key, definition) for key, definition in current.items())
            self._snapshot = assemble(current.values(), [one for one in compiled if one is not None])
        return self._snapshot

    def _of(self, key: _Key, definition: Definition) -> Compiled | None:
        if definition.kind in NOT_COMPILED:
            return None
        version = (definition.revision, definition.status)
        known = self._compiled.get(key)
        if known is not None and known[0] == version:
            return known[1]
        made: Compiled | None = None
        try:
            made = compile_definition(definition)
        except InvalidDefinitions as error:
            for problem in error.problems:
                LOG.error(
                    "definition_left_out",
                    kind=definition.kind,
                    id=definition.id,
                    revision=definition.revision,
                    problem=str(problem),
                    remedy="apply a corrected document; until then nothing happens for it",
                )
        self._compiled[key] = (version, made)
        return made
