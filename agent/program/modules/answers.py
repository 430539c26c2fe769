"""Write the text of a file with the program that answers a task in it. Reads and writes no file."""

from __future__ import annotations

from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.program.modules.definitions import put_definitions
from agent.program.syntax import find_asked_name, is_code
from agent.program.task import Task


def write_program(task: Task, program: str) -> str:
    """Return the text of the program that answers a task: with the module around it, if the task has one.

    Raises InvalidRequestError.
    """
    if task.module is None:
        return program.rstrip("\n") + "\n"
    text = task.module.fill(program)
    if text is None:
        raise InvalidRequestError(
            f"the answer cannot be put into {quote(task.module.file)} in the place of {task.module.function}"
        )
    return text


def put_answer(written: str, task: Task, program: str, file: str) -> str:
    """Return a file's text with the function or class that a task asked for: in the place of its own, else at its end.

    written: the text as the file has it. Raises InvalidRequestError. See `put_definitions`.
    """
    name = task.entry_point or (find_asked_name(task.request) if is_code(task.request) else None)
    return put_definitions(written, program, name, file)
