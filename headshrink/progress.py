"""Progress of long loops: a rich bar with time left on a terminal, a line a minute elsewhere (logs, Prefect, CI)."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from datetime import timedelta
from typing import ClassVar, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from headshrink.escape import visible

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 60
SECONDS_BEFORE_INNER_BAR = 3  # a bar inside another one's loop: a short inner loop draws none


def on_terminal(text: str) -> Text:
    """Text from data for a rich table or console: no markup, no escape sequence."""
    return Text(visible(text))


class TimeLeft(ProgressColumn):
    """The time left until `end`, which `Bar` sets at each step; it counts down between steps.

    rich's own column measures the rate over the last 30 seconds, in which a long step never ends.
    """

    def render(self, task: Task) -> Text:
        end = task.fields["end"]
        left = "-:--:--" if end is None else str(timedelta(seconds=max(0, round(end - time.monotonic()))))
        return Text(left, style="progress.remaining")


class Bar:
    """Progress of one task; a context manager.

    On a terminal it draws a rich bar with the time left, below the bar of an outer loop where there is one. Elsewhere
    it prints at most one line a minute, so that a log of a long training stays readable; a task shorter than a minute
    prints nothing there. The time left follows from the mean rate since the start.
    """

    _shown: ClassVar[Progress | None] = None  # what is on the terminal now: inner bars join it

    def __init__(self, description: str, total: int | None, done: int = 0) -> None:
        self.description, self.total, self.done = description, total, done
        self._before = done  # by an earlier process, which says nothing about the time left
        self._started = self._printed = time.monotonic()
        self._rich = (Bar._shown or _terminal_progress()) if sys.stderr.isatty() else None
        self._outermost = Bar._shown is None
        if self._rich:
            self._task = self._rich.add_task(
                description, total=total, completed=done, visible=self._outermost, note="", end=None
            )

    def __enter__(self) -> "Bar":
        if self._rich and self._outermost:
            Bar._shown = self._rich
            self._rich.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self._rich and self._outermost:
            Bar._shown = None
            self._rich.stop()
        elif self._rich:
            self._rich.remove_task(self._task)

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count `steps` more as done; `note` (a loss, a speed) stands behind the bar or at the end of the line."""
        self.done += steps
        now = time.monotonic()
        left = self._seconds_left(now)
        if self._rich:
            visible = self._outermost or now - self._started > SECONDS_BEFORE_INNER_BAR
            end = None if left is None else now + left
            self._rich.update(self._task, advance=steps, visible=visible, note=note, end=end)
        elif now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            share = f"{self.done} done" if left is None else f"{self.done}/{self.total}, {left / 60:.0f} min left"
            print(f"{self.description}: {share}{' ' + note if note else ''}", file=sys.stderr, flush=True)

    def _seconds_left(self, now: float) -> float | None:
        """None where nothing is done since the start or the total is not known."""
        if not self.total or self.done == self._before:
            return None
        return (now - self._started) * (self.total - self.done) / (self.done - self._before)


def _terminal_progress() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeLeft(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True),
    )


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
