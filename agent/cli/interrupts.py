"""Remember that an interrupt came: libraries turn one that strikes during an import into errors of their own."""

from __future__ import annotations

import signal
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


def _interrupt(number: int, frame: Any) -> None:
    global _pending
    _pending = True
    raise KeyboardInterrupt
