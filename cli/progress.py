"""Progress on stderr: a bar where the end is known, else a spinner; plain lines where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["Progress", "showing"]


class Progress:
    """Called by the rooms as `progress(what, done, total)`. total 0: nobody knows how long it takes."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._tasks:
            self._finish_others()
            self._tasks[what] = self._bars.add_task(what, total=total or None)
            if not self._bars.console.is_terminal:
                print(f"{what} …", file=sys.stderr, flush=True)  # noqa: T201
        self._bars.update(self._tasks[what], completed=done, total=total or None)

    def _finish_others(self) -> None:
        """A spinner of unknown length ends when the next thing begins."""
        for task in self._bars.tasks:
            if task.total is None:
                self._bars.update(task.id, total=1, completed=1)

    def say(self, line: str) -> None:
        """A line above the bars."""
        if self._bars.console.is_terminal:
            self._bars.console.print(line, highlight=False, markup=False)
        else:
            print(line, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def showing() -> Iterator[Progress]:
    """Bars on stderr while the block runs; a piped stderr gets one line for each thing begun instead."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        progress = Progress(bars)
        yield progress
        progress._finish_others()
