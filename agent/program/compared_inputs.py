"""Choose the inputs on which the programs of a run are compared."""

from __future__ import annotations

from collections.abc import Sequence

from agent.program.examples.example import Example
from agent.program.named_values import find_named_inputs
from agent.program.probe_inputs import Arguments, find_arguments, generate_inputs
from agent.program.syntax import is_code
from agent.program.task import Task


def choose_inputs(
    task: Task, program: str, entry_point: str, cases: Sequence[Example] = ()
) -> tuple[list[Arguments], list[Arguments]]:
    """Return the arguments that a request names, and all to compare programs on, which begin with those.

    program: the first one; where the request defines no function, its head says how many arguments there are. cases:
    test cases of the model. With them the arguments have the types of those that are named and of the cases. Without
    them a parameter without a hint gets values of several types, and on most of these every program raises.
    """
    named = find_named_inputs(task.request, program, entry_point)
    fitting = [arguments for case in cases for arguments in find_arguments(case, entry_point)]
    source = task.request if task.entry_point and is_code(task.request) else program
    generated = generate_inputs(
        source, entry_point, task.examples, fitting=[*named, *fitting] if cases else (), numbers_from=task.request
    )
    return named, list({repr(each): each for each in (*named, *generated)}.values())
