"""What the demo shows while it runs: a live view in a terminal, a line now and then in a pipe, nothing for machines."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from api.demo.rig import Rig

LINE_EVERY_S = 10.0


class View:
    """Writes to `console`, unless `quiet`."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._fetching = False
        self._live: Live | None = None
        self._next_line = 0.0

    def say(self, text: str) -> None:
        """One line."""
        if not self._quiet:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def fetching(self, done: int, total: int) -> None:
        """Called while the broker's jars are fetched, the first time only."""
        if not self._fetching:
            self._fetching = True
            self.say(f"Fetching the Kafka broker from Maven Central, {total} jars, once ...")

    @contextmanager
    def live(self) -> Generator[None]:
        """While the campaign runs. The live view is gone afterwards: what remains is the report."""
        if self._quiet or not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, refresh_per_second=4, transient=True) as self._live:
            yield
        self._live = None

    async def show(self, rig: Rig) -> None:
        """Show how it stands now."""
        if self._live is not None:
            self._live.update(_picture(rig, await rig.progress()))
        elif not self._quiet and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_EVERY_S
            figures = await rig.progress()
            self.say(f"{_now(rig)}: {_ended(figures)}/{len(rig.leads)} leads finished, {', '.join(_told(figures))}")


def _now(rig: Rig) -> str:
    return f"{rig.clock.now():%a %d %b %H:%M}, day {rig.campaign_days().days + 1}"


def _ended(figures: dict[str, int]) -> int:
    return figures.get("completed", 0) + figures.get("exited", 0)


def _told(figures: dict[str, int]) -> list[str]:
    names = ("sent", "opened", "clicked", "replied")
    return [*(f"{name} {figures.get(f'emails_{name}', 0)}" for name in names), f"bounced {figures.get('bounced', 0)}"]


def _picture(rig: Rig, figures: dict[str, int]) -> Group:
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar.add_task("leads enrolled", total=len(rig.leads), completed=figures.get("enrolled", 0))
    bar.add_task("leads finished", total=len(rig.leads), completed=_ended(figures))
    counts = Table.grid(padding=(0, 3))
    counts.add_row(*_told(figures))
    acts = ", ".join(f"{name} {count}" for name, count in sorted(rig.correspondents.done.items()))
    return Group(f"[bold]{_now(rig)}[/bold]", counts, bar, f"[dim]correspondents: {acts or 'silent so far'}[/dim]")
