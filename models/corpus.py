"""The text that the embedded model learns from: exercises in four forms, and some of Python's standard library.

A document is a list of parts with weights: what the model shall write counts fully, a prompt a little (its examples are
chance), and a wrong program not at all.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import NamedTuple

from agent.lm.fim import FIM_TOKENS
from agent.messages import short
from agent.program import prompts
from benchmarks.exercises import world
from benchmarks.exercises.compose import Exercise, compose, format_call, load_function, write_body
from benchmarks.experiments.infill import expressions
from models import library

END = "<|endoftext|>"
_PROMPT_WEIGHT, _READ_WEIGHT = 0.2, 0.0  # weights
_NO_EXAMPLES = 0.15  # of the completions: people leave them out too, and so does a lame prompt
_ZIPF = 1.5  # shapes and pieces are used as unevenly as words are, so that there is something to doubt
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
    """A stretch of a document, and how much its tokens count in the loss."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Mix:
    """Relative weights of the forms."""

    completion: float = 0.28
    sentence: float = 0.07
    fill: float = 0.33
    repair: float = 0.28
    library: float = 0.04


def documents(seed: int, first: int, last: int, mix: Mix) -> Iterator[list[WeightedText]]:
    """Documents number `first` to `last` of this seed; each depends on its number alone.

    Repairs are of all meanings evenly: what failed was mostly something rare.
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


def write_completion(made: Exercise, random: Random) -> list[WeightedText]:
    """Signature, docstring, body."""
    text, mark, _ = made.prompt.partition("\n    >>> ")
    bare = mark and random.random() < _NO_EXAMPLES
    return [WeightedText(f'{text}\n    """' if bare else made.prompt, _PROMPT_WEIGHT), WeightedText(made.body)]


def write_sentence(made: Exercise, random: Random) -> list[WeightedText]:
    """One comment line, then the function without a docstring. The line is the prompt; a line break begins the rest."""
    line = (
        made.signature.rpartition("\n")[2]
        .replace("List[", "list[")
        .replace("Dict[", "dict[")
        .replace("Tuple[", "tuple[")
    )
    line = line.replace(f"def {made.name}(", f"def {random.choice(_PLAIN_NAMES)}(")
    return [WeightedText(f"# {made.sentence}", _PROMPT_WEIGHT), WeightedText(f"\n{line}{made.body}")]


def write_hole(made: Exercise, random: Random) -> list[WeightedText]:
    """A hole in the body, in Qwen2.5-Coder's format: prefix, suffix, middle."""
    text = made.program
    first, last = random.choice(
        (_expression, _expression, _expression, _expression, _expression, _expression, _lines, _stretch)
    )(text, len(made.prompt), random)
    before, middle, after = text[:first], text[first:last], text[last:]
    return [WeightedText(FIM_TOKENS.prompt(before, after), _PROMPT_WEIGHT), WeightedText(middle)]


def write_repair(made: Exercise, random: Random) -> list[WeightedText]:
    """A wrong program, how it failed on the visible examples, and the right one; a completion where none is found."""
    for _ in range(6):
        (mistake,) = random.choices((_neighbour, _relative, _mutant), (5, 3, 2))
        wrong = mistake(made, random)
        if wrong and (failures := describe_failures(made, wrong)):
            told = "\n".join(failures[: random.choice((1, 2, 3, 3, 3))])
            asked = prompts.write_repair_prompt(made.prompt, made.prompt + wrong, told, chat=False)
            attempt = WeightedText(asked.removeprefix(made.prompt).removesuffix(made.prompt), _READ_WEIGHT)
            return [
                WeightedText(made.prompt, _PROMPT_WEIGHT),
                attempt,
                WeightedText(made.prompt, _PROMPT_WEIGHT),
                WeightedText(made.body),
            ]
    return write_completion(made, random)


FORMS = {"completion": write_completion, "sentence": write_sentence, "fill": write_hole, "repair": write_repair}


def describe_failures(made: Exercise, body: str) -> list[str]:
    """Return how a body fails on the visible examples: a line each, in the words of agent/verification/examples.py."""
    right = load_function(made.program, made.name)
    wrong = load_function(f"{made.prompt}{body}", made.name)
    lines = []
    for args in made.examples:
        wanted = right(*copy.deepcopy(args))
        try:
            returned = wrong(*copy.deepcopy(args))
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, NameError) as error:
            lines.append(f"{format_call(made.name, args)} raised {type(error).__name__}: {error}")
            continue
        if repr(returned) != repr(wanted):
            lines.append(f"{format_call(made.name, args)} returned {short(returned)}, wanted {short(wanted)}")
    return lines


def _neighbour(made: Exercise, random: Random) -> str | None:
    """The body of a meaning that differs in one piece."""
    pieces = made.meaning.pieces
    if not pieces:
        return None
    slot = random.choice(list(pieces))
    others = {name: piece for name, piece in pieces.items() if name != slot}
    return write_body(world.draw_pieces(made.meaning.family, random, keep=others, zipf=_ZIPF), made.names, random)


def _relative(made: Exercise, random: Random) -> str | None:
    """The body of a meaning of another family with the same signature."""
    family = made.meaning.family
    alike = [other for other in world.relatives(family.args, family.returns) if other is not family]
    return (
        write_body(world.draw_pieces(random.choice(alike), random, zipf=_ZIPF), made.names, random) if alike else None
    )


def _mutant(made: Exercise, random: Random) -> str | None:
    """The body with one operator or number changed. None where a loop might then never end."""
    words = made.body.split(" ")
    places = [at for at, word in enumerate(words) if word in _SWAPS or word.rstrip(":)").isdigit()]
    if "while" in made.body or not places:
        return None
    at = random.choice(places)
    number = words[at].rstrip(":)")
    words[at] = _SWAPS.get(words[at]) or str(int(number) + random.choice((-1, 1))) + words[at][len(number) :]
    return " ".join(words)


def _expression(text: str, start: int, random: Random) -> tuple[int, int]:
    """The span of an expression in the body: mostly one that is more than a name or a digit."""
    spans = expressions(text, start)
    long = [span for span in spans if span[1] - span[0] > 2]
    return random.choice(long if long and random.random() < 0.8 else spans)


def _lines(text: str, start: int, random: Random) -> tuple[int, int]:
    """One or more whole lines of the body, from the line break before them."""
    breaks = [at for at in range(start, len(text)) if text[at] == "\n"]
    first, last = sorted(random.sample(range(len(breaks)), 2))
    return breaks[first], breaks[last]


def _stretch(text: str, start: int, random: Random) -> tuple[int, int]:
    """Any stretch of characters of the body."""
    first, last = sorted(random.sample(range(start, len(text)), 2))
    return first, last
