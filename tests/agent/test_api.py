"""`solve` writes what the command line writes, by names or by objects, and says which names there are."""

import subprocess
import sys
from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from trie import TrieLM

import agent
from agent import POLICIES, STRATEGIES, Result, Session, solve
from agent.api import choose_policy, choose_strategy
from agent.errors import InvalidRequestError
from agent.profile import Calibration, ModelProfile
from agent.program.task import read_task
from agent.records import Answer, Attempt
from agent.strategies import ALONE, BestOf, Once, Strategy, Tree
from sandbox import Verdict

PROMPT = 'def f(x: int) -> int:\n    """Double.\n\n    >>> f(1)\n    2\n    """'
DOUBTFUL = replace(POLICIES["adadec"], gate=replace(POLICIES["adadec"].gate, threshold=0.3))
GOOD, BAD = "\n    return 2 * x\n", "\n    return x\n"
TEN_LINES = """
from agent import open_lm, solve
from sandbox import open_sandbox

request = '''def total(xs: list[int]) -> int:
    \"\"\"Return the sum of the numbers in xs that are even.

    >>> total([1, 2, 4])
    6
    \"\"\"
'''
sandbox = open_sandbox("process")
result = solve(request, lm=open_lm("models/tiny"), sandbox=sandbox)
sandbox.close()
print(result.standing)
print(result.best.program)
"""


def solved(request=PROMPT, *, known=(BAD, GOOD), **options) -> Result:
    """Solve with a model that knows two programs, the likelier one first, in a sandbox that passes the second."""
    lm = TrieLM({text: 0.5 + 0.1 * (text is known[0]) for text in known}).model()
    box = ScriptedSandbox(lambda program: Verdict.PASSED if GOOD.strip() in program else Verdict.FAILED, value=2)
    return solve(request, lm=lm, sandbox=box, **{"policy": DOUBTFUL, "max_tokens": 40, **options})


@pytest.mark.model
def test_ten_lines_write_a_verified_program(capsys):
    exec(compile(TEN_LINES, "example", "exec"), {})
    standing, program = capsys.readouterr().out.split("\n", 1)
    assert standing == "verified" and "def total(" in program


def test_a_result_names_the_program_its_standing_and_every_attempt():
    result = solved()
    assert (result.outcome, result.standing) == ("accepted", "verified")
    assert result.best.program == PROMPT + GOOD
    assert {attempt.verdict for attempt in result.attempts} == {"passed", "failed"}
    assert result.attempts[result.answer.attempt] == result.best and result.cost.forwards > 0


def test_a_result_holds_how_its_model_was_asked_and_which_weights_it_has():
    model = replace(TrieLM({GOOD: 0.5}).model(), digest="0123456789ab", dtype="int8")
    record = solve(PROMPT, lm=model, sandbox=ScriptedSandbox(value=2), policy="greedy", max_tokens=40).record()
    assert (record["weights"], record["dtype"]) == ("0123456789ab", "int8")
    assert record["prompt_style"] == model.prompt_style.describe()


def test_events_are_heard_while_the_run_goes_on():
    events = []
    result = solved(on_event=events.append)
    assert [event for event in events if isinstance(event, Attempt)] == list(result.attempts)
    assert isinstance(events[-1], Answer)


def test_a_strategy_is_a_name_or_an_object():
    assert not [each for each in (solved(strategy="once"), solved(strategy=Once())) if len(each.attempts) != 1]
    assert choose_strategy("tree") == Tree.within(20) and choose_strategy("best-of") == BestOf.within(5)
    asked = []

    class Asked(Strategy):
        def __call__(self, context, task, session=ALONE):
            asked.append((context.max_tokens, task.request, session))
            return "anything"

    assert solved(strategy=Asked(), session=Session(thread="t")) == "anything"
    assert asked == [(40, PROMPT, Session(thread="t"))]


def test_a_policy_is_a_name_or_an_object_and_a_named_one_takes_the_threshold_of_the_profile():
    profile = ModelProfile("m", thresholds={"entropy": Calibration("entropy", "youden", 0.25)})
    adadec = POLICIES["adadec"]
    assert choose_policy(None, Tree.within(20), profile) == replace(adadec, gate=replace(adadec.gate, threshold=0.25))
    assert choose_policy(adadec, Tree.within(20), profile) == adadec
    assert choose_policy("greedy", Tree.within(20), profile) == POLICIES["greedy"]
    assert choose_policy(None, BestOf.within(5), profile) == POLICIES["sample"], "the strategy's own"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"policy": "nosuch"}, "unknown policy 'nosuch'; choose from adadec, "),
        ({"strategy": "nosuch"}, f"unknown strategy 'nosuch'; choose from {', '.join(STRATEGIES)}"),
        ({"tests": "x = 1"}, "holds no assert"),
        ({"strategy": "beam", "policy": "uscd"}, "beam needs the policy greedy, and uscd came; leave it out"),
        ({"strategy": "best-of", "policy": "adadec"}, "best-of needs the policy sample or adapt, and adadec came"),
        (
            {"strategy": "beam", "policy": "greedy", "session": Session(checkpointer=object())},
            "beam starts anew each time",
        ),
        ({"request": "\0"}, "NUL"),
        ({"request": read_task(PROMPT), "tests": "assert f(2) == 4"}, "tests came beside a task, which has its own"),
        ({"max_tokens": 0}, "max_tokens is 0; wanted 1 or more"),
        ({"max_holes": 0}, "max_holes is 0; wanted 1 or more"),
        ({"tau": 0}, "tau is 0; wanted 0 < tau <= 1"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_refused_before_the_model_runs(options, sentence):
    events = []
    with pytest.raises(InvalidRequestError, match=sentence):
        solved(**options, on_event=events.append)
    assert events == []


def test_importing_the_package_loads_no_part_of_it():
    code = "import sys, agent; print([name for name in sys.modules if name.startswith('agent.') or name == 'torch'])"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"


def test_the_package_has_its_public_names_and_no_other():
    assert all(getattr(agent, name) is not None for name in agent.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = agent.nosuch
