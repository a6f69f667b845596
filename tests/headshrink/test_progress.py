"""Progress: the time left on a terminal and in a log, however long a step takes."""

import time
from io import StringIO
from types import SimpleNamespace

import pytest

import headshrink.progress
from headshrink.progress import Bar


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def drawn(bar: Bar) -> str:
    """What a terminal of 160 columns shows now."""
    console = bar._rich.console
    with console.capture() as capture:
        console.print(bar._rich.get_renderable())
    return capture.get()


@pytest.fixture
def terminal(monkeypatch) -> None:
    monkeypatch.setattr(headshrink.progress, "sys", SimpleNamespace(stderr=Terminal()))
    monkeypatch.setenv("COLUMNS", "160")


def test_steps_of_minutes_show_the_time_left_and_count_it_down(clock, terminal):
    with Bar("distilling", 10) as bar:
        assert "-:--:--" in drawn(bar)
        for _ in range(4):
            clock.now += 90
            bar.advance()
        assert "4/10" in drawn(bar)
        assert "0:09:00" in drawn(bar)
        clock.now += 30
        assert "0:08:30" in drawn(bar)


def test_an_inner_loop_has_a_bar_of_its_own_once_it_is_long(clock, terminal):
    with Bar("distilling", 10) as outer:
        with Bar("evaluating", 100) as inner:
            clock.now += 1
            inner.advance()
            assert "evaluating" not in drawn(outer)
            clock.now += 9
            inner.advance(9)
            assert "evaluating" in drawn(outer)
            assert "0:01:30" in drawn(outer)
        assert "evaluating" not in drawn(outer)
        assert "distilling" in drawn(outer)


def test_a_log_gets_a_line_a_minute(clock, capsys):
    with Bar("distilling", 10) as bar:
        for _ in range(3):
            clock.now += 59
            bar.advance(note="loss 0.5")
    assert capsys.readouterr().err == "distilling: 2/10, 8 min left loss 0.5\n"
