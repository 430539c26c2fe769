"""What the agent is asked, and how a text becomes a task."""

from __future__ import annotations

from dataclasses import dataclass

from agent.errors import InvalidRequestError
from agent.program.examples.example import Example, joined
from agent.program.examples.read import read_examples
from agent.program.prompts import function_called
from agent.program.requests import check_prompt, tests_of
from agent.program.syntax import entry_point as entry_point_of


@dataclass(frozen=True, slots=True)
class Task:
    """What the agent is asked: a request and the examples it may run. Hidden tests have no place here."""

    request: str  # Python to complete, or a sentence
    examples: tuple[Example, ...] = ()
    entry_point: str | None = None
    name: str = "task"
    unparsed: tuple[str, ...] = ()  # examples that cannot be taken apart, and so are not checked
    tests: tuple[str, ...] = ()  # that a person gave besides the request, as the prompt shows them

    @property
    def any_name(self) -> bool:
        """Nobody asked for a name."""
        return self.entry_point is None and not self.examples


def task_from(
    request: str,
    *,
    entry_point: str | None = None,
    name: str = "your sentence",
    file: str | None = None,
    tests: str | None = None,
    tests_file: str = "the tests",
) -> Task:
    """Return the task of a request, with the examples that it shows and those of a test file's text.

    file: the name of the file that the request is the text of; such a text must be Python that can be completed.
    tests_file: the name of the test file, for messages. Raises InvalidRequestError, with the line.
    """
    if any("\ud800" <= character <= "\udfff" for character in request):
        raise InvalidRequestError("the request is not UTF-8 text; give it in UTF-8, or in a file")
    if "\0" in request:
        raise InvalidRequestError("the request holds a NUL character, which no Python program may; take it out")
    shown = read_examples(request)
    if file is not None:
        check_prompt(file, request, shown)
    asked = entry_point or entry_point_of(request)
    examples, unparsed, given = tuple(shown.examples), shown.unparsed, tuple[str, ...]()
    if tests is not None:
        tested = tests_of(tests_file, tests, request, asked)
        examples, unparsed = (
            joined(examples, tested.examples),
            [*unparsed, *(f"{tests_file}:{line}" for line in tested.unparsed)],
        )
        asked = asked or function_called(tested.examples)
        given = tuple("\n".join((*example.before, example.source)) for example in tested.examples)
    return Task(request, examples, asked, name, tuple(unparsed), given)
