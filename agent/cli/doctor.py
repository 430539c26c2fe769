"""`dubito doctor`: check what Dubito needs. Imports torch late, and transformers not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import NamedTuple

import typer

from agent.cli.exits import ExitCode, report_errors
from agent.cli.options import JsonOption
from agent.cli.version import find_version
from agent.lm.names import find_embedded_model
from agent.lm.shelf.cache import is_present, measure_bytes, models_folder, place_of
from agent.lm.shelf.entries import read_shelf
from agent.views.say import say, write_json
from agent.workflow.threads import MOST_RUNS, measure_threads, threads_file


def doctor(as_json: JsonOption = False) -> None:
    """Check that packages, model, sandbox and device are available.

    Example: dubito doctor
    """
    with report_errors(as_json=as_json):
        checks = []
        for check in check_parts():
            checks.append(check._asdict())
            if not as_json:
                say(f"{'✓' if check.state else '✗'} {check.part}: {check.state or check.advice}")
        if as_json:
            write_json({"checks": checks})
        is_missing = any(check["state"] is None for check in checks)
        raise typer.Exit(ExitCode.MACHINE_FAILED if is_missing else ExitCode.OK)


class PartState(NamedTuple):
    """The state of one part."""

    part: str
    state: str | None  # None where the part is missing
    advice: str  # what to do then


def check_parts() -> Iterator[PartState]:
    """Check packages, the embedded model, stored runs, sandbox and device. Yields each result at once."""
    import platform

    yield PartState("python", platform.python_version(), "")
    for package in ("dubito", "torch", "transformers", "langgraph"):
        yield PartState(package, find_version(package), "it is not installed; try: make setup")
    folder = find_embedded_model()
    state = str(folder) if (folder / "config.json").is_file() else None
    yield PartState("embedded model", state, "models/tiny is not beside the code; clone it whole")
    yield _check_shelf()
    yield _check_threads()
    yield from _check_int8()
    yield from _check_sandbox()
    yield from _check_engine()
    yield _check_device()


def _check_shelf() -> PartState:
    """Name the real models of the shelf that are on this machine, and those that are not."""
    here, absent = [], []
    for model in read_shelf().values():
        folder = place_of(model.sha256)
        if is_present(folder):
            here.append(f"{model.name} ({measure_bytes(folder) / 1e9:.1f} GB)")
        else:
            absent.append(model.name)
    facts = [f"{', '.join(here) or 'none'} in {models_folder()}"]
    facts += [f"not here {', '.join(absent)} (try: dubito models get NAME)"] if absent else []
    return PartState("real models", "; ".join(facts), "")


def _check_threads() -> PartState:
    """Count the stored runs."""
    try:
        runs, size = measure_threads()
    except sqlite3.Error as error:
        advice = f"{threads_file()} cannot be read ({error}); remove it, and its runs begin anew"
        return PartState("threads", None, advice)
    return PartState("threads", f"{runs} of at most {MOST_RUNS} runs, {size / 2**20:.1f} MiB in {threads_file()}", "")


def _check_int8() -> Iterator[PartState]:
    """List what trials of int8 weights measured. Without torch there are none, and the device's check says so."""
    from agent.lm.fidelity import read_all

    with suppress(ImportError, OSError):
        yield from (PartState("int8 weights", str(fidelity), "") for fidelity in read_all())


def _check_sandbox() -> Iterator[PartState]:
    """Run a trivial program in the sandbox that is used by default."""
    from sandbox import SandboxError, SandboxUnavailable, open_sandbox

    try:
        box = open_sandbox(None)
    except SandboxUnavailable as error:
        yield PartState("sandbox", None, str(error))
        return
    with closing(box):
        try:
            works, advice = box.run("print('hello')").passed, "it starts, and a trivial program fails in it"
        except SandboxError as error:
            works, advice = False, str(error)
    yield PartState("sandbox", type(box).__name__ if works else None, advice)


def _check_engine() -> Iterator[PartState]:
    """Describe the isolation of the Docker engine, where one answers."""
    from sandbox import SandboxUnavailable
    from sandbox.docker.client import connect
    from sandbox.docker.sandbox import describe_isolation

    try:
        client = connect()
    except SandboxUnavailable:
        return  # the sandbox's own check says so
    with closing(client):
        yield from (PartState(*row) for row in describe_isolation(client))


def _check_device() -> PartState:
    """Name the device that models use by default."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return PartState("device", None, f"torch cannot be imported ({error}); try: make setup")
    return PartState("device", "cuda" if torch.cuda.is_available() else "cpu", "")
