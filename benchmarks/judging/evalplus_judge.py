"""Let evalplus itself judge programs, in a process apart. Its guard is no sandbox, so bubblewrap confines it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agent.errors import StorageError
from agent.files.access import read_bounded
from benchmarks.evalplus import PlusBenchmark
from benchmarks.evalplus_names import DATASETS
from benchmarks.judging.words import escape
from sandbox.bubblewrap import WORK_FOLDER, confine

MIN_SECONDS = 4  # for one test: evalplus' 1 s of wall time fails right programs on a busy machine
_MOST_BYTES = 2**30  # of evalplus' results
_STATUSES = ("pass", "fail", "timeout")
_SAMPLES, _DATA, _RESULTS, _LOG = "samples.jsonl", "data.jsonl", "samples_eval_results.json", "log"


class EvalplusVerdict(NamedTuple):
    """What evalplus says of one program: pass, fail or timeout; "none" where it came to no end."""

    base: str
    plus: str

    @property
    def passed(self) -> bool:
        """It passes the base tests and the plus tests."""
        return self.base == self.plus == "pass"


def judge_by_evalplus(
    benchmark: PlusBenchmark, samples: bytes, tasks: Sequence[str], *, workers: int, confined: bool = True
) -> Mapping[str, list[EvalplusVerdict]]:
    """Return the verdicts of `evalplus.evaluate` on a file of samples, by task, in the order of its lines.

    tasks: those of the file; evalplus gets no others, because it wants a sample of each. confined: without it, the
    programs run with the rights of this process. Raises SandboxUnavailable where it cannot be confined, and
    StorageError where evalplus fails.
    """
    with tempfile.TemporaryDirectory(prefix="dubito-evalplus-") as name:
        folder = Path(name)
        (folder / _SAMPLES).write_bytes(samples)
        (folder / _DATA).write_bytes(benchmark.records(set(tasks)))
        words = ["-m", "evalplus.evaluate", DATASETS[benchmark.name], "--samples", _SAMPLES]
        words += ["--parallel", str(workers), "--min-time-limit", str(MIN_SECONDS)]
        _evaluate(words, folder, confined=confined)
        return _read_results(folder, tasks)


def _evaluate(words: Sequence[str], folder: Path, *, confined: bool) -> None:
    here = WORK_FOLDER if confined else str(folder)
    names = ("HUMANEVAL_OVERRIDE_PATH", "MBPP_OVERRIDE_PATH")
    environment = {"HOME": here, "XDG_CACHE_HOME": here} | {name: f"{here}/{_DATA}" for name in names}
    command = confine(words, folder, environment) if confined else [sys.executable, "-P", *words]
    with (folder / _LOG).open("wb") as log:
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode or not (folder / _RESULTS).is_file():
        last_line = (folder / _LOG).read_text(errors="replace").strip().rpartition("\n")[2]
        raise StorageError(f"evalplus did not judge the samples ({escape(last_line) or done.returncode})")


def _read_results(folder: Path, tasks: Sequence[str]) -> Mapping[str, list[EvalplusVerdict]]:
    """Read evalplus' verdicts. A program that ran beside them may have written anything there."""
    try:
        results = json.loads(read_bounded(folder / _RESULTS, _MOST_BYTES))["eval"]
        verdicts = defaultdict[str, list[EvalplusVerdict]](list)
        for task in tasks:
            for each in results[task]:
                verdicts[task].append(EvalplusVerdict(_status(each["base_status"]), _status(each["plus_status"])))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise StorageError(f"evalplus wrote results that cannot be read ({type(error).__name__})") from error
    return verdicts


def _status(value: Any) -> str:
    return value if value in _STATUSES else "none"
