"""The claim that an answer makes, and the evidence for it. Accepts nothing, and writes no sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.program.outputs import OutputKind
from agent.records import Answer, Attempt, RunOutcome
from agent.search.frontier import ENOUGH_SHARE


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
    programs: int  # that behave alike, the answer included
    inputs: int  # on which they do; nobody gave an output for them
    cases: int  # test cases of the model itself
    cases_passed: int


def collect_evidence(best: Attempt, answer: Answer) -> Evidence:
    """Count the evidence for an answer. best: its attempt."""
    return Evidence(
        examples=best.checked if best.passed else 0,
        programs=answer.alike,
        inputs=len(best.behaviour or ()),
        cases=answer.cases,
        cases_passed=answer.cases_passed,
    )


def find_standing(outcome: RunOutcome, best: Attempt, answer: Answer) -> Standing:
    """Find the claim that an answer makes.

    VERIFIED means: it passed examples, and it is not known that too many of such answers of this model are wrong.
    AGREED means: at least two programs behave alike and return at least one value, and most of the probability of all
    programs that passed is theirs.
    """
    if outcome != RunOutcome.ACCEPTED:
        return Standing.ABSTAINED
    if best.checked:
        doubtful = answer.probability is not None and answer.probability < answer.enough
        return Standing.UNVERIFIED if doubtful else Standing.VERIFIED
    returned = any(each.kind != OutputKind.EXCEPTION for each in best.behaviour or ())
    agreed = answer.alike > 1 and answer.share >= ENOUGH_SHARE and returned
    return Standing.AGREED if agreed else Standing.UNVERIFIED
