"""Every metric of every process in one list, as `docs/metrics.md` tells it.

python -m api.metric_list            write docs/metrics.md
python -m api.metric_list --check    exit 1 when it differs
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agents import dispatch_metrics, inbox_metrics, leads_metrics, writing_metrics
from agents.replying import metrics as replies_metrics
from agents.sending import metrics as sender_metrics
from api.http import metrics as api_metrics
from sinks import claude_metrics
from streams import metrics as stream_metrics

FILE = Path(__file__).resolve().parent.parent / "docs" / "metrics.md"

OF_PROCESS: Mapping[str, Sequence[Any]] = {
    "every role": stream_metrics.ALL,
    "leads": leads_metrics.ALL,
    "dispatch": dispatch_metrics.ALL,
    "sender": sender_metrics.ALL,
    "replies": (*replies_metrics.ALL, *claude_metrics.ALL, *writing_metrics.ALL),
    "inbox": inbox_metrics.ALL,
    "api": api_metrics.ALL,
}


class Metric(NamedTuple):
    """One metric. Its text begins with its meaning; what follows is the sign that something is wrong, and the remedy."""

    process: str
    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    remedy: str


def every_metric() -> list[Metric]:
    """All of them, by process."""
    found: list[Metric] = []
    for process, metrics in OF_PROCESS.items():
        for metric in metrics:
            (family,) = metric.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            meaning, _, remedy = family.documentation.partition(". ")
            found.append(Metric(process, name, family.type, metric._labelnames, meaning.rstrip("."), remedy))
    return found


def page() -> str:
    """The page as it should be."""
    lines = [
        "# Metrics",
        "",
        "Written by `python -m api.metric_list`. Every process serves its own at `/metrics`.",
        "",
        "| process | metric | kind | labels | meaning | when it looks wrong |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {m.process} | `{m.name}` | {m.kind} | {', '.join(m.labels)} | {m.meaning} | {m.remedy} |"
        for m in every_metric()
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    if "--check" in arguments:
        if FILE.exists() and FILE.read_text("utf-8") == page():
            return 0
        sys.stderr.write("docs/metrics.md differs from the program: run `python -m api.metric_list`\n")
        return 1
    FILE.write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
