"""Run a filled file on the examples that it shows, and put the fillings that pass first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from agent.program.examples.example import Example
from agent.program.failures import Failure
from agent.program.file_examples import FileExamples, find_reaching_examples, read_file_examples, remove_asserts
from agent.program.holes import put_fillings, show_holes
from agent.verification.examples import verify_steadily
from agent.workflow.context import Context
from agent.workflow.filled import FilledHole, Filling

_MOST_PROGRAMS = 24  # that are run for holes which the same examples reach

_Choice = tuple[int, ...]  # the number of a filling for each of some holes


class _Outcome(NamedTuple):
    """What became of the examples with one filling in each hole of a group."""

    choice: _Choice
    passed: int
    failure: Failure | None


def check_fillings(context: Context, source: str, filled: Sequence[FilledHole]) -> tuple[FilledHole, ...]:
    """Return the holes with their fillings ranked by the examples that pass, and then by score.

    Examples that reach several holes need a filling in each, so such holes are tried together: the likeliest choices
    first, at most 24. A filling has the outcome of the best choice that it is in. Raises SandboxError.
    """
    plain = show_holes(source, [each.hole for each in filled])
    shown, result = read_file_examples(plain), list(filled)
    for members, numbers in _group_holes(plain, filled, shown):
        examples = [shown.examples[number] for number in numbers]
        outcomes = [
            _run(context, source, result, members, choice, examples, shown.asserts)
            for choice in islice(walk_choices([result[member].fillings for member in members]), _MOST_PROGRAMS)
        ]
        best = max(outcomes, key=lambda outcome: outcome.passed)  # the first of equals, which is the likeliest
        for place, member in enumerate(members):
            result[member] = _rank(result[member], place, best, outcomes, len(examples))
    return tuple(result)


def walk_choices(fillings: Sequence[Sequence[Filling]]) -> Iterator[_Choice]:
    """Yield each way to choose a filling for each hole, the highest sum of scores first.

    fillings: of each hole at least one, by falling score.
    """

    def rate(choice: _Choice) -> float:
        return -sum(each[number].score for each, number in zip(fillings, choice, strict=True))

    first = (0,) * len(fillings)
    heap, seen = [(rate(first), first)], {first}
    while heap:
        _, choice = heapq.heappop(heap)
        yield choice
        for place, number in enumerate(choice):
            worse = (*choice[:place], number + 1, *choice[place + 1 :])
            if number + 1 < len(fillings[place]) and worse not in seen:
                seen.add(worse)
                heapq.heappush(heap, (rate(worse), worse))


def _group_holes(plain: str, filled: Sequence[FilledHole], shown: FileExamples) -> list[tuple[list[int], list[int]]]:
    """Return the holes that the same examples reach, and these examples, both by number."""
    groups = list[tuple[list[int], list[int]]]()
    for member, each in enumerate(filled):
        numbers = find_reaching_examples(plain, each.hole, shown.examples)
        if not each.fillings or not numbers:
            continue
        joined = [group for group in groups if set(group[1]) & set(numbers)]
        groups = [group for group in groups if group not in joined]
        members = sorted({member, *(one for group in joined for one in group[0])})
        groups.append((members, sorted({*numbers, *(one for group in joined for one in group[1])})))
    return groups


def _run(
    context: Context,
    source: str,
    filled: Sequence[FilledHole],
    members: Sequence[int],
    choice: _Choice,
    examples: Sequence[Example],
    asserts: frozenset[str],
) -> _Outcome:
    """Run the file with these fillings; each other hole has its best one."""
    texts = {each.hole: each.best.text for each in filled if each.best}
    for member, number in zip(members, choice, strict=True):
        texts[filled[member].hole] = filled[member].fillings[number].text
    program = remove_asserts(put_fillings(source, texts), asserts)
    verification = verify_steadily(context.sandbox, program, examples, limits=context.limits)
    if verification.passed:
        return _Outcome(choice, len(examples), None)
    failed = verification.failed_examples
    return _Outcome(choice, len(examples) - len(failed) if failed else 0, verification.failures[0])


def _rank(filled: FilledHole, place: int, best: _Outcome, outcomes: Sequence[_Outcome], count: int) -> FilledHole:
    """Return a hole with its fillings in their new order; the one in the best choice comes first."""
    fillings = list[Filling]()
    for number, filling in enumerate(filled.fillings):
        mine = [best] if best.choice[place] == number else [each for each in outcomes if each.choice[place] == number]
        if mine:
            outcome = max(mine, key=lambda each: each.passed)
            filling = replace(filling, passed=outcome.passed, failure=outcome.failure)
        fillings.append(filling)
    first = fillings.pop(best.choice[place])
    fillings.sort(key=lambda each: (-(each.passed or 0), -each.score))
    return replace(filled, fillings=(first, *fillings), examples=count)
