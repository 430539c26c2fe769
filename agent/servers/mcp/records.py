"""What the tools take and give, as records with a JSON schema. Their descriptions are read by a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_MOST_CHARACTERS = 1_000_000  # of a text
Text = Annotated[str, Field(max_length=_MOST_CHARACTERS)]


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class DoubtsArguments(_Arguments):
    """What `doubts` takes."""

    code: Annotated[Text, Field(description="A whole Python file.")]
    most: Annotated[int, Field(ge=1, le=20, description="Return at most this many places.")] = 5


class OtherCode(BaseModel):
    """What the model would have written instead."""

    code: str
    probability: float


class Doubt(BaseModel):
    """A place of the code where the model is unsure. Lines and columns count from 1; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    code: str
    probability: Annotated[float | None, Field(description="That the local model would write this code here.")]
    alternatives: Annotated[list[OtherCode], Field(description="What it would write instead, the likeliest first.")]


class Doubts(BaseModel):
    """What `doubts` gives, the least sure place first."""

    doubts: list[Doubt]


class CheckArguments(_Arguments):
    """What `check` takes."""

    code: Annotated[Text, Field(description="A whole Python program, which may import the standard library.")]
    examples: Annotated[
        Text,
        Field(
            description="Assert statements, as in `assert f(2) == 4`, or a session with `>>>`. By default, the "
            "examples in the docstrings of the code."
        ),
    ] = ""


class CheckedExample(BaseModel):
    """One example and how it went."""

    example: str
    passed: Annotated[bool | None, Field(description="null where the program ended before it.")]
    got: Annotated[str | None, Field(description="What came, where it failed.")] = None
    wanted: str | None = None
    explanation: str = ""


class Checked(BaseModel):
    """What `check` gives."""

    passed: Annotated[bool, Field(description="No example failed, and the program itself did not.")]
    verdict: Annotated[str, Field(description="How the program ended, as in passed, failed or syntax error.")]
    explanation: str
    examples: list[CheckedExample]
    unread: Annotated[list[str], Field(description="What looks like an example and cannot be read as one.")]


class SolveArguments(_Arguments):
    """What `solve` takes."""

    request: Annotated[
        Text,
        Field(
            description="A sentence, or Python to complete: a signature with its docstring. Examples in it, as in "
            "`>>> f(2)` with `4` below it, are what the answer is verified by."
        ),
    ]
    tests: Annotated[Text, Field(description="Further assert statements that the program must pass.")] = ""
    ask: Annotated[
        bool | None,
        Field(description="Ask the person where the model is in doubt. By default, as the server was started."),
    ] = None


class EvidenceCounts(BaseModel):
    """The counts that a claim rests on."""

    examples: Annotated[int, Field(description="That the program passed.")]
    separate: Annotated[int, Field(description="Programs that were written anew.")]
    alike: Annotated[int, Field(description="Of these, that behave as the answer does.")]
    inputs: Annotated[int, Field(description="Generated inputs on which they were compared.")]
    cases: Annotated[int, Field(description="Test cases that the model itself proposed.")]
    cases_passed: Annotated[int, Field(description="Of them, by the answer.")]


class Solution(BaseModel):
    """What `solve` gives."""

    claim: Annotated[
        Literal["verified", "agreed", "unverified", "abstained"],
        Field(
            description="verified: it passed the examples. agreed: independent programs behave alike. unverified: it "
            "runs, and nothing checked it. abstained: no program is to be trusted, and this is the best one."
        ),
    ]
    program: str
    explanation: str
    doubts: Annotated[list[str], Field(description="What may speak against the program, a sentence each.")]
    evidence: EvidenceCounts
    programs: Annotated[int, Field(description="That were written and run.")]
    tokens: int
    seconds: float
