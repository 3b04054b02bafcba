"""The one map of the system: every topic, who writes it, who reads it, how long it is kept; every table and its changelog.

`python -m streams.topology` prints it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from schemas.registry import PUBLIC_TOPICS

if TYPE_CHECKING:
    from streams.settings import Settings

DAY_MS = 86_400_000
FOREVER = -1
KIB = 1024
MAX_TABLE_VALUE = 900 * KIB
RECORD_OVERHEAD = 64 * KIB
"""Room for key, headers and framing between the largest value we accept and the broker's own limit."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `key` is the field of the body that the record's key must equal ('' where there is none to check)."""

    name: str
    key: str
    written_by: tuple[str, ...]
    read_by: tuple[str, ...]
    retention_ms: int = 30 * DAY_MS
    cleanup: Literal["delete", "compact"] = "delete"
    rekey: bool = False
    """Strangers may hash keys differently: a record in the wrong partition is published again in the right one."""
    strangers: bool = False
    """Written from outside: bad records here never stop the role."""
    max_value: int = 512 * KIB

    @property
    def public(self) -> bool:
        """Carries CloudEvents headers and keeps its promise across versions."""
        return self.name in PUBLIC_TOPICS


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table of a role. A window table is tumbling, `window_s` wide, and belongs to the limits stage of a flush."""

    role: str
    name: str
    window_s: int | None = None


TOPICS: dict[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic("definitions", "", ("api",), ("everyone",), FOREVER, "compact"),
        Topic("enrollments", "lead_id", ("producers", "api"), ("leads",), rekey=True, strangers=True),
        Topic("lead-ticks", "", ("leads",), ("leads",), DAY_MS // 24),
        Topic("pool-ticks", "", ("dispatch",), ("dispatch",), DAY_MS // 24),
        Topic("due-sends", "pool_id", ("leads",), ("dispatch",)),
        Topic("sends", "mailbox_id", ("dispatch",), ("sender",)),
        Topic("grant-outcomes", "pool_id", ("sender", "replies", "api"), ("dispatch",), 90 * DAY_MS),
        Topic("send-results", "lead_id", ("sender",), ("leads",), 90 * DAY_MS),
        Topic("tracking-hits", "lead_id", ("api",), ("leads", "projector"), rekey=True, strangers=True),
        Topic("inbound-replies", "message_id", ("api", "inbox"), ("replies",), strangers=True, max_value=8 * KIB * KIB),
        Topic("replies", "lead_id", ("replies",), ("leads",)),
        Topic("dispositions", "lead_id", ("replies",), ("leads", "projector", "downstream")),
        Topic("engagements", "lead_id", ("leads",), ("projector", "downstream"), FOREVER),
        Topic("tasks", "lead_id", ("leads",), ("projector",)),
        Topic("draft-requests", "lead_id", ("leads",), ("replies",)),
        Topic("drafts", "lead_id", ("replies",), ("leads",)),
        Topic("card-events", "card_id", ("api",), ("downstream",), 90 * DAY_MS),
        Topic("dead-letters", "", ("everyone",), ("operator",), max_value=9 * KIB * KIB),
    )
}

TABLES: tuple[TableSpec, ...] = (
    TableSpec("leads", "leads"),
    TableSpec("dispatch", "waiting"),
    TableSpec("dispatch", "grants", window_s=60),
    TableSpec("dispatch", "mailboxes"),
)

ROLES: dict[str, tuple[str, ...]] = {
    role: tuple(topic.name for topic in TOPICS.values() if role in topic.read_by)
    for role in ("leads", "dispatch", "sender", "replies", "projector")
}
"""Role -> the topics its group consumes."""

TICKS = {"leads": "lead-ticks", "dispatch": "pool-ticks"}


def topic_name(settings: Settings, topic: str) -> str:
    """The name on the broker."""
    return settings.kafka_topic_prefix + topic


def app_id(settings: Settings, role: str) -> str:
    """A role's Faust app id, which is its consumer group."""
    return f"{settings.kafka_topic_prefix}touchline-{role}"


def changelog_name(settings: Settings, role: str, table: str) -> str:
    """A table's changelog, named as Faust names it."""
    return f"{app_id(settings, role)}-{table}-changelog"


def table_spec(role: str, name: str) -> TableSpec:
    """The declared table; KeyError for one that is not on the map (its changelog would not exist)."""
    for spec in TABLES:
        if (spec.role, spec.name) == (role, name):
            return spec
    raise KeyError(f"table {name} of {role} is not declared in streams/topology.py")


def topic_configs(topic: Topic) -> dict[str, str]:
    """A topic's settings on the broker."""
    configs = {"cleanup.policy": topic.cleanup, "max.message.bytes": str(topic.max_value + RECORD_OVERHEAD)}
    if topic.cleanup == "delete":
        configs["retention.ms"] = str(topic.retention_ms)
    else:
        configs |= _COMPACTION
    return configs


_COMPACTION = {
    "max.compaction.lag.ms": str(DAY_MS),
    "delete.retention.ms": str(DAY_MS),
    "segment.bytes": str(64 * KIB * KIB),
}


def changelog_configs() -> dict[str, str]:
    """A changelog's settings: compacted, and what is deleted is gone from disk within about a day."""
    return {
        "cleanup.policy": "compact",
        "max.message.bytes": str(MAX_TABLE_VALUE + RECORD_OVERHEAD),
        **_COMPACTION,
    }


def all_topics(settings: Settings) -> dict[str, dict[str, str]]:
    """Every topic on the broker, changelogs too -> its settings there."""
    topics = {topic_name(settings, topic.name): topic_configs(topic) for topic in TOPICS.values()}
    return topics | {changelog_name(settings, spec.role, spec.name): changelog_configs() for spec in TABLES}


def _print_map() -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    grid = Grid("topic", "key", "written by", "read by", "kept", "public", "rekey", title="Topics")
    for topic in TOPICS.values():
        kept = "compacted" if topic.cleanup == "compact" else _days(topic.retention_ms)
        marks = ("yes" if topic.public else "", "yes" if topic.rekey else "")
        grid.add_row(topic.name, topic.key, ", ".join(topic.written_by), ", ".join(topic.read_by), kept, *marks)
    tables = Grid("role", "table", "windows", "changelog", title="Tables")
    for spec in TABLES:
        windows = f"{spec.window_s} s" if spec.window_s else ""
        tables.add_row(spec.role, spec.name, windows, f"touchline-{spec.role}-{spec.name}-changelog")
    console = Console()
    console.print(grid)
    console.print(tables)


def _days(retention_ms: int) -> str:
    return "for ever" if retention_ms == FOREVER else f"{retention_ms / DAY_MS:g} days"


if __name__ == "__main__":
    _print_map()
