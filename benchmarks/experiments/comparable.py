"""Which runs may stand side by side: those that differ in nothing but in what is compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.errors import InvalidRequestError
from agent.messages import quoted
from benchmarks.experiments.record_file import Kept, differences

COMPARED = ("policy", "threshold", "budget", "learned", "equal", "samples", "side_by_side")  # options that may differ
Runs = Mapping[str, Kept[Any]]


def read_runs(paths: Sequence[Path], read: Callable[[Path], Kept[Any]]) -> dict[str, Kept[Any]]:
    """Read runs that may be compared, by the names of their files. Raises InvalidRequestError where they may not be."""
    places = [os.path.realpath(path) for path in paths]  # a loop of links is said where it is read
    if twice := [path for path, place in zip(paths, places, strict=True) if places.count(place) > 1]:
        raise InvalidRequestError(f"{quoted(twice[0])} came twice; wanted each file once")
    stems = [path.stem for path in paths]
    names = [stem if stems.count(stem) == 1 else str(path) for stem, path in zip(stems, paths, strict=True)]
    runs = {name: read(path) for name, path in zip(names, paths, strict=True)}
    for name, run in runs.items():
        if not run.records:
            raise InvalidRequestError(f"the run {quoted(name)} has no outcome yet; let it go on, or leave it out")
    for (name, run), (other, another) in pairwise(runs.items()):
        _check_options(name, run, other, another)
        _check_problems(name, run, other, another)
    return runs


def _check_options(name: str, run: Kept[Any], other: str, another: Kept[Any]) -> None:
    differing = differences(run.options, another.options, ignored=COMPARED)
    if differing:
        apart = f"{quoted(name)} (there) and {quoted(other)} (here) differ in more than the policy"
        raise InvalidRequestError(f"{apart} and cannot be compared: {differing}")


def _check_problems(name: str, run: Kept[Any], other: str, another: Kept[Any]) -> None:
    one, two = ({each.task_id: each.prompt_sha256 for each in kept.records} for kept in (run, another))
    if one.keys() != two.keys():
        if not (one.keys() < two.keys() or two.keys() < one.keys()):
            alone = quoted(next(task_id for task_id in one if task_id not in two))
            raise InvalidRequestError(
                f"{quoted(name)} and {quoted(other)} are not over the same problems: {alone} is in the first alone"
            )
        (less, few), (more, many) = sorted([(name, one), (other, two)], key=lambda each: len(each[1]))
        raise InvalidRequestError(
            f"these runs are not over the same problems: {quoted(less)} has {len(few)} of the {len(many)} of "
            f"{quoted(more)}; let it go on, or leave it out"
        )
    if changed := [task_id for task_id in one if one[task_id] != two[task_id]]:
        raise InvalidRequestError(
            f"{quoted(changed[0])} has another prompt in {quoted(other)} than in {quoted(name)}; run it again"
        )
