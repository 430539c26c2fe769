"""A program for a function of a module runs inside the module, and its lines are told as the program's own."""

from contextlib import closing
from dataclasses import replace

import pytest
from shapes import SHAPES
from trie import TrieLM

from agent import solve
from agent.decoding import POLICIES, Gate
from agent.errors import InvalidRequestError
from agent.program.modules.request import read_module_task
from agent.strategies import STRATEGIES, StrategyOptions
from agent.workflow.standing import Standing
from agent.workflow.traced_prompts import TracedPrompts
from sandbox import open_sandbox

MANY = "".join(f"def g{number}(x):\n    return x + {number}\n\n\n" for number in range(300))
STUB = 'def f(x: int) -> int:\n    """Add one.\n\n    >>> f(1)\n    2\n    """\n    ...\n'
MODULE = f"{MANY}{STUB}\n\ndef below(x):\n    return x + 1\n"
WRONG, RIGHT = "\n    y = x\n    return below(y) + 1\n", "\n    y = x\n    return below(y)\n"


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as sandbox:
        yield sandbox


def run(task, box, answers, **options):
    strategy = STRATEGIES["tree"].from_options(StrategyOptions(programs=len(answers), **options))
    model = TrieLM(dict(zip(answers, (0.6, 0.3, 0.1), strict=False))).model()
    return solve(task, lm=model, sandbox=box, policy="greedy", strategy=strategy)


def test_what_is_defined_below_the_function_is_there_when_it_runs(box):
    result = run(read_module_task(MODULE, file="m.py"), box, [RIGHT])
    assert result.standing == Standing.VERIFIED
    assert "def below" not in result.best.program and "def g299" in result.best.program


def test_the_lines_to_blame_are_those_of_the_program(box):
    result = run(read_module_task(MODULE, file="m.py"), box, [WRONG, RIGHT], order="blame")
    first = result.attempts[0]
    lines = first.program.split("\n")
    assert [lines[line - 1].strip() for line in first.blamed] == ["y = x", "return below(y) + 1"]
    assert result.standing == Standing.VERIFIED and len(result.attempts) == 2


def test_a_method_without_examples_is_compared_with_nothing(box):
    task = read_module_task(SHAPES, file="m.py", function="Shape.later")
    result = run(task, box, ["\n        return 1\n", "\n        return 2\n"])
    assert result.standing == Standing.UNVERIFIED, "functions beside it behave alike, and that says nothing of it"


def test_a_body_that_is_left_out_fails_also_without_examples(box):
    result = run(read_module_task("def f(x): ...\n\n\ny = 1\n", file="m.py"), box, ["\n    pass\n"])
    assert result.standing == Standing.ABSTAINED and "does not write f" in result.best.failures[0].got


def test_a_model_with_a_short_context_is_shown_less_of_the_module(box):
    task = read_module_task(MODULE, file="m.py")
    model = TrieLM({RIGHT: 1.0}, context=400).model()
    result = solve(task, lm=model, sandbox=box, policy="greedy", strategy="once")
    assert result.standing == Standing.VERIFIED and len(result.task.request) < 400 < len(task.request)


def test_a_trace_shows_the_lines_that_are_written_so_far(box):
    seen = []
    original = TracedPrompts._trace

    def watch(self, text):
        seen.append(original(self, text))
        return seen[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TracedPrompts, "_trace", watch)
        model, policy = (
            TrieLM({f"\n    z = x{each}": 0.5 for each in (RIGHT, WRONG)}).model(),
            replace(POLICIES["eg-cfg"], gate=Gate("entropy", 0.5)),
        )
        solve(read_module_task(MODULE, file="m.py"), lm=model, sandbox=box, policy=policy, strategy="once")
    traces = [text for text in seen if text]
    assert traces and "- `z = x`: z = 1\n- `y = x`: y = 1" in traces[0] and "g299" not in traces[0]


def test_a_module_that_does_not_load_costs_no_token(box):
    model = TrieLM({RIGHT: 1.0}).model()
    with pytest.raises(InvalidRequestError, match="does not run by itself in the sandbox"):
        solve(read_module_task(f"import nothing\n{MODULE}", file="m.py"), lm=model, sandbox=box)
    assert model.lm.forwards == 0
