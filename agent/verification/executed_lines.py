"""Record which lines of a program an expression runs, and in which it raises, by a tracer in the sandbox.

A program can lie about them. That changes the order of the search, and nothing else.
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
    raised: tuple[int, ...]  # lines of the traceback, outermost first; empty if nothing was raised

    @property
    def blamed(self) -> tuple[int, ...]:
        """Lines that the failure may come from: the traceback's, else all that ran."""
        return self.raised or self.ran


def trace_lines(
    sandbox: Sandbox, program: str, before: Sequence[str], sources: Sequence[str], limits: Limits
) -> list[TracedLines] | None:
    """Return the lines that each source runs, or None if the program did not get that far. Takes one sandbox run.

    before: sources that the process runs first, whatever they raise.
    """
    calls = [Expression(f"_lines_run_by({source!r}, globals())") for source in (*before, *sources)]
    last = program.count("\n") + 1
    execution = sandbox.run(f"{program}{_TRACER}", calls=calls, limits=limits)
    traced = [
        _read_lines(outcome.value, last) if isinstance(outcome, Returned) else TracedLines((), ())
        for outcome in execution.outcomes
    ]
    return traced[len(before) :] if len(traced) == len(calls) else None


def _read_lines(value: object, last: int) -> TracedLines:
    match value:
        case [list(ran), list(raised)]:
            return TracedLines(_keep_inside(ran, last), _keep_inside(raised, last))
    return TracedLines((), ())


def _keep_inside(numbers: list[object], last: int) -> tuple[int, ...]:
    return tuple(number for number in numbers if isinstance(number, int) and 1 <= number <= last)
