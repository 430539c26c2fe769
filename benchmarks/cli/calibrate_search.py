"""`dubito calibrate search`: learn from searches how to search with a model. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    BudgetOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    ModelOption,
    SandboxOption,
    SeedOption,
    TokensOption,
    WeightsOption,
)
from agent.files.access import STANDARD_STREAM
from agent.views.say import show
from benchmarks.cli.run_options import RunOptions, collect, open_records

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.views.report import Report
    from benchmarks.experiments.search_examples import SearchExample

# Of `answer_features`. The others added nothing to these on the calibration split of the exercises (docs/LOG.md).
_FEATURES = ("passed", "logprob", "attempts", "undecided")

SearchedOption = Annotated[
    str, typer.Option(help="Search these problems: a benchmark or one of its splits. Do not test on them afterwards.")
]
ProfileFileOption = Annotated[
    Path | None, typer.Option(help="Write what was learned here. Default: where `solve` with this model finds it.")
]
KeepOption = Annotated[
    Path | None, typer.Option(help="Keep what was written in this file, and resume from it after a kill.")
]


def calibrate_search(
    model: ModelOption = "models/tiny",
    problems: SearchedOption = "exercises/calibration",
    policy: Annotated[str, typer.Option(help="Run this policy inside the search.")] = "adadec",
    budget: BudgetOption = "programs=20",
    out: ProfileFileOption = None,
    keep: KeepOption = None,
    limit: LimitOption = None,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Search problems that are kept for it; learn which branch to try next, and how probable an answer is to be right.

    Example: dubito calibrate search --limit 200 --keep searches.jsonl --out search.json
    """
    options = RunOptions(problems, model, limit, max_tokens, sandbox, seed=seed, device=device, weights=weights)
    with report_errors(as_json, resumes="a batch with --keep FILE"):
        from agent import profile
        from agent.cli import components
        from agent.lm.names import digest_weights

        options.check()
        digest = digest_weights(model)
        file = out or profile.profile_file(model, digest)
        profile.check_profile_file(file)
        gated = components.build_policy(policy, model=model, profile=profile.find_profile(model))
        examples, asked = _search(options, policy, gated, budget or "programs=20", keep)
        parts = _learn(examples, {"problems": problems, "policy": policy, "budget": budget, **asked})
        profile.update_profile(file, model, digest, **parts)
        to_stdout = str(file) == STANDARD_STREAM
        show(_report(parts, examples, file), as_json=as_json, err=to_stdout)


class _Searches(NamedTuple):
    """What was searched, and how the model was asked and computes."""

    examples: list[SearchExample]
    asked: dict[str, Any]


def _search(options: RunOptions, name: str, policy: Policy, budget: str, keep: Path | None) -> _Searches:
    """Search each problem; resume from the file and append to it, if there is one. name: of the policy."""
    from agent.decoding import POLICIES
    from agent.search.budget import budget_from
    from agent.search.frontier import SearchConfig
    from benchmarks.experiments.plan import WorkItem
    from benchmarks.experiments.record_file import describe_model, resume_items
    from benchmarks.experiments.search_examples import SearchExample, search_problem

    with ExitStack() as cleanup:
        problems, config = options.problems(), SearchConfig(budget_from(budget), lines=True)
        provenance = {**options.provenance(), "problems": options.benchmark, "policy": name, "budget": budget}
        del provenance["benchmark"]  # files of searches call it problems
        provenance["threshold"] = None if policy == POLICIES[name] else policy.gate.threshold
        file = open_records(keep, SearchExample, provenance, cleanup)
        context = options.context(policy, cleanup)
        if file:
            file.note_model(describe_model(context.model))

        def run(items: Iterable[WorkItem]) -> Iterator[SearchExample]:
            return (search_problem(item.problem, context, config) for item in items)

        stream = resume_items(file, map(WorkItem, problems), run)
        examples = collect(stream, len(problems), lambda example: "right" if example.right else "wrong")
        return _Searches(examples, describe_model(context.model))


def _learn(examples: list[SearchExample], origin: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a profile that searches use. Raises InvalidRequestError for too few problems."""
    from agent.trace import collect_provenance
    from benchmarks.cli.calibrate_answers import explain_lack, learn_curve
    from uncertainty.calibration import learn_weights

    edges = [edge for example in examples for edge in example.edges]
    with explain_lack():
        order, _ = learn_weights(edges, [passed for example in examples for passed in example.edges_passed])
        curve = learn_curve(
            [example.answer for example in examples],
            [example.right for example in examples],
            min((example.examples for example in examples if example.accepted), default=1),
            _FEATURES,
        )
    origin = {"tasks": len(examples), **collect_provenance(), **origin}
    return {"edge_weights": order, "reliability": curve, "search_origin": origin}


def _report(parts: dict[str, Any], examples: list[SearchExample], file: Path) -> Report:
    from agent.views.report import Report
    from benchmarks.reports.reliability import report_reliability

    stated = [parts["reliability"].probability(example.answer) for example in examples]
    right, accepted = [example.right for example in examples], [example.accepted for example in examples]
    reliability = report_reliability(stated, right, accepted)
    record = {**parts, "on_the_problems_learned_from": reliability.record, "file": str(file)}
    return Report(record, "\n".join([
        f"{'order':<12}{'weight':>9}",
        *(f"{name:<12}{weight:>9.4f}" for name, weight in parts["edge_weights"].items()),
        "",
        f"{'reliability':<12}{'weight':>9}",
        *(f"{name:<12}{weight:>9.4f}" for name, weight in parts["reliability"].weights.items()),
        "",
        "on the problems it was learned from, so too good:",
        reliability.text,
        f"written to {file}",
    ]))  # fmt: skip
