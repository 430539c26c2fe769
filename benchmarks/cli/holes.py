"""`dubito bench holes`: compare ways to leave out what is not to be trusted. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption, SandboxOption
from agent.errors import InvalidRequestError
from agent.messages import check_choice, quote
from agent.program.hole_calibration import BEHAVIOURAL, LABELS
from agent.views.say import show
from benchmarks.cli.calibrate_holes import DeltaOption, LabelOption, SamplesOption, read_other_programs
from benchmarks.cli.run_options import collect, open_box, read_problems, split_names

if TYPE_CHECKING:
    from benchmarks.base import Problem
    from benchmarks.experiments.hole_examples import HoleExample
    from benchmarks.experiments.hole_labels import LabelledProgram
    from benchmarks.experiments.outcomes import ProblemOutcome
    from sandbox.base import Sandbox

ProgramsArgument = Annotated[Path, typer.Argument(help="The programs, as `calibrate holes --keep` wrote them.")]
OtherProgramsOption = Annotated[
    Path | None, typer.Option("--test", help="Test on these programs, and calibrate on all of the others.")
]
EpsilonsOption = Annotated[str, typer.Option(help="The shares of errors that are allowed, with commas between them.")]
NumbersOption = Annotated[str, typer.Option(help="The numbers of holes, with commas between them.")]
_Number = TypeVar("_Number", int, float)


def bench_holes(
    programs: ProgramsArgument,
    test: OtherProgramsOption = None,
    epsilon: EpsilonsOption = "0.05,0.1,0.2,0.3",
    delta: DeltaOption = 0.1,
    holes: NumbersOption = "1,2,4,8",
    label: LabelOption = BEHAVIOURAL,
    samples: SamplesOption = None,
    sandbox: SandboxOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare hole-sets by what they remove and what they keep, with several costs of a token, and with other ways.

    Half of the problems calibrate, the others test. Each number of holes is calibrated by itself. A completion that is
    found for one method is known to all later ones. With --samples, lines are also charged by how many samples have
    them.

    Example: dubito bench holes programs.jsonl --epsilon 0.1,0.2 --holes 2
    """
    with report_errors(as_json), ExitStack() as cleanup:
        from benchmarks.reports.holes import compare_methods, report_methods

        check_choice("label", label, LABELS)
        epsilons = [_read_number(each, "--epsilon", float, 0.001, 0.999) for each in split_names(epsilon)]
        numbers = [_read_number(each, "--holes", int, 1, 8) for each in split_names(holes)]
        known, tested, examples = _split_programs(programs, test)
        box = open_box(sandbox, cleanup, 3072) if label == BEHAVIOURAL else None
        others = read_other_programs(samples, examples) if samples else {}

        def label_all(some: Sequence[Problem]) -> dict[str, list[LabelledProgram]]:
            rows = [_label(problem, examples, numbers, box, others) for problem in some]
            return {name: [row[name] for row in rows] for name in rows[0]}

        by_method = label_all(known)
        rows = compare_methods(by_method, label_all(tested), epsilons, delta)
        total = len(epsilons) * len(by_method) * len(numbers)
        compared = collect(rows, total, lambda row: "shown" if row.held_out else "not shown")
        show(report_methods(compared, len(known), len(tested), delta), as_json=as_json)


def _read_number(text: str, name: str, kind: Callable[[str], _Number], least: _Number, most: _Number) -> _Number:
    """Read a number within bounds. Raises InvalidRequestError."""
    with suppress(ValueError):
        if least <= (number := kind(text)) <= most:
            return number
    raise InvalidRequestError(f"{name} {quote(text)} came; wanted numbers from {least} to {most}, with commas")


def _split_programs(programs: Path, test: Path | None) -> tuple[list[Problem], list[Problem], dict[str, HoleExample]]:
    """Return the problems to calibrate on, those to test on, and the programs by the problem's id."""
    from benchmarks.experiments.hole_examples import split_in_halves

    problems, examples = _read_programs(programs)
    if test is None:
        known, tested = split_in_halves(problems)
    else:
        tested, others = _read_programs(test)
        if shared := {each.prompt for each in problems} & {each.prompt for each in tested}:
            raise InvalidRequestError(f"{len(shared)} problems would calibrate and test; test on others")
        known, examples = problems, {**examples, **others}
    if not known or not tested:
        raise InvalidRequestError(
            f"{len(known)} programs to calibrate on and {len(tested)} to test on came; wanted some of each"
        )
    return known, tested, examples


def _read_programs(file: Path) -> tuple[list[Problem], dict[str, HoleExample]]:
    """Read programs and their problems. Raises InvalidRequestError for a file of something else."""
    from benchmarks.experiments.hole_examples import HoleExample
    from benchmarks.experiments.record_file import digest_prompt, read_run

    run = read_run(file, HoleExample)
    examples = {each.task_id: each for each in run.records}
    problems = [each for each in read_problems(run.options["benchmark"], None) if each.task_id in examples]
    if changed := [each for each in problems if digest_prompt(each.prompt) != examples[each.task_id].prompt_sha256]:
        raise InvalidRequestError(f"{quote(file)} was made with another {changed[0].task_id}; make it anew")
    return problems, examples


def _label(
    problem: Problem,
    examples: dict[str, HoleExample],
    holes: Sequence[int],
    box: Sandbox | None,
    samples: dict[str, list[ProblemOutcome]],
) -> dict[str, LabelledProgram]:
    """Return the labels of the problem's program by each method."""
    from benchmarks.experiments.hole_labels import judge_containment, label_program
    from benchmarks.experiments.hole_methods import HOLE_METHODS, find_by_agreement, find_nested

    example, others = examples[problem.task_id], samples.get(problem.task_id, [])
    is_contained = judge_containment(problem, example, box, [each.program for each in others if each.passed])
    methods = dict(HOLE_METHODS)
    if others:
        methods["smallest, agreement"] = partial(find_by_agreement, samples=[each.program for each in others])
    labels = {name: label_program(example, is_contained, holes, method) for name, method in methods.items()}
    # The paper's recipe: nested sets, all tokens charged, and the reference as the only right program.
    as_paper, is_reference = partial(find_nested, with_prose=True), judge_containment(problem, example, None)
    labels["nested, reference"] = label_program(example, is_reference, holes, as_paper, right=False)
    return labels
