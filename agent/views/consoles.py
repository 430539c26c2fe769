"""Open a console of rich for a standard stream. A line is wrapped for a person alone, at a terminal."""

from __future__ import annotations

from rich.console import Console


def open_console(*, err: bool = False, quiet: bool = False) -> Console:
    """Return a console. A pipe or a file gets each line whole, for whatever reads it line by line."""
    console = Console(stderr=err, quiet=quiet, highlight=False)
    console.soft_wrap = not console.is_terminal
    return console
