"""The workflow runs the lines so far for EG-CFG: laziness, cost, budget, and the prompt's text."""

from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from text_model import byte_model

from agent.decoding import POLICIES, Gate
from agent.program.examples.read import visible_examples
from agent.program.prompts import add_trace
from agent.program.styles import PROMPT_STYLES
from agent.program.task import Task
from agent.records import Unfinished
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.verification.metered import MeteredSandbox
from agent.workflow.context import Context
from agent.workflow.graph import build, invoke
from agent.workflow.prepare import build_prompt
from agent.workflow.run import run_task
from agent.workflow.state import AgentState
from agent.workflow.threads import open_memory_store
from agent.workflow.traced_prompts import TracedPrompts
from sandbox import open_sandbox

REQUEST = 'def f(xs):\n    """Sum the even numbers.\n\n    >>> f([1, 2])\n    2\n    """'
TASK = Task(REQUEST, tuple(visible_examples(REQUEST)), "f", "a test")
BODY = "\n    n = 0\n    for x in xs:\n        if"


@pytest.fixture(scope="module")
def box():
    sandbox = open_sandbox("process")
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def model():
    return byte_model(sharpness=8.0)


def prepared(model, sandbox, task=TASK) -> tuple[Context, AgentState]:
    context = Context(model, POLICIES["eg-cfg"], sandbox, max_tokens=24)
    return context, build_prompt(context, AgentState(task))


def test_the_traced_prompt_shows_the_input_of_the_example_and_the_values_of_the_lines(model, box):
    writer = TracedPrompts(*prepared(model, box))
    text = "".join(_pieces(model, writer(BODY)))
    assert text == (
        "# The lines written so far, run on `f([1, 2])`:\n# - `def f(xs):`: xs = [1, 2]\n# - `n = 0`: n = 0\n"
        f"# - `for x in xs:`: x = 1 then 2\n{REQUEST}"
    )


def _pieces(model, ids):
    stream = model.tokenizer.stream(())
    for token in ids:
        stream, piece = stream.feed(token)
        yield piece


def test_lines_that_were_traced_last_are_not_run_again(model, box):
    context, state = prepared(model, MeteredSandbox(box, None, None, lambda: 0.0))
    writer = TracedPrompts(context, state)
    assert writer(BODY) == writer(f"{BODY} x")
    assert context.sandbox.runs == 1
    later = TracedPrompts(context, replace(state, current=Unfinished(trace=writer.last)))
    assert later(BODY) is not None
    assert context.sandbox.runs == 1


def test_lines_that_cannot_run_yet_are_not_run(model, box):
    context, state = prepared(model, MeteredSandbox(box, None, None, lambda: 0.0))
    writer = TracedPrompts(context, state)
    assert (writer(""), writer("\n    n ="), context.sandbox.runs) == (None, None, 0)


def test_without_examples_nothing_runs(model, box):
    context, state = prepared(model, MeteredSandbox(box, None, None, lambda: 0.0), replace(TASK, examples=()))
    assert (TracedPrompts(context, state)(BODY), context.sandbox.runs) == (None, 0)


def test_a_spent_budget_of_runs_leaves_the_pause_without_a_trace(model, box):
    assert TracedPrompts(*prepared(model, MeteredSandbox(box, 0, None, lambda: 0.0)))(BODY) is None


def test_a_chat_prompt_shows_the_trace_behind_the_request():
    text = add_trace("Complete f.\n", "- `n = 0`: n = 0", PROMPT_STYLES["dubito"])
    assert text == "Complete f.\n\n- `n = 0`: n = 0\n"


def forged() -> ScriptedSandbox:
    return ScriptedSandbox(value=[[[1, [["xs", "[1, 2]"]]], [2, [["n", "0"]]]], ""])


def eager(model, sandbox) -> tuple[Context, Task]:
    begun = f"{REQUEST}{BODY} "
    task = replace(TASK, request=begun)
    policy = replace(POLICIES["eg-cfg"], gate=Gate("entropy", 0.3))
    return Context(model, policy, sandbox, max_tokens=24), task


def test_runs_and_forwards_of_traces_are_part_of_the_cost_and_of_the_budget(model):
    box = forged()
    context, task = eager(model, box)
    once = SearchConfig(Budget(programs=1))
    result = run_task(context, task, config=once)
    greedy = run_task(replace(context, policy=POLICIES["greedy"]), task, config=once)
    assert result.cost.pauses > 1
    assert result.cost.sandbox_runs == len(box.programs) - greedy.cost.sandbox_runs > greedy.cost.sandbox_runs
    assert result.cost.forwards > result.cost.tokens
    spent = run_task(context, task, config=SearchConfig(Budget(programs=1, runs=1)))
    assert spent.cost.sandbox_runs == 1


def test_a_resumed_run_traces_and_decodes_as_an_uninterrupted_one(model):
    context, task = eager(model, forged())
    state = AgentState(task, SearchConfig(Budget(programs=1)))
    whole = invoke(build(), context, state)
    graph = build(open_memory_store())

    def stop_at_the_third_pause(event, seen=[]) -> None:  # noqa: B006 - counts over all nodes
        seen += [event] if getattr(event, "pause", None) else []
        if len(seen) == 3:
            seen.append(None)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        invoke(graph, replace(context, emit=stop_at_the_third_pause), state, thread="a")
    resumed = invoke(graph, context, None, thread="a")
    assert resumed.attempts[0].tokens == whole.attempts[0].tokens
    assert resumed.cost.sandbox_runs == whole.cost.sandbox_runs
