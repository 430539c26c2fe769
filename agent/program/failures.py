"""Record why a program did not pass, and write the one sentence that says so. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class FailureKind(StrEnum):
    """The ways to fail: on one example, as a program, in one of two runs, or before a run."""

    RETURNED = "returned another value"
    NOT_PLAIN = "returned no plain data"
    RAISED = "raised an exception"
    NOT_RAISED = "raised no exception"
    SHOWED = "showed another text"
    NOT_HELD = "does not hold"
    GAVE = "gave another output than a person wants"
    RAISED_ON_NAMED = "raised an exception on a value that the request names"

    FAILED = "failed"
    SYNTAX_ERROR = "syntax error"
    OUT_OF_TIME = "out of time"
    OUT_OF_MEMORY = "out of memory"
    OUTPUT_LIMIT = "output limit"
    FORBIDDEN = "forbidden"

    EMPTY = "has no statement"
    UNCHANGED = "is the program that it should change"
    OTHER_PARAMETERS = "takes other parameters than the request names"
    OTHER_NAME = "does not define the function that the request names"
    IN_TIME_ONCE = "ran out of time in one of two runs"
    PASSED_ONCE = "passed in one of two runs"
    DROPPED = "dropped while it was written"
    NOT_RUN = "not run"
    CUT_OFF = "cut off"
    STILL_THINKING = "the thought did not end"


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason why a program did not pass. All texts are valid UTF-8 and short."""

    kind: FailureKind
    example: int | None = None  # its number among the task's examples; None where the program itself failed
    expression: str = ""  # what was evaluated; for NOT_HELD, the example's source
    got: str = ""  # a value's repr, an exception with its message, the last line of stderr, or the budget that ended
    wanted: str | None = None

    def record(self) -> dict[str, Any]:
        """Return the failure as JSON has it: the data and, for readers, the sentence."""
        return {**asdict(self), "sentence": describe_failure(self)}


def failure_of(record: Mapping[str, Any]) -> Failure:
    """Return the failure that `Failure.record` wrote."""
    fields = {name: record[name] for name in ("example", "expression", "got", "wanted")}
    return Failure(FailureKind(record["kind"]), **fields)


def describe_failure(failure: Failure) -> str:
    """Return the sentence that a repair prompt, a view and a trace show for a failure."""
    sentence = _SENTENCES[failure.kind].format(expression=failure.expression, got=failure.got)
    if failure.kind == FailureKind.NOT_HELD and failure.expression.rpartition("\n")[2].startswith(">>> "):
        return f"{sentence}, wanted None, because the prompt shows no output below it"
    if failure.kind in _WITH_DETAIL and failure.got:
        return f"{sentence}: {failure.got}"
    return sentence if failure.wanted is None else f"{sentence}, wanted {failure.wanted}"


_WITH_DETAIL = {FailureKind.FAILED, FailureKind.SYNTAX_ERROR}

_SENTENCES = {
    FailureKind.RETURNED: "{expression} returned {got}",
    FailureKind.NOT_PLAIN: "{expression} returned a {got}",
    FailureKind.RAISED: "{expression} raised {got}",
    FailureKind.NOT_RAISED: "{expression} gave no exception",
    FailureKind.SHOWED: "{expression} shows {got}",
    FailureKind.NOT_HELD: "{expression} does not hold: {got}",
    FailureKind.GAVE: "{expression} gives {got}",
    FailureKind.RAISED_ON_NAMED: "{expression} raised {got}, and the request names this value",
    FailureKind.FAILED: "the program failed",
    FailureKind.SYNTAX_ERROR: "the program is no valid Python",
    FailureKind.OUT_OF_TIME: "the program ran out of time",
    FailureKind.OUT_OF_MEMORY: "the program ran out of memory",
    FailureKind.OUTPUT_LIMIT: "the program wrote too much output",
    FailureKind.FORBIDDEN: "the program did what the sandbox forbids",
    FailureKind.EMPTY: "the program does nothing: it has no statement of its own",
    FailureKind.UNCHANGED: "the program is as it was, and the request asks for a change",
    FailureKind.OTHER_PARAMETERS: "the request asks for {expression}, and the program defines {got}",
    FailureKind.OTHER_NAME: "the program does not define {expression}, which the request asks for",
    FailureKind.IN_TIME_ONCE: "the program ran out of time in one of two runs, so it is not to be relied on",
    FailureKind.PASSED_ONCE: "the program passed in one of two runs: it does something else each time",
    FailureKind.DROPPED: "dropped at the end of a statement: {got}",
    FailureKind.NOT_RUN: "not run: the budget's {got} are used up",
    FailureKind.CUT_OFF: "the program was cut off by the {got}",
    FailureKind.STILL_THINKING: (
        "the model's thought did not end before the {got}, so there is no answer; allow more tokens"
    ),
}
