"""Put one mistake at a time into right programs, and see whether scoring points at it. Runs no program."""

from __future__ import annotations

import ast
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from agent.files.changes import Change
from agent.lm.base import Model
from agent.lm.scoring import SourceScorer
from agent.program.spans import Severity, UncertainSpan
from agent.program.surprises import list_free_spans, list_words
from agent.program.syntax import find_names, find_targets, parse
from agent.views.report import Report
from uncertainty.places import Places

_OPERATORS = {
    "<": ("<=", ">"), ">": (">=", "<"), "<=": ("<",), ">=": (">",), "==": ("!=",), "!=": ("==",), "+": ("-",),
    "-": ("+",), "*": ("+",), "//": ("/",), "%": ("//",), "+=": ("-=", "="), "-=": ("+=",),
}  # fmt: skip
_WORDS = {
    "and": "or", "or": "and", "True": "False", "False": "True", "min": "max", "max": "min", "append": "extend",
    "any": "all", "all": "any", "startswith": "endswith", "endswith": "startswith", "break": "continue",
    "lstrip": "rstrip", "upper": "lower", "lower": "upper", "items": "keys", "keys": "values",
}  # fmt: skip
_MOST_DIGITS = 3  # of a number that is off by one


class RightProgram(NamedTuple):
    """A right program, and where the part begins that may get a mistake."""

    name: str
    source: str
    start: int = 0


class Mistake(NamedTuple):
    """A change that makes a program wrong, or at least another one."""

    kind: str  # operator, word, number or variable
    change: Change


@dataclass(frozen=True, slots=True)
class TriedMistake:
    """What scoring finds in a program before and after a mistake was put into it."""

    name: str
    kind: str
    found: Severity | None  # of the span that covers the mistake
    mended: bool  # an alternative of that span gives the right program


@dataclass(frozen=True, slots=True)
class TriedProgram:
    """The spans of a right program, and its mistakes one at a time."""

    name: str
    lines: int
    spans: tuple[UncertainSpan, ...]
    mistakes: tuple[TriedMistake, ...]


def score_mistakes(model: Model, programs: Iterable[RightProgram], *, each: int, seed: int) -> Iterator[TriedProgram]:
    """Yield the scores of each right program, and of so many copies with one mistake each. seed: draws the mistakes."""
    for program in programs:
        scorer = SourceScorer(model)
        spans = scorer.score(program.source, file=program.name) or ()
        mistakes = draw_mistakes(program, each, seed)
        scored = tuple(_score(scorer, program, mistake) for mistake in mistakes)
        yield TriedProgram(program.name, program.source.count("\n"), spans, scored)


def draw_mistakes(program: RightProgram, count: int, seed: int) -> list[Mistake]:
    """Return at most so many mistakes at different places. The kind is drawn first, so that each counts alike."""
    rng, drawn = Random(f"{program.name} {seed}"), list[Mistake]()
    left = list(list_mistakes(program))
    while left and len(drawn) < count:
        kind = rng.choice(sorted({mistake.kind for mistake in left}))
        drawn.append(rng.choice([mistake for mistake in left if mistake.kind == kind]))
        left = [mistake for mistake in left if mistake.change.start != drawn[-1].change.start]
    return drawn


def list_mistakes(program: RightProgram) -> Iterator[Mistake]:
    """Yield each way to put one mistake into the functions of a program, that leaves it Python."""
    tree = parse(program.source)
    if tree is None:
        return
    for mistake in (*_list_wrong_words(program.source, tree), *_list_wrong_variables(program.source, tree)):
        start, end, text = mistake.change
        if start >= program.start and parse(program.source[:start] + text + program.source[end:]) is not None:
            yield mistake


def _list_wrong_words(source: str, tree: ast.Module) -> Iterator[Mistake]:
    """Yield wrong operators, words and numbers, but where no doubt points anyway."""
    free, places = list_free_spans(source, tree), Places(source)
    bodies = [places.find(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for word in list_words(source):
        text = source[word.start : word.end]
        inside = any(start <= word.start < end for start, end in bodies)
        if not inside or any(start <= word.start < end for start, end in free):
            continue
        if word.kind == tokenize.OP:
            yield from (Mistake("operator", Change(word.start, word.end, new)) for new in _OPERATORS.get(text, ()))
        elif text in _WORDS:
            yield Mistake("word", Change(word.start, word.end, _WORDS[text]))
        elif text.isdigit() and len(text) <= _MOST_DIGITS:
            yield Mistake("number", Change(word.start, word.end, str(int(text) + 1)))


def _list_wrong_variables(source: str, tree: ast.Module) -> Iterator[Mistake]:
    """Yield other variables of the same function in the place of each that is read."""
    places = Places(source)
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        names = sorted(find_targets(function) & find_names(function.body) - {"self"})
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
                start, end = places.find(node)
                if source[start:end] == node.id:  # not so inside of an f-string
                    yield from (Mistake("variable", Change(start, end, new)) for new in names if new != node.id)


def _score(scorer: SourceScorer, program: RightProgram, mistake: Mistake) -> TriedMistake:
    start, end, text = mistake.change
    wrong = program.source[:start] + text + program.source[end:]
    spans = scorer.score(wrong, file=program.name) or ()
    span = next((each for each in spans if each.start <= start and start + len(text) <= each.end), None)
    ways = [wrong[: span.start] + each.text + wrong[span.end :] for each in span.alternatives] if span else []
    return TriedMistake(program.name, mistake.kind, span.severity if span else None, program.source in ways)


def report_mistakes(programs: Iterable[TriedProgram]) -> Report:
    """Return how many spans right programs have, and how many mistakes are found and mended."""
    scored = list(programs)
    mistakes = [mistake for each in scored for mistake in each.mistakes]
    lines = sum(each.lines for each in scored)
    severities = Counter(span.severity for each in scored for span in each.spans)
    severities_found = Counter(mistake.found for mistake in mistakes)
    kinds = {
        kind: [sum(each.found is not None for each in mistakes if each.kind == kind), total]
        for kind, total in sorted(Counter(each.kind for each in mistakes).items())
    }
    warnings, infos = (severities_found[severity] for severity in (Severity.WARNING, Severity.INFO))
    record = {
        "programs": len(scored), "lines": lines, "warnings": severities[Severity.WARNING],
        "infos": severities[Severity.INFO], "mistakes": len(mistakes), "found_as_warning": warnings,
        "found": warnings + infos, "mended": sum(each.mended for each in mistakes), "kinds": kinds,
    }  # fmt: skip
    rows = [
        f"right programs     {record['warnings']} warnings and {record['infos']} infos in {lines} lines",
        f"mistakes found     {record['found']} of {len(mistakes)}, {warnings} of them as warnings",
        f"mistakes mended    {record['mended']}: an alternative is the right code",
        *(f"  {kind:<16} {hits} of {total}" for kind, (hits, total) in kinds.items()),
    ]
    return Report(record, "\n".join(rows))
