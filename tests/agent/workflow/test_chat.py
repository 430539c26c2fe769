"""Chat models through the whole workflow: what is decoded of an answer, what becomes the program, where doubt stands."""
# ruff: noqa: E501 - an answer is read best on one line

from contextlib import closing

import pytest
from fakes import ScriptedSandbox
from trie import TrieLM

from agent.decoding import POLICIES, Step, decode
from agent.program.failures import describe_failure
from agent.program.task import read_task
from agent.records import EdgeKind, Revision
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.workflow.context import Context
from agent.workflow.decode import decode_context
from agent.workflow.prepare import build_prompt
from agent.workflow.run import run_task
from agent.workflow.state import AgentState
from sandbox import open_sandbox

REQUEST = 'from math import floor\n\n\ndef add(a, b):\n    """Return the sum.\n    >>> add(1, 2)\n    3\n    >>> add(2, 2)\n    4\n    """\n'
RIGHT, WRONG = "```python\ndef add(a, b):\n    return a + b\n```", "```python\ndef add(a, b):\n    return a - b\n```"


@pytest.fixture(scope="module")
def box():
    with closing(open_sandbox("process")) as sandbox:
        yield sandbox


def solve_chat(box, known, *, request=REQUEST, most=3, prompt_ends="", events=None, **options):
    model = TrieLM(known if isinstance(known, dict) else {known: 1.0}).model(chats=True, opening=prompt_ends)
    context = Context(model, POLICIES["adadec"], box, **{"max_tokens": 2000, **options})
    listen = events.append if events is not None else lambda event: None
    return run_task(context, read_task(request), config=SearchConfig(Budget(programs=most)), on_event=listen)


ANSWERS = {
    "an install command first": f"Install:\n```bash\npip install nothing\n```\nThen:\n{RIGHT}\n",
    "an example of use first": f"```python\nadd(1, 2)  # 3\n```\nThe function:\n{RIGHT}\n",
    "a draft first": f"A first try:\n{WRONG}\nThat subtracts. Corrected:\n{RIGHT}\n",
    "two drafts first": f"{WRONG}\nNo.\n{WRONG}\nNo.\n{RIGHT}\n",
    "a thought with a draft": f"<think>\n{WRONG}\nno, plus.\n</think>\n\n{RIGHT}\n",
    "the preamble is left out": "```python\ndef add(a, b):\n    return floor(a + b)\n```\n",
    "a fence inside a docstring": '```python\ndef add(a, b):\n    """Add.\n\n```\nadd(1, 2)\n```\n    """\n    return a + b\n```\nDone.',
    "a body in a list": "1. So\n   ```python\n       return a + b\n   ```\n",
}  # fmt: skip


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_a_right_program_is_accepted_and_nothing_is_decoded_behind_it(box, answer):
    result = solve_chat(box, f"{answer}\nIt is so because of this and that.")
    assert (result.outcome, result.best.failures) == ("accepted", ())
    assert len(result.best.tokens) <= len(answer)


def test_an_answer_is_read_on_where_its_program_fails_and_only_once_where_that_brings_nothing(box):
    events = []
    result = solve_chat(box, {f"{WRONG}\nThis adds.": 0.7, f"Or:\n{WRONG}\nSo be it.": 0.3}, events=events, most=9)
    assert [event.kind for event in events if isinstance(event, Revision)].count(EdgeKind.READ_ON) == 1
    assert result.outcome == "abstained"
    longer = next(attempt for attempt in result.attempts if attempt.came_by(EdgeKind.READ_ON))
    assert longer.duplicate_of == 0 and longer.cost.sandbox_runs == 0 and longer.cost.tokens < 20


def test_a_template_that_opens_a_thought_is_read_behind_it(box):
    answer = f"Maybe\n{WRONG}\nno.\n</think>\n{RIGHT}\n"
    result = solve_chat(box, answer, prompt_ends="<think>\n", most=1)
    assert result.outcome == "accepted"


def test_a_thought_that_uses_up_the_tokens_is_named(box):
    result = solve_chat(box, f"<think>\n{WRONG}\n" + "hm " * 60, max_tokens=90)
    assert result.outcome == "abstained" and result.best.program == ""
    (failure,) = result.best.failures
    sentence = describe_failure(failure)
    assert "thought did not end before the token budget" in sentence and "allow more tokens" in sentence


PROSE = {f"{greeting}\n{RIGHT.replace('+', sign)}\n": share * part
         for greeting, share in (("Sure!", 0.4), ("Of course:", 0.35), ("Here it is.", 0.25))
         for sign, part in (("+", 0.3), ("-", 0.4), ("*", 0.3))}  # fmt: skip


def test_doubt_in_the_prose_of_an_answer_is_no_pause_and_no_way_to_another_program(box):
    events = []
    result = solve_chat(box, PROSE, events=events)
    steps = [event for event in events if isinstance(event, Step)]
    begin = len("Sure!\n```python\n")
    doubtful = [at for at, step in enumerate(steps[: len(result.attempts[0].tokens)]) if step.scores["entropy"] >= 1]
    assert 0 in doubtful, "the greeting is in doubt"
    forks = [fork.position for attempt in result.attempts for fork in attempt.forks]
    paused = [at for at, step in enumerate(steps) if step.pause]
    assert min(forks) >= begin and min(paused) >= begin
    assert result.outcome == "accepted" and all(each.program.startswith("def add") for each in result.attempts)


@pytest.mark.oracle
def test_the_graph_and_the_loop_agree_on_where_the_code_is():
    model = TrieLM(PROSE).model(chats=True)
    context = Context(model, POLICIES["adadec"], ScriptedSandbox(value=3), max_tokens=200)
    place = decode_context(context, build_prompt(context, AgentState(read_task(REQUEST))))
    steps = decode(model.lm, place.prompt_ids, context.policy, stop=place.stop, in_code=place.in_code,
                   text=model.tokenizer.stream(place.prompt_ids))  # fmt: skip
    ran = run_task(context, read_task(REQUEST), config=SearchConfig(Budget(programs=1))).steps
    facts = [
        [(step.token, step.end, step.pause and step.pause.candidates) for step in each] for each in (ran, list(steps))
    ]
    assert facts[0] == facts[1] and any(step.pause for step in ran)


def test_doubt_is_marked_where_the_program_has_it_whatever_stands_before(box):
    lines = "1. Yes\n   ```python\r\n   def add(a, b):\r\n       return {}\r\n   ```\n"
    known = {lines.format("floor(a - b)"): 0.55, lines.format("floor(a * b)"): 0.45}
    result = solve_chat(box, known, most=1, tau=0.9)
    program = result.best.program
    assert program.startswith("from math import floor\n") and "\r" not in program
    (fork,) = [fork for fork in result.best.forks if fork.entropy > 0.5]
    assert "return" in program.splitlines()[fork.line - 1]
    assert any("-" in program[start:end] for start, end in result.best.holes)
