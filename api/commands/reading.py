"""Reading: a lead, consumer lag."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.context import Json, command, console, grid, print_json, run, settings_for
from api.commands.lead import lead


@command
def lag(
    partitions: Annotated[bool, typer.Option("--partitions", help="One line a partition.")] = False,
    as_json: Json = False,
) -> None:
    """What each role has not read yet, and how long the oldest of it has stood; asked of the broker itself."""
    from api.lag import read_lag, totals

    found = run(read_lag(settings_for(), ages=True))
    if as_json:
        print_json([item.as_json() for item in found])
        return
    if partitions:
        rows = [(item.group, item.topic, item.partition, item.lag, _age(item.oldest_age_s)) for item in found]
        console().print(grid("lag", ("group", "topic", "partition", "unread", "oldest"), rows))
        return
    sums = [(item.group, item.topic, item.lag, _age(item.oldest_age_s)) for item in totals(found)]
    console().print(grid("lag", ("group", "topic", "unread", "oldest"), sums))


def _age(seconds: float | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return ""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def register(app: typer.Typer) -> None:
    """Add this family."""
    app.command()(lead)
    app.command()(lag)
