"""Label the hole-sets of a program: at which tau, and with how many holes, a right program fits. Decodes nothing.

Then choose, for each number of holes, the tau with which few partial programs fit no right one (uncertainty.bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.program.containment import contains
from benchmarks.base import Problem
from benchmarks.experiments.hole_examples import HoleExample
from benchmarks.experiments.hole_methods import HOLE_METHODS, TAUS, Method
from benchmarks.judging.completions import Completions, find_called
from sandbox.base import Sandbox
from uncertainty.bounds import last_rejected
from uncertainty.prediction_set import PartialProgram

Fits = Callable[[PartialProgram], bool]  # whether some completion is right


@dataclass(frozen=True, slots=True, eq=False)
class LabelledProgram:
    """What the hole-sets of one program remove, and which of them a right program fits."""

    task_id: str
    nodes: int
    right: bool  # the whole program
    holes: tuple[int, ...]  # the numbers of holes
    removed: NDArray[np.int64]  # nodes: [numbers of holes, bounds]
    fits: NDArray[np.bool_]  # [numbers of holes, bounds]

    def shares(self) -> NDArray[np.float64]:
        """Return the share of the nodes that is removed: [numbers of holes, bounds]."""
        return self.removed / self.nodes


def label_program(
    example: HoleExample,
    fits: Fits,
    holes: Sequence[int],
    method: Method = HOLE_METHODS["smallest, surprisal"],
    *,
    right: bool | None = None,
) -> LabelledProgram:
    """Label the partial programs of each number of holes at all bounds.

    Each different set of holes is asked about once, and the label of one bound says nothing of another's: the tests of
    uncertainty.bounds need no risk that falls with tau. A right program fits each of its own. right: whether this one
    is; by default, whether it passes the hidden tests.
    """
    is_right = example.right if right is None else right
    known, removed, fitting, nodes = dict[tuple[tuple[int, int], ...], bool](), [], [], 1

    def ask(partial: PartialProgram) -> bool:
        if is_right or partial.removed == partial.nodes:
            return True
        if partial.holes not in known:
            known[partial.holes] = fits(partial)
        return known[partial.holes]

    for most in holes:
        partials = list(method(example, most))
        nodes = partials[0].nodes
        removed.append([partial.removed for partial in partials])
        fitting.append([ask(partial) for partial in partials])
    return LabelledProgram(example.task_id, nodes, example.right, tuple(holes), np.array(removed), np.array(fitting))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The bound of a number of holes, by its place; None where nothing was shown."""

    row: int  # of the labels
    holes: int
    place: int | None
    errors: int | None  # calibration problems that do not fit at that bound
    removed: float | None  # mean share of the nodes of a calibration program that is removed there

    @property
    def tau(self) -> float | None:
        """The tau at that place."""
        return None if self.place is None else TAUS[self.place]


def choose_bounds(labelled: Sequence[LabelledProgram], epsilon: float, delta: float) -> list[Chosen]:
    """Choose, for each number of holes, the bound that removes least, so that all hold with a probability of 1 - delta.

    The bounds are tested in their order, each number of holes at delta over the number of numbers (Bonferroni).
    """
    errors, chosen = np.sum([~each.fits for each in labelled], axis=0), list[Chosen]()
    for row, holes in enumerate(labelled[0].holes):
        place = last_rejected(errors[row].tolist(), len(labelled), epsilon, delta / len(labelled[0].holes))
        if place is None:
            chosen.append(Chosen(row, holes, None, None, None))
        else:
            removed = float(np.mean([each.shares()[row, place] for each in labelled]))
            chosen.append(Chosen(row, holes, place, int(errors[row, place]), removed))
    return chosen


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a chosen bound gives on problems that it was not chosen on."""

    problems: int
    fit: int  # whose partial program fits a right program
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
        fit=sum(bool(each.fits[place]) for each in labelled),
        removed=sum(shares) / max(1, len(shares)),
        removed_of_wrong=sum(wrong) / max(1, len(wrong)),
        in_wrong=sum(int(each.removed[place]) for each in labelled if not each.right) / max(1, removed),
        whole=sum(share == 0.0 for share in shares),
        nothing=sum(share == 1.0 for share in shares),
    )


def judge_fit(
    problem: Problem, example: HoleExample, sandbox: Sandbox | None, right_programs: Sequence[str] = ()
) -> Fits:
    """Return what decides whether a right program fits a partial one.

    With a sandbox, that is whether a completion passes the hidden tests; without, whether the reference fits.
    right_programs: programs that pass the hidden tests, beside the reference. With them more completions are found.
    """
    if sandbox is None:
        reference, called = problem.reference_program, find_called(problem)
        return lambda partial: contains(example.program, partial.holes, reference, called=called)
    completions = Completions(problem, example.program, right_programs, sandbox, wrong_programs=[example.program])
    return lambda partial: completions.contains(partial.holes)
