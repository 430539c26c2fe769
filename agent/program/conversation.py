"""A conversation about one program: what was asked for, the program so far, and the code and tests beside it.

A follow-up becomes a task that shows the program and asks for its change. What a person wrote counts as examples, and
nothing that a model wrote does. Decodes nothing.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.program.examples.example import Example, combine_examples
from agent.program.modules.opened import OpenedFile
from agent.program.prompts import CodeBeside
from agent.program.syntax import find_entry_point, is_code
from agent.program.task import Task, add_tests, read_task

_QUESTION = re.compile(r"(?:why|what|how|when|where|which|who|is|are|does|do|did|explain)\b", re.IGNORECASE)
_MOST_BESIDE = 20_000  # characters of a file
_CHANGE = "Change the program: {line} Write the whole program, with its imports."
_SHOWN = "The program so far, which was written for this request: {requests}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a person said about a program, and the program so far. The prompts show all of it but the examples."""

    requests: tuple[str, ...] = ()  # oldest first; those that no longer fit the model's window are gone
    program: str = ""
    name: str | None = None  # of the function that was asked for
    said: tuple[str, ...] = ()  # every text of the person's that may hold examples, requests and sessions
    tests: tuple[str, ...] = ()  # texts of asserts
    files: tuple[CodeBeside, ...] = ()
    opened: OpenedFile | None = None  # in which the program is a function; None where it stands alone

    @property
    def code(self) -> str:
        """The program as a person reads it: of a file, the function alone."""
        return self.program if self.opened is None else self.opened.code

    @property
    def runnable(self) -> str:
        """What runs where the program is run."""
        return self.program if self.opened is None else self.opened.runnable

    @property
    def topic(self) -> str:
        """The name of the program; empty where it has none."""
        return self.name or (self.opened and self.opened.function) or ""

    def open(self, opened: OpenedFile) -> Conversation:
        """Return a conversation about a function of a file. Tests that came before any request stay."""
        kept = Conversation(files=self.files) if self._has_begun else self
        name = opened.function if opened.function and "." not in opened.function else None
        return replace(kept, opened=opened, program=opened.code, name=name)

    def put(self, task: Task, program: str) -> Conversation:
        """Return the conversation with another program in the place of the one so far. task: that it answers."""
        opened = self.opened.put(task.module, program) if self.opened and task.module else None
        return replace(self, program=program, opened=opened)

    def follow(self, task: Task, line: str, program: str) -> Conversation:
        """Return the conversation after a request that gave a program. A new name is put into what was said before.

        program: empty where a first request gave none; a follow-up then changes that request.
        """
        if self.opened is not None and task.module is not None:
            requests, said = (*self.requests, line), (*self.said, line)
            meant = replace(self.opened, function=task.module.function)
            opened = meant.put(task.module, program) if program else meant
            program = program or meant.code
            return replace(self, requests=requests, said=said, program=program, name=task.entry_point, opened=opened)
        name = task.entry_point or find_entry_point(program)
        if not self.is_follow_up(line):
            kept = Conversation(files=self.files) if self._has_begun else replace(self, opened=None)
            return replace(kept, requests=(line,), said=(*kept.said, line), program=program, name=name)
        kept = self._rename(name)
        return replace(kept, requests=(*kept.requests, line), said=(*kept.said, line), program=program)

    @property
    def _has_begun(self) -> bool:
        return bool(self.program or self.requests)

    def go_back(self, earlier: Conversation) -> Conversation:
        """Return an earlier state of the conversation, with the tests and the files of now."""
        opened = earlier.opened
        if opened is not None and self.opened is not None and opened.file == self.opened.file:
            opened = replace(opened, read=self.opened.read)
        return replace(earlier, tests=self._rename(earlier.name).tests, files=self.files, opened=opened)

    def _rename(self, name: str | None) -> Conversation:
        """Return the conversation about the same function under another name."""
        requests, said, tests = (
            tuple(_rename(text, self.name, name) for text in texts) for texts in (self.requests, self.said, self.tests)
        )
        return replace(self, requests=requests, said=said, tests=tests, name=name)

    def add_file(self, name: str, code: str) -> Conversation:
        """Return the conversation with a file beside it, in place of one of that name."""
        others = tuple(each for each in self.files if each.title != name)
        return replace(self, files=(*others, CodeBeside(name, code)))

    def update_file(self, name: str, code: str) -> Conversation:
        """Return the conversation with another code of a file that was added."""
        files = tuple(CodeBeside(name, code) if each.title == name else each for each in self.files)
        return replace(self, files=files)

    def drop_file(self, name: str) -> Conversation:
        """Return the conversation without a file. Raises InvalidRequestError where it was not added."""
        if name not in (names := [each.title for each in self.files]):
            raise InvalidRequestError(f"{name!r} was not added; there is {', '.join(names) or 'no file'}")
        return replace(self, files=tuple(each for each in self.files if each.title != name))

    def add_tests(self, text: str, file: str = "the tests") -> Conversation:
        """Return the conversation with tests that later programs must pass: asserts, or an interpreter's session.

        Raises InvalidRequestError for a text that holds neither, or that calls what nobody asked for.
        """
        self.read_tests(text, file)
        if _is_session(text):
            return replace(self, said=(*self.said, text))
        return replace(self, tests=(*self.tests, text))

    def read_tests(self, text: str, file: str = "the tests") -> Task:
        """Return a task with the examples in a text of tests, and what in it is none. file: its name, for messages.

        Raises InvalidRequestError.
        """
        if not _is_session(text):
            outline = self.opened.module.outline() if self.opened else ""
            task = Task("Write it.", entry_point=self.name)
            return add_tests(task, text, file, outline or task.request)
        if not (task := read_task(text, entry_point=self.name)).examples:
            raise InvalidRequestError("no example could be read; wanted lines such as `>>> f(2)` and `4` below it")
        return task

    def list_examples(self) -> tuple[Example, ...]:
        """Return the examples that the person gave so far."""
        texts = [read_task(text, entry_point=self.name).examples for text in self.said]
        texts += [self.read_tests(text).examples for text in self.tests]
        examples = tuple[Example, ...]()
        for each in texts:
            examples = combine_examples(examples, each)
        return examples

    def is_follow_up(self, line: str) -> bool:
        """Whether a request changes the one before, or its program: there is one, and it names no other function."""
        if self._read_in_file(line) is not None:
            return True
        if not self._has_begun or is_code(line) or is_code(" ".join(self.requests) if not self.program else ""):
            return False
        asked = read_task(line).entry_point
        return asked is None or asked == self.name or _find_new_name(line, self.name) is not None

    def read(self, line: str) -> Task:
        """Return the task of a request. Raises InvalidRequestError for one that cannot be read."""
        if (task := self._read_in_file(line)) is not None:
            return task
        if not self.is_follow_up(line):
            return self._read_first(line)
        if not self.program:
            sessions = tuple(text for text in self.said if text not in self.requests)
            whole = "\n".join((*self.requests, line))
            return replace(self, requests=(), said=sessions)._read_first(whole)
        name, own = _find_new_name(line, self.name) or self.name, read_task(line, entry_point=self.name)
        renamed = self._rename(name)
        shown = CodeBeside(_SHOWN.format(requests=" ".join(" ".join(self.requests).split())), self.program)
        end = "" if line.rstrip().endswith((".", "!", "?", "`")) else "."
        return replace(
            own, request=_CHANGE.format(line=line.rstrip() + end), name="your request", entry_point=name,
            examples=combine_examples(own.examples, renamed.list_examples()), tests=_split_tests(renamed.tests),
            # A program that is right already may stay as it is where the request itself has examples to check it by.
            changes="" if own.examples else self.program,
            beside=(*self.files, shown),
        )  # fmt: skip

    def _read_in_file(self, line: str) -> Task | None:
        """Return the task to change a function of the file that is open; None where there is none, or a new one is
        asked for. Raises InvalidRequestError for what would change the function's head.
        """
        if self.opened is None:
            return None
        if self.program and (name := _find_new_name(line, self.name)):
            raise InvalidRequestError(
                f"a function of a file keeps its name and parameters, for other code may use them; rename {self.topic} "
                f"to {name} in {quote(self.opened.file)}, and open that again with /file"
            )
        task = self.opened.read_request(line)
        if task is None or task.module is None:
            return task
        outline, unread = task.module.outline(), task.unparsed
        for text in self.said:
            given = read_task(text, entry_point=task.entry_point).examples if text.strip() else ()
            task = replace(task, examples=combine_examples(task.examples, given))
        for text in self.tests:
            task = add_tests(task, text, "the tests", outline)
        beside = (*self.files, *task.beside)
        return replace(task, tests=_split_tests(self.tests), unparsed=unread, beside=beside)  # /tests named the others

    def _read_first(self, line: str) -> Task:
        """Return the task of a request that begins a program. What was said of an earlier one does not count."""
        kept = Conversation(files=self.files) if self._has_begun else self
        task = read_task(line, tests="\n".join(kept.tests) or None, name="your request")
        sessions = replace(kept, tests=(), name=task.entry_point).list_examples()
        return replace(task, examples=combine_examples(task.examples, sessions), beside=self.files)


def fit(conversation: Conversation, line: str, fits: Callable[[Task], bool]) -> tuple[Task, Conversation]:
    """Return the task of a request that fits the model's window, and the conversation without what had to go.

    Of a follow-up the oldest requests go first, then the oldest files; their examples stay. fits: whether a task's
    prompt leaves room for an answer.
    """
    kept = conversation
    while not fits(task := kept.read(line)):
        if kept.requests[1:] and task.module is None and kept.is_follow_up(line):
            kept = replace(kept, requests=kept.requests[1:])
        elif kept.files:
            kept = replace(kept, files=kept.files[1:])
        else:
            break
    return task, kept


def describe_dropped(before: Conversation, kept: Conversation) -> list[str]:
    """Say what had to go of a conversation, so that it fits the model's window."""
    lines = []
    if dropped := len(before.requests) - len(kept.requests):
        lines.append(f"the conversation is too long for the model: its first {dropped} requests are not shown to it")
    if dropped := len(before.files) - len(kept.files):
        lines.append(f"{dropped} of the files that you added do not fit, and are not shown to the model")
    return lines


def check_characters(line: str) -> None:
    """Raise InvalidRequestError for a request with control characters."""
    if any(ord(character) < 32 for character in line.replace("\t", " ").replace("\n", " ")):
        raise InvalidRequestError("the request holds control characters; write it again")


def check_beside(name: str, code: str) -> None:
    """Raise InvalidRequestError for a file that is too long to be shown to the model."""
    if len(code) > _MOST_BESIDE:
        raise InvalidRequestError(f"{quote(name)} has {len(code)} characters; wanted at most {_MOST_BESIDE}")


def is_question(line: str) -> bool:
    """Whether a line asks for an answer in words, and not for a program. "Can you …?" asks for a program."""
    return line.rstrip().endswith("?") and bool(_QUESTION.match(line.strip()))


def write_question(conversation: Conversation, line: str) -> str:
    """Return the prompt of a question about the program so far, for a chat model."""
    beside: Sequence[CodeBeside] = (*conversation.files, CodeBeside("The program", conversation.code))
    blocks = [f"{each.title}:\n```python\n{each.code.strip()}\n```" for each in beside if each.code]
    asked = " ".join(" ".join(conversation.requests).split())
    purpose = [f"It was written for this request: {asked}"] if asked else []
    return "\n\n".join([*blocks, *purpose, f"{line}\nAnswer in one or two sentences, without code."])


def _find_new_name(line: str, name: str | None) -> str | None:
    """Return the name that a request gives to the function, as in "rename it to total"; None where it gives none."""
    own = rf"|`?{re.escape(name)}`?(?:\(\))?" if name else ""
    asks = re.fullmatch(
        rf"\W*(?:please\s+)?(?:re)?name\s+(?:it|(?:the|this)\s+(?:function|class|program){own})\s+(?:(?:to|into|as)\s+)?"
        r"`?([A-Za-z_]\w*)`?(?:\(\))?\s*[.!]?",
        line.strip(),
        re.IGNORECASE,
    )
    return asks[1] if asks and not keyword.iskeyword(asks[1]) else None


def _is_session(text: str) -> bool:
    return text.lstrip().startswith(">>>")


def _split_tests(tests: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of tests, as prompts show them."""
    return tuple(line for text in tests for line in text.splitlines() if line.strip())


def _rename(text: str, name: str | None, new: str | None) -> str:
    return re.sub(rf"\b{re.escape(name)}\b", new, text) if name and new and name != new else text
