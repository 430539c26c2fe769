"""`dubito calibrate holes`: learn which parts of a program to leave out, so that the rest can be trusted.

Heavy imports wait inside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    DeviceOption,
    JsonOption,
    LimitOption,
    ModelOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    TokensOption,
    WeightsOption,
)
from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.files.plain import make_plain
from agent.messages import check_choice, quote
from agent.program.hole_calibration import BEHAVIOURAL, LABELS
from agent.strategies import DEFAULT_POLICY
from agent.views.say import show
from benchmarks.cli.calibrate_search import KeepOption, ProfileFileOption
from benchmarks.cli.run_options import BatchOption, RunOptions, collect, open_records, read_batch, read_problems

if TYPE_CHECKING:
    from agent.program.hole_calibration import HoleCalibration
    from agent.views.report import Report
    from agent.workflow.context import Context
    from benchmarks.base import Problem
    from benchmarks.experiments.hole_examples import HoleExample
    from benchmarks.experiments.hole_labels import LabelledProgram
    from benchmarks.experiments.outcomes import ProblemOutcome
    from uncertainty.places import Span

_MEMORY = 3072  # MiB of a program; a few problems of HumanEval+ and MBPP+ need so much

WrittenOption = Annotated[
    str,
    typer.Option(help="Write programs for these problems: a benchmark or one of its splits. Half of them calibrate."),
]
OtherOption = Annotated[
    str | None, typer.Option("--test", help="Test on these problems, and calibrate on all of the others.")
]
EpsilonOption = Annotated[
    float, typer.Option(help="At most this share of partial programs cannot be completed to a right one.")
]
DeltaOption = Annotated[float, typer.Option(help="The confidence that it holds is 1 - delta.")]
HolesOption = Annotated[int, typer.Option(help="Learn a tau for 1 to so many holes; at most 8.")]
LabelOption = Annotated[
    str,
    typer.Option(help="behavioural: some completion passes the hidden tests. syntactic: the reference is one."),
]

SamplesOption = Annotated[
    Path | None,
    typer.Option(
        help="Also complete holes with the right ones of these programs: `bench run --policy sample --samples 5 --out`."
    ),
]

FillingsOption = Annotated[
    int, typer.Option(min=0, help="Also complete holes with so many fillings of the model itself.")
]


def calibrate_holes(
    model: ModelOption = "models/tiny",
    problems: WrittenOption = "exercises/calibration",
    test: OtherOption = None,
    policy: Annotated[str, typer.Option(help="Write the programs by this policy.")] = DEFAULT_POLICY,
    epsilon: EpsilonOption = 0.1,
    delta: DeltaOption = 0.05,
    holes: HolesOption = 3,
    label: LabelOption = BEHAVIOURAL,
    samples: SamplesOption = None,
    fillings: FillingsOption = 0,
    out: ProfileFileOption = None,
    keep: KeepOption = None,
    limit: LimitOption = None,
    batch: BatchOption = "auto",
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Learn the tau of hole-sets: how much doubt a partial program may keep and still be completed to a right one.

    Example: dubito calibrate holes --problems exercises/calibration --epsilon 0.1 --holes 3
    """
    with report_errors(as_json, resumes="a batch with --keep FILE"):
        check_choice("label", label, LABELS)
        options = RunOptions(problems, model, limit, max_tokens, sandbox, _MEMORY, seed, device, weights, prompt_style)
        options.check()
        plan = _plan(options, test, epsilon, delta, holes)
        report = _learn(options, plan, policy, _Label(label, samples, fillings), _Files(out, keep), read_batch(batch))
        show(report, as_json=as_json, err=str(out) == STANDARD_STREAM)


class _Label(NamedTuple):
    """What decides whether a partial program is contained, and the completions that it looks at."""

    name: str
    samples: Path | None  # other programs for the same problems
    fillings: int  # of the model itself, for each hole


class _Files(NamedTuple):
    """Where the profile goes, and where the programs are kept."""

    out: Path | None
    keep: Path | None


def _learn(options: RunOptions, plan: _Plan, policy: str, label: _Label, files: _Files, batch: int | None) -> Report:
    """Write the programs, calibrate, and put the result into the profile."""
    from agent import profile
    from agent.lm.names import digest_weights
    from agent.trace import collect_provenance
    from agent.views.report import Report, join_reports

    digest = digest_weights(options.model)
    file = files.out or profile.profile_file(options.model, digest)
    profile.check_profile_file(file)
    wanted = [problem.task_id for problem in (*plan.calibration, *plan.test)]
    others = read_other_programs(label.samples, wanted) if label.samples else {}
    earlier = profile.find_profile(options.model).holes if files.out is None else None
    with ExitStack() as cleanup:
        written = _write_programs(options, plan, policy, files.keep, batch, cleanup)
        asked = {"problems": options.benchmark, "max_tokens": options.max_tokens, "seed": options.seed}
        asked |= {"samples": sum(map(len, others.values())), "fillings": label.fillings}
        calibration, report = _calibrate(written, plan, label, others, {**asked, **collect_provenance()})
    if not any(calibration.taus):
        return join_reports([report, Report({"file": None}, "nothing was shown, so nothing was written")])
    profile.update_profile(file, options.model, digest, holes=calibration)
    instead = f", and used instead of one on {earlier.problems} problems until you remove it" if earlier else ""
    return join_reports([report, Report({"file": str(file)}, f"written to {file}{instead}")])


class _Plan(NamedTuple):
    """The problems to calibrate and to test on, and what is to be shown."""

    calibration: list[Problem]
    test: list[Problem]
    epsilon: float
    delta: float
    holes: int


class _Written(NamedTuple):
    """The programs, and how they were written."""

    examples: dict[str, HoleExample]  # by the id of the problem
    context: Context


def _plan(options: RunOptions, test: str | None, epsilon: float, delta: float, holes: int) -> _Plan:
    """Split the problems. Raises InvalidRequestError for levels that so few problems cannot show."""
    from benchmarks.experiments.hole_examples import split_in_halves
    from uncertainty.bounds import least_problems
    from uncertainty.prediction_set import MOST_HOLES

    if not 1 <= holes <= MOST_HOLES:
        raise InvalidRequestError(f"--holes {holes} came; wanted 1 to {MOST_HOLES}")
    for name, value in (("--epsilon", epsilon), ("--delta", delta)):
        if not 0.0 < value < 1.0:
            raise InvalidRequestError(f"{name} {value} came; wanted a number between 0 and 1, such as 0.1")
    problems = options.problems()
    calibration, tested = split_in_halves(problems) if test is None else (problems, read_problems(test, options.limit))
    if shared := {each.prompt for each in calibration} & {each.prompt for each in tested}:
        raise InvalidRequestError(
            f"{len(shared)} problems would calibrate and test; name another benchmark with --test"
        )
    least = least_problems(epsilon, delta / holes)
    if len(calibration) < least:
        raise InvalidRequestError(
            f"{len(calibration)} problems to calibrate on ({_say_source(problems, test)}) cannot show an epsilon of "
            f"{epsilon} with a delta of {delta} for {holes} taus; wanted at least {least}, or a larger epsilon or delta"
        )
    return _Plan(calibration, tested, epsilon, delta, holes)


def _say_source(problems: Sequence[Problem], test: str | None) -> str:
    """Return how many problems were asked for, and which part of them calibrates."""
    return f"half of {len(problems)}" if test is None else "all that do not test"


def _write_programs(
    options: RunOptions, plan: _Plan, policy: str, keep: Path | None, batch: int | None, cleanup: ExitStack
) -> _Written:
    """Write a program for each problem; resume from the file and append to it, if there is one."""
    from agent.cli import components
    from benchmarks.experiments.hole_examples import HoleExample, collect_hole_examples
    from benchmarks.experiments.plan import WorkItem
    from benchmarks.experiments.record_file import describe_model, resume_items
    from benchmarks.experiments.side_by_side import count_tasks

    gated = components.build_policy(policy, model=options.model, profile=components.read_profile(options.model))
    provenance = {**options.provenance(), "policy": policy, "threshold": make_plain(gated.gate.threshold)}
    file = open_records(keep, HoleExample, provenance, cleanup)
    context = options.context(gated, cleanup)
    if file:
        file.note_model(describe_model(context.model))
    items = [WorkItem(problem) for problem in (*plan.calibration, *plan.test)]

    def run(missing: Sequence[WorkItem]) -> Iterator[HoleExample]:
        tasks = count_tasks(context.lm, options.max_tokens, batch)
        return collect_hole_examples(missing, context, tasks=tasks)

    stream = resume_items(file, items, run)
    examples = collect(stream, len(items), lambda example: "right" if example.right else "wrong")
    return _Written({each.task_id: each for each in examples}, context)


def read_other_programs(file: Path, wanted: Iterable[str]) -> dict[str, list[ProblemOutcome]]:
    """Read other programs for the same problems, by the problem's id. Raises InvalidRequestError where one has none."""
    from benchmarks.experiments.outcomes import read_outcomes

    programs: dict[str, list[ProblemOutcome]] = {task_id: [] for task_id in wanted}
    for outcome in read_outcomes(file):
        programs.get(outcome.task_id, []).append(outcome)
    if missing := [task_id for task_id, some in programs.items() if not some]:
        raise InvalidRequestError(f"{quote(file)} has no program for {missing[0]}; draw samples of the same problems")
    return programs


def _calibrate(
    written: _Written, plan: _Plan, label: _Label, others: dict[str, list[ProblemOutcome]], origin: dict[str, Any]
) -> tuple[HoleCalibration, Report]:
    """Choose the taus on one part of the problems, and measure them on the other."""
    from agent.program.hole_calibration import HoleCalibration
    from agent.workflow.context import way_of_writing
    from benchmarks.experiments.hole_labels import choose_bounds
    from benchmarks.reports.holes import report_holes

    known, tested = (
        _label_all(written, problems, label, plan.holes, others) for problems in (plan.calibration, plan.test)
    )
    bounds = choose_bounds(known, plan.epsilon, plan.delta)
    chosen = collect(bounds, plan.holes, lambda each: "with a tau" if each.tau else "without")
    digests = sorted(written.examples[each.task_id].prompt_sha256 for each in plan.calibration)
    calibration = HoleCalibration(
        epsilon=plan.epsilon,
        delta=plan.delta,
        taus=tuple(each.tau for each in chosen),
        errors=tuple(each.errors for each in chosen),
        removed=tuple(each.removed for each in chosen),
        problems=len(known),
        label=label.name,
        way=way_of_writing(written.context),
        digest=hashlib.sha256(" ".join(digests).encode()).hexdigest()[:12],
        origin=origin,
    )
    return calibration, report_holes(calibration, chosen, tested)


def _label_all(
    written: _Written, problems: Sequence[Problem], label: _Label, holes: int, others: dict[str, list[ProblemOutcome]]
) -> list[LabelledProgram]:
    """Return the hole-sets of each problem's program, which are labelled when they are asked about."""
    from benchmarks.experiments.hole_labels import judge_containment, label_program
    from benchmarks.experiments.own_fillings import fill_partial

    def label_one(problem: Problem) -> LabelledProgram:
        example, box = written.examples[problem.task_id], written.context.sandbox
        right = [each.program for each in others.get(problem.task_id, []) if each.passed]

        def propose(spans: Sequence[Span]) -> Iterator[str]:
            return fill_partial(written.context, example.program, spans, label.fillings)

        behaves = box if label.name == BEHAVIOURAL else None
        is_contained = judge_containment(problem, example, behaves, right, propose if label.fillings else None)
        return label_program(example, is_contained, range(1, holes + 1))

    return [label_one(problem) for problem in problems]
