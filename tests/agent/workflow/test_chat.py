"""Chat models through the whole workflow: what is decoded of an answer, what becomes the program, where doubt stands."""
# ruff: noqa: E501 - an answer is read best on one line

from contextlib import closing
from dataclasses import replace

import pytest
from fakes import ScriptedSandbox
from trie import PLAIN_CHAT, TrieLM

from agent.decoding import POLICIES, Step, decode
from agent.program.failures import describe_failure
from agent.program.styles import PROMPT_STYLES
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


def solve_chat(box, known, *, request=REQUEST, style=PLAIN_CHAT, most=3, prompt_ends="", events=None, **options):
    lm = TrieLM(known if isinstance(known, dict) else {known: 1.0}, repairs_from="This program failed")
    model = lm.model(style=style, opening=prompt_ends)
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


def test_no_answer_is_read_on_beyond_its_bound(box):
    """The bound is where the code block ends, so nothing can follow."""
    result = solve_chat(box, f"{WRONG}\nOr:\n{RIGHT}", max_tokens=len(WRONG))
    assert {len(each.tokens) for each in result.attempts} == {len(WRONG)}


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
    model = TrieLM(PROSE).model(style=PLAIN_CHAT)
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


BEGUN = PROMPT_STYLES["dubito"]


def test_a_program_begins_in_the_begun_turn_and_its_holes_and_forks_stand_in_the_completion(box):
    known = {"    return floor(a - b)\n```": 0.55, "    return floor(a * b)\n```": 0.45}
    result = solve_chat(box, known, style=BEGUN, most=1, tau=0.9)
    assert result.best.program == f"{REQUEST}    return floor(a - b)\n"
    (fork,) = [fork for fork in result.best.forks if fork.entropy > 0.5]
    assert fork.line == 11 and any("-" in result.best.program[start:end] for start, end in result.best.holes)
    assert all(start >= len(REQUEST) for start, _ in result.best.holes)


def test_branches_of_a_begun_program_are_pruned_by_what_it_is_as_a_whole(box):
    known = {"    return a - b\n```": 0.5, "    retry a\n    more\n": 0.3, "    return a + b\n```": 0.2}
    result = solve_chat(box, known, style=BEGUN, most=4)
    assert result.outcome == "accepted" and "no Python any more" in [each.end for each in result.attempts]


def test_what_stands_behind_the_program_at_the_margin_ends_it(box):
    tail = "\n# Example usage\nprint(add(1, 2))\n```\nIt adds."
    for style, answer in (
        (BEGUN, "    # Sum.\n    return a + b\n"),
        (replace(BEGUN, open=PLAIN_CHAT.code), f"Sure:\n{RIGHT[:-3]}"),
    ):
        result = solve_chat(box, answer + tail, style=style, most=1)
        assert (result.outcome, result.best.end) == ("accepted", "line behind the program")
        assert result.best.program.endswith("return a + b\n")
        assert len(result.best.tokens) == len(answer + tail[: tail.index("add(1")])


def test_a_stop_text_ends_an_answer_and_is_no_part_of_its_program(box):
    style = PROMPT_STYLES["evalplus"]
    result = solve_chat(box, "def add(a, b):\n    return a + b\n\nif __name__ == '__main__':\n    add(1)", style=style)
    assert (result.outcome, result.best.end) == ("accepted", "stop text")
    assert result.best.program == "def add(a, b):\n    return a + b\n"


def test_a_repair_begins_as_the_first_answer_did(box):
    lm = TrieLM(
        {"    return a - b\n```": 1.0}, repaired={"    return a + b\n```": 1.0}, repairs_from="This program failed"
    )
    context = Context(lm.model(style=BEGUN), POLICIES["greedy"], box, max_tokens=200)
    result = run_task(context, read_task(REQUEST), config=SearchConfig(Budget(programs=2), repair_after=1))
    (asked,) = [text for ids in lm.prompts if "This program failed" in (text := "".join(map(chr, ids)))]
    assert asked.endswith(f"Write a corrected version.```python\n{REQUEST}")
    assert result.outcome == "accepted" and result.best.program.endswith('4\n    """\n    return a + b\n')


def test_what_may_not_come_first_comes_first_in_no_way_of_the_tree(box):
    style = replace(BEGUN, open=replace(BEGUN.open, forbidden_first="`"))
    known = {"```\nDone.": 0.9, "    return a - b\n```": 0.06, "    return a + b\n```": 0.04}
    for policy in ("greedy", "adadec", "uscd"):
        context = Context(TrieLM(known).model(style=style), POLICIES[policy], box, max_tokens=200)
        result = run_task(context, read_task(REQUEST), config=SearchConfig(Budget(programs=4)))
        assert result.outcome == "accepted" and all(chr(each.tokens[0]) == " " for each in result.attempts)
        assert result.best.logprobs[0] > -0.01  # of what is left, nothing else was likely
    assert chr(run_task(context, read_task("Add."), config=SearchConfig(Budget(programs=1))).best.tokens[0]) == "`"


def test_behind_a_begun_head_no_answer_begins_with_a_fence_or_ends_at_once():
    model = TrieLM({"    return a + b\n```": 1.0}).model(style=BEGUN)
    context = Context(model, POLICIES["greedy"], ScriptedSandbox(value=3))
    (prompt,) = build_prompt(context, AgentState(read_task(REQUEST))).prompts
    assert set(prompt.forbidden_first) == model.tokenizer.find_tokens("```") | model.tokenizer.end_ids
    (free,) = build_prompt(context, AgentState(read_task("Add."))).prompts
    assert free.forbidden_first == ()
