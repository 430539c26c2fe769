"""The page of runs with real models: tables of the runs there are, beside what others published. Runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.views.report import Report
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.real import (
    CLAIMS,
    JOINT,
    MOST_TOKENS,
    PROBLEM_COUNTS,
    REAL_COMPARISONS,
    REAL_RUNS,
    REPORTED,
    TITLES,
    Published,
    RealComparison,
    RealRun,
)
from benchmarks.reports.compare import compare
from benchmarks.reports.metrics import Interval, mcnemar, wilson

_TITLE = "# Real models"
_COSTS = ("tokens", "forwards", "seconds")
_HEADS = ("base", "plus, 95 %", "gained/lost", "p", *_COSTS, "pause rate", "cut off", "problems")
_OPENING = """\
`dubito bench real --run` runs what is missing, resumes what was killed, and writes this page; `make real` calls it.
All runs write one program a problem; more than one are in [search.md](search.md). [README.md](README.md) explains the
columns. Tokens, forwards and seconds are means over problems. p is of the exact McNemar test on plus, against the first
row. A program counts as cut off when it reaches the limit of tokens. Seconds depend on what else the
machine did."""

Outcomes = Mapping[str, Sequence[ProblemOutcome]]  # by the name of the run
Provenance = Mapping[str, Mapping[str, Any]]  # by the name of the run: the first line of its file


def is_page(head: bytes) -> bool:
    """Whether a file that begins like this is such a page."""
    return head.startswith(_TITLE.encode())


def report_real(outcomes: Outcomes, provenance: Provenance) -> Report:
    """Report all runs as a page of Markdown; one that has no outcome yet is named as not run."""
    records = {comparison.title: _measure(comparison, outcomes) for comparison in REAL_COMPARISONS}
    joint, published = _test_jointly(outcomes), [_beside(each, outcomes) for each in REPORTED]
    parts = [_TITLE, _OPENING]
    for comparison in REAL_COMPARISONS:
        parts += [f"## {comparison.title}", _table(comparison, records[comparison.title])]
        parts += _describe_runs(comparison, provenance)
        parts += ["```console\n" + "\n".join(_command(run) for run in comparison.runs) + "\n```"]
    parts += ["## `dubito` against `qwen` on both data sets together", _joint_sentence(joint)]
    parts += ["## Beside the makers' own numbers", _published_table(published)]
    parts += ["## What the papers claim", "\n".join(f"- {paper}: {claim}." for paper, claim in CLAIMS.items())]
    return Report({"comparisons": records, "joint": joint, "published": published}, "\n\n".join(parts))


def _measure(comparison: RealComparison, outcomes: Outcomes) -> list[dict[str, Any]]:
    """Return the measures of each run that has outcomes, compared with the first one that has."""
    runs = {run.name: outcomes[run.name] for run in comparison.runs if outcomes.get(run.name)}
    return [
        each.record()
        | {
            "base": _base(runs[each.name])._asdict(),
            "missing": PROBLEM_COUNTS[REAL_RUNS[each.name].dataset] - each.problems,
            "cut_off": sum(outcome.tokens >= MOST_TOKENS for outcome in runs[each.name]),
        }
        for each in compare(runs)
    ]


def _describe_runs(comparison: RealComparison, provenance: Provenance) -> list[str]:
    """Return a sentence of when, from which commit, with which torch and weights the runs were made, if any was."""
    lines = [provenance[run.name] for run in comparison.runs if run.name in provenance]
    facts = {
        "begun": (str(line.get("time", ""))[:10] for line in lines),
        "commit": (str(line.get("commit"))[:8] for line in lines),
        "torch": (line.get("versions", {}).get("torch", "unknown") for line in lines),
        "weights": (str(line.get("dtype", "unknown")) for line in lines),
    }
    words = [f"{name} {', '.join(sorted(set(values)))}" for name, values in facts.items()]
    return [f"Runs: {'; '.join(words)}."] if lines else []


def _base(outcomes: Sequence[ProblemOutcome]) -> Interval:
    return wilson(sum(each.base == "passed" for each in outcomes), len(outcomes))


def _table(comparison: RealComparison, records: Sequence[Mapping[str, Any]]) -> str:
    by_name = {record["name"]: record for record in records}
    rows = [_row(run, by_name.get(run.name)) for run in comparison.runs]
    return _lines(("style", "policy", *_HEADS), rows)


def _row(run: RealRun, record: Mapping[str, Any] | None) -> Sequence[str]:
    policy = f"{run.policy}, {run.threshold} threshold" if run.threshold else run.policy
    if record is None:
        return (run.style, policy, "not run", *[""] * (len(_HEADS) - 1))
    costs, interval = record["costs"], record["interval"]
    counted = f"{record['problems']}" + (f" of {PROBLEM_COUNTS[run.dataset]} so far" if record["missing"] else "")
    return (
        run.style,
        policy,
        f"{100 * record['base']['share']:.1f}",
        f"{100 * interval['share']:.1f} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})",
        f"{record['gained']}/{record['lost']}",
        f"{record['p']:.3f}",
        *(f"{costs[name]:.1f}" for name in _COSTS),
        f"{record['pause_rate']:.3f}",
        f"{record['cut_off']}",
        counted,
    )


def _test_jointly(outcomes: Outcomes) -> dict[str, Any]:
    """Compare `dubito` with `qwen` on the problems of both data sets that both have run."""
    pairs = []
    for reference, other in JOINT:
        solved = {each.task_id: each.passed for each in outcomes.get(reference.name, ())}
        pairs += [
            (solved[each.task_id], each.passed) for each in outcomes.get(other.name, ()) if each.task_id in solved
        ]
    gained, lost = pairs.count((False, True)), pairs.count((True, False))
    solved_by = {"qwen": sum(first for first, _ in pairs), "dubito": sum(second for _, second in pairs)}
    return {"problems": len(pairs), **solved_by, "gained": gained, "lost": lost, "p": mcnemar(gained, lost)}


def _joint_sentence(joint: Mapping[str, Any]) -> str:
    if not joint["problems"]:
        return "Not run."
    return (
        f"Of {joint['problems']} problems `qwen` solves {joint['qwen']} and `dubito` {joint['dubito']}: "
        f"{joint['gained']} gained, {joint['lost']} lost, p {joint['p']:.3f} (exact McNemar). "
        f"The two sets have {sum(PROBLEM_COUNTS.values())} problems."
    )


def _beside(published: Published, outcomes: Outcomes) -> dict[str, Any]:
    """Return a published score, and ours in the makers' style; None where that was not run."""
    run = outcomes.get(published.run.name, ())
    plus = wilson(sum(each.passed for each in run), len(run)) if run else None
    ours = {"base": 100 * _base(run).share, "plus": 100 * plus.share} if plus else None
    within = plus and plus.low <= published.plus / 100 <= plus.high
    names = {"model": published.model, "dataset": published.dataset, "base": published.base, "plus": published.plus}
    return {**names, "ours": ours, "problems": len(run), "within_interval": within}


def _published_table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ("model", "data set", "reported (bf16) base/plus", "here, style `qwen` base/plus", "plus within 95 %")
    lines = _lines(heads, [_published_row(row) for row in rows])
    return f"Reported by arXiv:2409.12186, table 16. The weights here are the same model's, quantised.\n\n{lines}"


def _published_row(row: Mapping[str, Any]) -> Sequence[str]:
    reported = f"{row['base']:.1f} / {row['plus']:.1f}"
    if row["ours"] is None:
        return (row["model"], TITLES[row["dataset"]], reported, "not run", "")
    of_all = "" if row["problems"] == PROBLEM_COUNTS[row["dataset"]] else f" ({row['problems']} problems so far)"
    ours = f"{row['ours']['base']:.1f} / {row['ours']['plus']:.1f}{of_all}"
    return (row["model"], TITLES[row["dataset"]], reported, ours, "yes" if row["within_interval"] else "no")


def _command(run: RealRun) -> str:
    return "$ dubito " + " ".join(run.command())


def _lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))
