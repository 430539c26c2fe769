"""Choose the inputs on which the programs of a run are compared. An input is the source of an argument tuple."""

from __future__ import annotations

from collections.abc import Sequence

from agent.program.examples.example import Example
from agent.program.named_values import find_named_inputs
from agent.program.outputs import Output, OutputKind
from agent.program.probe_inputs import MOST_INPUTS, find_arguments, generate_inputs
from agent.program.syntax import is_code
from agent.program.task import Task

_MOST_TURNED = 5  # so that mutations have their share


def choose_inputs(task: Task, program: str, entry_point: str, cases: Sequence[Example] = ()) -> tuple[str, ...]:
    """Return the inputs that the request names, then generated ones.

    program: it defines the entry point; where the request does not, its head tells the parameters and their hints.
    cases: the model's own. A parameter without a hint gets values of the types that it has in the cases and in the
    named inputs. Arguments of one type are tried in the other order, too. Without cases such a parameter gets values of
    several types, and most programs raise on most of these.
    """
    named = find_named_inputs(task.request, program, entry_point)
    shown = [arguments for case in cases for arguments in find_arguments(case, entry_point)]
    turned = [arguments[::-1] for arguments in shown if len(arguments) > 1 and len(set(map(type, arguments))) == 1]
    source = task.request if task.entry_point and is_code(task.request) else program
    generated = generate_inputs(
        source,
        entry_point,
        task.examples,
        seeds=[*named, *shown, *turned[:_MOST_TURNED]] if shown else (),
        numbers_from=task.request,
    )
    return tuple(dict.fromkeys(map(repr, (*named, *generated))))


def choose_columns(rows: Sequence[Sequence[Output]]) -> list[int]:
    """Choose the inputs to keep of many: first those on which some program gives a value, each group in its order.

    rows: the outputs of a program each, one an input. Returns the numbers of at most `MOST_INPUTS`.
    """
    columns = range(min(map(len, rows), default=0))
    valued = {column for column in columns if any(row[column].kind == OutputKind.VALUE for row in rows)}
    return sorted(columns, key=lambda column: column not in valued)[:MOST_INPUTS]
