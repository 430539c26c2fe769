"""How much memory something takes at its peak, on Linux."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"


def peak_memory(run: Callable[[], object]) -> int | None:
    """Return by how many bytes this process grows at most while it runs; None where the kernel does not say."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)  # what earlier runs freed goes back, so that it is not found in use
        CLEAR.write_text(RESET_PEAK)
    except (OSError, AttributeError):
        return None
    before = _kib("VmRSS")
    run()
    return 1024 * (_kib("VmHWM") - before)


def _kib(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text())
    assert found, f"{STATUS} has no {field}"
    return int(found[1])
