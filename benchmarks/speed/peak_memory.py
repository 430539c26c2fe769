"""How much memory something takes at its peak: on CUDA, or on a CPU under Linux."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

import torch

CPU = torch.device("cpu")
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
RESET_PEAK = "5"


def peak_memory(run: Callable[[], object], *, device: torch.device = CPU) -> int | None:
    """Return by how many bytes what is held on a device grows at most while it runs; None where nobody says."""
    gc.collect()
    if device.type == "cuda":
        return _peak_on_cuda(run, device)
    return _peak_of_process(run) if device.type == "cpu" else None


def _peak_on_cuda(run: Callable[[], object], device: torch.device) -> int:
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    run()
    return torch.cuda.max_memory_allocated(device) - before


def _peak_of_process(run: Callable[[], object]) -> int | None:
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
