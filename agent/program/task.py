"""Turn a request, and perhaps a test file, into a task; refuse in one sentence what cannot be one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.program.examples.asserts import read_tests
from agent.program.examples.docstrings import find_definitions, parse_prompt
from agent.program.examples.example import Example, ReadExamples, combine_examples
from agent.program.examples.read import read_examples
from agent.program.modules.module import Module
from agent.program.normal_form import find_syntax_error
from agent.program.prompts import CodeBeside, find_called_function
from agent.program.separation.scope import NotSeparableError
from agent.program.signature import find_named_function, read_parameters
from agent.program.syntax import find_entry_point, is_code


@dataclass(frozen=True, slots=True)
class Task:
    """A request and the examples that the agent may run. Hidden tests have no place here."""

    request: str  # Python to complete, or a sentence
    examples: tuple[Example, ...] = ()
    entry_point: str | None = None
    name: str = "task"
    unparsed: tuple[str, ...] = ()  # examples that cannot be parsed, and so are not checked
    tests: tuple[str, ...] = ()  # tests that a person gave besides the request, as the prompt shows them
    changes: str = ""  # the program that the request changes; an answer that equals it does not do what was asked
    beside: tuple[CodeBeside, ...] = ()  # code that the prompt shows, too; nothing in it is an example
    module: Module | None = None  # in which the program's function runs; None where the program runs alone

    @property
    def any_name(self) -> bool:
        """Nobody asked for a name."""
        return self.entry_point is None and not self.examples

    @property
    def parameters(self) -> str:
        """The parameters that a sentence names for its function, as Python; empty where it names none."""
        return read_parameters(self.request, self.entry_point)

    def runnable(self, program: str) -> str:
        """Return what runs where a program is run: the program, or the module with the program's function in it."""
        return program if self.module is None else self.module.runnable(program)

    def find_program_lines(self, program: str, lines: Sequence[int]) -> Sequence[int]:
        """Return the lines of a program that lines of its `runnable` come from."""
        return lines if self.module is None else self.module.find_program_lines(program, lines)


def read_task(
    request: str,
    *,
    entry_point: str | None = None,
    name: str = "your sentence",
    file: str | None = None,
    tests: str | None = None,
    tests_file: str = "the tests",
) -> Task:
    """Return the task of a request, with the examples that the request and the test file show.

    file: name of the file that holds the request, which must then be Python that can be completed.
    tests: text of a test file; tests_file: its name, for messages.
    Raises InvalidRequestError, with the line, for a request or a test file that cannot be read.
    """
    if any("\ud800" <= character <= "\udfff" for character in request):
        raise InvalidRequestError("the request is not UTF-8 text; give it in UTF-8, or in a file")
    if "\0" in request:
        raise InvalidRequestError("the request holds a NUL character, which no Python program may; take it out")
    if file is None and not request.strip():
        raise InvalidRequestError("nothing was asked for; say what to write, or give code to complete")
    in_request = read_examples(request)
    if file is not None:
        _check_completable(file, request, in_request)
    function = entry_point or find_entry_point(request)
    if function is None and not is_code(request):  # a sentence may show or write a call of it
        function = find_called_function(in_request.examples) or find_named_function(request)
    task = Task(request, tuple(in_request.examples), function, name, tuple(in_request.unparsed))
    if tests is None:
        return task
    task = add_tests(task, tests, tests_file, request)
    return replace(task, entry_point=function or find_called_function(task.examples[len(in_request.examples) :]))


def add_tests(task: Task, tests: str, tests_file: str, request: str) -> Task:
    """Return a task with the examples of a test file, too. request: defines the names that the tests may use.

    Raises InvalidRequestError, with the line, for a test file that cannot be read.
    """
    in_tests = _read_test_file(tests_file, tests, request, task.entry_point)
    sources = tuple("\n".join((*example.before, example.source)) for example in in_tests.examples)
    return replace(
        task,
        examples=combine_examples(task.examples, in_tests.examples),
        unparsed=(*task.unparsed, *(f"{tests_file}:{line}" for line in in_tests.unparsed)),
        tests=sources,
    )


def _check_completable(name: str, text: str, examples: ReadExamples) -> None:
    """Raise InvalidRequestError for a file's text that cannot begin a Python program, or has nothing to complete."""
    whole_lines = text.rstrip().rpartition("\n")[0]  # the last line may be cut off anywhere
    error = find_syntax_error(f"{whole_lines}\n") if whole_lines else None
    if error is not None:
        where = f"{name}:{error.lineno or 1}"
        raise InvalidRequestError(
            f"{where}: this is no prefix of Python code ({error.msg}); mend it, or ask in a sentence"
        )
    if not re.search(r"^[ \t]*(async def|def|class) \w", text, re.MULTILINE) and not examples.examples:
        raise InvalidRequestError(
            f"{name} begins no function and no class, so there is nothing to complete; "
            "begin one, as in `def f(x):`, or ask in a sentence"
        )


def _read_test_file(tests_file: str, source: str, request: str, entry_point: str | None) -> ReadExamples:
    """Read the text of a test file. Raises InvalidRequestError, with the line, if it cannot be read."""
    defined, name = find_definitions(request, parse_prompt(request)), quote(tests_file)
    names = defined.names | ({entry_point} if entry_point else set())
    try:
        tests = read_tests(source, program=names, classes=defined.classes, records=defined.records)
    except SyntaxError as error:
        where = f"{tests_file}:{error.lineno}" if error.lineno else name
        raise InvalidRequestError(
            f"{where}: this is no valid Python ({error.msg}); wanted a file of asserts"
        ) from error
    except NotSeparableError as error:
        raise InvalidRequestError(f"{tests_file}:{error}") from error
    if not tests.examples:
        raise InvalidRequestError(f"{name} holds no assert; wanted lines such as `assert f(1) == 2`")
    return tests
