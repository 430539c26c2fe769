"""What speaks for a program beyond the examples: whether others behave as it does on inputs that nobody wrote.

Programs are compared on what they return. No expected value is known here but those that the prompt or a person gave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.program.failures import Failure, FailureKind
from agent.program.normal_form import normal_form
from agent.records import Answer, Attempt
from agent.search.faults import how_it_breaks, least_failed, undefined_names
from agent.search.frontier import CLOSE
from agent.search.mutants import open_weight
from agent.verification.behaviour import UNPLAIN, UNREACHED, VARIES, is_same_output
from uncertainty.behaviour import error_of_mass, functional_entropy, information_gain

_WRONG_VALUE = {FailureKind.RETURNED, FailureKind.NOT_PLAIN, FailureKind.NOT_HELD}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Programs that passed and behave alike, the most probable first."""

    attempts: tuple[int, ...]
    mass: float  # summed probability under the model
    behaviour: tuple[str, ...]


def clusters(attempts: Sequence[Attempt]) -> list[Cluster]:
    """Return the programs that passed by what they do: the cluster of most probability first, those that break last.

    Inputs on which none gives a value, and all say the same, are left out. A program that was not compared is a cluster
    of its own, and so is each where there is nothing to tell them by. Where none was compared, all are one cluster.
    """
    passed = [number for number, attempt in enumerate(attempts) if attempt.passed]
    told = {number: attempts[number].behaviour or [] for number in passed}
    width = max((len(said) for said in told.values()), default=0)
    rows = [said for said in told.values() if len(said) == width]
    columns = [column for column in range(width) if not _says_nothing([row[column] for row in rows])]
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, said in told.items():
        row = tuple(said[column] for column in columns) if len(said) == width else ()
        alone = width > 0 and not row
        groups.setdefault((normal_form(attempts[number].program),) if alone else row, []).append(number)
    found = [_cluster(attempts, numbers, said) for said, numbers in groups.items()]
    return sorted(found, key=lambda cluster: (*_faults(attempts, cluster), -cluster.mass, cluster.attempts))


def _faults(attempts: Sequence[Attempt], cluster: Cluster) -> tuple[bool, bool, bool]:
    """Return what puts a cluster behind others: that it breaks, gives no value, or does not define a name it uses."""
    behaviour = attempts[cluster.attempts[0]].behaviour or []
    silent = bool(cluster.behaviour) and _silent(cluster.behaviour)
    return bool(how_it_breaks(behaviour)), silent, undefined_names(behaviour) > 0


def share_of_first(attempts: Sequence[Attempt]) -> float:
    """Return the first cluster's share of the probability of all programs that passed; 0 where none did."""
    found = clusters(attempts)
    return _shares(found)[0] if found else 0.0


def answer(attempts: Sequence[Attempt], inputs: Sequence[str], ended_by: str = "") -> Answer:
    """Choose the program that stands for the run: of the largest cluster the most probable, else what failed least."""
    found = clusters(attempts)
    if not found:
        return Answer(least_failed(attempts), share=0.0, margin=0.0, clusters=0, programs=0, ended_by=ended_by)
    shares = _shares(found)
    margin = shares[0] - (shares[1] if len(shares) > 1 else 0.0)
    chosen = attempts[found[0].attempts[0]]
    close = len(found) > 1 and margin < CLOSE
    return Answer(
        attempt=found[0].attempts[0],
        breaks="" if chosen.checked else how_it_breaks(chosen.behaviour or []),
        share=shares[0],
        margin=margin,
        clusters=len(found),
        programs=sum(len(cluster.attempts) for cluster in found),
        functional_entropy=functional_entropy(shares),
        error_at_least=error_of_mass([_mass_of_draws(attempts, cluster) for cluster in found]),
        rival=found[1].attempts[0] if close else None,
        differs=difference(attempts, inputs, found[0].attempts[0], found[1].attempts[0]) if close else {},
        ended_by=ended_by,
    )


def difference(attempts: Sequence[Attempt], inputs: Sequence[str], one: int, other: int) -> dict[str, str]:
    """Return the shortest input on which two programs differ, and what each gives for it."""
    pairs = zip(inputs, attempts[one].behaviour or (), attempts[other].behaviour or (), strict=False)
    apart = [(source, mine, theirs) for source, mine, theirs in pairs if mine != theirs]
    if not apart:
        return {}
    source, mine, theirs = min(apart, key=lambda each: len(each[0]))
    return {"input": source, "answer": mine, "rival": theirs}


def best_question(attempts: Sequence[Attempt], inputs: Sequence[str], asked: Sequence[int] = ()) -> int | None:
    """Return the number of the input, not asked yet, whose right output would settle most doubt; None for no doubt."""
    found = [
        cluster for cluster in clusters(attempts) if len(attempts[cluster.attempts[0]].behaviour or ()) == len(inputs)
    ]
    columns = [column for column in range(len(inputs)) if column not in asked]
    if len(found) < 2 or not columns:
        return None
    masses = [cluster.mass for cluster in found]

    def gain(column: int) -> float:
        return information_gain(masses, [(attempts[cluster.attempts[0]].behaviour or [])[column] for cluster in found])

    best = max(columns, key=lambda column: (round(gain(column), 9), -len(inputs[column])))
    return best if gain(best) > 0 else None


def settle(attempts: Sequence[Attempt], column: int, source: str, right: str) -> list[Attempt]:
    """Return the attempts judged by one more example: those that gave another output for this input fail it."""
    judged = []
    for attempt in attempts:
        given = (attempt.behaviour or [])[column : column + 1]
        if attempt.passed and given and not is_same_output(given[0], right):
            failure = Failure(FailureKind.GAVE, expression=source, got=given[0], wanted=right)
            attempt = replace(attempt, verdict="failed", checked=attempt.checked + 1, failures=(failure,))
        elif attempt.passed and given:
            attempt = replace(attempt, checked=attempt.checked + 1)
        judged.append(attempt)
    return judged


def features(attempts: Sequence[Attempt], found: Answer) -> dict[str, float]:
    """Return what the probability of being right is learned from: what helped to tell it on the calibration split.

    The number of examples passed, the highest entropy left, and how other programs behave did not, beside these
    (docs/LOG.md).
    """
    chosen = attempts[found.attempt]
    return {
        "passed": float(chosen.passed),
        "logprob": sum(chosen.logprobs),
        "attempts": math.log(1 + found.attempt),
        "undecided": open_weight([mutant["weight"] for mutant in found.undecided]),
    }


def suspect(attempts: Sequence[Attempt]) -> str | None:
    """Return the example that the best programs fail in common, where it is the only one of several that they fail.

    Then the example may be wrong: programs that differ fail it, and pass the others.
    """
    ran = [attempt for attempt in attempts if attempt.checked > 1 and attempt.duplicate_of is None and attempt.failures]
    near = [attempt for attempt in ran if len(attempt.failures) == 1 and attempt.verdict == "failed"]
    failures = [attempt.failures[0] for attempt in near]
    examples = {failure.expression for failure in failures if failure.kind in _WRONG_VALUE}
    return examples.pop() if len(near) > 1 and len(examples) == 1 else None


def _shares(found: Sequence[Cluster]) -> list[float]:
    total = sum(cluster.mass for cluster in found)
    return [cluster.mass / total for cluster in found] if total else [1.0 / len(found)] * len(found)


def _cluster(attempts: Sequence[Attempt], numbers: list[int], said: tuple[str, ...]) -> Cluster:
    weights = _weights(attempts, numbers)
    ranked = sorted(weights, key=lambda number: (-weights[number], number))
    return Cluster(tuple(ranked), sum(weights.values()), said)


def _weights(attempts: Sequence[Attempt], numbers: list[int]) -> dict[int, float]:
    """Return the probability of each under the model; of attempts with the same tokens the first one's alone."""
    sequences = {(attempts[n].prompt, tuple(attempts[n].tokens)): n for n in reversed(numbers)}
    return {n: math.exp(attempts[n].edge.get("prior", 0.0) + sum(attempts[n].logprobs)) for n in sequences.values()}


def _mass_of_draws(attempts: Sequence[Attempt], cluster: Cluster) -> float:
    """Return a cluster's probability among draws from the first prompt alone."""
    return sum(_weights(attempts, [number for number in cluster.attempts if not attempts[number].prompt]).values())


def _says_nothing(outputs: list[str]) -> bool:
    return len(set(outputs)) == 1 and _silent(outputs)


def _silent(outputs: Sequence[str]) -> bool:
    """Whether none of these is a value."""
    return all(said.startswith("raises ") or said in (UNPLAIN, VARIES, UNREACHED) for said in outputs)
