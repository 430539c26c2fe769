"""What was learned of a model's hole-sets, and of which way of writing programs it holds. Learns nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from uncertainty.bounds import most_errors

BEHAVIOURAL, SYNTACTIC = "behavioural", "syntactic"  # some completion passes the hidden tests; the reference is one
LABELS = (BEHAVIOURAL, SYNTACTIC)


@dataclass(frozen=True, slots=True)
class WayOfWriting:
    """The way in which programs are written. A calibration holds for one way only."""

    policy: str  # its name, and its threshold where that is another than the policy's own
    prompt_style: str  # its name, and a digest of its data
    dtype: str  # of the model's weights: torch's name, or int8
    max_tokens: int  # of a program, at most
    cost_rule: int = 1  # how nodes are charged; 1 in profiles that do not say it

    def describe_other(self, other: WayOfWriting) -> str:
        """Return how another way differs from this one; empty where it does not."""
        mine, theirs = asdict(self), asdict(other)
        parts = [
            f"{name.replace('_', ' ')} {mine[name]}, and this run has {theirs[name]}"
            for name in mine
            if mine[name] != theirs[name]
        ]
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class HoleCalibration:
    """The tau of each number of holes, such that few partial programs cannot be completed to a right one.

    With a probability of at least 1 - delta over the calibration set, a share of at most epsilon cannot, for all
    numbers of holes at once.
    """

    epsilon: float
    delta: float
    taus: tuple[float | None, ...]  # for at most 1, 2, … holes; None where nothing was shown
    errors: tuple[int | None, ...]  # calibration problems whose partial program at that tau cannot be completed
    removed: tuple[float | None, ...]  # mean share of the nodes of a calibration program that each tau removes
    problems: int  # of the calibration set
    label: str  # one of LABELS
    way: WayOfWriting
    digest: str  # of the calibration set
    origin: dict[str, Any] = field(default_factory=dict)

    def find_other_source(self, task: str) -> str:
        """Return why nothing is promised of the program of a task; empty where it comes from the same benchmark.

        The promise is of new problems from where those of the calibration came. task: its name, as in exercises/12.
        """
        source = str(self.origin.get("problems"))
        if task.rpartition("/")[0] == source:
            return f"the calibration is of {source}, and may have seen this problem"
        if task.partition("/")[0] != source.partition("/")[0]:
            return f"the calibration is of problems of {source}, and says nothing of others"
        return ""

    def choose(self, holes: int) -> tuple[int, float] | None:
        """Return the number of holes, up to this one, that removed least, and its tau; None if nothing was shown.

        All taus hold at once, so any may be taken, each with its own number of holes: with more, less is removed.
        """
        shown = [
            (share or 0.0, number, tau)
            for number, (tau, share) in enumerate(zip(self.taus[:holes], self.removed, strict=False), start=1)
            if tau is not None
        ]
        return min(shown)[1:] if shown else None


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The guarantee of a program's holes: how many such partial programs can be completed to a right program."""

    confidence: float = 0.0  # with which the share below holds; 0 for no guarantee
    coverage: float = 0.0  # the least share that can be completed
    problems: str = ""  # the benchmark whose problems were calibrated on
    label: str = BEHAVIOURAL  # one of LABELS
    missing: str = ""  # why there is no guarantee


def read_hole_calibration(record: Mapping[str, Any]) -> HoleCalibration:
    """Read a calibration from JSON. Raises ValueError, KeyError or TypeError for anything else."""
    way = WayOfWriting(**{"cost_rule": 1, **record["way"]})
    taus, errors = tuple(record["taus"]), tuple(record["errors"])
    removed = tuple(record.get("removed", (1.0,) * len(taus)))
    numbers = [record["epsilon"], record["delta"], *(tau for tau in taus if tau is not None)]
    if not all(type(each) in (int, float) and 0.0 < each <= 1.0 for each in numbers):
        raise ValueError("a level or a tau is no probability")
    if not all(each is None or (type(each) in (int, float) and 0.0 <= each <= 1.0) for each in removed):
        raise ValueError("a removed share is none")
    if not all(each is None or type(each) is int for each in (*errors, way.max_tokens, record["problems"])):
        raise ValueError("a count is no whole number")
    if record["label"] not in LABELS or not len(taus) == len(errors) == len(removed) > 0:
        raise ValueError("the label is unknown, or taus, errors and removed shares differ in number")
    most = most_errors(record["problems"], record["epsilon"], record["delta"] / len(taus))
    if any(tau is not None and (most is None or (error or 0) > most) for tau, error in zip(taus, errors, strict=True)):
        raise ValueError("more errors than its levels allow")
    return HoleCalibration(
        record["epsilon"], record["delta"], taus, errors, removed, record["problems"], record["label"], way,
        str(record["digest"]), dict(record["origin"]),
    )  # fmt: skip
