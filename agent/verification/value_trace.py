"""Trace an unfinished program: which lines ran, and which values they set; and describe that. Judges nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from agent.messages import shorten_text
from agent.verification import trace_guest
from sandbox.base import Expression, Limits, Returned, Sandbox

_MOST_EVENTS = 200
_CPU_SECONDS, _WALL_SECONDS = 1.0, 2.0  # an unfinished loop may never end
_MOST_ROWS, _FIRST, _LONGEST = 30, 3, 80  # lines that are described, values of each, characters of each
_GUEST = "__dubito_tracing__"  # a name that no program has by accident


class ExecutedLine(NamedTuple):
    """One run of a line: its number, from 1, and what it changed, as text by name. A result's name is `return`."""

    number: int
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class ValueTrace:
    """The lines that ran, in their order, and the exception that ended the run, if any."""

    runs: tuple[ExecutedLine, ...]
    raised: str = ""

    def move_lines(self, find_lines: Callable[[int], Sequence[int]]) -> ValueTrace:
        """Return the trace with other line numbers, without the lines for which `find_lines` finds none."""
        moved = (ExecutedLine(line, run.values) for run in self.runs for line in find_lines(run.number))
        return replace(self, runs=tuple(moved))


def trace_values(
    sandbox: Sandbox, program: str, before: Sequence[str], source: str, limits: Limits
) -> ValueTrace | None:
    """Return the trace of a source, or None if the program did not get that far. Takes one sandbox run.

    before: sources that the process runs first.
    """
    calls = [Expression(f"exec({each!r}, globals())") for each in before]
    calls.append(Expression(f"{_GUEST}['record_values']({source!r}, globals(), {_MOST_EVENTS})"))
    cpu, wall = min(limits.cpu_seconds, _CPU_SECONDS), min(limits.wall_seconds, _WALL_SECONDS)
    bounds = replace(limits, cpu_seconds=cpu, wall_seconds=wall)
    outcomes = sandbox.run(f"{program}{_load_guest()}", calls=calls, limits=bounds).outcomes
    last = outcomes[-1] if len(outcomes) == len(calls) else None
    return _read_trace(last.value, program.count("\n") + 1) if isinstance(last, Returned) else None


@cache
def _load_guest() -> str:
    """Return the line that defines trace_guest.py behind a program, in a namespace that hides its names."""
    source = inspect.getsource(trace_guest)
    run = "__import__('builtins').exec"
    return f"\n\n{_GUEST} = (lambda space: {run}({source!r}, space) or space)({{'__name__': 'tracing'}})\n"


def _read_trace(value: object, last: int) -> ValueTrace | None:
    """Read what the guest returned. A program may have forged it: what is no line of the program is left out."""
    match value:
        case [list(events), str(raised)]:
            return ValueTrace(tuple(run for event in events if (run := _read_run(event, last))), raised)
    return None


def _read_run(event: object, last: int) -> ExecutedLine | None:
    match event:
        case [int(number), list(changes)] if 1 <= number <= last:
            return ExecutedLine(number, {str(change[0]): str(change[1]) for change in changes if _is_pair(change)})
    return None


def _is_pair(change: object) -> bool:
    return isinstance(change, list) and len(change) == 2


def describe_trace(trace: ValueTrace, program: str, source: str) -> str:
    """Describe for a model how the lines of a program ran: one row for each line, in the order of their first run."""
    rows, lines = dict[int, list[ExecutedLine]](), program.split("\n")
    for run in trace.runs:
        rows.setdefault(run.number, []).append(run)
    shown = [(_cut(lines[number - 1]), runs) for number, runs in rows.items()]
    texts = [f"- `{line}`: {_describe_runs(runs)}" for line, runs in shown if line != "..."]  # which closes a block
    ended = [f"- then it raised {shorten_text(trace.raised)}"] if trace.raised else []
    return "\n".join([f"The lines written so far, run on `{_cut(source)}`:", *texts[:_MOST_ROWS], *ended])


def _describe_runs(runs: Sequence[ExecutedLine]) -> str:
    """Describe what a line did, as in `x = 1, 2`: the values of each name, one after another."""
    values = dict[str, list[str]]()
    for run in runs:
        for name, text in run.values.items():
            values.setdefault(name, []).append(text)
    texts = [f"{name} {'' if name == 'return' else '= '}{_join(each)}" for name, each in values.items()]
    return "; ".join(texts) or ("ran once" if len(runs) == 1 else f"ran {len(runs)} times")


def _join(values: Sequence[str]) -> str:
    shown = [_cut(value) for value in values]
    return " then ".join(shown if len(shown) <= _FIRST + 1 else [*shown[:_FIRST], "…", shown[-1]])


def _cut(text: str) -> str:
    return shorten_text(text.strip(), _LONGEST)
