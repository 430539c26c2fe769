"""Decide whether a partial program can become right: whether some completion of its holes passes all hidden tests.

The answer is a label for calibration and its reports (prediction sets, arXiv:2302.08703). It must not reach the agent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from agent.program.containment import contains
from agent.program.normal_form import normal_form
from agent.program.syntax import find_names, parse
from benchmarks.base import Problem
from benchmarks.judging.checker import judge_program
from benchmarks.judging.grafts import graft
from sandbox import Limits, Sandbox
from uncertainty.places import Span

MOST_JUDGED = 16  # grafts that one question may run
COMPLETION_LIMITS = Limits(cpu_seconds=1.0)  # many completions never end, and few right ones need more
Propose = Callable[[Sequence[Span]], Iterable[str]]  # programs with the holes of a hole-set filled, the best first
_MOST_TEXTS = 400  # completions that one question looks at, those included whose verdict is known


class Completions:
    """The completions of one program's holes, for any number of hole-sets. A program runs once, whoever asks for it.

    right_programs: programs that pass all hidden tests, beside the problem's reference. wrong_programs: programs that
    are known to fail. Equal normal forms count as one program. propose: writes further completions of a hole-set.
    """

    def __init__(
        self,
        problem: Problem,
        source: str,
        right_programs: Sequence[str],
        sandbox: Sandbox,
        *,
        wrong_programs: Sequence[str] = (),
        propose: Propose | None = None,
        most_judged: int = MOST_JUDGED,
        limits: Limits = COMPLETION_LIMITS,
    ) -> None:
        self._problem, self._source, self._sandbox = problem, source, sandbox
        self._first_test = replace(
            problem, task_id=f"{problem.task_id} (first test)", base_inputs=problem.base_inputs[:1], plus_inputs=()
        )
        self._propose, self._most_judged, self._limits = propose or (lambda holes: ()), most_judged, limits
        self._right = list({normal_form(each): each for each in (problem.reference_program, *right_programs)}.values())
        self._donors = tuple(self._right)  # what is found later joins only the right ones: the grafts stay the same
        self._passes = {normal_form(each): False for each in wrong_programs}
        self._passes |= {normal_form(each): True for each in self._right}
        self._called = find_called(problem)
        self.num_judged = 0  # programs that were judged so far

    def contains(self, holes: Sequence[Span]) -> bool:
        """Decide whether some completion passes all hidden tests, as far as this looks.

        holes: spans in characters, end exclusive, disjoint, in order. Tries, in this order: the programs that are known
        to be right, which do not run; the source itself; grafts of each right program in turn; what is proposed. At
        most `most_judged` grafts run, and as many proposals. A program that passes is known to be right from then on,
        so a later question may find more than it would have found alone, and never less. Raises SandboxError where the
        sandbox fails, and DatasetError where the reference does.
        """
        if any(contains(self._source, holes, program, called=self._called) for program in self._right):
            return True
        program = (
            self._find_right([self._source])
            or self._find_right(self._graft(holes))
            or self._find_right(self._propose(holes))
        )
        self._right += [program] if program is not None else []
        return program is not None

    def _find_right(self, programs: Iterable[str]) -> str | None:
        """Return the first of these programs that passes all hidden tests; None where no program within bounds does."""
        last = self.num_judged + self._most_judged
        for program in islice(programs, _MOST_TEXTS):
            form = normal_form(program)
            if form not in self._passes:
                if self.num_judged == last:
                    return None
                self._passes[form] = self._judge(program)
            if self._passes[form]:
                return program
        return None

    def _graft(self, holes: Sequence[Span]) -> Iterator[str]:
        """Yield the grafts of the right programs, the best of each before the second best of any."""
        donors = [graft(self._source, holes, each, entry_point=self._problem.entry_point) for each in self._donors]
        while donors:
            going = []
            for each in donors:
                if (text := next(each, None)) is not None:
                    yield text
                    going.append(each)
            donors = going

    def _judge(self, program: str) -> bool:
        """Return whether a program passes all hidden tests. The first test alone sorts most wrong programs out."""
        self.num_judged += 1
        problems = [self._first_test, self._problem] if self._first_test.base_inputs else [self._problem]
        judgements = (judge_program(self._sandbox, each, program, limits=self._limits) for each in problems)
        return all(judgement.passed for judgement in judgements)


def find_called(problem: Problem) -> set[str]:
    """Return the names by which tests reach a program."""
    driver = parse(problem.driver)
    return {problem.entry_point, problem.called} | (find_names([driver]) if driver else set())
