"""Named SQL statements: `sinks/sql/NAME.sql` holds `-- name: STATEMENT` lines, each followed by its statement."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).resolve().parent.parent / "sql"
_NAME = re.compile(r"^-- name: *([a-z_]+) *$", re.MULTILINE)


@cache
def queries(file: str) -> Mapping[str, str]:
    """The statements of `sinks/sql/{file}.sql` by name. Raises ValueError where a name stands twice."""
    _, *parts = _NAME.split((FOLDER / f"{file}.sql").read_text("utf-8"))
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{file}.sql names a statement twice: {sorted(names)}")
    return MappingProxyType({name: body.strip().rstrip(";") for name, body in zip(names, bodies, strict=True)})
