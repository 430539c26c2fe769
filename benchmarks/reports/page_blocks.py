"""What the page shows of each problem, as plain records: verdicts, marked code, pauses, the tree. Writes no HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent.program.ends import PRUNED
from agent.program.syntax import find_entry_point
from agent.views.numbers import format_count, format_probability
from agent.views.text import clean, format_code
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.plan import Key, natural_order
from benchmarks.experiments.stories import Story, StoryAttempt, StoryPause
from benchmarks.reports.marked_code import Code, describe_span, mark_code, measure_shared_lines

_MOST_LISTED = 40  # attempts of one run of a problem
_DEEPEST = 6  # levels of indentation
_BYTES_OF_PAUSE, _BYTES_OF_CANDIDATE, _BYTES_OF_MARK, _BYTES_OF_PROGRAM = 250, 60, 45, 500  # of their HTML, about


class ReportedRun(NamedTuple):
    """The outcomes of one run, and the stories beside them; None where the run has no file of stories."""

    name: str
    outcomes: Mapping[Key, ProblemOutcome]
    stories: Mapping[Key, Story] | None


class CandidateRow(NamedTuple):
    """A candidate of a pause as a row of a table."""

    text: str
    probability: str
    score: str
    won: bool


class PauseView(NamedTuple):
    """A pause with its number, which stands in the code, too."""

    number: int
    line: int
    reason: str
    taken: str
    score_name: str
    rows: list[CandidateRow]
    forwards: str


class AttemptView(NamedTuple):
    """One program of a tree."""

    label: str
    depth: int
    way: str  # how it came from an earlier one
    token: str  # with which it departed from there
    sign: str
    verdict: str
    failures: list[str]
    facts: str
    stands: bool
    shares: str  # with what it shares the lines that are not shown; empty where all are
    code: Code | None  # None where there is no room for it
    pauses: list[PauseView]
    holes: list[str]
    guarantee: str  # of the rest


class RunView(NamedTuple):
    """One run of one problem, or one sample of it."""

    name: str
    passed: bool
    hidden: str
    facts: str
    attempts: list[AttemptView]
    best: AttemptView
    left_out: str  # what had no room; empty where all is shown


@dataclass(frozen=True, slots=True)
class ProblemView:
    """One problem in all runs."""

    task_id: str
    title: str
    request: str
    marks: list[tuple[str, str, bool]]  # of each run: its name, samples that passed, whether all did
    runs: list[RunView]
    pauses: int
    tags: str  # of "failed", "paused", "changed", those that hold


def view_problems(runs: Sequence[ReportedRun], most_bytes: int) -> list[ProblemView]:
    """Return what the page shows of each problem, in order. most_bytes: the room for all of them, about."""
    keys = sorted({key for run in runs for key in run.outcomes}, key=natural_order)
    shown = sum(len({task_id for task_id, _ in run.outcomes}) for run in runs)
    room = most_bytes // max(1, shown)
    samples: dict[str, list[Key]] = {}
    for key in keys:
        samples.setdefault(key[0], []).append(key)
    return [_view_problem(task_id, of_problem, runs, room) for task_id, of_problem in samples.items()]


def _view_problem(task_id: str, keys: Sequence[Key], runs: Sequence[ReportedRun], room: int) -> ProblemView:
    stories = (run.stories[key] for run in runs for key in keys if run.stories and key in run.stories)
    first = next(stories, None)
    request = first.request if first else ""
    views, marks = list[RunView](), list[tuple[str, str, bool]]()
    for run in runs:
        outcomes = [run.outcomes[key] for key in keys if key in run.outcomes]
        for outcome in _choose_samples(outcomes):
            story = (run.stories or {}).get((task_id, outcome.sample))
            name = clean(run.name) if len(keys) == 1 else f"{clean(run.name)}, sample {outcome.sample}"
            views.append(_view_run(name, outcome, story, request, room))
        passed = sum(outcome.passed for outcome in outcomes)
        share = f"{passed} of {len(outcomes)}" if len(keys) > 1 else "passed" if passed else "failed"
        marks.append((clean(run.name), share, passed == len(outcomes) > 0))
    pauses = sum(run.outcomes[key].pauses for run in runs for key in keys if key in run.outcomes)
    tags = {
        "failed": not all(view.passed for view in views),
        "paused": pauses > 0,
        "changed": len({share for _, share, _ in marks}) > 1,
    }
    return ProblemView(
        clean(task_id), find_entry_point(request) or "", clean(request).strip("\n"), marks, views, pauses,
        " ".join(tag for tag, holds in tags.items() if holds),
    )  # fmt: skip


def _choose_samples(outcomes: Sequence[ProblemOutcome]) -> list[ProblemOutcome]:
    """Return the first sample of a problem, and the first that ended otherwise."""
    first = {outcome.passed: outcome for outcome in reversed(outcomes)}
    return sorted(first.values(), key=lambda outcome: outcome.sample)


def _view_run(name: str, outcome: ProblemOutcome, story: Story | None, request: str, room: int) -> RunView:
    facts = " · ".join(
        [
            f"{outcome.outcome} by the visible examples",
            format_count(outcome.attempts, "program"),
            format_count(outcome.tokens, "token"),
            format_count(outcome.pauses, "pause"),
            f"{outcome.seconds:.1f} s",
        ]
    )
    hidden = f"base {outcome.base}, plus {outcome.plus}"
    if story is None:
        alone = _view_lone_program(outcome.program, request)
        return RunView(name, outcome.passed, hidden, facts, [], alone, "")
    attempts = list(_view_attempts(story, room))
    best = attempts[story.best] if story.best < len(attempts) else _view_lone_program(outcome.program, request)
    cut = sum(each.code is None for each in attempts) + len(story.attempts) - len(attempts)
    left_out = f"{format_count(cut, 'program')} had no room here; the file of stories has them" if cut else ""
    return RunView(name, outcome.passed, hidden, facts, attempts, best, left_out)


def _view_lone_program(program: str, request: str) -> AttemptView:
    start = measure_shared_lines(program, request)
    shares = "the request" if start else ""
    return AttemptView("1", 0, "", "", "", "", [], "", True, shares, mark_code(program, start), [], [], "")


def _view_attempts(story: Story, room: int) -> Iterator[AttemptView]:
    """Yield the attempts of a story. The best one is shown whole; the others as long as there is room for them."""
    room -= _count_bytes(story.attempts[story.best])
    depths = list[int]()
    for number, attempt in enumerate(story.attempts[:_MOST_LISTED]):
        depths.append(1 + depths[attempt.edge.parent] if attempt.edge else 0)
        stands = number == story.best
        if not stands:
            room -= _count_bytes(attempt)
        yield _view_attempt(story, number, min(depths[number], _DEEPEST), shown=stands or room >= 0)


def _count_bytes(attempt: StoryAttempt) -> int:
    """Return about how many bytes the code and the pauses of an attempt take on the page."""
    rows = sum(_BYTES_OF_CANDIDATE + len(row.text) for pause in attempt.pauses for row in pause.candidates)
    tail = len(attempt.answer) - (attempt.edge.at if attempt.edge else 0)
    marks = len(attempt.doubts) * _BYTES_OF_MARK
    return _BYTES_OF_PROGRAM + tail + marks + rows + len(attempt.pauses) * _BYTES_OF_PAUSE


def _view_attempt(story: Story, number: int, depth: int, *, shown: bool) -> AttemptView:
    attempt = story.attempts[number]
    parent = story.attempts[attempt.edge.parent] if attempt.edge else None
    stands = number == story.best
    pauses = _number_pauses(_pauses_on_path(story, number) if stands else attempt.pauses)
    beside, shares = (story.request, "the request")
    if parent is not None and not stands:
        beside, shares = parent.program, f"program {parent.label}"
    start = measure_shared_lines(attempt.program, beside)
    places = {pause.place: count for count, pause in pauses if pause.place is not None}
    facts = [format_count(attempt.tokens, "token"), f"{attempt.surprisal or 0.0:.1f} nats", attempt.end]
    return AttemptView(
        clean(attempt.label), depth, _describe_way(attempt, parent), _name_departure(attempt), _sign(attempt),
        _describe_verdict(attempt),
        [clean(failure) for failure in attempt.failures], clean(" · ".join(facts)), stands, shares if start else "",
        mark_code(attempt.program, start, attempt.doubts, attempt.holes, places) if shown else None,
        [_view_pause(count, pause) for count, pause in pauses] if shown else [],
        [describe_span(attempt.program, hole) for hole in attempt.holes],
        clean(attempt.guarantee),
    )  # fmt: skip


def _pauses_on_path(story: Story, number: int) -> list[StoryPause]:
    """Return the pauses on the way to an attempt: its own, and those of its ancestors before the ways part."""
    attempt = story.attempts[number]
    if attempt.edge is None or not attempt.edge.line:
        return attempt.pauses
    before = [pause for pause in _pauses_on_path(story, attempt.edge.parent) if pause.at < attempt.edge.at]
    return [*before, *attempt.pauses]


def _number_pauses(pauses: Sequence[StoryPause]) -> list[tuple[int, StoryPause]]:
    return list(enumerate(pauses, start=1))


def _describe_way(attempt: StoryAttempt, parent: StoryAttempt | None) -> str:
    if attempt.edge is None or parent is None:
        return ""
    if attempt.edge.kind == "repair":
        return f"repairs {clean(parent.label)}"
    if attempt.edge.kind == "read_on":
        return f"follows {clean(parent.label)}"
    return f"from {clean(parent.label)} at line {attempt.edge.line}"


def _name_departure(attempt: StoryAttempt) -> str:
    """Return the token with which a branch departs."""
    edge = attempt.edge
    return format_code(edge.text) or "the end of the text" if edge and edge.line else ""


def _sign(attempt: StoryAttempt) -> str:
    """Return the sign of a verdict. A program that was dropped half-written, or equals another, did not fail."""
    if attempt.end in PRUNED or attempt.same_as:
        return "·"
    return "✓" if attempt.verdict == "passed" else "✗"


def _describe_verdict(attempt: StoryAttempt) -> str:
    alike = f", as {clean(attempt.same_as)}" if attempt.same_as else ""
    if attempt.verdict == "passed":
        examples = format_count(attempt.checked, "visible example")
        return (f"passed {examples}" if attempt.checked else "runs; no example checks it") + alike
    return clean(attempt.failures[0] if attempt.failures else attempt.verdict) + alike


def _view_pause(number: int, pause: StoryPause) -> PauseView:
    rows = [
        CandidateRow(format_code(each.text), _percent(each.logprob), _score(each.score), place == pause.chosen)
        for place, each in enumerate(pause.candidates)
    ]
    taken = next((row.text for row in rows if row.won), "another token")
    score_name = "lookahead" if pause.resolver == "rerank" else "score"
    forwards = f"{clean(pause.resolver)}, {format_count(pause.forwards, 'forward')}"
    return PauseView(number, pause.line, clean(pause.reason), taken, score_name, rows, forwards)


def _percent(logprob: float | None) -> str:
    return "–" if logprob is None else format_probability(math.exp(min(logprob, 0.0)))


def _score(score: float | None) -> str:
    return "–" if score is None else f"{score:.2f}"
