"""What is said of a request before anything is generated: whether it can be completed, and what its tests check."""

from __future__ import annotations

import re

from agent.errors import InvalidRequestError
from agent.messages import quoted
from agent.program.examples.asserts import Tested, read_tests
from agent.program.examples.read import ReadExamples, defined_by
from agent.program.examples.scope import NotSeparableError
from agent.program.normal_form import objection


def check_prompt(name: str, text: str, shown: ReadExamples) -> None:
    """Raise InvalidRequestError for a file's text that is no beginning of Python, or has nothing to complete."""
    whole = text.rstrip().rpartition("\n")[0]  # the last line may be cut off anywhere
    error = objection(f"{whole}\n") if whole else None
    if error is not None:
        where = f"{name}:{error.lineno or 1}"
        raise InvalidRequestError(
            f"{where}: this is no beginning of Python ({error.msg}); mend it, or ask in a sentence"
        )
    if not re.search(r"^[ \t]*(async def|def|class) \w", text, re.MULTILINE) and not shown.examples:
        raise InvalidRequestError(
            f"{name} begins no function and no class, so there is nothing to complete; "
            "begin one, as in `def f(x):`, or ask in a sentence"
        )


def tests_of(tests: str, source: str, request: str, entry_point: str | None) -> Tested:
    """Read a test file's text. Raises InvalidRequestError, with the line."""
    defined, name = defined_by(request), quoted(tests)
    names = defined.names | ({entry_point} if entry_point else set())
    try:
        found = read_tests(source, program=names, classes=defined.classes, records=defined.records)
    except SyntaxError as error:
        where = f"{tests}:{error.lineno}" if error.lineno else name
        raise InvalidRequestError(
            f"{where}: this is no valid Python ({error.msg}); wanted a file of asserts"
        ) from error
    except NotSeparableError as error:
        raise InvalidRequestError(f"{tests}:{error}") from error
    if not found.examples:
        raise InvalidRequestError(f"{name} holds no assert; wanted lines such as `assert f(1) == 2`")
    return found
