"""What a chat asks for: the code that is to be completed, or the sentence; and the program so far."""

import pytest

from agent.lm.base import Message
from agent.servers.openai.asking import read_conversation, read_program_request
from agent.servers.openai.failures import ApiError

STUB = 'def f(x):\n    """Add one.\n\n    >>> f(1)\n    2\n    """\n'
MBPP = '"""\nWrite a function to add one.\nassert f(1) == 2\n"""\n'
WHOLE = "def f(x):\n    return x + 1\n"


@pytest.mark.parametrize("code", [STUB, MBPP, f"import math\n\n\n{STUB}"])
@pytest.mark.parametrize("text", ["Solve this in a markdown block:\n```python\n{}```", "```\n{}```\nThanks!"])
def test_code_that_is_to_be_completed_is_the_request(code, text):
    assert read_program_request(text.format(code)) == code


@pytest.mark.parametrize(
    "text",
    [
        "Write f(x), which adds one.",
        STUB,
        f"Make this faster:\n```python\n{WHOLE}```",
        "Explain:\n```python\nx = 1\nprint(x)\n```",
        f"Use both:\n```python\n{STUB}```\n```python\n{STUB}```",
        "Mend this:\n```rust\nfn f(x: u8) -> u8 { x }\n```",
        "```python\n```",
    ],
)
def test_any_other_text_is_the_request_as_it_is(text):
    assert read_program_request(text) == text


def user(text):
    return Message("user", text)


def answered(program):
    return Message("assistant", f"```python\n{program}```\n\n✓ verified: the program passed 1 example")


def test_a_conversation_has_its_requests_and_the_last_program():
    other = WHOLE.replace("1", "2")
    messages = [user(STUB), answered(WHOLE), user("Add two."), answered(other), user("Add"), user("three.")]
    conversation, line = read_conversation([Message("system", "Be brief."), *messages])
    assert (conversation.requests, conversation.program, conversation.name) == ((STUB, "Add two."), other, "f")
    assert line == "Add\n\nthree." and conversation.is_follow_up(line)
    assert [example.source for example in conversation.list_examples()] == [">>> f(1)"], "what a person said counts"


def test_an_answer_without_a_whole_block_of_python_gives_no_program():
    for answer in ("✗ abstained: no program passed", "```python\ndef f(", "```rust\nfn f() {}\n```"):
        conversation, line = read_conversation([user("Write f(x)."), Message("assistant", answer), user("Again.")])
        assert (conversation.program, line) == ("", "Again.")


@pytest.mark.parametrize("messages", [[Message("system", "x")], [user(" ")], [user("x"), answered(WHOLE)]])
def test_a_conversation_without_a_request_is_refused(messages):
    with pytest.raises(ApiError, match="the last message has to be a user's"):
        read_conversation(messages)
