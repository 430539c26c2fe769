"""What searches teach is learned, written, and used by the next search; hidden tests reach none of it."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from trie import TrieLM
from typer.testing import CliRunner

import benchmarks.experiments.best_of_n
import benchmarks.experiments.search_examples
from agent.decoding import POLICIES
from agent.profile import ModelProfile, ReliabilityCurve
from agent.program.task import read_task
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.strategies import BestOf, Once, Tree
from agent.workflow.context import Context
from agent.workflow.run import run_task
from benchmarks.base import Problem
from benchmarks.experiments import runner
from benchmarks.experiments.best_of_n import sample_problem
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.search_examples import search_problem
from benchmarks.judging.checker import judge_program
from benchmarks.reports.reliability import report_reliability
from sandbox import Expression, open_sandbox
from uncertainty.calibration import learn_reliability, learn_weights

PROMPT = 'def f(x: int) -> int:\n    """Add one.\n    >>> f(1)\n    2\n    >>> f(5)\n    6\n    """'
KNOWN = {"\n    return x - 1": 0.5, "\n    return x * 2": 0.2, "\n    return x + 1": 0.3}


def problem(*plus, prompt=PROMPT) -> Problem:
    return Problem("t/0", prompt, "f", "\n    return x + 1\n", ((1,), (5,)), tuple((value,) for value in plus))


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


def context(box, known=KNOWN, **more) -> Context:
    return Context(TrieLM(known).model(), POLICIES["greedy"], box, **more)


def test_a_search_example_holds_each_edge_taken_and_whether_its_program_passed(box):
    taught = search_problem(problem(7, 8), context(box), SearchConfig(repair_after=0))
    assert (taught.edges_passed, taught.right, taught.accepted, taught.examples) == ([True], True, True, 2)
    assert {"path", "entropy", "gap", "depth"} <= taught.edges[0].keys()
    assert taught.answer["passed"] == 1.0 and taught.answer["attempts"] > 0.0
    looked = search_problem(problem(7, 8), context(box), SearchConfig(repair_after=0, lines=True))
    assert (taught.edges[0]["blamed"], looked.edges[0]["blamed"]) == (0.0, 1.0), "the failing example ran that line"
    wrong = search_problem(problem(7), context(box, {"\n    return {1: 2, 5: 6}.get(x)": 1.0}), SearchConfig())
    assert (wrong.edges_passed, wrong.right, wrong.answer["passed"]) == ([], False, 1.0)


def test_what_search_examples_teach_is_used_by_the_next_search(box):
    taught = search_problem(problem(7), context(box), SearchConfig(repair_after=0, order="blame"))
    order, _ = learn_weights(taught.edges * 2 + [{"path": -9.0}], [True, True, False])
    curve = learn_reliability([{"passed": float(n % 2)} for n in range(40)], [n % 2 == 1 for n in range(40)])
    doing = context(
        box, profile=ModelProfile("m", edge_weights=order, reliability=ReliabilityCurve(**curve._asdict(), examples=2))
    )
    result = run_task(doing, read_task(PROMPT), config=SearchConfig(order="learned"))
    assert result.outcome == "accepted" and result.answer.probability > 0.9


def test_the_report_is_over_all_answers_and_over_the_accepted_ones():
    report = report_reliability([0.9, 0.9, 0.1], [True, False, False], [True, True, False]).text.splitlines()
    assert report[0].startswith("all answers:   3, 1 right, ECE 0.3000")
    assert report[1].startswith("accepted ones: 2, 1 right, ECE 0.4000")


class Watched:
    """A sandbox that remembers what it is sent, until the judge comes."""

    def __init__(self, box) -> None:
        self.box, self.sent, self.judging = box, list[str](), False

    def run(self, program, *, calls=(), **options):
        if not self.judging:
            said = [call.source if isinstance(call, Expression) else repr(call) for call in calls]
            self.sent += [program, *said]
        return self.box.run(program, calls=calls, **options)


EXAMPLES = ["", "\n    >>> f(1)\n    2", "\n    >>> f(1)\n    2\n    >>> f(5)\n    6"]
WAYS = {
    "tree": lambda asked, here: runner.run_item(WorkItem(asked), here, Tree.within(5)),
    "blame": lambda asked, here: runner.run_item(WorkItem(asked), here, Tree.within(20, order="blame")),
    "best-of-5": lambda asked, here: runner.run_item(
        WorkItem(asked), replace(here, policy=POLICIES["sample"]), BestOf.within(5)
    ),
    "search example": lambda asked, here: search_problem(asked, here, SearchConfig(Budget(programs=6), repair_after=1)),
    "samples": lambda asked, here: sample_problem(asked, here, samples=3),
}


@pytest.mark.parametrize("way", WAYS)
@given(
    hidden=some.lists(some.integers(10**9, 10**12), min_size=1, max_size=4, unique=True),
    examples=some.sampled_from(EXAMPLES),
    weights=some.lists(some.floats(0.05, 1.0), min_size=3, max_size=3),
)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_hidden_input_or_expected_value_reaches_the_search(box, way, hidden, examples, weights):
    prompt = f'def f(x: int) -> int:\n    """Add one.{examples}\n    """'
    watched, lm = Watched(box), TrieLM(dict(zip(KNOWN, weights, strict=True)))

    def judged(sandbox, problem, program, **options):
        watched.judging = True
        try:
            return judge_program(sandbox, problem, program, **options)
        finally:
            watched.judging = False

    with pytest.MonkeyPatch.context() as patch:
        for module in (runner, benchmarks.experiments.search_examples, benchmarks.experiments.best_of_n):
            patch.setattr(module, "judge_program", judged)
        found = WAYS[way](problem(*hidden, prompt=prompt), Context(lm.model(), POLICIES["greedy"], watched))
    seen = "\n".join([*watched.sent, *("".join(map(chr, ids)) for ids in lm.asked), repr(found)])
    assert watched.sent and lm.asked, "something was decoded, and something was run"
    assert not [value for secret in hidden for value in (str(secret), str(secret + 1)) if value in seen]


def test_the_watch_would_see_a_hidden_input(box):
    watched = Watched(box)
    leaking = problem(10**10, prompt=PROMPT.replace("f(1)", f"f({10**10})"))
    runner.run_item(WorkItem(leaking), Context(TrieLM(KNOWN).model(), POLICIES["greedy"], watched), Once())
    assert any(str(10**10) in text for text in watched.sent)


def test_a_search_is_taught_nothing_where_all_is_right_and_says_so(tmp_path):
    from text_model import byte_model, save

    save(byte_model(sharpness=8.0, context=400), tmp_path / "model")
    from agent.cli.app import app

    command = ["calibrate", "search", "--model", str(tmp_path / "model"), "--problems", "exercises", "--limit", "2"]
    options = ["--sandbox", "process", "--max-tokens", "4", "--budget", "programs=2", "--out", str(tmp_path / "a.json")]
    result = CliRunner().invoke(app, [*command, *options])
    assert (result.exit_code, "nothing can be learned from these searches" in result.stderr) == (2, True), result.output
    assert not (tmp_path / "a.json").exists()
