"""The plan of a run, from options: its arms, its items of work, and the file of each arm. Runs nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli import choices, components
from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.messages import quote
from agent.strategies import StrategyOptions, choose_policy_name, find_strategy
from benchmarks.cli.processes import make_folder
from benchmarks.cli.run_options import RunOptions, split_names

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.profile import ModelProfile
    from agent.strategies import Strategy
    from agent.views.report import Report
    from benchmarks.engines.base import WorkerConfig
    from benchmarks.experiments.plan import Shard, WorkItem

_PLACES = ("DUBITO_MODELS", "HUMANEVAL_OVERRIDE_PATH", "MBPP_OVERRIDE_PATH")  # where models and data sets lie


@dataclass(frozen=True, slots=True)
class PlannedArm:
    """One policy with one strategy."""

    name: str
    policy: Policy
    strategy: Strategy
    options: dict[str, Any]  # everything that changes a result


@dataclass(frozen=True)
class PlannedRun:
    """Arms over the same items of work, and where their outcomes go."""

    options: RunOptions
    arms: Sequence[PlannedArm]
    samples: int
    shard: Shard
    out: Path | None

    @cached_property
    def items(self) -> list[WorkItem]:
        """The items of each arm. Raises InvalidRequestError for a benchmark or a problem that does not exist."""
        from benchmarks.experiments.plan import plan_items

        return plan_items(self.options.problems(), self.samples, self.shard)

    def file(self, arm: PlannedArm) -> Path | None:
        """Return the file of an arm, in the folder of the run where there is one; None if nothing is kept."""
        if self.out is None or not self._has_folder:
            return self.out
        return self.out / f"{arm.name}{self.shard.mark}.jsonl"

    def worker_config(self, batch: int | None) -> WorkerConfig:
        """Return what a process needs to work on the items. The policy of its context is that of the first arm."""
        from benchmarks.engines.base import WorkerConfig

        profile = components.read_profile(self.options.model)
        open_context = partial(self.options.context, self.arms[0].policy, profile=profile)
        environment = {name: os.environ[name] for name in _PLACES if name in os.environ}
        options = self.options
        return WorkerConfig(options.benchmark, open_context, batch, options.device, environment, str(Path.cwd()))

    def make_folder(self) -> None:
        """Make the folder of the run, where it has one."""
        if self.out is not None and self._has_folder:
            make_folder(self.out)

    @property
    def _has_folder(self) -> bool:
        """Whether --out names a folder. A file is one that is there, or has the ending .jsonl or .json."""
        text = str(self.out)
        if text == STANDARD_STREAM or (os.path.exists(text) and not os.path.isdir(text)):  # noqa: PTH110, PTH112 - pathlib raises for names that are too long
            if len(self.arms) > 1:
                raise InvalidRequestError(f"{quote(text)} is no folder, and a run of several arms needs one for --out")
            return False
        is_file = Path(text).suffix in (".jsonl", ".json") and not os.path.isdir(text)  # noqa: PTH112 - as above
        if is_file and len(self.arms) > 1:
            raise InvalidRequestError(f"{quote(text)} names a file, and a run of several arms needs a folder for --out")
        return not is_file


def plan_arms(
    options: RunOptions, policies: str | None, strategies: str, spend: StrategyOptions, *, threshold: str | None
) -> list[PlannedArm]:
    """Return an arm for each policy with each strategy. Raises InvalidRequestError for one that does not exist."""
    options.check()
    profile = components.read_profile(options.model)
    spend = StrategyOptions(spend.programs, spend.budget, spend.order, profile=profile)
    return [
        _plan_arm(options, policy, strategy, spend, threshold, profile)
        for strategy in split_names(strategies)
        for policy in (split_names(policies) if policies is not None else [None])
    ]


def plan_run(options: RunOptions, arms: Sequence[PlannedArm], samples: int, shard: str, out: Path | None) -> PlannedRun:
    """Return the plan of a run. Raises InvalidRequestError for a shard that is none."""
    from benchmarks.experiments.plan import parse_shard

    return PlannedRun(options, arms, samples, parse_shard(shard), out)


def _plan_arm(
    options: RunOptions, policy: str | None, strategy: str, spend: StrategyOptions, threshold: str | None,
    profile: ModelProfile,
) -> PlannedArm:  # fmt: skip
    name = choose_policy_name(policy, find_strategy(strategy), choices.POLICY_SCORES, default="greedy")
    gated = components.build_policy(name, model=options.model, threshold=threshold)
    built = components.build_strategy(strategy, spend)
    return PlannedArm(f"{name}-{strategy}", gated, built, describe_run(options, name, gated, built, profile))


def describe_run(
    options: RunOptions, name: str, policy: Policy, strategy: Strategy, profile: ModelProfile
) -> dict[str, Any]:
    """Return everything that changes the results of a run, for the first line of its file. name: of the policy."""
    from benchmarks.experiments.plan import SEEDS
    from benchmarks.experiments.runner import describe

    run = {"policy": name, "threshold": policy.gate.threshold, "strategy": describe(strategy)}
    return {**options.provenance(), **run, "learned": profile.digest(), "seeds": SEEDS}


def report_plan(run: PlannedRun) -> Report:
    """Report what a run would do: its arms, how much of each is done, and the digest of what changes its results."""
    from agent.views.numbers import format_count
    from agent.views.report import Report
    from benchmarks.experiments.outcomes import ProblemOutcome
    from benchmarks.experiments.plan import digest_plan
    from benchmarks.experiments.record_file import count_done

    rows = []
    for arm in run.arms:
        file = run.file(arm)
        done = count_done(file, ProblemOutcome, arm.options, run.items) if file is not None else 0
        rows.append(
            {"arm": arm.name, "plan": digest_plan(arm.options), "items": len(run.items), "done": done,
             "file": None if file is None else os.fspath(file)}
        )  # fmt: skip
    problems = len({item.problem.task_id for item in run.items})
    counts = [
        format_count(len(run.arms), "arm"),
        format_count(problems, "problem"),
        format_count(run.samples, "sample"),
    ]
    head = f"{counts[0]} over {counts[1]}, {counts[2]} each, shard {run.shard}"
    lines = [
        f"{row['arm']:<24}plan {row['plan']}  {row['done']}/{row['items']} done  {row['file'] or ''}" for row in rows
    ]
    return Report({"arms": rows, "problems": problems, "samples": run.samples, "shard": str(run.shard)},
                  "\n".join([head, *lines]))  # fmt: skip
