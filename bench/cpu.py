"""CPU seconds of groups of processes, from the operating system's own accounting."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """User and system seconds of the processes that are alive, with what their reaped children used."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its living descendants."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@dataclass(slots=True)
class Meter:
    """Counts the CPU of whole process trees between `start` and `stop`. Trees must live through the measurement."""

    pids: tuple[int, ...]
    _before: float = 0.0

    def read(self) -> float:
        unique = {process.pid: process for pid in self.pids for process in tree(pid)}
        return cpu_seconds(unique.values())

    def start(self) -> None:
        self._before = self.read()

    def stop(self) -> float:
        return self.read() - self._before
