"""`dubito bench experiment`: the arms of an experiment, run and compared. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    DeviceOption,
    JsonOption,
    LimitOption,
    MemoryOption,
    ModelOption,
    PromptStyleOption,
    SandboxOption,
    SeedOption,
    WeightsOption,
)
from agent.errors import InvalidRequestError
from agent.messages import check_choice
from agent.search.budget import budget_from
from agent.views.say import say, show
from benchmarks.cli.planning import describe_run
from benchmarks.cli.processes import make_folder, run_in_processes
from benchmarks.cli.run_options import BatchOption, RunOptions, collect, read_batch
from benchmarks.cli.sample import draw_samples
from benchmarks.experiments.arms import EXPERIMENTS, bounded, bounds_of

if TYPE_CHECKING:
    from agent.profile import ModelProfile
    from agent.views.report import Report
    from agent.workflow.context import Context
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.plan import WorkItem

NameArgument = Annotated[
    str | None, typer.Argument(help=f"One of {', '.join(EXPERIMENTS)}. Without a name, list the experiments.")
]
DatasetOption = Annotated[str, typer.Option(help="Run over HumanEval, Mbpp, HumanEval-base or exercises[/SPLIT].")]
ArmOption = Annotated[list[str] | None, typer.Option(help="Run only this arm; may be repeated. Default: all.")]
FolderOption = Annotated[
    Path | None, typer.Option(help="Keep a file an arm in this folder, and resume from them. Default: runs/DATASET.")
]
WorkersOption = Annotated[
    int, typer.Option(min=1, help="Run this many arms at once, each in a process and thread of its own.")
]
ProgramTokensOption = Annotated[
    int | None, typer.Option(min=1, help="The most tokens of one program. Default: what the dataset needs.")
]

TreeBudgetOption = Annotated[
    str | None,
    typer.Option(help="Bound trees and adaptive searches further, as in tokens=600. Default: what the dataset needs."),
]


def bench_experiment(
    name: NameArgument = None,
    dataset: DatasetOption = "exercises",
    limit: LimitOption = None,
    arm: ArmOption = None,
    out: FolderOption = None,
    workers: WorkersOption = 1,
    batch: BatchOption = "auto",
    model: ModelOption = "models/tiny",
    max_tokens: ProgramTokensOption = None,
    budget: TreeBudgetOption = None,
    sandbox: SandboxOption = None,
    memory_mib: MemoryOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    prompt_style: PromptStyleOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Run each arm of an experiment over a benchmark, print the comparison, and draw its pictures.

    An arm is a policy and a strategy. A killed experiment goes on where it was when it is started again.

    Example: dubito bench experiment sweep --limit 20 --workers 2
    """
    with report_errors(as_json, resumes="the experiment"), ExitStack() as cleanup:
        if name is None:
            show(_list_experiments(), as_json=as_json)
            return
        check_choice("experiment", name, EXPERIMENTS)
        bounds = EXPERIMENTS[name].bounds or bounds_of(dataset)
        options = RunOptions(
            dataset, model, limit, max_tokens or bounds.max_tokens, sandbox, memory_mib or bounds.memory_mib, seed,
            device, weights, prompt_style,
        )  # fmt: skip
        run = ExperimentRun(name, options, out or Path("runs") / dataset, cleanup, batch, budget or bounds.budget)
        run.run_arms(arm or list(EXPERIMENTS[name].arms), workers)
        if not arm:
            show(run.report(), as_json=as_json)
            say(f"one file an arm, logs and pictures are in {out or Path('runs') / dataset}", err=True)


def _list_experiments() -> Report:
    from agent.views.report import Report

    rows = [(name, each.question, list(each.arms)) for name, each in EXPERIMENTS.items()]
    text = "\n".join(f"{name:<12}{len(arms):>2} arms  {question}" for name, question, arms in rows)
    return Report({"experiments": [dict(zip(("name", "question", "arms"), row, strict=True)) for row in rows]}, text)


class ExperimentRun:
    """An experiment over one benchmark, with a folder that holds one file of outcomes an arm."""

    def __init__(
        self, name: str, options: RunOptions, folder: Path, cleanup: ExitStack, batch: str, budget: str | None
    ) -> None:
        options.check()
        if budget is not None:
            budget_from(budget)  # a wrong one is refused before the first arm runs
        self._name, self._options, self._folder, self._cleanup = name, options, folder, cleanup
        self._experiment = EXPERIMENTS[name]
        self._bounds = self._experiment.bounds or bounds_of(options.benchmark)
        self._budget = budget
        self._problems = options.problems()
        self._batch = read_batch(batch)
        make_folder(folder)

    def run_arms(self, names: Sequence[str], workers: int) -> None:
        """Run arms, at most `workers` at once. An arm that must match another one comes after it."""
        for name in names:
            check_choice("arm", name, self._experiment.arms)
        matching = [name for name in names if self._experiment.arms[name].match]
        free = [name for name in names if name not in matching]
        if workers > 1 and len(free) > 1:
            if code := run_in_processes({name: self._command(name) for name in free}, self._folder, workers):
                raise typer.Exit(code)
            free = []
        for name in [*free, *matching]:
            self._run(name)

    def report(self) -> Report:
        """Compare the arms, and draw the pictures."""
        from agent.views.report import join_reports
        from benchmarks.cli import results
        from benchmarks.cli.budgets import report_trails

        files, title = [self._file(name) for name in self._experiment.arms], f"{self._name}, {self._options.benchmark}"
        parts = [results.compare_files(files)]
        if self._experiment.with_trails:
            parts.append(report_trails(self._folder, list(self._experiment.arms)))
        if self._experiment.plot_axis:
            results.bench_plot(files, self._folder / f"{self._name}.png", self._experiment.plot_axis, title)
        if self._experiment.with_curves:
            samples = self._folder / "samples.jsonl"
            draw_samples(self._options, self._bounds.samples, samples)
            picture = self._folder / f"{self._name}-curves.png"
            parts.append(results.draw_curves_of([*files, samples], picture, title=title))
            if stating := [file for file in files if _states_probabilities(file)]:
                picture = self._folder / f"{self._name}-reliability.png"
                parts.append(results.draw_reliability_of(stating[:1], picture))
        return join_reports(parts)

    def _run(self, name: str) -> None:
        """Run one arm in this process; problems that stand in its file are not run again."""
        from benchmarks.experiments.outcomes import ProblemOutcome
        from benchmarks.experiments.plan import WorkItem
        from benchmarks.experiments.record_file import RecordFile, describe_model
        from benchmarks.experiments.runner import digest_outcomes, run_items, settle
        from benchmarks.experiments.side_by_side import count_tasks
        from benchmarks.experiments.trails import open_trails

        arm, matched = self._experiment.arms[name], self._matched_outcomes(name)
        policy, strategy = settle(arm, matched)
        strategy = bounded(strategy, self._budget)
        run = describe_run(self._options, arm.policy, policy, strategy, self._profile)
        digest = digest_outcomes(matched) if arm.match else None
        run |= {"arm": name, "equal": digest}

        def run_missing(items: Sequence[WorkItem]) -> Iterator[ProblemOutcome]:
            file.note_model(describe_model(self._context.model))
            tasks = count_tasks(self._context.lm, self._options.max_tokens, self._batch)
            follow = trails.append if trails else None
            return run_items(items, replace(self._context, policy=policy), strategy, tasks=tasks, follow=follow)

        with ExitStack() as files:
            file = files.enter_context(closing(RecordFile(self._file(name), ProblemOutcome, run)))
            trails = open_trails(self._file(name), run, files) if self._experiment.with_trails else None
            say(f"{name}:", err=True)
            items = [WorkItem(problem) for problem in self._problems]
            known = len(items) - len(file.missing(items))
            stream = file.resume(items, run_missing)
            collect(stream, len(self._problems), lambda outcome: outcome.verdict, known=known)

    def _command(self, name: str) -> list[str]:
        """Return the words behind `dubito` that run one arm."""
        options = {**asdict(self._options), "dataset": self._options.benchmark, "benchmark": None}
        options |= {"batch": self._batch, "budget": self._budget}
        flags = [part for key, value in options.items() if value is not None for part in (_flag(key), str(value))]
        return ["bench", "experiment", self._name, "--arm", name, *flags, "--out", str(self._folder)]

    def _matched_outcomes(self, name: str) -> list[ProblemOutcome]:
        """Return the outcomes of the arm that this one must match; none if it matches no other."""
        from benchmarks.experiments.outcomes import read_outcomes

        match = self._experiment.arms[name].match
        if match is None:
            return []
        if not self._file(match.arm).exists():
            raise InvalidRequestError(
                f"{name} is to have the {match.part} of {match.arm}, which did not run; run it first"
            )
        return read_outcomes(self._file(match.arm))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    @cached_property
    def _profile(self) -> ModelProfile:
        from agent.cli import components

        return components.read_profile(self._options.model)

    @cached_property
    def _context(self) -> Context:
        """The model and the sandbox, loaded when the first problem needs them; each arm sets its policy."""
        from agent.decoding import POLICIES

        return self._options.context(POLICIES["greedy"], self._cleanup, profile=self._profile)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _states_probabilities(file: Path) -> bool:
    from benchmarks.experiments.outcomes import read_outcomes

    return any(outcome.probability is not None for outcome in read_outcomes(file))
