"""What of the parts is there, for `dubito doctor`. torch is imported last, transformers not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version

from agent.cli.components import sandbox_named
from agent.lm.names import find_embedded_model
from agent.workflow.threads import MOST_RUNS, measure_threads, threads_file

Part = tuple[str, str | None, str]  # its name, what was found of it (None: nothing), what to do where it is missing


def diagnosis() -> Iterator[Part]:
    """Yield each part, as soon as it is known."""
    import platform

    yield "python", platform.python_version(), ""
    for package in ("dubito", "torch", "transformers", "langgraph"):
        yield package, _version(package), "it is not installed; try: make setup"
    weights = find_embedded_model() / "config.json"
    yield (
        "embedded model",
        str(weights.parent) if weights.is_file() else None,
        "models/tiny is not beside the code; clone it whole",
    )
    yield _threads()
    yield from _sandbox()
    yield from _engine()
    yield _device()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _threads() -> Part:
    """Return how much the named runs take."""
    try:
        runs, size = measure_threads()
    except sqlite3.Error as error:
        return "threads", None, f"{threads_file()} cannot be read ({error}); remove it, and its runs begin anew"
    return "threads", f"{runs} of at most {MOST_RUNS} runs, {size / 2**20:.1f} MiB in {threads_file()}", ""


def _sandbox() -> Iterator[Part]:
    from sandbox.base import SandboxError, SandboxUnavailable

    try:
        box = sandbox_named(None)
    except SandboxUnavailable as error:
        yield "sandbox", None, str(error)
        return
    with closing(box):
        try:
            works, hint = box.run("print('hello')").passed, "it starts, and a trivial program fails in it"
        except SandboxError as error:
            works, hint = False, str(error)
    yield "sandbox", type(box).__name__ if works else None, hint


def _device() -> Part:
    try:
        import torch

        return "device", "cuda" if torch.cuda.is_available() else "cpu", ""
    except (ImportError, OSError) as error:
        return "device", None, f"torch cannot be imported ({error}); try: make setup"


def _engine() -> Iterator[Part]:
    """What the Docker engine gives, where one answers."""
    from sandbox import SandboxUnavailable
    from sandbox.docker.client import connect
    from sandbox.docker.sandbox import describe_isolation

    try:
        client = connect()
    except SandboxUnavailable:
        return  # the sandbox's own line says so
    try:
        yield from describe_isolation(client)
    finally:
        client.close()
