"""Compose an exercise from a meaning: names, sentence, signature, examples, body. Every choice comes from a seed."""

# ruff: noqa: SIM905 - many words read better in a row than as a list
from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.exercises.body import load_function, write_body
from benchmarks.exercises.grammar import Meaning
from benchmarks.exercises.kinds import KINDS, Kind

_VERBS = (
    "process handle compute evaluate transform inspect run apply work build make resolve treat derive assess prepare "
    "perform execute check_out scan review arrange produce form settle study"
).split()
_NOUNS = (
    "items values data result entries series input answer task step part record case piece unit block set_up job"
).split()
_PLAIN_NAMES = ("solution", "solve", "answer", "f", "compute", "task", "func", "main_task", "g", "do_it")
_OPENINGS = (
    ("Return ", ("Return ",) * 6 + ("Write a function that returns ", "Give back ")),
    (
        "Return the ",
        ("Return the ",) * 2 + ("Compute the ", "Find the ", "Determine the ", "Calculate the "),
    ),
)
# "the numbers in xs that are even" is also "the even numbers in xs"
_NOUN = r"\b(?:numbers|integers|elements|values|entries|divisors|digits|words|strings|keys|characters)\b"
_BEFORE = "even|odd|positive|negative|prime|lowercase|uppercase|alphabetic"
_OTHERS = r"\b(?:that|those|ones?|results|are|and|or)\b"  # an adjective behind these belongs to them
_ADJECTIVE = re.compile(rf"({_NOUN})((?:(?!{_NOUN}|{_OTHERS})[^.,;:])*?) that are ({_BEFORE})(?=[.,;])")
_BEFORE_NOUN = 0.35  # how often the adjective is moved
_LONGEST_EXAMPLE = 70


@dataclass(frozen=True, slots=True)
class Exercise:
    """One way to say and write a meaning. A problem or a training document is written from it."""

    meaning: Meaning
    name: str
    names: Mapping[str, str]  # role → argument name
    sentence: str
    signature: str  # "def f(xs: list[int]) -> int:", with the import it needs before it
    prompt: str
    body: str  # starts with a line break, ends with one
    examples: tuple[tuple[Any, ...], ...]

    @property
    def program(self) -> str:
        """The reference program: prompt and body."""
        return self.prompt + self.body

    @property
    def short_program(self) -> str:
        """The program without its docstring."""
        return self.signature + self.body


def compose(meaning: Meaning, seed: str) -> Exercise:
    """Write a meaning in words and in code."""
    random = Random(f"{seed} names")
    kinds = roles(meaning)
    names = _argument_names(kinds, random)
    name = _function_name(random)
    sentence = _sentence(meaning, names, kinds, Random(f"{seed} phrase"))
    body = write_body(meaning, names, Random(f"{seed} code"))
    signature = _signature(meaning, name, names, kinds, random)
    examples = _examples(
        load_function(f"{signature}{body}", name), draw_inputs(meaning, f"{seed} examples", 14), random
    )
    prompt = _prompt(signature, name, sentence, examples, random)
    return Exercise(meaning, name, names, sentence, signature, prompt, body, tuple(args for args, _ in examples))


def roles(meaning: Meaning) -> dict[str, Kind]:
    """Return the arguments of a meaning and their kinds, in order."""
    return {role: KINDS[kind] for role, kind in (part.split(":") for part in meaning.family.args.split())}


def draw_inputs(meaning: Meaning, seed: str, count: int) -> list[tuple[Any, ...]]:
    """Draw distinct argument tuples, edge cases first; fewer than `count` where some are equal."""
    random = Random(seed)
    columns = [kind.inputs(random, count) for kind in roles(meaning).values()]
    return list({repr(row): row for row in zip(*columns, strict=True)}.values())


def format_call(name: str, args: tuple[Any, ...]) -> str:
    """Write a call as the docstring shows it."""
    return f"{name}({', '.join(map(repr, args))})"


def _argument_names(kinds: Mapping[str, Kind], random: Random) -> dict[str, str]:
    names: dict[str, str] = {}
    for role, kind in kinds.items():
        names[role] = random.choice([name for name in kind.names if name not in names.values()])
    return names


def _function_name(random: Random) -> str:
    return random.choice(
        (random.choice(_PLAIN_NAMES), f"{random.choice(_VERBS)}_{random.choice(_NOUNS)}", random.choice(_VERBS))
    )


def _sentence(meaning: Meaning, names: Mapping[str, str], kinds: Mapping[str, Kind], random: Random) -> str:
    text = meaning.phrase(random.choice, {role: (f"<{role}>",) for role in kinds})
    if random.random() < _BEFORE_NOUN:
        text = _ADJECTIVE.sub(r"\3 \1\2", text)
    for role, kind in kinds.items():
        while (mark := f"<{role}>") in text:
            text = text.replace(mark, random.choice(kind.refer).format(names[role]), 1)
    for opening, ways in _OPENINGS:
        if text.startswith(opening):
            text = random.choice(ways) + text.removeprefix(opening)
    if text.startswith("Return ") and random.random() < 0.12:
        arguments = " and ".join(kind.given.format(names[role]) for role, kind in kinds.items())
        text = f"Given {arguments}, return {text.removeprefix('Return ')}"
    if not text.startswith(tuple(f"{name} " for name in names.values())):  # "xs holds" stays as it is
        text = text[0].upper() + text[1:]
    return " ".join([text, *meaning.notes])


def _signature(meaning: Meaning, name: str, names: Mapping[str, str], kinds: Mapping[str, Kind], random: Random) -> str:
    parameters = ", ".join(f"{names[role]}: {kind.type}" for role, kind in kinds.items())
    line = f"def {name}({parameters}) -> {meaning.family.returns}:"
    if random.random() > 0.15:
        return line
    old = re.sub(r"\b(list|dict|tuple)\[", lambda match: f"{match[1].capitalize()}[", line)
    used = sorted({match.capitalize() for match in re.findall(r"\b(list|dict|tuple)\[", line)})
    return f"from typing import {', '.join(used)}\n\n\n{old}" if used else line


def _examples(
    function: Callable[..., Any], rows: list[tuple[Any, ...]], random: Random
) -> list[tuple[tuple[Any, ...], Any]]:
    """Choose two or three short calls, with different results where possible."""
    shown = [(args, function(*args)) for args in rows]
    short = [pair for pair in shown if len(repr(pair)) <= _LONGEST_EXAMPLE and "'" * 3 not in repr(pair)] or shown[:4]
    random.shuffle(short)
    first_of_each = list({repr(value): (args, value) for args, value in reversed(short)}.values())[::-1]
    chosen = (first_of_each + [pair for pair in short if pair not in first_of_each])[: random.choice((2, 3, 3))]
    return sorted(chosen, key=lambda pair: len(repr(pair[0])), reverse=random.random() < 0.5)


def _prompt(
    signature: str, name: str, sentence: str, examples: list[tuple[tuple[Any, ...], Any]], random: Random
) -> str:
    wrapped = textwrap.wrap(sentence, 88, break_long_words=False, break_on_hyphens=False)
    shown = [line for args, value in examples for line in (f">>> {format_call(name, args)}", repr(value))]
    opening, blank = random.choice(
        (('"""', [""]), ('"""', [""]), ('"""', []), ('""" ', []), ('"""\n    ', []), ('"""\n    ', [""]))
    )
    lines = [*wrapped, *blank, *shown, '"""']
    lines[0] = opening + lines[0]
    return "\n".join([signature, *(f"    {line}".rstrip() for line in lines)])
