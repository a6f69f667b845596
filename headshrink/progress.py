"""Progress of long loops: a rich bar with time left on a terminal, a line a minute elsewhere (logs, Prefect, CI)."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from headshrink.escape import visible

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 60


def on_terminal(text: str) -> Text:
    """Text from data for a rich table or console: no markup, no escape sequence."""
    return Text(visible(text))


class Bar:
    """Progress of one task; a context manager.

    On a terminal it draws a rich bar with the time left. Elsewhere it prints at most one line a minute, so that a log
    of a long training stays readable; a task shorter than a minute prints nothing there.
    """

    def __init__(self, description: str, total: int | None, done: int = 0) -> None:
        self.description, self.total, self.done = description, total, done
        self._before = done  # by an earlier process, which says nothing about the time left
        self._started = self._printed = time.monotonic()
        self._rich: Progress | None = None
        if sys.stderr.isatty():
            from rich.console import Console

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
            self._rich = Progress(
                *columns,
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}", markup=False),
                console=Console(stderr=True),
            )
            self._task = self._rich.add_task(description, total=total, completed=done, note="")

    def __enter__(self) -> "Bar":
        if self._rich:
            self._rich.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._rich:
            self._rich.stop()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more as done; `note` (a loss, a speed) stands behind the bar or at the end of the line."""
        self.done += steps
        if self._rich:
            self._rich.update(self._task, advance=steps, note=note)
            return
        now = time.monotonic()
        if now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            print(f"{self.description}: {self._share(now)}{' ' + note if note else ''}", file=sys.stderr, flush=True)

    def _share(self, now: float) -> str:
        if not self.total or self.done == self._before:
            return f"{self.done} done"
        left = (now - self._started) * (self.total - self.done) / (self.done - self._before)
        return f"{self.done}/{self.total}, {left / 60:.0f} min left"


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield `items` under a progress bar; `total` is taken from `len(items)` where it has one."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Bar(description, total) as bar:
        for item in items:
            yield item
            bar.advance()


def note(line: str) -> None:
    """One line for the user, beside the results: on standard error."""
    print(line, file=sys.stderr, flush=True)
