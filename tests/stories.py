"""Runs with stories, made for tests: programs, pauses and trees without a model."""

from __future__ import annotations

from dataclasses import replace

from results import OUTCOME, written

from benchmarks.experiments.stories import Story, StoryAttempt, StoryCandidate, StoryEdge, StoryPause, StorySpan

REQUEST = 'def f(x):\n    """Return x, doubled.\n\n    >>> f(2)\n    4\n    """'
WRONG, RIGHT = "\n    y = x + 1\n    return y\n", "\n    y = x + x\n    return y\n"
AT = len("\n    y = x +")

PAUSE = StoryPause(
    AT, len(REQUEST) + AT, 7, "entropy 1.23 >= 1.00", "rerank",
    [StoryCandidate(" 1", -0.5, -0.2), StoryCandidate(" x", -1.1, -0.6)], 0, 5,
)  # fmt: skip


def attempt_of(answer, **parts):
    return StoryAttempt(
        **{
            "label": "1", "edge": None, "answer": answer, "program": REQUEST + answer, "partial": "", "holes": [],
            "doubts": [], "verdict": "passed", "checked": 1, "failures": [], "end": "end token", "tokens": 12,
            "surprisal": 2.5, "pauses": [], **parts,
        }
    )  # fmt: skip


FIRST = attempt_of(WRONG, verdict="failed", failures=["f(2) returned 3, wanted 4"], pauses=[PAUSE])
SECOND = attempt_of(
    RIGHT, label="2", edge=StoryEdge("branch", 0, AT, 7, " x"),
    doubts=[StorySpan(PAUSE.place, PAUSE.place + 2, 1.1)],
    holes=[StorySpan(PAUSE.place - 3, PAUSE.place + 2, 2.0)],
)  # fmt: skip


def story(number, attempts=(FIRST, SECOND), **parts):
    return Story(f"t/{number}", "0", REQUEST, len(attempts) - 1, list(attempts), **parts)


def outcome(number, *, passed=True, **parts):
    verdict = "passed" if passed else "failed"
    return replace(OUTCOME, task_id=f"t/{number}", program=REQUEST + RIGHT, base=verdict, plus=verdict, **parts)


def write_run(folder, name, outcomes, stories, **options):
    """Write the files of a run, with its stories if there are any."""
    written(folder / f"{name}.jsonl", *outcomes, **options)
    if stories:
        written(folder / f"{name}.stories.jsonl", *stories, **options)
    return str(folder / f"{name}.jsonl")
