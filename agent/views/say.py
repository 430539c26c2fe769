"""The one place that writes to stdout and stderr, beside the drawn view. What is said is cleaned; data is exact."""

from __future__ import annotations

import sys
from typing import Any

import typer

from agent.views.text import clean, json_text, one_line

_open_lines: list[str] = []  # a line of progress on stderr that has no end yet


def say(text: object = "", *, err: bool = False) -> None:
    """Write text for a person, cleaned, and end the line."""
    _end_progress()
    typer.echo(clean(str(text)), err=err)


def complain(sentence: object) -> None:
    """Write one sentence on stderr, on a line of its own."""
    say(f"dubito: {one_line(sentence)}", err=True)


def write_data(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write data: exact where it goes to a file or a pipe, cleaned where a terminal would obey it."""
    _end_progress()
    typer.echo(clean(text) if is_watched(err=err) else text, err=err, nl=nl, color=True)  # color: bytes stay


def write_json(record: Any) -> None:
    """Write one JSON object on a line."""
    _end_progress()
    typer.echo(json_text(record))


def write_progress(text: str, *, last: bool) -> None:
    """Write how far something is over what was said of it before, on stderr; `last` ends the line.

    Where nobody watches, only the end is written: a file would keep every state.
    """
    if not (last or is_watched(err=True)):
        return
    _open_lines[:] = [] if last else [text]
    start = "\r" if is_watched(err=True) else ""
    typer.echo(f"{start}{one_line(text)}", err=True, nl=last)


def announce_loading(model: str, *, quiet: bool = False) -> None:
    """Say on stderr, where somebody watches it, what the next seconds are for."""
    if is_watched(err=True) and not quiet:
        say(f"loading {one_line(model)}", err=True)


def is_watched(*, err: bool = False) -> bool:
    """Whether a terminal is on stdout, or on stderr; either may have been closed."""
    stream = sys.stderr if err else sys.stdout
    return stream is not None and stream.isatty()


def _end_progress() -> None:
    if _open_lines:
        _open_lines.clear()
        typer.echo("", err=True)
