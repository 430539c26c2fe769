"""Where the items of a run are worked on: in this process, or on the machines of a cluster. An engine writes no file.

A new engine is one module with a class like `base.Engine`, and one line in ENGINES.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from agent.errors import InvalidRequestError
from agent.messages import check_choice

if TYPE_CHECKING:
    from benchmarks.engines.base import Engine, WorkerConfig

__all__ = ["ENGINES", "check_engine", "open_engine"]

ENGINES: dict[str, str] = {
    "local": "benchmarks.engines.local:LocalEngine",
    "ray": "benchmarks.engines.ray:RayEngine",
}


def check_engine(name: str, workers: int | None) -> None:
    """Raise InvalidRequestError for an engine that does not exist or cannot be used here. Imports nothing slow."""
    check_choice("engine", name, ENGINES)
    if name == "local" and workers is not None:
        raise InvalidRequestError(f"{workers} workers came, and the engine local is one process; choose the engine ray")
    if name == "ray":
        check_extra("ray")


def check_extra(package: str, extra: str = "") -> None:
    """Raise InvalidRequestError where the package of an extra is not installed. Imports nothing."""
    if find_spec(package) is None:
        raise InvalidRequestError(f"{package} is not installed; try: pip install 'dubito[{extra or package}]'")


def open_engine(name: str, config: WorkerConfig, workers: int | None) -> Engine:
    """Open an engine. workers: how many processes share the work, where the engine has more than one."""
    module, _, kind = ENGINES[name].partition(":")
    return cast("Engine", getattr(import_module(module), kind)(config, workers))
