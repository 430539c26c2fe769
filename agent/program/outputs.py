"""Outputs of a program on made-up inputs, as records that are equal where two programs behave alike. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OutputKind(StrEnum):
    """The kinds of outputs. Only a value is one that somebody could have wanted, or an exception."""

    VALUE = "value"
    EXCEPTION = "exception"
    UNPLAIN = "unplain"
    VARIES = "varies"
    UNREACHED = "unreached"


@dataclass(frozen=True, slots=True)
class Output:
    """The output of one call. Texts are valid UTF-8 and short."""

    kind: OutputKind
    text: str = ""  # the value as canonical source, or the exception's class
    leaves: str | None = None  # the arguments after the call, if it changed them


UNPLAIN = Output(OutputKind.UNPLAIN)
VARIES = Output(OutputKind.VARIES)
UNREACHED = Output(OutputKind.UNREACHED)


def describe_output(output: Output) -> str:
    """Return an output as a question, a view and a failure show it."""
    text = _PHRASES[output.kind].format(output.text)
    return text if output.leaves is None else f"{text} and leaves {output.leaves}"


_PHRASES = {
    OutputKind.VALUE: "{}",
    OutputKind.EXCEPTION: "raises {}",
    OutputKind.UNPLAIN: "returns what is no plain data",
    OutputKind.VARIES: "varies from run to run",
    OutputKind.UNREACHED: "not reached in time",
}
