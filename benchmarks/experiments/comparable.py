"""Check that runs may be compared: they are over the same problems and differ only in what is compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.errors import InvalidRequestError
from agent.messages import quote
from benchmarks.experiments.plan import split_mark
from benchmarks.experiments.record_file import StoredRun, describe_differences

_COMPARED = ("policy", "threshold", "strategy", "learned", "equal", "samples")  # options that may differ


def check_distinct(paths: Sequence[Path]) -> None:
    """Raise InvalidRequestError for a file or folder that comes twice: its problems would count twice."""
    places = [os.path.realpath(path) for path in paths]  # not Path.resolve: it raises for a loop of links
    if twice := [path for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        raise InvalidRequestError(f"{quote(twice[0])} came twice, and its problems would count twice; name it once")


def read_runs(paths: Sequence[Path], read: Callable[[Path], StoredRun[Any]]) -> Mapping[str, StoredRun[Any]]:
    """Read runs, by the names of their files. Raises InvalidRequestError if they may not be compared."""
    check_distinct(paths)
    _check_shards(paths)
    stems = [path.stem for path in paths]
    names = [stem if stems.count(stem) == 1 else str(path) for stem, path in zip(stems, paths, strict=True)]
    runs = {name: read(path) for name, path in zip(names, paths, strict=True)}
    for name, run in runs.items():
        if not run.records:
            raise InvalidRequestError(f"the run {quote(name)} has no outcome yet; let it go on, or leave it out")
    for (name, run), (other, another) in pairwise(runs.items()):
        _check_options(name, run, other, another)
        _check_problems(name, run, other, another)
    return runs


def _check_shards(paths: Sequence[Path]) -> None:
    first: dict[tuple[Path, str, int], Path] = {}
    for path in paths:
        name, shard = split_mark(path)
        other = first.setdefault((path.parent, name, shard.count), path)
        if other != path:
            raise InvalidRequestError(
                f"{quote(other)} and {quote(path)} are shards of one run; join them first, with `dubito bench merge`"
            )


def _check_options(name: str, run: StoredRun[Any], other: str, another: StoredRun[Any]) -> None:
    differing = describe_differences(run.options, another.options, ignored=_COMPARED)
    if differing:
        apart = f"{quote(name)} (there) and {quote(other)} (here) differ in more than the policy"
        raise InvalidRequestError(f"{apart} and cannot be compared: {differing}")


def _check_problems(name: str, run: StoredRun[Any], other: str, another: StoredRun[Any]) -> None:
    one, two = ({each.task_id: each.prompt_sha256 for each in stored.records} for stored in (run, another))
    if one.keys() != two.keys():
        if not (one.keys() < two.keys() or two.keys() < one.keys()):
            alone = quote(next(task_id for task_id in one if task_id not in two))
            raise InvalidRequestError(
                f"{quote(name)} and {quote(other)} are not over the same problems: {alone} is in the first alone"
            )
        (less, few), (more, many) = sorted([(name, one), (other, two)], key=lambda each: len(each[1]))
        raise InvalidRequestError(
            f"these runs are not over the same problems: {quote(less)} has {len(few)} of the {len(many)} of "
            f"{quote(more)}; let it go on, or leave it out"
        )
    if changed := [task_id for task_id in one if one[task_id] != two[task_id]]:
        raise InvalidRequestError(
            f"{quote(changed[0])} has another prompt in {quote(other)} than in {quote(name)}; run it again"
        )
