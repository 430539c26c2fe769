"""Where the code of an unfinished answer is: inside an open block of Python, whatever stands around it."""

import time

import pytest
from chat_answers import BEFORE, BEHIND, LAW, PROGRAMS, REQUEST, fenced
from hypothesis import given
from hypothesis import strategies as st

from agent.program.extraction.fences import find_blocks
from agent.program.extraction.pieces import AnswerRules
from agent.program.extraction.regions import goes_on_with_code
from agent.program.extraction.thoughts import find_answer_start

ASKED = AnswerRules(REQUEST, "add")


def mark_code(answer: str, rules: AnswerRules = ASKED) -> str:
    """Return the characters of an answer at which a policy may pause."""
    return "".join(answer[at] for at in range(len(answer)) if goes_on_with_code(answer[:at], rules))


ANSWERS = {
    "prose around a block": ("Sure!\n```python\nx = 1\n```\nSo it is.\n", "x = 1\n```"),
    "prose alone": ("Certainly! From there on we import nothing.\n", ""),
    "another language": ("```bash\npip install x\n```\n```py\nx = 1\n```\n", "x = 1\n```"),
    "no language": ("```\nx = 1\n```\n", "x = 1\n```"),
    "tildes": ("~~~python\nx = 1\n```\n~~~\nDone", "x = 1\n```\n~~~"),
    "a fence behind code": ("```python\nx = 1```\nDone", "x = 1```\n"),
    "a second fence without a first's end": ("```python\nx = 1\n```python\ny = 2\n```", "x = 1\n```y = 2\n```"),
    "a fence in a docstring": ('```python\n"""\n```\n1\n```\n"""\n```\nDone', '"""\n```\n1\n```\n"""\n```'),
    "a block of Markdown": ("````markdown\nSo:\n```python\nx = 1\n```\n````\nDone", "x = 1\n```"),
    "a thought": ("<think>\n```python\nx = 1\n```\n</think>\n```python\ny = 2\n```", "y = 2\n```"),
    "a thought without an end": ("<think>\n```python\nx = 1\n```\n", ""),
    "no fence, code first": ("\ndef f(x):\n    return x\n", "f(x):\n    return x\n"),
    "no fence, code first, behind a thought": ("<think>a</think>\n\n@cache\ndef f():", "def f():"),
    "no opening fence": ("import re\nx = 1\n```\nDone", "re\nx = 1\n```"),
    "no fence, prose first": ("So:\n\ndef f(x):\n    return x\n", ""),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "code"), ANSWERS.values(), ids=ANSWERS.keys())
def test_the_code_of_an_answer_is_known_while_it_is_written(answer, code):
    assert mark_code(answer) == code


def test_an_answer_that_the_prompt_begins_is_read_with_its_beginning():
    assert mark_code("x = 1\n```\nDone", ASKED._replace(opening="Here is the program:\n```python\n")) == "x = 1\n```"
    assert mark_code("    return 1\n```", ASKED._replace(opening="```python\ndef f():\n")) == "    return 1\n```"
    assert mark_code("x = 1\n", ASKED._replace(thinking=True)) == ""
    assert mark_code("a</think>\n```py\nx", ASKED._replace(thinking=True)) == "x"


@LAW
@given(before=BEFORE, program=st.sampled_from(PROGRAMS), behind=BEHIND)
def test_what_extraction_reads_as_a_block_of_python_is_where_the_code_is(before, program, behind):
    answer = before + fenced(program) + behind
    start = find_answer_start(answer)
    blocks = [block for block in find_blocks(answer, start) if block.is_python]
    inside = {at for block in blocks for line in block.lines for at in range(line.start, line.end)}
    closing = {at for block in blocks for at in range(block.end - 5, block.end)}
    code = {at for at in range(len(answer)) if goes_on_with_code(answer[:at], ASKED)}
    assert inside <= code <= inside | closing, answer


@pytest.mark.parametrize(
    "line", ["    total += 1  # the next one\n", "x = 1\n", "\n", "x", "Prose goes on and on.\n", "</"]
)
@pytest.mark.parametrize("start", ["", "Sure!\n```python\n", "```", "def f():\n"])
def test_asking_at_each_token_takes_time_linear_in_the_text(line, start):
    answer = start + line * (8_000 // len(line))
    begin = time.process_time()
    for end in range(0, len(answer), 4):
        goes_on_with_code(answer[:end], ASKED)
    assert time.process_time() - begin < 1
