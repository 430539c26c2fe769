"""The claim that an answer makes, and the evidence for it. Accepts nothing, and writes no sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.program.outputs import OutputKind
from agent.records import Answer, Attempt, RunOutcome
from agent.search.frontier import ENOUGH_APART, ENOUGH_SHARE


class Standing(StrEnum):
    """The three claims that an answer can make, and an abstention."""

    VERIFIED = "verified"  # it passed examples that the prompt or a person gave
    AGREED = "agreed"  # programs behave as it does, on inputs for which nobody gave an output
    UNVERIFIED = "unverified"
    ABSTAINED = "abstained"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The counts that a claim rests on."""

    examples: int  # of the prompt or a person, that the program passed
    separate: int  # programs written anew, each from the first prompt
    alike: int  # of these, that behave as the answer does
    inputs: int  # on which they do; nobody gave an output for them
    cases: int  # test cases of the model itself
    cases_passed: int


def collect_evidence(best: Attempt, answer: Answer) -> Evidence:
    """Count the evidence for an answer. best: its attempt."""
    return Evidence(
        examples=best.checked if best.passed else 0,
        separate=answer.separate,
        alike=answer.alike,
        inputs=len(best.behaviour or ()),
        cases=answer.cases,
        cases_passed=answer.cases_passed,
    )


def find_standing(outcome: RunOutcome, best: Attempt, answer: Answer) -> Standing:
    """Find the claim that an answer makes.

    VERIFIED means: it passed examples and, where it was learned how probable is enough, is known to be so probable.
    AGREED means: of at least five programs that were written anew, most behave as the answer does, and return at least
    one value. Branches of one program agree also where it is wrong (docs/LOG.md), so they do not count.
    """
    if outcome != RunOutcome.ACCEPTED:
        return Standing.ABSTAINED
    if best.checked:
        return Standing.VERIFIED if (answer.probability or 0.0) >= answer.enough else Standing.UNVERIFIED
    returned = any(each.kind == OutputKind.VALUE for each in best.behaviour or ())
    agreed = answer.separate >= ENOUGH_APART and answer.alike >= ENOUGH_SHARE * answer.separate and returned
    return Standing.AGREED if agreed else Standing.UNVERIFIED
