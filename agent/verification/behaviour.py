"""Run programs on inputs that nobody wrote, and say what each returns. Chooses nothing."""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from agent.messages import words
from agent.program.syntax import parse, read_literal
from sandbox.base import CallOutcome, Expression, Limits, Raised, Returned, Sandbox, Unplain

VARIES = "varies from run to run"


UNREACHED = "not reached in time"


UNPLAIN = "returns what is no plain data"


_CALL_SECONDS = 0.5


_LONGEST = 200  # characters kept of what a program returns; of longer ones a digest stands for the rest


_HUGE = 1 << 64  # Python refuses to write numbers that are much larger in decimals


_ITEMS = 1_000  # of an iterator that are looked at


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
) -> list[str]:
    """Return what the function gives for each input, as text: the value, and its arguments where it changes them.

    One run. Each input is tried twice, for half a second each; `VARIES` stands where the two differ. inputs: source of
    argument tuples.
    """
    calls = [Expression(f"_given_by({entry_point}, {source})") for source in inputs for _ in (0, 1)]
    given = [_canonical(list(ast.literal_eval(source))) for source in inputs for _ in (0, 1)]
    answers = sandbox.run(f"{program}{_CALLER}", calls=calls, limits=limits).outcomes
    outcomes = [_told(outcome, before) for outcome, before in zip(answers, given, strict=False)]
    outcomes += [UNREACHED] * (len(calls) - len(outcomes))
    return [
        first if first == second or UNREACHED in (first, second) else VARIES
        for first, second in zip(outcomes[::2], outcomes[1::2], strict=True)
    ]


def find_function(program: str, entry_point: str | None) -> str | None:
    """Return the function that is asked for: the named one, else the last that the program defines."""
    tree = parse(program)
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] if tree else []
    return entry_point if entry_point in names else (names[-1] if names and entry_point is None else None)


def gives_all(
    sandbox: Sandbox, program: str, entry_point: str | None, wanted: Mapping[str, str], limits: Limits
) -> bool:
    """Whether a program gives what a person said of some inputs."""
    name = find_function(program, entry_point)
    if not wanted or name is None:
        return not wanted
    given = observe_behaviour(sandbox, program, name, list(wanted), limits)
    return all(is_same_output(said, right) for said, right in zip(given, wanted.values(), strict=True))


def _told(outcome: CallOutcome, before: str) -> str:
    match outcome:
        case Raised(name, _):
            return f"raises {words(name, _LONGEST)}"
        case Unplain():
            return UNPLAIN
        case Returned([value, list(after)]):
            changed = "" if _canonical(after) == before else f" and leaves {_canonical(after)}"
            return _cut(_canonical(value) + changed)
        case Returned(value):
            return _cut(_canonical(value))


def _canonical(value: Any) -> str:
    """Return a text that is equal for values which count as equal: floats to six digits, sets in order."""
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


def is_same_output(given: str, right: str) -> bool:
    """Whether an output is the one that a person wants: the value, or the name of an exception."""
    return right in (given, given.split(" and leaves ")[0], given.removeprefix("raises "))


def read_output(text: str, outputs: Sequence[str] = ()) -> str | None:
    """Return what a person typed as outputs are written; None where it is neither a literal nor a known exception."""
    literal, name = read_literal(text.strip()), text.strip()
    if literal is not None:
        return _canonical(literal[0])
    kind = getattr(builtins, name, None)
    raised = isinstance(kind, type) and issubclass(kind, BaseException)
    return name if raised or f"raises {name}" in outputs else None
