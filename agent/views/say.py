"""Write to stdout and stderr. Text for a person is cleaned; data is written exactly. Only live views write besides."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from agent.views.report import Report
from agent.views.text import clean, json_text, one_line

_above: list[Callable[[str], None]] = []  # write a line of stderr above the frame of a live view, where there is one


def say(text: object = "", *, err: bool = False) -> None:
    """Write a line of text for a person, cleaned."""
    line = clean(str(text))
    _above[-1](line) if err and _above else typer.echo(line, err=err)


@contextmanager
def saying_above(write: Callable[[str], None]) -> Iterator[None]:
    """Let `write` write what is said on stderr meanwhile: a live view would lose its frame otherwise."""
    _above.append(write)
    try:
        yield
    finally:
        _above.remove(write)


def complain(sentence: object) -> None:
    """Write one sentence on stderr, as a line of its own."""
    say(f"dubito: {one_line(sentence)}", err=True)


def write_data(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Write data: exactly to a file or a pipe, cleaned to a terminal, which would obey control characters."""
    typer.echo(clean(text) if is_watched(err=err) else text, err=err, nl=nl, color=True)  # color: bytes stay


def write_json(record: Any, *, err: bool = False) -> None:
    """Write one JSON object on a line."""
    typer.echo(json_text(record), err=err)


def show(report: Report, *, as_json: bool, err: bool = False) -> None:
    """Write a report: its record as one JSON object, or else its text."""
    write_json(report.record, err=err) if as_json else say(report.text, err=err)


def announce_loading(model: str, *, converts: bool = False, quiet: bool = False) -> None:
    """Write on stderr, if it is a terminal, that a model is being loaded. converts: from a new GGUF file."""
    if is_watched(err=True) and not quiet:
        duration = " (it is converted first, once, which takes a minute or more)" if converts else ""
        say(f"loading {one_line(model)}{duration}", err=True)
        _say_what_is_logged("agent.lm")
        announce_sandbox()


def announce_sandbox() -> None:
    """Write on stderr from now on, if it is a terminal, what takes a sandbox long, such as making its image."""
    if is_watched(err=True):
        _say_what_is_logged("sandbox.docker.sandbox")


def _say_what_is_logged(name: str) -> None:
    logger = logging.getLogger(name)
    logger.setLevel(logging.INFO)
    logger.handlers[:] = [_Sayer()]


class _Sayer(logging.Handler):
    """Writes each message as a line of text for a person."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the message of a record on stderr."""
        say(record.getMessage(), err=True)


def is_watched(*, err: bool = False) -> bool:
    """Whether stdout (or stderr) is a terminal. Either may have been closed."""
    stream = sys.stderr if err else sys.stdout
    return stream is not None and stream.isatty()
