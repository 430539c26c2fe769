"""Cluster programs by their outputs on generated inputs, and choose the answer (CodeT, arXiv:2207.10397).

No expected value is known here but those that the prompt or a person gave.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.program.ends import End
from agent.program.failures import Failure, FailureKind
from agent.program.normal_form import normal_form
from agent.program.outputs import Output, OutputKind, describe_output
from agent.records import Answer, Attempt, Difference, PersonExample, Spent
from agent.search.faults import count_undefined, find_breakage, find_least_failed
from agent.search.frontier import CLOSE
from agent.search.mutants import total_weight
from agent.verification.behaviour import is_same_output
from sandbox.base import Verdict
from uncertainty.behaviour import functional_entropy, information_gain, least_error

ENOUGH_DRAWS = 5  # independent ones, to say how likely a draw is wrong
_WRONG_VALUE = {FailureKind.RETURNED, FailureKind.NOT_PLAIN, FailureKind.NOT_HELD}


@dataclass(frozen=True, slots=True)
class Cluster:
    """Programs that passed and behave alike, oldest first; with a majority, highest mean logprob first."""

    attempts: tuple[int, ...]
    mass: float  # summed probability under the model, or the number of its programs
    behaviour: tuple[Output, ...]  # on the inputs that tell programs apart; empty for a cluster of its own


def cluster_programs(attempts: Sequence[Attempt], *, majority: bool = False) -> list[Cluster]:
    """Cluster the programs that passed by their behaviour and the model's cases that they pass.

    Those of the best consensus set come first, then those of most probability; those that break come last.

    Inputs on which all programs agree and none gives a value are left out. A program without a behaviour is a cluster
    of its own; so is each program where no input is left. Where no program has a behaviour, all are one cluster.
    """
    passed = [number for number, attempt in enumerate(attempts) if attempt.passed]
    outputs = {number: attempts[number].behaviour or () for number in passed}
    width = max((len(row) for row in outputs.values()), default=0)
    rows = [row for row in outputs.values() if len(row) == width]
    columns = [column for column in range(width) if not _is_uninformative([row[column] for row in rows])]
    groups: dict[tuple[tuple[Output, ...], str, tuple[bool, ...]], list[int]] = {}
    for number, row in outputs.items():
        behaviour = tuple(row[column] for column in columns) if len(row) == width else ()
        form = normal_form(attempts[number].program) if width > 0 and not behaviour else ""
        groups.setdefault((behaviour, form, attempts[number].cases), []).append(number)
    clusters = [
        _build_cluster(attempts, numbers, behaviour, majority=majority) for (behaviour, *_), numbers in groups.items()
    ]
    return sorted(
        clusters,
        key=lambda cluster: (
            *_find_faults(attempts, cluster),
            -_score_agreement(attempts, cluster),
            -cluster.mass,
            _rank(attempts, cluster),
        ),
    )


def _score_agreement(attempts: Sequence[Attempt], cluster: Cluster) -> float:
    """Return the score of a cluster's consensus set: sqrt(programs) x cases (CodeT, section 2.2, arXiv:2207.10397).

    The set is all programs that pass the same of the model's own cases. A duplicate is no program of its own.
    """
    cases = attempts[cluster.attempts[0]].cases
    programs = sum(attempt.passed and attempt.ran and attempt.cases == cases for attempt in attempts)
    return math.sqrt(programs) * sum(cases)


def _rank(attempts: Sequence[Attempt], cluster: Cluster) -> tuple[float, int]:
    """Return what decides between clusters of one mass: the mean logprob of its first program, then that number."""
    return -_mean_logprob(attempts[cluster.attempts[0]]), cluster.attempts[0]


def _find_faults(attempts: Sequence[Attempt], cluster: Cluster) -> tuple[bool, bool, bool]:
    """Return what puts a cluster last: it breaks, gives no value, or uses a name that it does not define."""
    behaviour = attempts[cluster.attempts[0]].behaviour or ()
    silent = bool(cluster.behaviour) and _gives_no_value(cluster.behaviour)
    return find_breakage(behaviour) is not None, silent, count_undefined(behaviour) > 0


def share_of_first(attempts: Sequence[Attempt], *, majority: bool = False) -> float:
    """Return the first cluster's share of the probability of all programs that passed; 0 where none did."""
    clusters = cluster_programs(attempts, majority=majority)
    return _find_shares(clusters)[0] if clusters else 0.0


def best_answer(
    attempts: Sequence[Attempt],
    inputs: Sequence[str],
    ended_by: Spent | None = None,
    *,
    entry_point: str | None = None,
    majority: bool = False,
) -> Answer:
    """Choose the first program of the first cluster; where none passed, the one that failed least.

    entry_point: the function that the task names. majority: as in `SearchConfig`.
    """
    clusters = cluster_programs(attempts, majority=majority)
    if not clusters:
        return _stand_by_none(attempts, ended_by, entry_point, majority=majority)
    shares, first = _find_shares(clusters), clusters[0].attempts[0]
    draws = _find_draws(attempts, majority=majority)
    margin = shares[0] - (shares[1] if len(shares) > 1 else 0.0)
    rival = clusters[1].attempts[0] if len(clusters) > 1 and margin < CLOSE else None
    return Answer(
        attempt=first,
        breakage=None if attempts[first].checked else find_breakage(attempts[first].behaviour or ()),
        share=shares[0],
        margin=margin,
        clusters=len(clusters),
        programs=sum(len(cluster.attempts) for cluster in clusters),
        separate=sum(each.is_separate for each in attempts),
        alike=_count_alike(attempts, attempts[first]),
        functional_entropy=functional_entropy(shares),
        draws=len(draws),
        error_at_least=bound_error(draws),
        rival=rival,
        differs=None if rival is None else _find_difference(inputs, attempts[first], attempts[rival]),
        ended_by=ended_by,
        cases=len(attempts[first].cases),
        cases_passed=sum(attempts[first].cases),
    )


def _stand_by_none(
    attempts: Sequence[Attempt], ended_by: Spent | None, entry_point: str | None, *, majority: bool
) -> Answer:
    """Return the answer of a run in which no program passed."""
    draws = _find_draws(attempts, majority=majority)
    return Answer(
        find_least_failed(attempts, entry_point),
        share=0.0, margin=0.0, clusters=0, programs=0,
        draws=len(draws),
        error_at_least=bound_error(draws),
        ended_by=ended_by,
        suspect=find_suspect(attempts),
    )  # fmt: skip


def _find_draws(attempts: Sequence[Attempt], *, majority: bool) -> list[Attempt]:
    """Find the attempts that are independent draws of one distribution.

    With a majority the first attempt is one of the samples. Else it was written in another way than they were.
    """
    apart = [each for each in attempts if each.is_separate]
    return apart if majority else [each for each in apart if each.edge] or apart


def bound_error(draws: Sequence[Attempt]) -> float | None:
    """Return a lower bound on how likely an independent draw is wrong; None where there are fewer than five draws.

    All draws that failed count as one cluster, and a draw that was not compared goes to the largest cluster. So the
    bound never becomes too high by either.
    """
    if len(draws) < ENOUGH_DRAWS:
        return None
    compared = any(each.passed and each.behaviour for each in draws)
    known = [each for each in draws if each.end != End.DUPLICATE]
    known = [each for each in known if each.behaviour or not (compared and each.passed)]
    counts = sorted(Counter((each.passed, each.behaviour if each.passed else None) for each in known).values())
    return least_error([*counts[:-1], sum(counts[-1:]) + len(draws) - len(known)])


def _count_alike(attempts: Sequence[Attempt], answer: Attempt) -> int:
    """Count the programs written anew that passed and behave as the answer does. A duplicate is one, too."""
    apart = [each for each in attempts if each.is_separate and each.passed and each.behaviour]
    return sum(each.behaviour == answer.behaviour for each in apart)


def _find_difference(inputs: Sequence[str], answer: Attempt, rival: Attempt) -> Difference | None:
    """Return the shortest input on which two programs differ, and what each gives for it."""
    rows = zip(inputs, answer.behaviour or (), rival.behaviour or (), strict=False)
    differences = [Difference(*row) for row in rows if row[1] != row[2]]
    return min(differences, key=lambda each: len(each.input), default=None)


def best_question(attempts: Sequence[Attempt], inputs: Sequence[str], asked: Sequence[int] = ()) -> int | None:
    """Return the number of the input, not asked yet, whose right output would settle most doubt; None for no doubt."""
    clusters = [
        cluster
        for cluster in cluster_programs(attempts)
        if len(attempts[cluster.attempts[0]].behaviour or ()) == len(inputs)
    ]
    columns = [column for column in range(len(inputs)) if column not in asked]
    if len(clusters) < 2 or not columns:
        return None
    masses = [cluster.mass for cluster in clusters]

    def gain(column: int) -> float:
        outputs = [(attempts[cluster.attempts[0]].behaviour or ())[column] for cluster in clusters]
        return information_gain(masses, outputs)

    best = max(columns, key=lambda column: (round(gain(column), 9), -len(inputs[column])))
    return best if gain(best) > 0 else None


def judge_by_person(attempt: Attempt, example: PersonExample) -> Attempt:
    """Judge an attempt that passed by one more example: it fails where it gave another output for that input."""
    outputs = (attempt.behaviour or ())[example.input_number : example.input_number + 1]
    if not attempt.passed or not outputs:
        return attempt
    if is_same_output(outputs[0], example.wanted):
        return replace(attempt, checked=attempt.checked + 1)
    got, wanted = map(describe_output, (outputs[0], example.wanted))
    failure = Failure(FailureKind.GAVE, expression=example.call, got=got, wanted=wanted)
    return replace(attempt, verdict=Verdict.FAILED, checked=attempt.checked + 1, failures=(failure,))


def answer_features(attempts: Sequence[Attempt], answer: Answer) -> dict[str, float]:
    """Return features that may tell how probable an answer is to be right. A learned curve uses some of them."""
    best, ran = attempts[answer.attempt], [each for each in attempts if each.ran]
    return {
        "passed": float(best.passed and best.checked > 0),  # what no example checked, nothing could fail
        "checked": float(best.checked),
        "logprob": sum(best.logprobs),
        "mean_logprob": _mean_logprob(best),
        "attempts": math.log(1 + answer.attempt),
        "failed": sum(not each.passed for each in ran) / max(1, len(ran)),
        "alike": math.log(1 + answer.alike),
        "share": answer.share,
        "undecided": total_weight([mutant.weight for mutant in answer.undecided]),
    }


def find_suspect(attempts: Sequence[Attempt]) -> str | None:
    """Return the one example that the best programs all fail, where each passes the others.

    Then the example may be wrong: programs that differ fail it, and pass the others.
    """
    ran = [attempt for attempt in attempts if attempt.checked > 1 and attempt.duplicate_of is None and attempt.failures]
    near = [attempt for attempt in ran if len(attempt.failures) == 1 and attempt.verdict == Verdict.FAILED]
    failures = [attempt.failures[0] for attempt in near]
    examples = {failure.expression for failure in failures if failure.kind in _WRONG_VALUE}
    return examples.pop() if len(near) > 1 and len(examples) == 1 else None


def _find_shares(clusters: Sequence[Cluster]) -> list[float]:
    total = sum(cluster.mass for cluster in clusters)
    return [cluster.mass / total for cluster in clusters] if total else [1.0 / len(clusters)] * len(clusters)


def _build_cluster(
    attempts: Sequence[Attempt], numbers: list[int], behaviour: tuple[Output, ...], *, majority: bool
) -> Cluster:
    if majority:
        ranked = sorted(numbers, key=lambda number: (-_mean_logprob(attempts[number]), number))
        return Cluster(tuple(ranked), len(numbers), behaviour)
    return Cluster(tuple(numbers), sum(_weigh(attempts, numbers)), behaviour)


def _mean_logprob(attempt: Attempt) -> float:
    """Return the mean logprob of an attempt's tokens, in nats."""
    return sum(attempt.logprobs) / max(1, len(attempt.logprobs))


def _weigh(attempts: Sequence[Attempt], numbers: list[int]) -> list[float]:
    """Return the attempts' probabilities under the model; of attempts with the same tokens only the first counts."""
    sequences = {(attempts[n].prompt, tuple(attempts[n].tokens)): attempts[n] for n in reversed(numbers)}
    return [math.exp(each.prior + sum(each.logprobs)) for each in sequences.values()]


def _is_uninformative(outputs: list[Output]) -> bool:
    return len(set(outputs)) == 1 and _gives_no_value(outputs)


def _gives_no_value(outputs: Sequence[Output]) -> bool:
    return all(output.kind != OutputKind.VALUE for output in outputs)
