"""Read evalplus' folders of samples: in a folder for each task, as HumanEval_0, one program a file, as 0.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from agent.errors import InvalidRequestError
from agent.files.access import read_bounded, reason_of
from agent.messages import quote


def read_folder(folder: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each program as a line of a file of samples, numbered from 1 in the order of task and number.

    A program that is no UTF-8 keeps its bytes as surrogates, so it fails as it would in Python. Raises
    InvalidRequestError for a folder without programs, and FileAccessError for a program that cannot be read.
    """
    try:
        programs = sorted(folder.glob("*/*.py"), key=_order)
    except OSError as error:
        raise InvalidRequestError(f"cannot read the folder {quote(folder)}: {reason_of(error)}") from error
    if not programs:
        raise InvalidRequestError(f"the folder {quote(folder)} holds no programs; wanted files as HumanEval_0/0.py")
    for number, path in enumerate(programs, start=1):
        record = {"task_id": _task_id(path), "solution": read_bounded(path).decode("utf-8", "surrogateescape")}
        yield number, json.dumps(record).encode() + b"\n"


def _task_id(program: Path) -> str:
    dataset, _, number = program.parent.name.rpartition("_")
    return f"{dataset}/{number}"


def _order(program: Path) -> tuple[tuple[str, int], ...]:
    task = program.parent.name.rpartition("_")
    return tuple((name, int(number) if number.isdecimal() else 0) for name, _, number in (task, ("", "", program.stem)))
