"""Label the hole-sets of a program: with which it is contained in the sense of docs/guarantees.md. Decodes nothing.

Then choose, for each number of holes, the tau at which few partial programs are not contained (uncertainty.bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from agent.program.containment import contains
from benchmarks.base import Problem
from benchmarks.experiments.hole_examples import HoleExample
from benchmarks.experiments.hole_methods import HOLE_METHODS, TAUS, Method
from benchmarks.judging.completions import Completions, Propose, find_called
from sandbox.base import Sandbox
from uncertainty.bounds import last_rejected, most_errors
from uncertainty.places import Span
from uncertainty.prediction_set import PartialProgram

IsContained = Callable[[PartialProgram], bool]  # whether some completion is right


class LabelledProgram:
    """What the hole-sets of one program remove, and with which of them it is contained.

    A hole-set is labelled when it is asked about. The label of one says nothing of another's: the tests of
    uncertainty.bounds need no risk that falls with tau.
    """

    def __init__(
        self, task_id: str, partials: Mapping[int, Sequence[PartialProgram]], is_contained: IsContained, *, right: bool
    ) -> None:
        """partials: for each number of holes, the partial program of each bound. right: of the whole program.

        is_contained: it is asked again for each bound that has the same hole-set.
        """
        self.task_id, self.holes, self.right = task_id, tuple(partials), right
        self.nodes = next(iter(partials.values()))[0].nodes
        self.removed = np.array([[each.removed for each in row] for row in partials.values()])  # [numbers, bounds]
        self._sets = list({each.holes: each for row in partials.values() for each in row}.values())
        numbers = {each.holes: number for number, each in enumerate(self._sets)}
        self._numbers = np.array([[numbers[each.holes] for each in row] for row in partials.values()])
        self._is_contained = is_contained

    def is_contained(self, row: int, place: int) -> bool:
        """Return whether the partial program is contained, by the places of the number of holes and of the bound.

        An empty program always is, and is never asked about.
        """
        partial = self._sets[self._numbers[row, place]]
        return partial.removed == partial.nodes or self._is_contained(partial)

    def shares(self) -> NDArray[np.float64]:
        """Return the share of the nodes that is removed: [numbers of holes, bounds]."""
        return self.removed / self.nodes


def label_program(
    example: HoleExample,
    is_contained: IsContained,
    holes: Sequence[int],
    method: Method = HOLE_METHODS["smallest, surprisal"],
    *,
    right: bool | None = None,
) -> LabelledProgram:
    """Return the partial programs of each number of holes at all bounds, to be labelled when they are asked about.

    With a right program all are contained. right: whether it is; by default, whether it passes the hidden tests.
    """
    is_right = example.right if right is None else right
    partials = {most: list(method(example, most)) for most in holes}
    return LabelledProgram(
        example.task_id, partials, (lambda _: True) if is_right else is_contained, right=example.right
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The bound of a number of holes, by its place; None where nothing was shown."""

    row: int  # of the labels
    holes: int
    place: int | None
    errors: int | None  # calibration problems that are not contained at that bound
    removed: float | None  # mean share of the nodes of a calibration program that is removed there

    @property
    def tau(self) -> float | None:
        """The tau at that place."""
        return None if self.place is None else TAUS[self.place]


def choose_bounds(labelled: Sequence[LabelledProgram], epsilon: float, delta: float) -> Iterator[Chosen]:
    """Yield, for each number of holes, the bound that removes least, so that all hold with a probability of 1 - delta.

    The bounds are tested in their order, each number of holes at delta over the number of numbers (Bonferroni).
    """
    for row in range(len(labelled[0].holes)):
        yield choose_bound(labelled, row, epsilon, delta / len(labelled[0].holes))


def choose_bound(labelled: Sequence[LabelledProgram], row: int, epsilon: float, delta: float) -> Chosen:
    """Choose the bound of the number of holes in this row. No bound after the first that is refused is labelled."""
    allowed = most_errors(len(labelled), epsilon, delta)
    counts = list[int]()

    def count_errors() -> Iterator[int]:
        for place in range(len(TAUS)):
            wrong = (each for each in labelled if not each.is_contained(row, place))
            counts.append(sum(1 for _ in islice(wrong, 1 + (allowed or 0))))  # one too many is enough to know
            yield counts[-1]

    place = last_rejected(count_errors(), len(labelled), epsilon, delta)
    if place is None:
        return Chosen(row, labelled[0].holes[row], None, None, None)
    removed = float(np.mean([each.shares()[row, place] for each in labelled]))
    return Chosen(row, labelled[0].holes[row], place, counts[place], removed)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a chosen bound gives on problems that it was not chosen on."""

    problems: int
    contained: int  # problems whose partial program is contained
    removed: float  # mean share of the nodes that is removed
    removed_of_wrong: float  # the same, over wrong programs
    in_wrong: float  # share of all removed nodes that were in wrong programs
    whole: int  # programs of which nothing is removed
    nothing: int  # programs that are removed as a whole


def measure_held_out(labelled: Sequence[LabelledProgram], chosen: Chosen) -> HeldOut:
    """Measure a chosen bound on other problems. Raises ValueError where none was chosen."""
    if chosen.place is None:
        raise ValueError(f"nothing was shown for {chosen.holes} holes, so there is nothing to test")
    place = (chosen.row, chosen.place)
    shares = [float(each.shares()[place]) for each in labelled]
    wrong = [share for share, each in zip(shares, labelled, strict=True) if not each.right]
    removed = sum(int(each.removed[place]) for each in labelled)
    return HeldOut(
        problems=len(labelled),
        contained=sum(each.is_contained(*place) for each in labelled),
        removed=sum(shares) / max(1, len(shares)),
        removed_of_wrong=sum(wrong) / max(1, len(wrong)),
        in_wrong=sum(int(each.removed[place]) for each in labelled if not each.right) / max(1, removed),
        whole=sum(share == 0.0 for share in shares),
        nothing=sum(share == 1.0 for share in shares),
    )


def judge_containment(
    problem: Problem,
    example: HoleExample,
    sandbox: Sandbox | None,
    right_programs: Sequence[str] = (),
    propose: Propose | None = None,
) -> IsContained:
    """Return what decides whether a partial program is contained.

    With a sandbox, that is whether a completion passes the hidden tests; without, whether the reference is one.
    right_programs: programs that pass the hidden tests, beside the reference. With them more completions are found.
    propose: writes further completions of a hole-set.
    """
    if sandbox is None:
        reference, called = problem.reference_program, find_called(problem)
        return _remember(lambda holes: contains(example.program, holes, reference, called=called))
    completions = Completions(
        problem, example.program, right_programs, sandbox, wrong_programs=[example.program], propose=propose
    )
    return _remember(completions.contains)


def _remember(decide: Callable[[tuple[Span, ...]], bool]) -> IsContained:
    """Return a function that decides about each hole-set once, so that each has one label."""
    remembering = cache(decide)
    return lambda partial: remembering(partial.holes)
