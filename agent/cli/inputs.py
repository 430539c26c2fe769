"""Read what a person gives: a request, a prompt, tests, from arguments, files or standard input."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import InvalidRequestError
from agent.files.access import STANDARD_STREAM, read_bounded
from agent.files.changes import plain_text
from agent.messages import quote

if TYPE_CHECKING:
    from agent.program.task import Task

_MOST_BYTES = 2**24  # of a prompt, of tests, of a program
_TEXTS = (".txt", ".md", ".rst")


def check_sources(request: str | None, task: str | None, file: Path | None, tests: Path | None, *, ask: bool) -> str:
    """Return the kind of source that came: a sentence, --task, --file or stdin. Raises InvalidRequestError."""
    named = (("a sentence", request), ("--task", task), ("--file", file))
    kinds = [kind for kind, value in named if value is not None]
    if not kinds and sys.stdin is not None and not sys.stdin.isatty():
        kinds = ["stdin"]
    if len(kinds) != 1:
        raise InvalidRequestError(
            f"{' and '.join(kinds) or 'nothing'} came; wanted one of a sentence, --task ID and --file FILE"
        )
    from_stdin = [request, str(file), str(tests)].count(STANDARD_STREAM) + (kinds == ["stdin"])
    if from_stdin and ask:
        raise InvalidRequestError(
            "--ask reads answers from stdin, so the request and its tests must come from elsewhere"
        )
    if from_stdin > 1:
        raise InvalidRequestError("stdin can be read once, as the request or as its tests; give the other as a file")
    return kinds[0]


def build_task(
    request: str | None,
    file: Path | None,
    tests: Path | None,
    *,
    name: str = "",
    entry_point: str | None = None,
    function: str | None = None,
    line: int | None = None,
    edits: bool = False,
) -> Task:
    """Return the task of a sentence or a file, with the examples of a test file. Raises InvalidRequestError.

    function: of the file, as in `f` or `Class.method`. line: of the file, in such a function. edits: the file is to be
    changed. See `read_module_task`.
    """
    from agent.program.modules.request import read_module_task
    from agent.program.syntax import is_code
    from agent.program.task import read_task

    if request == STANDARD_STREAM:
        request = read_stdin("the request")
    elif request is not None and file is None and _names_text(request):
        request = read_source(Path(request), "the request")
    written = None if file is None else read_written(file, "the prompt")
    text = request if written is None else plain_text(written)
    if text is None or not text.strip():
        raise InvalidRequestError(f"nothing was asked for{_say_what_to_give(file)}")
    if file is None:
        check_sentence(text, f"give it as --file {text}")
    asserts = read_source(tests, "the tests") if tests else None
    tested: dict[str, Any] = {"tests": asserts, "tests_file": str(tests)}
    if written is not None:
        task = read_module_task(written, file=name_file(file), function=function, line=line, edits=edits, **tested)
        if task is not None:
            return task
        _refuse_tests_alone(text, name_file(file))
    named = name or (str(file) if file else "your sentence")
    in_words = file is None or (file.suffix != ".py" and not is_code(text))
    return read_task(text, entry_point=entry_point, name=named, file=None if in_words else quote(file), **tested)


def _say_what_to_give(file: Path | None) -> str:
    if file is None:
        return "; give a sentence, --file prompt.py or --task HumanEval/0"
    return f": {quote(file)} is empty; put the head of a function into it"


def _names_text(sentence: str) -> bool:
    """Decide whether one word in the place of a sentence is the name of a text file: one that is here, or looks so."""
    if len(sentence.split()) != 1 or sentence.endswith(".py"):
        return False
    return sentence.lower().endswith(_TEXTS) or ("." in sentence and os.path.isfile(sentence))  # noqa: PTH113 - Path raises where it is long


def _refuse_tests_alone(text: str, file: str) -> None:
    """Raise InvalidRequestError for a file of tests alone, with the commands that were meant."""
    from agent.program.file_examples import find_tested_name

    if (name := find_tested_name(text)) is not None:
        raise InvalidRequestError(
            f"{quote(file)} holds tests and nothing to write; say what they are of, as in `dubito solve "
            f'"Write {name or "f"}." --tests {file}`, or name the file that they are of with --file, beside --tests'
        )


def check_sentence(text: str, advice: str) -> None:
    """Raise InvalidRequestError for the name of a file in the place of a sentence."""
    if text.endswith(".py") and len(text.split()) == 1:
        raise InvalidRequestError(f"{text!r} is the name of a file, and a sentence was wanted; {advice}")


def name_file(path: Path | None) -> str:
    """Return the name of a file for messages and diffs; `-` is stdin."""
    return "stdin" if str(path) == STANDARD_STREAM else str(path)


def read_source(path: Path, purpose: str) -> str:
    """Read a file, or stdin for `-`, as Python reads text. purpose: for messages. Raises InvalidRequestError."""
    return plain_text(read_written(path, purpose))


def read_written(path: Path, purpose: str) -> str:
    """Read a file, or stdin for `-`, with its line ends and its byte order mark. Raises InvalidRequestError."""
    if str(path) == STANDARD_STREAM:
        return _decode(_read_stdin(purpose), "stdin")
    if not os.path.lexists(path):
        raise InvalidRequestError(
            f"{purpose} should come from {quote(path)}, and there is no such file; check the path"
        )
    return _decode(read_bounded(path, _MOST_BYTES), quote(path))


def read_stdin(purpose: str) -> str:
    """Read all of stdin, as Python reads text. Raises InvalidRequestError where it is closed, too long, or no text."""
    return plain_text(_decode(_read_stdin(purpose), "stdin"))


def _read_stdin(purpose: str) -> bytes:
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None or sys.stdin.isatty():
        raise InvalidRequestError(
            f"{purpose} should come from stdin, and nothing is piped into it; pipe it, or give a file"
        )
    data: bytes = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InvalidRequestError(f"more than {_MOST_BYTES // 2**20} MiB came on stdin; is it the right file?")
    return data


def _decode(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
