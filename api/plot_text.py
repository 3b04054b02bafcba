"""A simulated run in the terminal: a line a day with its bar against the cap, then reasons and mailboxes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.commands.context import grid
from api.plot import all_days, headline
from domain.dispatch.blocks import CODES
from domain.simulation.run import Report

WIDTH = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


def show(report: Report, out: Console) -> None:
    """Print the whole report."""
    out.print(f"simulated campaign {report.campaign_id}: {headline(report)}", highlight=False)
    out.print(
        f"begun at {report.started_at:%Y-%m-%d %H:%M} UTC; at the end its leads are {_counts(report)}", highlight=False
    )
    out.print(_days(report))
    if report.waiting_hours:
        out.print(_reasons(report))
    out.print(_mailboxes(report))
    if report.faults:
        rows = [(code, count) for code, count in report.faults.items()]
        out.print(grid("touches that failed, leads that were refused", ("why", "how many"), rows))


def bar(value: float, cap: float | None, scale: float, width: int = WIDTH) -> Text:
    """`value` as a bar on a scale, and dots from there to the cap."""
    if scale <= 0:
        return Text("")
    eighths = round(min(value / scale, 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[part] if part else "")
    room = 0 if cap is None else round(min(cap / scale, 1.0) * width) - len(drawn)
    return Text.assemble((drawn, "blue"), ("·" * max(0, room), "dim"))


def _days(report: Report) -> Table:
    table = Table(title="sends a day against its cap, and what waits", title_justify="left")
    for name, side in (("day", "left"), ("sends", "right"), ("cap", "right"), ("", "left"), ("waiting", "right")):
        table.add_column(name, justify=side)  # pyright: ignore[reportArgumentType]
    table.add_column("mostly for")
    days = [day for day in all_days(report) if report.per_day.get(day) or report.backlog.get(day)]
    caps = [cap for day in days if (cap := report.caps.get(day)) is not None]
    most = max(report.per_day.values(), default=0)
    scale = float(max(most, min(max(caps, default=0), 2 * most)))
    for day in days:
        cap, waiting = report.caps.get(day), report.backlog.get(day, {})
        sends = report.per_day.get(day, 0)
        table.add_row(
            f"{day} {day:%a}",
            str(sends),
            "" if cap is None else str(cap),
            bar(sends, cap, scale),
            f"{sum(waiting.values()):.0f}",
            max(waiting, key=lambda code: waiting[code]) if waiting else "",
        )
    return table


def _reasons(report: Report) -> Table:
    total = sum(report.waiting_hours.values()) or 1.0
    most = max(report.waiting_hours.values())
    table = Table(title="what touches waited for (hours, all touches together)", title_justify="left")
    for name, side in (("limit", "left"), ("hours", "right"), ("share", "right"), ("", "left"), ("in words", "left")):
        table.add_column(name, justify=side)  # pyright: ignore[reportArgumentType]
    for code, hours in report.waiting_hours.items():
        words = CODES.get(code, "")
        table.add_row(code, f"{hours:,.1f}", f"{hours / total:.0%}", bar(hours, None, most, 20), words)
    return table


def _mailboxes(report: Report) -> Table:
    rows = [(box, count, *_use(report, box)) for box, count in report.mailboxes.items()]
    return grid("mailboxes", ("mailbox", "sends", "days", "a day on the mean", "most on a day", "on"), rows)


def _use(report: Report, box: str) -> tuple[int, float, int, str]:
    of_days: dict[date, int] = dict(_of(report, box))
    if not of_days:
        return 0, 0.0, 0, ""
    busiest = max(of_days, key=lambda day: (of_days[day], day))
    return len(of_days), round(sum(of_days.values()) / len(of_days), 1), of_days[busiest], busiest.isoformat()


def _of(report: Report, box: str) -> Iterator[tuple[date, int]]:
    return ((day, count) for (name, day), count in report.mailbox_days.items() if name == box)


def _counts(report: Report) -> str:
    return ", ".join(f"{count} {status}" for status, count in report.statuses.items()) or "none"
