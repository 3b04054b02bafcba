"""What is in force after each record of the broadcast, without a broker."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.definitions import Definition
from streams.definitions import Definitions
from streams.settings import Settings

AT = datetime(2026, 3, 2, tzinfo=UTC)


def record(definition: Definition | None, key: str = "pool:main", offset: int = 0) -> Any:
    value = definition.write() if definition is not None else None
    return SimpleNamespace(key=key.encode(), value=value, partition=0, offset=offset)


def pool(revision: int, **more: Any) -> Definition:
    return Definition(kind="pool", id="main", revision=revision, spec={"n": revision}, at=AT, **more)


@pytest.fixture
def told() -> list[tuple[tuple[str, str], int | None]]:
    return []


@pytest.fixture
def definitions(told: list[tuple[tuple[str, str], int | None]]) -> Definitions:
    broadcast = Definitions(Settings())
    broadcast.on_change(lambda key, new: told.append((key, new.revision if new else None)))
    return broadcast


def in_force(definitions: Definitions) -> int | None:
    found = definitions.get("pool", "main")
    return found.revision if found is not None else None


def test_a_revision_that_was_overtaken_changes_nothing(definitions: Definitions, told: list[Any]) -> None:
    for revision in (1, 3, 2):
        definitions._take(record(pool(revision)))
    assert in_force(definitions) == 3
    assert [revision for _, revision in told] == [1, 3]


def test_the_revision_in_force_may_be_told_again(definitions: Definitions, told: list[Any]) -> None:
    for revision in (2, 2):
        definitions._take(record(pool(revision)))
    assert (in_force(definitions), len(told)) == (2, 2)


def test_a_deleted_definition_is_not_revived_by_an_older_revision(definitions: Definitions) -> None:
    definitions._take(record(pool(2, deleted=True)))
    definitions._take(record(pool(1)))
    assert in_force(definitions) is None
    definitions._take(record(pool(3)))
    assert in_force(definitions) == 3


def test_after_a_tombstone_revisions_begin_anew(definitions: Definitions) -> None:
    for one in (pool(7), None, pool(1)):
        definitions._take(record(one))
    assert in_force(definitions) == 1
