"""Test cases that a model proposes: what is an assert about the function is kept, and all else harms nothing."""

import pytest

from agent.program.cases import MOST_CASES, find_subject, read_cases, write_signature


def sources(text, name="f"):
    return [case.source for case in read_cases(text, name)]


def test_asserts_are_read_each_call_once_and_without_their_messages():
    text = "assert f(1) == 2\nassert f( 1 ) == 2, 'again'\nassert f(1) == 3\nassert f([1,\n  2]) == [3]\n"
    assert sources(text) == ["assert f(1) == 2", "assert f([1, 2]) == [3]"]


@pytest.mark.parametrize(
    "line",
    [
        "assert f(1) ==", "assert g(1) == 2", "assert True", "Here are tests:", "import os\nassert f(os.getcwd()) == 1",
        "while True: f(1)", "assert f(" + "(" * 500, f"assert f({'9' * 400}) == 1", "print(f(1))", "f(1) == 2", '"""',
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_malformed_or_foreign_or_huge_is_left_out_and_spoils_nothing(line):
    assert sources(f"assert f(1) == 2\n{line}\nassert f(3) == 4\n")[:1] == ["assert f(1) == 2"]
    assert sources(f"{line}\n") == []


def test_a_case_of_a_class_has_the_statements_above_it_and_those_of_a_test_function_are_read():
    text = (
        "s = Stack()\ns.push(1)\nassert s.pop() == 1\n\ndef test_empty():\n    t = Stack()\n    assert t.is_empty()\n"
    )
    first, second = read_cases(text, "Stack")
    assert (first.before, first.expressions) == (("s = Stack()", "s.push(1)"), ("s.pop()",))
    assert (second.before, second.expressions) == (("t = Stack()",), ("t.is_empty()",))


def test_cases_are_bounded_in_number():
    assert len(sources("\n".join(f"assert f({n}) == {n}" for n in range(50)))) == MOST_CASES


def test_the_signature_shows_the_head_and_the_docstring_and_no_code():
    program = 'import re\ndef g(): pass\ndef f(x: str) -> int:\n    """Count."""\n    return len(x)'
    assert find_subject(program, None) == "f" and find_subject(program, "h") is None
    assert write_signature(program, "f") == 'def f(x: str) -> int:\n    """Count."""'
    stack = "class Stack:\n    def push(self, x):\n        self.x = x"
    assert write_signature(stack, "Stack") == "class Stack:\n\n    def push(self, x):\n        ..."
