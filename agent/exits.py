"""How a command ends: an exit code, and one sentence where something went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

OK, ABSTAINED, USAGE, INFRASTRUCTURE = 0, 1, 2, 3


@contextmanager
def reported(as_json: bool) -> Iterator[None]:
    """Turn what is expected to go wrong into one sentence and an exit code."""
    try:
        yield
    except (KeyboardInterrupt, EOFError):
        _fail(
            "interrupted; runs with --thread NAME, and batches with --out FILE, go on when started again", 130, as_json
        )
    except Exception as error:
        code = _code_of(error)
        if code is None:
            raise
        _fail(str(error.args[0] if error.args else error), code, as_json)


def _code_of(error: Exception) -> int | None:
    """Return the exit code of an error that a user can do something about; None for a bug."""
    from agent.errors import InfrastructureError, UsageError
    from benchmarks.base import DatasetError
    from sandbox.base import SandboxError

    if isinstance(error, UsageError):
        return USAGE
    if type(error).__name__ == "OutOfMemoryError":  # torch's; naming it here would import torch
        return INFRASTRUCTURE
    return INFRASTRUCTURE if isinstance(error, InfrastructureError | SandboxError | DatasetError) else None


def _fail(sentence: str, code: int, as_json: bool) -> NoReturn:
    if as_json:
        typer.echo(json.dumps({"error": sentence, "exit_code": code}))
    typer.echo(f"dubito: {sentence}", err=True)
    raise typer.Exit(code)
