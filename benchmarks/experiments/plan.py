"""What a run is to do, as data: items of work, each a sample of a problem, and the part of them that a shard takes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from agent.errors import InvalidRequestError
from agent.messages import quote
from benchmarks.base import Problem

SEEDS = 1  # version of WorkItem.seed
Key = tuple[str, int]  # the id of a problem, and the number of a sample


class WorkItem(NamedTuple):
    """One sample of one problem: what a run does at once and stores as one record."""

    problem: Problem
    sample: int = 0

    @property
    def key(self) -> Key:
        """The id of the problem and the number of the sample."""
        return self.problem.task_id, self.sample

    def seed(self, seed: int) -> int:
        """Return the seed of this item in the run of a seed. It depends on nothing else that the run does."""
        digest = hashlib.sha256(f"{seed}/{self.problem.task_id}/{self.sample}".encode()).digest()
        return int.from_bytes(digest[:6], "big")


@dataclass(frozen=True, slots=True)
class Shard:
    """Every `count`-th item, from the `number`-th on; both count from 1."""

    number: int = 1
    count: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    @property
    def mark(self) -> str:
        """What the name of the shard's file has before its ending; empty for the whole."""
        return "" if self.count == 1 else f".{self.number}-of-{self.count}"

    def take(self, items: Sequence[WorkItem]) -> list[WorkItem]:
        """Return this shard's items. The shards of a run have each item once."""
        return list(items[self.number - 1 :: self.count])


def parse_shard(text: str) -> Shard:
    """Read a shard as in "2/4". Raises InvalidRequestError."""
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    shard = Shard(*map(int, match.groups())) if match else Shard(0)
    if not 1 <= shard.number <= shard.count:
        raise InvalidRequestError(f"the shard {quote(text)} came; wanted i/n with i from 1 to n, as in 2/4")
    return shard


def split_mark(path: Path) -> tuple[str, Shard]:
    """Return the name of a file without its ending and the mark of its shard, and that shard."""
    match = re.fullmatch(r"(.*)\.([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})(\.stories)?\.jsonl", path.name)
    return (match[1], Shard(int(match[2]), int(match[3]))) if match else (path.stem, Shard())


def find_missing_shards(paths: Sequence[Path]) -> list[Shard]:
    """Return the shards of which no file is there, by the names of the files; none where these do not say it."""
    shards = {split_mark(path)[1] for path in paths}
    count, *others = {shard.count for shard in shards}
    wanted = [] if others else [Shard(number, count) for number in range(1, count + 1)]
    return [shard for shard in wanted if shard not in shards]


def plan_items(problems: Sequence[Problem], samples: int, shard: Shard) -> list[WorkItem]:
    """Return the items of a run, in the order of the problems and then of the samples, or a shard's part of them."""
    return shard.take([WorkItem(problem, sample) for problem in problems for sample in range(samples)])


def choose_problems(problems: Sequence[Problem], ids: Sequence[str]) -> list[Problem]:
    """Return the problems of these ids, in the data set's order. Raises InvalidRequestError for an id of none."""
    known = {problem.task_id for problem in problems}
    if unknown := [each for each in ids if each not in known]:
        first, last = problems[0].task_id, problems[-1].task_id
        raise InvalidRequestError(f"no problem {quote(unknown[0])} among {first} … {last}; name some of these")
    return [problem for problem in problems if problem.task_id in ids]


def digest_plan(options: Mapping[str, Any]) -> str:
    """Return 12 digits over everything that changes a result."""
    return hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest()[:12]


def natural_order(key: Key) -> tuple[Any, ...]:
    """Return what sorts ids of problems by their numbers: HumanEval/2 before HumanEval/10."""
    task_id, sample = key
    parts = re.split(r"([0-9]+)", task_id)
    numbers = [part.lstrip("0") for part in parts[1::2]]  # the odd parts are the digits
    texts = zip(parts[::2], [*((len(number), number) for number in numbers), (0, "")], strict=True)
    return tuple(texts), sample
