"""Write the text that the embedded model learns from: exercises in four forms, and some of Python's standard library.

A document is a list of texts with weights. What the model should write counts fully. A prompt counts a little, because
its examples are chance. A wrong program does not count.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import NamedTuple

from agent.lm.fim import FIM_TOKENS
from agent.messages import shorten_repr
from agent.program import prompts
from agent.program.failures import Failure, FailureKind, describe_failure
from agent.program.styles import PROMPT_STYLES
from benchmarks.exercises import world
from benchmarks.exercises.body import load_function, write_body
from benchmarks.exercises.compose import Exercise, compose, format_call
from benchmarks.experiments.infill import find_expressions
from models import library

END = "<|endoftext|>"
_PROMPT_WEIGHT, _READ_WEIGHT = 0.2, 0.0  # weights
_NO_EXAMPLES = 0.15  # share of completions without examples: people and lame prompts leave them out, too
_ZIPF = 1.5  # shapes and pieces are as uneven as words in real text, so that there is something to doubt
_PLAIN_NAMES = ("solution", "solve", "compute", "answer", "f")
_SWAPS = {
    "+": "-",
    "-": "+",
    ">": ">=",
    "<": "<=",
    ">=": ">",
    "<=": "<",
    "==": "!=",
    "!=": "==",
    "and": "or",
    "max": "min",
}


class WeightedText(NamedTuple):
    """Text of a document, and how much its tokens count in the loss."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Mix:
    """The relative weights of the forms."""

    completion: float = 0.28
    sentence: float = 0.07
    fill: float = 0.33
    repair: float = 0.28
    library: float = 0.04


def documents(seed: int, first: int, last: int, mix: Mix) -> Iterator[list[WeightedText]]:
    """Yield documents `first` to `last` (exclusive) of this seed. Each depends on its number alone.

    Repairs draw all meanings evenly, because rare ones fail most.
    """
    forms = asdict(mix)
    for number in range(first, last):
        random = Random(f"corpus {seed} {number}")
        (form,) = random.choices(list(forms), list(forms.values()))
        if form == "library":
            yield [WeightedText(random.choice(library.functions()))]
        else:
            meaning = world.draw(random, "train", zipf=0.0 if form == "repair" else _ZIPF)
            yield FORMS[form](compose(meaning, f"corpus {seed} {number}"), random)


def write_completion(exercise: Exercise, random: Random) -> list[WeightedText]:
    """Write signature, docstring and body."""
    text, mark, _ = exercise.prompt.partition("\n    >>> ")
    bare = mark and random.random() < _NO_EXAMPLES
    return [WeightedText(f'{text}\n    """' if bare else exercise.prompt, _PROMPT_WEIGHT), WeightedText(exercise.body)]


def write_sentence(exercise: Exercise, random: Random) -> list[WeightedText]:
    """Write a comment line, which is the prompt, then a line break and the function without a docstring."""
    line = (
        exercise.signature.rpartition("\n")[2]
        .replace("List[", "list[")
        .replace("Dict[", "dict[")
        .replace("Tuple[", "tuple[")
    )
    line = line.replace(f"def {exercise.name}(", f"def {random.choice(_PLAIN_NAMES)}(")
    return [WeightedText(f"# {exercise.sentence}", _PROMPT_WEIGHT), WeightedText(f"\n{line}{exercise.body}")]


def write_hole(exercise: Exercise, random: Random) -> list[WeightedText]:
    """Write a hole in the body, in Qwen2.5-Coder's format: prefix, suffix, middle."""
    text = exercise.program
    first, last = random.choice(
        (_expression, _expression, _expression, _expression, _expression, _expression, _lines, _any_span)
    )(text, len(exercise.prompt), random)
    before, middle, after = text[:first], text[first:last], text[last:]
    return [WeightedText(FIM_TOKENS.prompt(before, after), _PROMPT_WEIGHT), WeightedText(middle)]


def write_repair(exercise: Exercise, random: Random) -> list[WeightedText]:
    """Write a wrong program, how it fails on the visible examples, and the right one.

    Writes a completion where six attempts make no program that fails.
    """
    for _ in range(6):
        (mistake,) = random.choices((_neighbour, _relative, _mutant), (5, 3, 2))
        wrong = mistake(exercise, random)
        if wrong and (failures := describe_failures(exercise, wrong)):
            report = "\n".join(failures[: random.choice((1, 2, 3, 3, 3))])
            program, style = exercise.prompt + wrong, PROMPT_STYLES["completion"]
            asked = prompts.write_repair_prompt(exercise.prompt, program, report, style).user
            attempt = WeightedText(asked.removeprefix(exercise.prompt), _READ_WEIGHT)
            return [
                WeightedText(exercise.prompt, _PROMPT_WEIGHT),
                attempt,
                WeightedText(exercise.prompt, _PROMPT_WEIGHT),
                WeightedText(exercise.body),
            ]
    return write_completion(exercise, random)


FORMS = {"completion": write_completion, "sentence": write_sentence, "fill": write_hole, "repair": write_repair}


def describe_failures(exercise: Exercise, body: str) -> list[str]:
    """Return a line for each visible example that a body fails, in the words that the workflow uses."""
    right = load_function(exercise.program, exercise.name)
    wrong = load_function(f"{exercise.prompt}{body}", exercise.name)
    failures = []
    for args in exercise.examples:
        call, wanted = format_call(exercise.name, args), right(*copy.deepcopy(args))
        try:
            returned = wrong(*copy.deepcopy(args))
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, NameError) as error:
            failures.append(Failure(FailureKind.RAISED, None, call, f"{type(error).__name__}: {error}"))
            continue
        if repr(returned) != repr(wanted):
            got, right_value = shorten_repr(returned), shorten_repr(wanted)
            failures.append(Failure(FailureKind.RETURNED, None, call, got, right_value))
    return list(map(describe_failure, failures))


def _neighbour(exercise: Exercise, random: Random) -> str | None:
    """Write the body of a meaning that differs in one piece; None without pieces."""
    pieces = exercise.meaning.pieces
    if not pieces:
        return None
    slot = random.choice(list(pieces))
    others = {name: piece for name, piece in pieces.items() if name != slot}
    return write_body(
        world.draw_pieces(exercise.meaning.family, random, keep=others, zipf=_ZIPF), exercise.names, random
    )


def _relative(exercise: Exercise, random: Random) -> str | None:
    """Write the body of a meaning of another family with the same signature; None where there is none."""
    family = exercise.meaning.family
    alike = [other for other in world.relatives(family.args, family.returns) if other is not family]
    return (
        write_body(world.draw_pieces(random.choice(alike), random, zipf=_ZIPF), exercise.names, random)
        if alike
        else None
    )


def _mutant(exercise: Exercise, random: Random) -> str | None:
    """Change one operator or number of the body; None where a loop might then never end."""
    words = exercise.body.split(" ")
    places = [at for at, word in enumerate(words) if word in _SWAPS or word.rstrip(":)").isdigit()]
    if "while" in exercise.body or not places:
        return None
    at = random.choice(places)
    number = words[at].rstrip(":)")
    words[at] = _SWAPS.get(words[at]) or str(int(number) + random.choice((-1, 1))) + words[at][len(number) :]
    return " ".join(words)


def _expression(text: str, start: int, random: Random) -> tuple[int, int]:
    """Choose the span of an expression in the body, mostly one longer than a name or a digit."""
    spans = find_expressions(text, start)
    long = [span for span in spans if span[1] - span[0] > 2]
    return random.choice(long if long and random.random() < 0.8 else spans)


def _lines(text: str, start: int, random: Random) -> tuple[int, int]:
    """Choose the span of one or more whole lines of the body, from the line break before them."""
    breaks = [at for at in range(start, len(text)) if text[at] == "\n"]
    first, last = sorted(random.sample(range(len(breaks)), 2))
    return breaks[first], breaks[last]


def _any_span(text: str, start: int, random: Random) -> tuple[int, int]:
    """Choose any span of characters of the body."""
    first, last = sorted(random.sample(range(start, len(text)), 2))
    return first, last
