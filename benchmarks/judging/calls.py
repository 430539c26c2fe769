"""Call a program's function in the sandbox and collect one result a call. Compares nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from benchmarks.judging import guest
from benchmarks.judging.words import escape
from sandbox import Call, CallOutcome, Execution, Limits, Raised, Returned, Sandbox, SandboxError

_CALLER = "__dubito_answer__"
_DIGEST = re.compile("[0-9a-f]{64}")


class CallResult(NamedTuple):
    """The result of one call of the program."""

    kind: str  # "value", "digest", "unplain" or "raised"
    value: Any  # plain data, 64 hex digits, a type's name, or an exception in a few words


FORGED = CallResult("unplain", "answer that is not the checker's")  # the program replaced the code that calls it


@dataclass(frozen=True, slots=True)
class CallResults:
    """One run of a program: the results of its first calls, up to where it ended, and the execution."""

    results: tuple[CallResult, ...]
    execution: Execution


def call_program(
    sandbox: Sandbox,
    program: str,
    entry_point: str,
    inputs: Sequence[tuple[Any, ...]],
    limits: Limits,
    *,
    members: bool = False,
) -> CallResults:
    """Call the program's entry point once for each input. Raises SandboxError where the sandbox failed.

    members: turn an iterator, or any other iterable, into the list of its members.
    """
    flags = (True,) if members else ()
    calls = [Call(_CALLER, (entry_point, list(arguments), *flags)) for arguments in inputs]
    execution = sandbox.run(program + _suffix(), calls=calls, limits=limits)
    outcomes = len(execution.outcomes)
    if outcomes > len(calls) or (execution.passed and outcomes < len(calls)):
        raise SandboxError(f"{outcomes} outcomes ({execution.verdict}) where {len(calls)} calls were sent")
    return CallResults(tuple(map(_call_result, execution.outcomes)), execution)


@cache
def _suffix() -> str:
    """Return the line that defines `_CALLER` in the program.

    It works whatever names the program has taken. It is one line, so that it cannot complete an open string.
    """
    run = "__import__('builtins').exec"
    source = inspect.getsource(guest)
    caller = f"(lambda space: {run}({source!r}, space) or space['call_function'])({{}})"
    return f"\n\n{_CALLER} = __import__('functools').partial({caller}, __import__('builtins').globals())\n"


def _call_result(outcome: CallOutcome) -> CallResult:
    if isinstance(outcome, Raised):
        return CallResult("raised", escape(f"{outcome.type}: {outcome.message}" if outcome.message else outcome.type))
    if not isinstance(outcome, Returned):
        return CallResult("unplain", escape(outcome.type))
    match outcome.value:
        case ("value", value):
            return CallResult("value", value)
        case ("digest", str(digest)) if _DIGEST.fullmatch(digest):
            return CallResult("digest", digest)
        case ("unplain", str(name)):
            return CallResult("unplain", escape(name))
    return FORGED
