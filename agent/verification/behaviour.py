"""Record what a program returns on probe inputs, as outputs that are equal if two programs behave alike."""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.messages import shorten_text
from agent.program.definitions import choose_main
from agent.program.outputs import UNPLAIN, UNREACHED, VARIES, Output, OutputKind
from agent.program.syntax import parse, read_literal
from sandbox.base import CallOutcome, Expression, Limits, Raised, Returned, Sandbox, Unplain

_CALL_SECONDS = 0.5
_LONGEST = 200  # characters of a value; a digest replaces the rest
_HUGE = 1 << 64  # larger numbers are written in hexadecimal: Python refuses to write very long decimals
_ITEMS = 1_000  # items of an iterator that are read
_CALLER = f"""

def _given_by(function, arguments):
    import itertools, signal
    def late(*_):
        raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, {_CALL_SECONDS})
    try:
        value = function(*arguments)
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, {_ITEMS}))
        return [value, list(arguments)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
"""


def observe_behaviour(
    sandbox: Sandbox, program: str, entry_point: str, inputs: Sequence[str], limits: Limits
) -> list[Output]:
    """Return the function's output on each input: the value, and its arguments if it changes them.

    inputs: argument tuples as source. One sandbox run tries each input twice, half a second each. The output is
    `VARIES` if the two differ.
    """
    calls = [Expression(f"_given_by({entry_point}, {source})") for source in inputs for _ in (0, 1)]
    arguments = [_canonical(list(ast.literal_eval(source))) for source in inputs for _ in (0, 1)]
    answers = sandbox.run(f"{program}{_CALLER}", calls=calls, limits=limits).outcomes
    outcomes = [_read_outcome(outcome, before) for outcome, before in zip(answers, arguments, strict=False)]
    outcomes += [UNREACHED] * (len(calls) - len(outcomes))
    return [
        first if first == second or UNREACHED in (first, second) else VARIES
        for first, second in zip(outcomes[::2], outcomes[1::2], strict=True)
    ]


def find_function(program: str, entry_point: str | None) -> str | None:
    """Return the entry point if the program defines it; without an entry point, the program's main function."""
    tree = parse(program)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)] if tree else []
    if entry_point is None:
        return choose_main(functions)
    return entry_point if entry_point in (each.name for each in functions) else None


def write_call(name: str, arguments: str) -> str:
    """Return the source of a call. arguments: the source of a tuple."""
    return f"{name}{arguments[:-2]})" if arguments.endswith(",)") else f"{name}{arguments}"


def gives_all(
    sandbox: Sandbox, program: str, entry_point: str | None, wanted: Mapping[str, Output], limits: Limits
) -> bool:
    """Whether a program gives the output that a person wants on each input. wanted: output by input."""
    name = find_function(program, entry_point)
    if not wanted or name is None:
        return not wanted
    outputs = observe_behaviour(sandbox, program, name, list(wanted), limits)
    return all(is_same_output(output, right) for output, right in zip(outputs, wanted.values(), strict=True))


def _read_outcome(outcome: CallOutcome, before: str) -> Output:
    match outcome:
        case Raised(name, _):
            return Output(OutputKind.EXCEPTION, shorten_text(name, _LONGEST))
        case Unplain():
            return UNPLAIN
        case Returned([value, list(after)]):
            left = _canonical(after)
            return Output(OutputKind.VALUE, _cut(_canonical(value)), None if left == before else _cut(left))
        case Returned(value):
            return Output(OutputKind.VALUE, _cut(_canonical(value)))


def _canonical(value: Any) -> str:
    """Return a text that is equal for values that count as equal: floats to six digits, sets in order."""
    match value:
        case float():
            return f"{value:.6g}" if value == value else "nan"
        case list():
            return f"[{', '.join(map(_canonical, value))}]"
        case tuple():
            return f"({', '.join(map(_canonical, value))},)"
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(_canonical, value)))}}}" if value else "set()"
        case dict():
            return f"{{{', '.join(sorted(f'{_canonical(key)}: {_canonical(item)}' for key, item in value.items()))}}}"
        case int() if not isinstance(value, bool) and abs(value) >= _HUGE:
            return hex(value)
    return repr(value)


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… ({hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:12]})"


def is_same_output(output: Output, right: Output) -> bool:
    """Whether an output is the one that a person wants, who need not say what becomes of the arguments."""
    return right in (output, replace(output, leaves=None))


def read_output(text: str, outputs: Sequence[Output] = ()) -> Output | None:
    """Return the output that a person typed; None if it is neither a literal nor a known exception."""
    literal, name = read_literal(text.strip()), text.strip()
    if literal is not None:
        return Output(OutputKind.VALUE, _canonical(literal[0]))
    kind, exception = getattr(builtins, name, None), Output(OutputKind.EXCEPTION, name)
    is_known = isinstance(kind, type) and issubclass(kind, BaseException)
    return exception if is_known or exception in outputs else None
