"""Which lines of a program an expression runs, and in which it raises: recorded in the sandbox, by a tracer.

A program can lie about it. That changes in which order ways are tried, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.base import Expression, Limits, Returned, Sandbox

_TRACER = """

def _lines_run_by(source, space):
    import sys
    code = compile(source, "<example>", "exec")
    ran = set()
    def trace(frame, event, argument):
        if frame.f_code.co_filename != __file__:
            return None
        if event == "line":
            ran.add(frame.f_lineno)
        return trace
    raised = []
    sys.settrace(trace)
    try:
        exec(code, space)
    except BaseException as error:
        link = error.__traceback__
        while link is not None:
            if link.tb_frame.f_code.co_filename == __file__:
                raised.append(link.tb_lineno)
            link = link.tb_next
    finally:
        sys.settrace(None)
    return [sorted(ran), raised]
"""


@dataclass(frozen=True, slots=True)
class TracedLines:
    """Line numbers of a program, from 1."""

    ran: tuple[int, ...]
    raised: tuple[int, ...]  # of the traceback, outermost first; empty where nothing was raised

    @property
    def blamed(self) -> tuple[int, ...]:
        """Where the failure may come from: the traceback's lines, else all that ran."""
        return self.raised or self.ran


def trace_lines(
    sandbox: Sandbox, program: str, before: Sequence[str], sources: Sequence[str], limits: Limits
) -> list[TracedLines] | None:
    """Return what each of some sources runs, or None where the program did not get that far. One run of the sandbox.

    before: what its process runs first, whatever that raises.
    """
    calls = [Expression(f"_lines_run_by({source!r}, globals())") for source in (*before, *sources)]
    last = program.count("\n") + 1
    execution = sandbox.run(f"{program}{_TRACER}", calls=calls, limits=limits)
    found = [
        _lines(outcome.value, last) if isinstance(outcome, Returned) else TracedLines((), ())
        for outcome in execution.outcomes
    ]
    return found[len(before) :] if len(found) == len(calls) else None


def _lines(value: object, last: int) -> TracedLines:
    match value:
        case [list(ran), list(raised)]:
            return TracedLines(_inside(ran, last), _inside(raised, last))
    return TracedLines((), ())


def _inside(numbers: list[object], last: int) -> tuple[int, ...]:
    return tuple(number for number in numbers if isinstance(number, int) and 1 <= number <= last)
