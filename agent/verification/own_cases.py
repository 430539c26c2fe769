"""Run the model's own test cases on a program. A case that never ends, or ends the process, spoils no other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.program.cases import find_subject
from agent.program.examples.example import Example
from agent.verification.examples import verify
from sandbox.base import Limits, Sandbox

_SECONDS = 1.0  # for one case that ran into a limit with the others


def run_cases(sandbox: Sandbox, program: str, name: str, cases: Sequence[Example], limits: Limits) -> tuple[bool, ...]:
    """Return which cases a program passes. name: of the function or class in the cases; the program may use another.

    One run tries all cases. Where it does not come to its end, each case has a run of its own.
    """
    own = find_subject(program, None)
    named = program if find_subject(program, name) or own is None else f"{program}\n\n{name} = {own}\n"
    short = replace(
        limits, cpu_seconds=min(_SECONDS, limits.cpu_seconds), wall_seconds=min(2 * _SECONDS, limits.wall_seconds)
    )
    together = verify(sandbox, named, cases, limits=short)
    if together.checked == len(cases):
        failed = set(together.failed_examples)
        return tuple(number not in failed for number in range(len(cases)))
    return tuple(verify(sandbox, named, [case], limits=short).passed for case in cases)
