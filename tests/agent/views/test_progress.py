"""Progress: a live frame where a person watches, a plain line now and then where nobody does."""

import io
import sys

import pytest
from rich.console import Console

from agent.views.progress import ProgressView
from agent.views.say import say


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def show(total, *steps, known=0):
    """Count items; a step is the seconds that pass before an item, and how it ends."""
    clock = Clock()
    with ProgressView(total, known=known, clock=clock) as view:
        for seconds, label in steps:
            clock.now += seconds
            view.count(label)
    return view


def test_where_nobody_watches_a_line_comes_every_ten_seconds_and_at_the_end(capsys):
    show(542, *[(0.5, "passed" if number % 3 else "failed") for number in range(46)])
    assert capsys.readouterr().err.splitlines() == [
        "20/542 tried, 13 passed, 7 failed, 2.0/s, 4:21 left",
        "40/542 tried, 26 passed, 14 failed, 2.0/s, 4:11 left",
        "46/542 tried, 30 passed, 16 failed, in 0:23",
    ]


def test_hundreds_of_quick_items_are_one_line_and_none_are_none(capsys):
    show(542, *[(0.001, "passed")] * 542)
    assert capsys.readouterr().err == "542/542 tried, 542 passed, in 0:01\n"
    show(5)
    assert capsys.readouterr().err == ""


def test_what_a_file_had_makes_no_pace(capsys):
    show(200, *[(0.0, "passed")] * 100, (12.0, "failed"), (3600.0, "failed"), known=100)
    assert capsys.readouterr().err.splitlines() == [
        "101/200 tried, 100 passed, 1 failed, 12.0 s each, 19:48 left",
        "102/200 tried, 100 passed, 2 failed, 1806.0 s each, 49:09:48 left",
        "102/200 tried, 100 passed, 2 failed, in 1:00:12",
    ]


@pytest.mark.parametrize("width", [80, 40])
def test_the_live_frame_fits_its_terminal_and_has_a_row_for_each_verdict(width):
    view = show(164, *[(1.0, f"verdict {number % 12}\x1b[2J") for number in range(60)])
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(view)
    bar, *rows = console.file.getvalue().splitlines()
    assert bar.rstrip().endswith("60/164  1.0 s each  1:44 left") and len(bar.rstrip()) <= width - 4
    assert len(rows) == 8 and rows[0].split() == ["verdict", "0�[2J", "5", "8%"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_is_said_stands_above_the_frame_and_the_counts_stay(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressView(2) as view:
        view.count("passed")
        say("a warning", err=True)
        assert "a warning\n" in terminal.getvalue()
    say("after", err=True)
    assert terminal.getvalue().endswith("1/2 tried, 1 passed, in 0:00\nafter\n")


def test_a_terminal_that_moves_no_cursor_gets_plain_lines(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")
    show(2, (11.0, "passed"), (0.0, "passed"))
    assert terminal.getvalue() == "1/2 tried, 1 passed, 11.0 s each, 0:11 left\n2/2 tried, 2 passed, in 0:11\n"
