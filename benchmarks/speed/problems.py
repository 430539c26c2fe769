"""Time how long a model takes to answer all problems of a benchmark, side by side; nothing runs the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.lm.base import Model
from benchmarks.base import Problem
from benchmarks.experiments.evalplus_codegen import complete_ours
from benchmarks.experiments.side_by_side import count_tasks, share_model
from benchmarks.speed.bench import read_clock
from benchmarks.speed.decoding import Measurement

_MAX_TOKENS = 768  # as evalplus allows


def time_problems(model: Model, problems: Sequence[Problem], batch: int | None) -> Iterator[Measurement]:
    """Yield the time of completing all problems greedily in the style evalplus.

    batch: how many at once; None for as many as suit the model and the device.
    """

    def complete(problem: Problem, own: Model, _: object) -> int:
        return len(complete_ours(own, problem, max_tokens=_MAX_TOKENS))

    tasks = count_tasks(model.lm, _MAX_TOKENS, batch)
    start = read_clock()
    tokens = sum(share_model(problems, model, complete, tasks=tasks))
    seconds = read_clock() - start
    measured = f"{seconds:.1f} s ({tokens} tokens, {tokens / seconds:.0f} a second)"
    yield Measurement(f"greedy: {len(problems)} problems, decoding alone", "<= 20 s on a GPU", measured)
