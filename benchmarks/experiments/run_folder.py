"""The files of outcomes in the folder of a run. Opens none of them."""

from __future__ import annotations

from pathlib import Path

from agent.errors import InvalidRequestError
from agent.files.access import reason_of
from agent.messages import quote
from benchmarks.experiments.plan import natural_order

_BESIDE = (".stories",)  # files that lie beside those of outcomes


def find_run_files(path: Path) -> list[Path]:
    """Return the outcome files of a folder, in the order of their names; a path that is no folder is itself one.

    Raises InvalidRequestError for a folder without any.
    """
    if not path.is_dir():
        return [path]
    try:
        files = [each for each in path.iterdir() if each.suffix == ".jsonl" and Path(each.stem).suffix not in _BESIDE]
    except OSError as error:
        raise InvalidRequestError(f"cannot read the folder {quote(path)}: {reason_of(error)}") from error
    if not files:
        raise InvalidRequestError(f"the folder {quote(path)} holds no outcomes; wanted that of a `bench run --out`")
    return sorted(files, key=lambda file: natural_order((file.name, 0)))
