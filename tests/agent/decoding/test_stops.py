"""Where a program is complete: by count, by end token, at the margin, at the closing fence."""
# ruff: noqa: E501 - a program is read best on one line

import ast
import itertools
import time
from dataclasses import replace

import pytest
from data import humaneval, needs_data
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.decoding import Completion
from agent.decoding.stops import (
    any_of,
    end_at_margin,
    end_at_text,
    end_of_code_block,
    end_of_function,
    end_token,
    token_limit,
)
from agent.program.extraction.pieces import AnswerRules
from agent.program.stop_texts import find_margin_stop, find_stop_text
from agent.program.styles import PROMPT_STYLES
from agent.program.syntax import find_function_end

LAW = settings(derandomize=True, deadline=None, max_examples=50)

PROMPT = 'def f(x):\n    """Do it."""\n'
BODY = "    y = x + 1\n\n    return y"
COMMENT = "# Write a function that returns its argument.\n"

TAILS = {
    "a function": "def g():",
    "a call": "print(f(1))",
    "a class": "class A:",
    "a decorator": "@cache",
    "a condition": 'if __name__ == "__main__":',
    "a string": '"""more"""',
    "a fence": "```",
}


def kept(prompt: str, text: str) -> str | None:
    end = find_function_end(prompt, text)
    return None if end is None else text[:end]


def first_stop(prompt: str, text: str) -> int | None:
    """How much of the text has come when the rule first says stop."""
    rule = end_of_function(prompt)
    return next((k for k in range(len(text) + 1) if rule(Completion(text=text[:k]))), None)


@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS.keys())
@pytest.mark.parametrize("between", ["\n", "\n\n", "\n\n\n"])
def test_a_line_at_the_margin_ends_the_function_with_its_first_character(between, tail):
    text = BODY + between + tail
    assert kept(PROMPT, text).rstrip() == BODY
    assert first_stop(PROMPT, text) == len(BODY + between) + 1


def test_the_function_goes_on_while_its_lines_are_indented():
    assert first_stop(PROMPT, BODY) is None
    assert first_stop(PROMPT, BODY + "\n\n\n    # more\n\tz\n") is None


@pytest.mark.parametrize("closing", [")", "]", "}"])
def test_a_closing_bracket_at_the_margin_ends_nothing(closing):
    opening = {")": "(", "]": "[", "}": "{"}[closing]
    body = f"    y = {opening}\n        1,\n{closing}\n    return y"
    assert first_stop(PROMPT, body) is None
    assert kept(PROMPT, body + "\nprint(1)") == body


@pytest.mark.parametrize(
    "comment",
    ["# now the second one", "# é\n\n# and\n", "\f# a page", "    # inside\n# at the margin", "#", "# '''", "# ("],
)
def test_a_comment_at_the_margin_ends_nothing_by_itself(comment):
    body = f"    y = x\n{comment}\n    return y"
    assert first_stop(PROMPT, body) is None
    assert kept(PROMPT, f"{body}\nprint(1)") == body
    assert first_stop(PROMPT, f"{BODY}\n{comment}") is None


@pytest.mark.parametrize(
    "between", ["\n", "\n\n", "\n# one\n\n# two\n", "\n    # of the function\n# of what follows\n\n"]
)
def test_comments_above_the_code_that_ends_a_function_go_with_that_code(between):
    text = f"{BODY}{between}# Test\nprint(1)"
    assert first_stop(PROMPT, text) == len(text) - len("rint(1)")
    assert kept(PROMPT, text).rstrip() in (BODY, f"{BODY}\n    # of the function")


def test_what_looks_like_a_comment_and_ends_a_string_stays_with_the_string():
    body = '    y = """\n# one\n# two """'
    assert kept(PROMPT, f"{body}\nprint(1)") == body
    assert kept(PROMPT, f"{body}\n# three\nprint(1)") == body


def test_a_form_feed_sets_the_column_back_to_the_margin():
    assert kept(PROMPT, f"{BODY}\n\fprint(1)") == BODY
    assert kept(PROMPT, f"{BODY}\n  \fprint(1)") == BODY
    assert first_stop(PROMPT, "    y = x\n\f    return y\n") is None


@pytest.mark.parametrize("clause", ["else:", "except ValueError:", "finally:", "async def g():", "match x:", "é = 1"])
def test_a_clause_at_the_margin_is_no_part_of_the_function(clause):
    assert kept(PROMPT, f"    if x:\n        return x\n{clause}\n    return 1") == "    if x:\n        return x"


def test_carriage_returns_change_no_end():
    text = f"{BODY}\n\nprint(1)".replace("\n", "\r\n")
    assert kept(PROMPT, text).rstrip() == BODY.replace("\n", "\r\n")
    assert kept(PROMPT, f"{BODY}\r\n\r\n\r\n\r\n\r\n").rstrip() == BODY


@pytest.mark.parametrize("opening", ['rule = """', "rule = f'''", "rule = [", "rule = g(x,"])
def test_blank_lines_inside_a_string_or_brackets_end_nothing(opening):
    closing = {"[": "]", ",": ")"}.get(opening[-1], opening[-3:])
    body = f"    {opening}\n\n\n\n\n\n\n{closing}\n    return x"
    assert first_stop(PROMPT, body) is None
    assert kept(PROMPT, body + "\n\n\n\n\n") == body
    assert kept(PROMPT, body + "\nprint(1)") == body


@pytest.mark.parametrize("quotes", ['"""', "'''", 'f"""', "r'''"])
def test_text_inside_a_triple_quoted_string_ends_nothing(quotes):
    body = f"    y = {quotes}\nat the margin\ndef g():\n{quotes[-3:]}\n    return y"
    assert first_stop(PROMPT, body) is None
    assert kept(PROMPT, body + "\nprint(1)") == body


def test_arguments_at_the_margin_inside_brackets_end_nothing():
    body = "    return g(\nx,\n# why\ny)"
    assert first_stop(PROMPT, body) is None
    assert kept(PROMPT, body + "\nx") == body


def test_a_continued_line_at_the_margin_ends_nothing():
    body = "    return x + \\\n1"
    assert first_stop(PROMPT, body) is None


@pytest.mark.parametrize("broken", ["    return x)", "    return 'x", "        y\n      z\n    w", "    return $"])
def test_a_broken_body_still_ends_at_the_margin(broken):
    assert kept(PROMPT, broken + "\nprint(1)") == broken


@pytest.mark.parametrize("blanks", ["\n\n\n\n", "\n    \n\t\n\n"])
def test_four_blank_lines_end_the_function(blanks):
    text = BODY + "\n" + blanks
    assert kept(PROMPT, text) == BODY
    assert first_stop(PROMPT, text) == len(text)


def test_what_comes_first_counts_of_blank_lines_and_a_line_at_the_margin():
    assert kept(PROMPT, BODY + "\nprint(1)\n\n\n\n\n") == BODY
    assert kept(PROMPT, BODY + "\n\n\n\n\nprint(1)") == BODY


def test_a_prompt_that_only_begins_a_signature_is_an_open_function():
    assert kept("def f(x):", "\n    return x\n\nf(1)") == "\n    return x\n"
    assert kept("async def f(x):\n", "    return x\nf(1)") == "    return x"
    assert kept("def f(\n    x,\n) -> int:\n", "    return x\nf(1)") == "    return x"
    assert kept("class A:\n", "    x = 1\nA()") == "    x = 1"


@pytest.mark.parametrize(
    "prompt", [COMMENT, COMMENT.rstrip(), "", '"""\nReturn the argument.\nassert f(1) == 1\n"""\n']
)
@pytest.mark.parametrize(
    "opening",
    [
        "",
        "\n",
        "import math\n",
        "\nimport math\n\nimport re\n\n\n",
        "LIMITS = {\n    1: 2,\n}\n\n",
        "LIMITS = [\n1,\n]\n",
        "# Like this:\n",
    ],
)
def test_a_prompt_without_an_open_function_lets_the_completion_begin_one(prompt, opening):
    function = f"{opening}def f(x):\n    return x"
    assert first_stop(prompt, function) is None
    assert kept(prompt, function + "\n\nprint(f(1))") == function + "\n"


def test_an_earlier_function_in_the_prompt_is_not_the_open_one():
    prompt = "def helper():\n    return 1\n\n\n# Write f.\n"
    assert kept(prompt, "\ndef f():\n    return helper()\nf()") == "\ndef f():\n    return helper()"


LINES = (
    "    x = 1",
    "    if x:\n        x = 2",
    "    for i in range(3):\n\n        x += i\n    else:\n        pass",
    "    y = [\n1,\n]",
    "    s = '''\ndef g():\n'''",
    "    # a note",
    "    def inner():\n        return {\n}",
    '    print(f"{x}",\n"y")',
    "",
)


@LAW
@given(
    lines=st.lists(st.sampled_from(LINES), max_size=6),
    between=st.integers(0, 2),
    tail=st.sampled_from([*TAILS.values()]),
)
def test_what_stands_before_the_end_parses_and_is_all_of_the_body(lines, between, tail):
    squeezed = [line for line, _ in itertools.groupby(lines)]  # four empty lines in a row would end it
    body = "\n".join(["    x = 0", *squeezed, "    return x"])
    text = body + "\n" * between + "\n" + tail
    assert first_stop(PROMPT, text) == len(text) - len(tail) + 1
    end = find_function_end(PROMPT, text)
    assert text[:end].rstrip() == body
    ast.parse(PROMPT + text[:end])


@needs_data
def test_canonical_solutions_of_humaneval_end_exactly_where_they_end():
    problems = humaneval()
    assert len(problems) == 164
    for problem in problems:
        prompt, solution = problem["prompt"], problem["canonical_solution"].rstrip()
        assert first_stop(prompt, problem["canonical_solution"]) is None, problem["task_id"]
        assert kept(prompt, solution + "\ndef other():\n    pass") == solution, problem["task_id"]


@pytest.mark.parametrize("mark", ["```", "~~~", "`````"])
def test_a_fence_ends_decoding_with_its_last_character_where_the_answer_is_whole(mark):
    answer = f"Here it is:\n{mark}python\ndef f():\n    return '```'\n{mark}"
    rule = end_of_code_block(lambda text: text == answer)
    assert rule(Completion(text=answer)) == "end of code block"
    assert all(rule(Completion(text=answer[:k])) is None for k in range(len(answer)))


def test_an_answer_is_looked_at_only_behind_a_fence():
    asked = []
    rule = end_of_code_block(lambda text: bool(asked.append(text)))
    for text in (
        "",
        "use `f`",
        "use ```f``` here",
        "```python\nx = 1",
        "```python\nx = 1\n```",
        "```python\nx = 1\n```\n",
    ):
        assert rule(Completion(text=text)) is None
    assert len(asked) == 2


def test_an_end_token_ends_only_as_the_last_token():
    rule = end_token([0, 5])
    assert [rule(Completion(t)) for t in ((), (0, 1), (1, 5))] == [None, None, "end token"]


def test_a_budget_ends_after_that_many_tokens():
    assert [token_limit(2)(Completion((1,) * n)) for n in (0, 1, 2, 3)] == [None, None, "token budget", "token budget"]


def test_any_of_gives_the_first_reason():
    rule = any_of(end_token([0]), token_limit(2))
    assert [rule(Completion(t)) for t in ((1,), (1, 0), (1, 1))] == [None, "end token", "token budget"]
    assert any_of()(Completion()) is None


def first_end(rule, text: str, cuts: list[int]) -> int | None:
    """How much of a text that comes in pieces has come when the rule first says stop."""
    ends = [*sorted(cut for cut in set(cuts) if cut < len(text)), len(text)]
    starts = [0, *ends[:-1]]
    pieces = (Completion(text=text[:end], last_start=start) for start, end in zip(starts, ends, strict=True))
    return next((len(piece.text) for piece in pieces if rule(piece)), None)


@LAW
@given(st.text("ab\n", max_size=30), st.lists(st.integers(1, 29)))
def test_a_stop_text_is_found_with_the_piece_that_completes_it_however_the_text_is_cut(text, cuts):
    stops = ("\nab", "bb\n")
    at = find_stop_text(text, stops)
    whole = None if at is None else min(text.find(stop) + len(stop) for stop in stops if stop in text)
    stopped = first_end(end_at_text(stops), text, cuts)
    assert stopped == (whole and min(cut for cut in [*cuts, len(text)] if cut >= whole))


MARGIN = PROMPT_STYLES["dubito"].margin_stops
TAIL = "\n\n# Example\nprint(f(1))\n"
PREAMBLE = "import math\n\n\ndef half(x):\n    return x / 2\n\n\ndef f(x):\n    ...\n"


def cut_margin(answer, name, code="", opening="```python\n"):
    """What is left of an answer at its margin stop; None where it goes on."""
    at = find_margin_stop(answer, MARGIN, AnswerRules(code, name, opening=opening))
    return None if at is None else answer[:at].rstrip()


WHOLE = {
    "a function": ("def f(x):\n    return x", "f", ""),
    "comments above it": ("# A comment\nimport re\n# another\ndef f(x):\n    return re.match(x, x)", "f", ""),
    "a helper above it": ("def g(x):\n    return x\n\n# now f\ndef f(x):\n    return g(x)", "f", ""),
    "a helper behind it": ("def f(x):\n    return g(x)\n\n# the helper\ndef g(x):\n    return x", "f", ""),
    "a helper named like a test": ("def f(x):\n    return test_it(x)\n\n\ndef test_it(x):\n    return x", "f", ""),
    "a helper named main": ("def f(x):\n    return main(x)\n\n\ndef main(x):\n    return x", "f", ""),
    "a tester": ("def f(x):\n    return x\n\n\ndef tester(x):\n    return x", "f", ""),
    "a table behind it": ("def f(x):\n    return T[x]\n\nprint(1)\n# the table\nT = {1: 1}", "f", ""),
    "a comment at the margin of the body": ("def f(x):\n    y = x\n# double it\n    return 2 * y", "f", ""),
    "a method behind a comment": ("class S:\n    def a(self):\n        return 1\n# b\n    def b(self):\n        return 2", "S", ""),
    "stops in a string and in brackets": ('def f(x):\n    """Say:\nprint(1)\n# no\n    """\n    return [\nprint(\n1)]', "f", ""),
    "a long signature": ("async def f(\n    x,\n):\n    return x", "f", ""),
    "a fence in its text": ('def f(x):\n    """See:\n```python\nprint(f(1))\n```\n    """\n    return x', "f", ""),
    "a draft before it": ("def f(x):\n    return y\n```\n# Not code\nprint(\n```python\ndef f(x):\n    return 1", "f", ""),
    "what the request has above": ("def f(x):\n    return half(x)", "f", PREAMBLE),
    "two stubs, the asked one first": (
        "def g(x):\n    return x\nprint(g(1))\ndef f(x):\n    return x", "g", "def f(x):\n    ...\n\ndef g(x):\n    ...\n"),
}  # fmt: skip


@pytest.mark.parametrize(("program", "name", "code"), WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("line", ["print(f(1))", "assert f(1) == 1", "if __name__ ==", "def test_f():", "def main():"])
def test_a_line_at_the_margin_ends_the_program_once_that_is_whole(program, name, code, line):
    answer = f"{program}{TAIL.replace('print(f(1))', line)}"
    assert cut_margin(answer, name, code) == program
    rule = end_at_margin(MARGIN, AnswerRules(code, name, opening="```python\n"))
    stop = max(stop for stop in MARGIN if line.startswith(stop))
    assert first_end(rule, answer, list(range(len(answer)))) == answer.rindex(line) + len(stop)


def test_a_program_whose_head_the_prompt_begins_ends_at_the_margin():
    assert cut_margin("    return x" + TAIL, "f", PROMPT, f"```python\n{PROMPT}") == "    return x"
    assert cut_margin("    # no body" + TAIL, "f", PROMPT, f"```python\n{PROMPT}") is None


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("# def f\nprint(1)\n", "f"),
        ("def g(x):\n    return x" + TAIL, "f"),
        ("def f(x):\nprint(1)", "f"),
        ("def f(x):\n    return g(x)" + TAIL, "f"),
        ("def f(x):\n    return x\n```\nprint(it)\n", "f"),
        # Nobody named what the sentence asks for: a program, two functions, tests.
        ("def read():\n    return int(input())\n\n# The sum\nprint(read() + read())\n", None),
        ("def add(a, b):\n    return a + b\n\n# Multiply.\ndef mul(a, b):\n    return a * b\n", None),
        ("def add(a, b):\n    return a + b\n\n\ndef test_add():\n    assert add(1, 2) == 3\n", None),
    ],
)
def test_a_line_at_the_margin_ends_no_program_that_may_go_on(answer, name):
    assert cut_margin(answer, name) is None
    rule = end_at_margin(MARGIN, AnswerRules("", name, opening="```python\n"))
    assert first_end(rule, answer, list(range(len(answer)))) is None


def test_a_style_without_margin_stops_stops_at_no_margin():
    assert find_margin_stop("def f(x):\n    return x" + TAIL, (), AnswerRules("", "f", opening="```python\n")) is None


def test_stops_read_a_long_completion_in_linear_time():
    text, rules = (
        "    x = 1\n" * 20_000,
        (end_at_text(("\n#",)), end_at_margin(MARGIN, AnswerRules("", "f", opening="def f():\n"))),
    )
    start = time.process_time()
    for end in range(10, len(text), 10):
        completion = Completion(text=text, last_start=end - 10)
        assert not any(rule(replace(completion, last_start=len(text) - 10)) for rule in rules)
    assert time.process_time() - start < 5
