"""Remember that an interrupt came: libraries turn one that strikes in an import into errors of their own."""

from __future__ import annotations

import signal
from typing import Any

_came = False


def watch() -> None:
    """Raise KeyboardInterrupt at SIGINT as Python does, and remember it."""
    signal.signal(signal.SIGINT, _strike)


def came() -> bool:
    """Say whether an interrupt came that nobody has answered."""
    return _came


def answer() -> None:
    """Forget the interrupt: it was answered, and the command goes on."""
    global _came
    _came = False


def _strike(number: int, frame: Any) -> None:
    global _came
    _came = True
    raise KeyboardInterrupt
