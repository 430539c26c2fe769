"""`dubito calibrate answers`: learn from searches how probable an answer is to be right. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.exits import report_errors
from agent.cli.options import JsonOption, ModelOption
from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM
from agent.messages import quote
from agent.views.say import show

if TYPE_CHECKING:
    from agent.profile import ReliabilityCurve
    from agent.views.report import Report
    from benchmarks.experiments.trails import Trail

# Of `answer_features`; of all subsets the one with the least Brier score in cross-validation on MBPP+ (docs/LOG.md).
_FEATURES = ("passed", "logprob", "attempts", "share")
_FEW_WRONG = 0.12  # of the answers that are called verified

LearnedFromArgument = Annotated[
    list[Path], typer.Argument(help="Files of trails of `bench experiment real`. Do not test on their problems.")
]
TestOption = Annotated[
    list[Path] | None, typer.Option("--test", help="Also check the probabilities on these trails; may be repeated.")
]
CurveFileOption = Annotated[
    Path | None, typer.Option(help="Write what was learned here. Default: where `solve` with this model finds it.")
]


def calibrate_answers(
    files: LearnedFromArgument,
    model: ModelOption = "models/tiny",
    test: TestOption = None,
    out: CurveFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn from finished searches how probable an answer is to be right. It searches nothing.

    Example: dubito calibrate answers runs/Mbpp/adaptive.trails.jsonl --model qwen2.5-coder-0.5b
    """
    with report_errors(as_json):
        from agent import profile
        from agent.lm.names import digest_weights
        from agent.trace import collect_provenance
        from benchmarks.experiments.comparable import check_distinct

        check_distinct(files)
        check_distinct(test or ())
        digest = digest_weights(model)
        trails = [each for file in files for each in _read_trails(file, model, digest)]
        tested = {str(file): _read_trails(file, model, digest) for file in test or ()}
        _refuse_shared_problems(trails, tested)
        file = out or profile.profile_file(model, digest)
        profile.check_profile_file(file)
        with explain_lack():
            checked = [each for each in trails if each.examples or not each.passed]
            curve = learn_curve(
                [each.evidence for each in checked],
                [each.right for each in checked],
                min((each.examples for each in checked if each.passed), default=1),
                _FEATURES,
            )
        origin = {"tasks": len(trails), "trails": [each.name for each in files], **collect_provenance()}
        profile.update_profile(file, model, digest, reliability=curve, search_origin={"answers": origin})
        show(_report(curve, {"": trails, **tested}, file), as_json=as_json, err=str(file) == STANDARD_STREAM)


def learn_curve(
    answers: Sequence[Mapping[str, float]], right: Sequence[bool], examples: int, features: Sequence[str]
) -> ReliabilityCurve:
    """Learn the probability of being right. answers: their features, of which the curve sees those that are named.

    examples: the fewest that judged an answer.

    Raises ValueError where nothing can be learned.
    """
    from agent.profile import ReliabilityCurve
    from uncertainty.calibration import learn_reliability

    learned = learn_reliability([{name: each[name] for name in features} for each in answers], right)
    curve = ReliabilityCurve(
        learned.weights, learned.intercept, tuple(learned.knots), tuple(learned.levels), examples=examples
    )
    stated = [(curve.probability(each), was) for each, was in zip(answers, right, strict=True) if each["passed"]]
    return replace(curve, enough=_find_enough(stated))


def _find_enough(stated: Sequence[tuple[float, bool]]) -> float:
    """Return the least probability such that of the answers with at least that one few are wrong; 1 for none.

    It is 0 where few of all are wrong. stated: the probability of each answer that passed, and whether it is right.
    """
    for least in (0.0, *sorted({probability for probability, _ in stated})):
        right = [was for probability, was in stated if probability >= least]
        if sum(right) >= (1 - _FEW_WRONG) * len(right):
            return least
    return 1.0


@contextmanager
def explain_lack() -> Iterator[None]:
    """Raise InvalidRequestError where searches have too little to learn from."""
    try:
        yield
    except ValueError as error:
        raise InvalidRequestError(f"nothing can be learned from these searches: {error}") from error


def _read_trails(file: Path, model: str, digest: str) -> list[Trail]:
    """Read the trails of a file. Raises InvalidRequestError for another model's, and for trails without features.

    digest: of the model's weights; empty for a model of the hub.
    """
    from benchmarks.experiments.record_file import read_run
    from benchmarks.experiments.trails import Trail

    run = read_run(file, Trail)
    if not run.records:
        raise InvalidRequestError(f"{quote(file)} has no trail yet; run the experiment first")
    if not all({*_FEATURES} <= {"passed", *each.features} for each in run.records):
        raise InvalidRequestError(f"{quote(file)} says nothing of its answers' features; run the experiment anew")
    searched, weights = run.options.get("model", "models/tiny"), run.options.get("weights")
    is_same = weights == digest if weights and digest else searched == model
    if not is_same:
        raise InvalidRequestError(
            f"{quote(file)} holds searches with {searched} ({weights or 'of unknown weights'}), and --model is {model} "
            f"({digest or 'of unknown weights'}); give the model that searched"
        )
    return run.records


def _refuse_shared_problems(trails: Sequence[Trail], tested: Mapping[str, Sequence[Trail]]) -> None:
    """Raise InvalidRequestError where a problem would be learned from and tested."""
    learned_from = {each.task_id for each in trails}
    for file, others in tested.items():
        problems = {each.task_id for each in others}
        if shared := problems & learned_from:
            raise InvalidRequestError(
                f"{len(shared)} of the {len(problems)} problems of {quote(file)} would be learned from and tested; "
                "test on trails of other problems"
            )


def _report(curve: ReliabilityCurve, trails: Mapping[str, Sequence[Trail]], file: Path) -> Report:
    from agent.views.report import Report

    parts = {name or "learned": _check(curve, some) for name, some in trails.items()}
    titles = ["on the problems it was learned from, so too good:", *(f"\n{name}:" for name in list(parts)[1:])]
    texts = [text for title, part in zip(titles, parts.values(), strict=True) for text in (title, part.text)]
    weights = [f"{name:<12}{weight:>9.4f}" for name, weight in curve.weights.items()]
    record = {"reliability": curve, **{name: part.record for name, part in parts.items()}, "file": str(file)}
    enough = f"an answer that passes its examples is verified from a probability of {curve.enough:.3f} on"
    lines = [f"{'reliability':<12}{'weight':>9}", *weights, "", enough, "", *texts, f"written to {file}"]
    return Report(record, "\n".join(lines))


def _check(curve: ReliabilityCurve, trails: Sequence[Trail]) -> Report:
    """Compare the stated probabilities of answers with whether they are right; also of the first programs alone."""
    from agent.views.report import Report
    from benchmarks.reports.reliability import report_reliability

    answers = report_reliability(
        [curve.probability(each.evidence) for each in trails],
        [each.right for each in trails],
        [each.passed and each.examples > 0 for each in trails],
    )
    firsts = [each.steps[0].right for each in trails]
    stated = [curve.probability(each.first_evidence) for each in trails]
    first = report_reliability(stated, firsts, firsts).record["all"]
    passed = [each for each in trails if each.passed and each.examples]
    verified = [each for each in passed if curve.probability(each.evidence) >= curve.enough]
    passed_wrong, verified_wrong = (sum(not each.right for each in some) for some in (passed, verified))
    lines = [
        answers.text,
        f"verified: {len(verified)} of {len(passed)} that passed examples, {verified_wrong} of them wrong "
        f"({verified_wrong / max(1, len(verified)):.1%}); of all that passed, {passed_wrong} are wrong",
        f"first programs alone: {sum(firsts)} right, ECE {first['ece']:.4f}, AUROC {first['auroc']:.4f}",
    ]
    counts = {"verified": len(verified), "verified_wrong": verified_wrong, "first_programs": first}
    return Report({**answers.record, **counts}, "\n".join(lines))
