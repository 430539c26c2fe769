"""A conversation about one program: what was asked for, the program so far, and the code and tests beside it.

A follow-up becomes a task that shows the program and asks for its change. What a person wrote counts as examples, and
nothing that a model wrote does. Decodes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.errors import InvalidRequestError
from agent.program.examples.example import Example, combine_examples
from agent.program.prompts import CodeBeside
from agent.program.syntax import find_entry_point, is_code
from agent.program.task import Task, read_task

_RENAMES = re.compile(r"\b(?:re)?name\b[^.\n]*?\b(?:to|as|into)\s+`?([A-Za-z_]\w*)`?", re.IGNORECASE)
_QUESTION = re.compile(r"^(?:why|what|how|when|where|which|who|is|are|does|do|did|can|could|explain)\b", re.IGNORECASE)
_CHANGE = "Change the program: {line} Write the whole program, with its imports."


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a person said about a program, oldest first, the program so far, and what the prompts show beside it."""

    requests: tuple[str, ...] = ()
    program: str = ""
    name: str | None = None  # of the function that was asked for
    files: tuple[CodeBeside, ...] = ()
    tests: tuple[str, ...] = ()  # texts of test files

    def follow(self, task: Task, line: str, program: str) -> Conversation:
        """Return the conversation after a request that gave a program. A new name is put into what was said before."""
        name = task.entry_point or find_entry_point(program)
        if not self.is_follow_up(line):
            return replace(self, requests=(line,), program=program, name=name)
        requests, tests = (
            tuple(_rename(text, self.name, name) for text in each) for each in (self.requests, self.tests)
        )
        return replace(self, requests=(*requests, line), tests=tests, program=program, name=name)

    def add_file(self, name: str, code: str) -> Conversation:
        """Return the conversation with a file beside it, in place of one of that name."""
        others = tuple(each for each in self.files if each.title != name)
        return replace(self, files=(*others, CodeBeside(name, code)))

    def drop_file(self, name: str) -> Conversation:
        """Return the conversation without a file. Raises InvalidRequestError where it was not added."""
        if name not in (names := [each.title for each in self.files]):
            raise InvalidRequestError(f"{name!r} was not added; there is {', '.join(names) or 'no file'}")
        return replace(self, files=tuple(each for each in self.files if each.title != name))

    def add_tests(self, text: str) -> Conversation:
        """Return the conversation with tests that later programs must pass: asserts, or an interpreter's session.

        Raises InvalidRequestError for a text that holds neither, or that calls what nobody asked for.
        """
        self.read_tests(text)
        if text.lstrip().startswith(">>>"):
            return replace(self, requests=(*self.requests, text))
        return replace(self, tests=(*self.tests, text))

    def read_tests(self, text: str) -> tuple[Example, ...]:
        """Return the examples in a text of tests. Raises InvalidRequestError."""
        if not text.lstrip().startswith(">>>"):
            return read_task("Write it.", entry_point=self.name, tests=text).examples
        if not (examples := read_task(text, entry_point=self.name).examples):
            raise InvalidRequestError("no example could be read; wanted lines such as `>>> f(2)` and `4` below it")
        return examples

    def is_follow_up(self, line: str) -> bool:
        """Whether a request changes the program so far: there is one, and the request names no other function."""
        if not self.program or is_code(line):
            return False
        asked = read_task(line).entry_point
        return asked is None or asked == self.name or bool(_RENAMES.search(line))

    def read(self, line: str) -> Task:
        """Return the task of a request. Raises InvalidRequestError for one that cannot be read."""
        tests = "\n".join(self.tests) or None
        if not self.is_follow_up(line):
            return replace(read_task(line, tests=tests, name="your request"), beside=self.files)
        earlier, own = "\n".join(self.requests), read_task(line)
        renamed = _RENAMES.search(line)
        name = renamed[1] if renamed else self.name
        given = [read_task(_rename(text, self.name, name)) for text in self.requests]
        with_tests = read_task(line, tests=_rename(tests, self.name, name), entry_point=name) if tests else own
        examples = with_tests.examples
        for each in given:
            examples = combine_examples(examples, each.examples)
        program = CodeBeside(
            "The program so far, which was written for this request: " + _one_line(earlier), self.program
        )
        request = _CHANGE.format(line=line if line.rstrip().endswith((".", "!", "`")) else f"{line.rstrip()}.")
        return replace(
            own, request=request, examples=examples, entry_point=name, name="your request", tests=with_tests.tests,
            changes=self.program, beside=(*self.files, program),
        )  # fmt: skip


def fit(conversation: Conversation, line: str, fits: Callable[[Task], bool]) -> tuple[Task, Conversation]:
    """Return the task of a request that fits the model's window, and the conversation without what had to go.

    The oldest requests go first, then the oldest files. fits: whether a task's prompt leaves room for an answer.
    """
    kept = conversation
    while True:
        task = kept.read(line)
        if fits(task) or not (kept.requests[1:] or kept.files):
            return task, kept
        kept = replace(kept, requests=kept.requests[1:]) if kept.requests[1:] else replace(kept, files=kept.files[1:])


def is_question(line: str) -> bool:
    """Whether a line asks for an answer in words, and not for a program."""
    return line.rstrip().endswith("?") and bool(_QUESTION.match(line.strip()))


def write_question(conversation: Conversation, line: str) -> str:
    """Return the prompt of a question about the program so far, for a chat model."""
    beside: Sequence[CodeBeside] = (*conversation.files, CodeBeside("The program", conversation.program))
    blocks = [f"{each.title}:\n```python\n{each.code.strip()}\n```" for each in beside if each.code]
    asked = (
        [f"It was written for this request: {_one_line(' '.join(conversation.requests))}"]
        if conversation.requests
        else []
    )
    return "\n\n".join([*blocks, *asked, f"{line}\nAnswer in one or two sentences, without code."])


def _rename(text: str, name: str | None, new: str | None) -> str:
    return re.sub(rf"\b{re.escape(name)}\b", new, text) if name and new and name != new else text


def _one_line(text: str) -> str:
    return " ".join(text.split())
