"""What Ctrl-C does: it is remembered, because libraries turn one that strikes an import into errors of their own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_pending = False


def watch() -> None:
    """Raise KeyboardInterrupt at SIGINT, as Python does, and remember it."""
    signal.signal(signal.SIGINT, _interrupt)


def is_pending() -> bool:
    """Whether an interrupt came since the last `forget`."""
    return _pending


def forget() -> None:
    """Forget the interrupt. A command calls this when it has answered it and goes on."""
    global _pending
    _pending = False


@contextmanager
def draining(warn: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Let the first interrupt be remembered alone, so that what runs may end; the second one raises KeyboardInterrupt.

    Yields a function that says whether the first one came. warn: is called when it comes.
    """
    asked = False

    def remember(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, _interrupt)
        warn()

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def raising() -> Iterator[None]:
    """Let an interrupt raise KeyboardInterrupt inside of `draining`: at a question nothing runs that could end."""
    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(number: int, frame: Any) -> None:
    global _pending
    _pending = True
    raise KeyboardInterrupt
