"""A trail judges each program by the hidden tests, and says which would stand if the search ended there."""

from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

from agent.decoding import POLICIES
from agent.lm.open import open_lm
from agent.strategies import STRATEGIES
from agent.workflow.context import Context
from benchmarks import open_benchmark
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.runner import run_item
from sandbox import open_sandbox

MODEL = Path(__file__).parents[3] / "models" / "tiny"


def test_the_last_answer_of_a_trail_is_the_runs_own():
    problems, trails = list(islice(open_benchmark("exercises"), 12)), []
    strategy = STRATEGIES["adaptive"].within(5)
    with closing(open_sandbox("process")) as box:
        here = Context(open_lm(str(MODEL)), POLICIES["greedy"], box, max_tokens=60)
        outcomes = [run_item(WorkItem(each), replace(here), strategy, follow=trails.append) for each in problems]
    for trail, outcome in zip(trails, outcomes, strict=True):
        last = trail.steps[-1]
        assert (trail.task_id, len(trail.steps), last.tokens) == (outcome.task_id, outcome.attempts, outcome.tokens)
        assert trail.steps[last.answer].right == outcome.passed
    assert any(len(trail.steps) > 1 for trail in trails) and any(outcome.passed for outcome in outcomes)
