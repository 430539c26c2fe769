"""A follow-up shows the program and asks for its change, and only a person's words count as examples."""

from dataclasses import replace

import pytest

from agent.errors import InvalidRequestError
from agent.program.conversation import Conversation, fit, is_question, write_question
from agent.program.prompts import write_prompt
from agent.program.styles import PROMPT_STYLES

ASKED = "Write total(xs), the sum of xs. total([1, 2]) is 3."
PROGRAM = 'def total(xs):\n    """Sum up.\n\n    >>> total([9])\n    10\n    """\n    return sum(xs)\n'


def begun(*more: str) -> Conversation:
    talk = Conversation()
    for line in (ASKED, *more):
        talk = talk.follow(talk.read(line), line, PROGRAM)
    return talk


def calls(task) -> list[str]:
    return [each.expressions[-1] for each in task.examples]


def test_the_first_request_is_a_task_as_elsewhere():
    task = Conversation().read(ASKED)
    assert (task.request, task.entry_point, task.changes, task.beside) == (ASKED, "total", "", ())
    assert len(task.examples) == 1


def test_a_follow_up_keeps_the_name_and_the_persons_examples_and_shows_the_program():
    task = begun().read("also skip negative numbers, so total([1, -1]) is 1")
    assert task.entry_point == "total" and task.changes == "", "its own example checks it"
    assert begun().read("make it faster").changes == PROGRAM
    assert len(task.examples) == 2, "none is the model's own docstring"
    prompt = write_prompt(task.request, PROMPT_STYLES["dubito"], name=task.entry_point, beside=task.beside)
    assert PROGRAM.strip() in prompt.user and "Change the program: also skip negative numbers" in prompt.user
    assert ASKED in prompt.user and prompt.opening == "```python\n"


def test_another_function_begins_anew():
    talk = begun()
    assert talk.is_follow_up("make it faster") and talk.is_follow_up("Write total(xs) without sum.")
    assert not talk.is_follow_up("Write mean(xs), the mean of xs.")
    assert not talk.is_follow_up('def mean(xs):\n    """The mean."""\n')
    assert talk.read("Write mean(xs), the mean of xs.").changes == ""
    line = "Write mean(xs), the mean."
    assert talk.follow(talk.read(line), line, "def mean(xs): ...").requests == (line,)


def test_a_new_name_is_taken_in_the_examples_too():
    task = begun().read("rename it to add_up")
    assert task.entry_point == "add_up" and "add_up([1, 2])" in task.examples[0].source


def test_a_new_name_stays_in_the_examples_of_later_requests():
    talk = begun().add_tests("assert total([]) == 0\n")
    line = "Rename it to add_up."
    later = talk.follow(talk.read(line), line, PROGRAM.replace("total", "add_up")).read("skip None")
    assert later.entry_point == "add_up"
    assert all("total(" not in each.source for each in later.examples) and len(later.examples) == 2


@pytest.mark.parametrize(
    "line",
    [
        "convert each name to upper case", "return the name as a string", "rename it to a shorter name",
        "rename the parameter xs to numbers", "name the result as you like", "rename it to class",
    ],
)  # fmt: skip
def test_a_sentence_that_only_speaks_of_names_renames_nothing(line):
    assert begun().read(line).entry_point == "total"


def test_what_was_said_of_another_function_does_not_count():
    other = begun().add_tests("assert total([]) == 0\n").add_tests(">>> total([5])\n5\n")
    line = "Write mean(xs), the mean of xs. mean([1, 3]) is 2."
    task = other.read(line)
    assert (task.entry_point, len(task.examples), task.changes) == ("mean", 1, "")
    later = other.follow(task, line, "def mean(xs): ...").read("skip None")
    assert later.entry_point == "mean" and len(later.examples) == 1


def test_tests_that_come_before_the_first_program_count():
    early = Conversation().add_tests("assert total([]) == 0\n").add_tests(">>> total([5])\n5\n")
    task = early.read(ASKED)
    assert len(task.examples) == 3
    assert len(early.follow(task, ASKED, PROGRAM).read("skip None").examples) == 3


def test_examples_outlive_the_requests_that_no_longer_fit():
    talk = begun("faster", "shorter")
    task, kept = fit(talk, "skip None", lambda task: "faster" not in task.beside[-1].title)
    assert kept.requests == ("shorter",) and len(task.examples) == 1
    _, kept = fit(talk.add_file("a.py", "A = 1\n"), "Write mean(xs), the mean.", lambda task: not task.beside)
    assert kept.requests == talk.requests and not kept.files


def test_tests_are_kept_for_later_programs():
    talk = begun().add_tests("assert total([]) == 0\n").add_tests(">>> total([5])\n5\n")
    assert len(talk.read("make it faster").examples) == 3
    assert len(talk.read_tests("assert total([1]) == 1\nassert total([]) == 0\n").examples) == 2
    with pytest.raises(InvalidRequestError, match="holds no assert"):
        talk.add_tests("x = 1\n")
    with pytest.raises(InvalidRequestError, match="no example could be read"):
        talk.add_tests(">>> \n")


def test_files_are_shown_and_dropped():
    talk = begun().add_file("a.py", "A = 1\n").add_file("b.py", "B = 2\n").add_file("a.py", "A = 3\n")
    assert [each.title for each in talk.read("use A").beside][:2] == ["b.py", "a.py"]
    assert [each.code for each in talk.read("Write f(x), x plus A.").beside] == ["B = 2\n", "A = 3\n"]
    assert [each.title for each in talk.drop_file("a.py").files] == ["b.py"]
    with pytest.raises(InvalidRequestError, match=r"'c.py' was not added; there is b.py, a.py"):
        talk.drop_file("c.py")


def test_what_does_not_fit_goes_oldest_first_and_the_last_request_stays():
    talk = begun("faster", "shorter").add_file("a.py", "A = 1\n")

    whole, kept = fit(talk, "skip None", lambda task: True)
    assert kept == talk and "faster" in whole.beside[-1].title
    task, kept = fit(talk, "skip None", lambda task: "faster" not in task.beside[-1].title)
    assert kept.requests == ("shorter",) and kept.files == talk.files and "faster" not in task.beside[-1].title
    task, kept = fit(talk, "skip None", lambda task: False)
    assert (kept.requests, kept.files) == (("shorter",), ()) and "skip None" in task.request


@pytest.mark.parametrize(
    ("line", "asked"),
    [("why this line?", True), ("What does sum do?", True), ("can you skip None?", False), ("skip None", False),
     ("Write f(x) such that 1 > 2?", False), ("why", False)],
)  # fmt: skip
def test_a_question_is_told_from_a_request(line, asked):
    assert is_question(line) == asked


def test_a_question_shows_the_program_and_what_it_was_written_for():
    text = write_question(begun(), "why sum?")
    assert (
        PROGRAM.strip() in text
        and ASKED in text
        and text.endswith("why sum?\nAnswer in one or two sentences, without code.")
    )


def test_a_conversation_is_plain_data():
    assert replace(begun(), tests=("x",)) != begun() == begun()
