"""Say which parts of a program are in doubt, why, and what may be said of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.program.hole_calibration import BEHAVIOURAL, Guarantee
from agent.program.syntax import is_whole_body
from agent.records import Attempt, Undecided
from agent.views.alternatives import choose_alternatives, list_alternatives, say_alternatives
from agent.views.text import format_code

_MOST = 5  # doubts that a person sees: holes, then mutants
_LIKELY, _MOST_MUTANTS = -2.5, 2  # nats; mutants that a person sees
_SHOWN = 60  # characters of a doubtful part


def say_doubts(best: Attempt, undecided: Sequence[Undecided], offset: int = 0) -> list[str]:
    """Return a sentence for each doubt about a program, and one on what is guaranteed of the rest.

    offset: lines that stand before it in a file, less its own.
    """
    places = list_doubts(best)[:_MOST]
    lines = [_say_hole(best, *place, offset) for place in places]
    note = describe_guarantee(best.guarantee, failed=not best.passed)
    if places:
        beside = "; the examples passed with these parts as they are" if best.passed and best.checked else ""
        lines.append(f"of the rest: {note}{beside}" if best.guarantee.confidence else f"the marks are {note}{beside}")
    elif best.holes:
        lines.append(f"the model's doubt is spread over the whole program, so no line stands out ({note})")
    return lines + list(_say_mutants(undecided, _MOST - len(places), offset))


def _say_hole(best: Attempt, start: int, end: int, offset: int) -> str:
    """Say which part the model was least sure of, and what else it considered there."""
    line = f"{number_lines(best.program, start, end, offset)} in doubt: {format_code(best.program[start:end], _SHOWN)}"
    others = choose_alternatives(best.program, list_alternatives(best), start, end)
    return f"{line}; the model also considered {say_alternatives(others)}" if others else line


def describe_guarantee(guarantee: Guarantee, *, failed: bool) -> str:
    """Return what is guaranteed of a program without its holes, or why nothing is. failed: on an example."""
    if not guarantee.confidence:
        return f"uncalibrated: {guarantee.missing}" if guarantee.missing else "uncalibrated"
    goal = "a right program" if guarantee.label == BEHAVIOURAL else "the reference solution"
    sentence = (
        f"with confidence {guarantee.confidence:.1%}, at least {guarantee.coverage:.1%} of such partial programs, for "
        f"problems like those of {guarantee.problems}, can be completed to {goal}"
    ).replace(".0%", "%")
    return f"{sentence}; of those that fail their examples, as this one does, it may be fewer" if failed else sentence


def list_doubts(attempt: Attempt) -> list[tuple[int, int]]:
    """Return the holes of a program that point at a part of it; none where one covers all that was written."""
    covered = any(is_whole_body(attempt.program, start, end) for start, end in attempt.holes)
    return [] if covered else list(attempt.holes)


def _say_mutants(undecided: Sequence[Undecided], most: int, offset: int) -> Iterator[str]:
    """Yield what the examples allow as well: the likeliest mutants, and no improbable one."""
    likely = [mutant for mutant in undecided if mutant.weight >= _LIKELY]
    for mutant in likely[: min(most, _MOST_MUTANTS)]:
        yield f"line {mutant.line + offset}: the examples also allow {format_code(mutant.text, 100)}"


def number_lines(program: str, start: int, end: int, offset: int = 0) -> str:
    """Return the lines of a span, as in "line 3" and "lines 5 to 6"."""
    first, last = (1 + offset + program.count("\n", 0, at) for at in (start, max(start, end - 1)))
    return f"line {first}" if first == last else f"lines {first} to {last}"
