"""The command that learns from searches: which way to take next, and how far to trust an answer. Heavy imports wait."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import (
    BudgetOption,
    DeviceOption,
    DtypeOption,
    LimitOption,
    ModelOption,
    SandboxOption,
    SeedOption,
    TokensOption,
)
from agent.files.access import STDOUT
from agent.views.say import say
from benchmarks.cli.run import check_parts, followed, opened, problems_of

if TYPE_CHECKING:
    from benchmarks.experiments.search_lessons import Lesson


def calibrate_search(
    model: ModelOption = "models/tiny",
    problems: Annotated[
        str, typer.Option(help="A benchmark or one of its splits; what is learned from it cannot be tested on it.")
    ] = "exercises/calibration",
    policy: Annotated[str, typer.Option(help="The policy inside the search.")] = "adadec",
    budget: BudgetOption = "programs=20",
    out: Annotated[
        Path | None, typer.Option(help="Where to write; else where `solve` with this model finds it.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the searches in this file, and go on from it after a kill.")
    ] = None,
    limit: LimitOption = None,
    max_tokens: TokensOption = 512,
    sandbox: SandboxOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Search problems kept for it; learn the order of ways not taken, and how probable an answer is to be right."""
    with report_errors(as_json=False, resumes="a batch with --keep FILE"), ExitStack() as cleanup:
        from agent import profile
        from agent.cli import components
        from agent.decoding import POLICIES
        from agent.lm.names import digest_weights
        from agent.search.budget import budget_from
        from agent.search.frontier import SearchConfig
        from agent.workflow.context import Context
        from benchmarks.experiments.record_file import RecordFile
        from benchmarks.experiments.search_lessons import Lesson, lesson

        check_parts(model, dtype, sandbox)
        weights = digest_weights(model)
        file = out or profile.profile_file(model, weights)
        profile.check_profile_file(file)
        found, config = problems_of(problems, limit), SearchConfig(budget_from(budget), lines=True)
        chosen = components.policy_named(policy, model=model, profile=profile.find_profile(model))
        options = {
            "model": model, "weights": weights, "problems": problems, "policy": policy, "budget": budget,
            "threshold": None if chosen == POLICIES[policy] else chosen.gate.threshold, "max_tokens": max_tokens,
            "sandbox": sandbox, "seed": seed, "device": device, "dtype": dtype,
        }  # fmt: skip
        kept = cleanup.enter_context(closing(RecordFile(keep, Lesson, options))) if keep else None
        opened_model = components.model_named(model, device=device, dtype=dtype)
        context = Context(opened_model, chosen, opened(sandbox, cleanup), max_tokens=max_tokens, seed=seed)

        def taught(problem: Any) -> Lesson:
            return lesson(problem, context, config)

        stream = kept.go_on(found, taught) if kept else map(taught, found)
        lessons = followed(stream, len(found), "right", lambda each: each.right)
        parts = _learn(lessons, {"problems": problems, "policy": policy, "budget": budget})
        profile.update_profile(file, model, weights, **parts)
        to_stdout = str(file) == STDOUT
        say(_report(parts, lessons), err=to_stdout)
        say(f"written to {file}", err=to_stdout)


def _learn(lessons: list[Lesson], origin: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of a profile that a search uses."""
    from agent.errors import InvalidRequestError
    from agent.profile import ReliabilityCurve
    from agent.trace import collect_provenance
    from uncertainty.calibration import learn_trust, learn_weights

    ways = [way for each in lessons for way in each.ways]
    try:
        order, _ = learn_weights(ways, [led for each in lessons for led in each.led])
        fit = learn_trust([each.answer for each in lessons], [each.right for each in lessons])
        fewest = min((each.examples for each in lessons if each.accepted), default=1)
        trust = ReliabilityCurve(fit["weights"], fit["intercept"], tuple(fit["knots"]), tuple(fit["levels"]), fewest)
    except ValueError as error:
        raise InvalidRequestError(f"nothing can be learned from these searches: {error}; try more problems") from error
    origin = {"tasks": len(lessons), **collect_provenance(), **origin}
    return {"edge_weights": order, "reliability": trust, "search_origin": origin}


def _report(parts: dict[str, Any], lessons: list[Lesson]) -> str:
    from benchmarks.experiments.search_lessons import trust_report

    stated = [parts["reliability"].probability(each.answer) for each in lessons]
    accepted, right = [each.accepted for each in lessons], [each.right for each in lessons]
    lines = [
        f"{'order':<12}{'weight':>9}",
        *(f"{name:<12}{weight:>9.4f}" for name, weight in parts["edge_weights"].items()),
    ]
    lines += [
        "",
        f"{'trust':<12}{'weight':>9}",
        *(f"{n:<12}{w:>9.4f}" for n, w in parts["reliability"].weights.items()),
    ]
    told = trust_report(stated, right, accepted)
    return "\n".join([*lines, "", "on the problems it was learned from, so too good:", told])
