"""Measure how much memory a call takes at its peak: on CUDA, or on a CPU under Linux."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

import torch

_CPU = torch.device("cpu")
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def peak_memory(run: Callable[[], object], *, device: torch.device = _CPU) -> int | None:
    """Return by how many bytes the memory in use grows at most while `run` runs; None where it cannot be measured."""
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
        ctypes.CDLL(None).malloc_trim(0)  # give back what earlier runs freed; else it counts as in use
        _CLEAR.write_text(_RESET_PEAK)
    except (OSError, AttributeError):
        return None
    before = _kib("VmRSS")
    run()
    return 1024 * (_kib("VmHWM") - before)


def _kib(field: str) -> int:
    match = re.search(rf"{field}:\s+(\d+) kB", _STATUS.read_text())
    assert match, f"{_STATUS} has no {field}"
    return int(match[1])
