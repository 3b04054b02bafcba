"""A simulated run as a picture (PNG, SVG): sends a day against caps, what waited for what, who sent how much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from api.errors import UserError
from domain.simulation.run import Report

KINDS = (".png", ".svg")
COLOURS = (
    "#3b6fb6", "#e0803c", "#58a066", "#c44e52", "#8c6bb1", "#937860", "#d889b8", "#7f7f7f", "#b8b441", "#4fb3bf",
)  # fmt: skip
OTHERS = "everything else"
SHOWN = 8
"""Reasons and mailboxes that get a colour of their own; the rest is drawn as one."""


def check_plot(path: Path) -> None:
    """Before a long run: whether the picture could be made. Raises UserError."""
    if path.suffix.lower() not in KINDS:
        raise UserError(f"--plot {path}: a picture is {' or '.join(KINDS)}, by the name's ending")
    if not path.parent.is_dir():
        raise UserError(f"--plot {path}: there is no directory {path.parent}")
    if find_spec("matplotlib") is None:
        raise UserError(
            "pictures need matplotlib: install it with `pip install 'touchline[plot]'` (the terminal shows one without)"
        )


def draw(report: Report, path: Path) -> None:
    """Write the picture. Raises UserError where the file cannot be written."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": report.campaign_id}):  # the same run is the same file
        _save(_figure(report, Figure), path)


def _figure(report: Report, new: Callable[..., Any]) -> Any:
    days = all_days(report)
    figure = new(figsize=(12, 10), layout="constrained")
    sends, backlog, mailboxes = figure.subplots(3, 1, sharex=True)
    figure.suptitle(f"{report.campaign_id}: {headline(report)}")
    _sends(sends, report, days)
    _backlog(backlog, report, days)
    _mailboxes(mailboxes, report, days)
    if report.finished_at is not None:
        for axes in (sends, backlog, mailboxes):
            axes.axvline(report.finished_at.date(), color="#333333", linestyle=":", linewidth=1)
    figure.autofmt_xdate()
    return figure


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)
    except OSError as error:
        raise UserError(f"--plot {path}: {error.strerror or error}") from None


def headline(report: Report) -> str:
    """The run in a line."""
    ended = (
        f"the last lead finishes on {report.finished_at.date()}"
        if report.finished_at is not None
        else f"not finished by {report.until.date()}"
    )
    return f"{len(report.sends)} sends to {report.leads} leads, {ended}"


def all_days(report: Report) -> list[date]:
    """Every calendar day of the run, without a gap."""
    known = [*report.per_day, *report.backlog]
    if not known:
        return []
    first, last = min(known), max(known)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _sends(axes: Any, report: Report, days: Sequence[date]) -> None:
    axes.bar(days, [report.per_day.get(day, 0) for day in days], color=COLOURS[0], label="sends")
    capped = [day for day in days if report.caps.get(day)]
    if capped:
        axes.plot(capped, [report.caps[day] for day in capped], "_", color="#c44e52", markersize=8, label="cap")
    axes.set_ylabel("sends a day")
    _finish(axes, max([*report.per_day.values(), *(report.caps[day] or 0 for day in capped)], default=0))


def _backlog(axes: Any, report: Report, days: Sequence[date]) -> None:
    reasons = list(report.waiting_hours)
    series = [(code, [report.backlog.get(day, {}).get(code, 0.0) for day in days]) for code in reasons]
    _stack(axes, days, series, "touches waiting (mean of the day)")


def _mailboxes(axes: Any, report: Report, days: Sequence[date]) -> None:
    named = sorted(report.mailboxes, key=lambda box: -report.mailboxes[box])
    series = [(box, [float(report.mailbox_days.get((box, day), 0)) for day in days]) for box in named]
    _stack(axes, days, series, "sends a mailbox and day")


def _stack(axes: Any, days: Sequence[date], series: list[tuple[str, list[float]]], label: str) -> None:
    if len(series) > SHOWN:
        rest = [sum(values, 0.0) for values in zip(*(values for _, values in series[SHOWN:]), strict=True)]
        series = [*series[:SHOWN], (OTHERS, rest)]
    base = [0.0] * len(days)
    for colour, (name, values) in zip(COLOURS, series, strict=False):
        axes.bar(days, values, bottom=base, color=colour, label=name, width=1.0)
        base = [below + value for below, value in zip(base, values, strict=True)]
    axes.set_ylabel(label)
    _finish(axes, max(base, default=0.0))


def _finish(axes: Any, highest: float) -> None:
    """Room above the highest bar, and the names beside the picture rather than on it."""
    axes.set_ylim(0, highest * 1.08 or 1)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
