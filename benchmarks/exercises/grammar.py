"""Define pieces of meaning, families that compose them, and the one rule of substitution. Holds no tables.

A phrase holds `{p}` (a piece's phrase), `{p.is}` (the same in the singular), `{m.of}` (its plural noun) and `{xs}`
(a reference to an argument). Code holds `{m(x)}` (a piece applied), `{r.init}` and `{r.step(x)}` (a reducer's loop),
`{k}` (a number) and `{xs}` (an argument's name). Marks are replaced until no known name is left in braces.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Choice = Callable[[Sequence[str]], str]  # picks one of several ways to say the same, as random.Random.choice does
_MARK = re.compile(r"\{(\w+)(?:\.(\w+))?(?:\(([^{}]*)\))?\}")
_SINGULAR = {"are": "is", "have": "has", "do": "does", "differ": "differs", "exceed": "exceeds"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of meaning: ways to say it, and ways to write it as an expression over `x`."""

    key: str
    phrases: tuple[str, ...]
    codes: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()  # plural: "squares", so that "the squares of the numbers" can be said
    loop: tuple[str, str] | None = None  # a reducer's first value of acc, and the statement that takes in x
    note: str = ""  # a sentence for the end of the docstring


@dataclass(frozen=True, slots=True)
class Family:
    """All compositions of one shape. `slots` names the table of each open piece."""

    name: str
    args: str  # "xs:numbers k:small": names of this family, each with its kind
    returns: str
    phrases: tuple[str, ...]
    codes: tuple[str, ...]
    slots: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Piece] = field(default_factory=dict)
    symmetric: bool = False  # p and q may be exchanged without changing the meaning
    far: bool = False  # never trained on

    def holds_expression(self, slot: str) -> bool:
        """Return whether a slot's code is a value, so that brackets around it change nothing."""
        return any(mark in self.slots.get(slot, "") for mark in "?>")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A family with a piece in every slot: what a problem asks for, in any words."""

    family: Family
    pieces: Mapping[str, Piece]

    @property
    def key(self) -> str:
        """The name of this meaning. It never changes, because the splits depend on it."""
        parts = [piece.key for piece in self.pieces.values()]
        return "/".join([self.family.name, *(sorted(parts) if self.family.symmetric else parts)])

    @property
    def notes(self) -> list[str]:
        """Sentences about the corner cases of the pieces."""
        return list(dict.fromkeys(piece.note for piece in self._all().values() if piece.note))

    def phrase(self, choice: Choice, references: Mapping[str, Sequence[str]]) -> str:
        """Say the meaning in one or two English sentences."""

        def say(mark: re.Match[str]) -> str:
            name, form = mark[1], mark[2]
            if name in references:
                return choice(references[name])
            options = _spoken(pieces[name], form)
            return choice(options) if options else mark[0]

        pieces = self._all()
        sayable = [text for text in self.family.phrases if _available(text, pieces, _spoken)]
        return _fill(choice(sayable), say, {*pieces, *references})

    def code(self, choice: Choice, names: Mapping[str, str]) -> str:
        """Write the meaning as the statements of a function's body, unindented."""

        def write(mark: re.Match[str]) -> str:
            name, form, argument = mark[1], mark[2], mark[3]
            if name in names:
                return names[name]
            code = re.sub(r"\bx\b", f"({argument or 'x'})", choice(_written(pieces[name], form)))
            return f"({code})" if form is None and self.family.holds_expression(name) else code

        pieces = self._all()
        writable = [text for text in self.family.codes if _available(text, pieces, _written)]
        return _fill(choice(writable), write, {*pieces, *names})

    def _all(self) -> dict[str, Piece]:
        return {**self.family.fixed, **self.pieces}


def _available(text: str, pieces: Mapping[str, Piece], ways: Callable[[Piece, str | None], Sequence[str]]) -> bool:
    marks = _MARK.finditer(text)
    return all(ways(pieces[mark[1]], mark[2]) for mark in marks if mark[1] in pieces)


def _spoken(piece: Piece, form: str | None) -> Sequence[str]:
    if form == "of":
        return piece.nouns
    return [_number(phrase, singular=form == "is") for phrase in piece.phrases]


def _number(phrase: str, *, singular: bool) -> str:
    """Choose a side of "are prime numbers|is a prime number"; without a bar, change only the verb."""
    plural, bar, single = phrase.partition("|")
    if not singular:
        return plural
    verb, space, rest = plural.partition(" ")
    return single if bar else _SINGULAR.get(verb, verb + "s") + space + rest


def _written(piece: Piece, form: str | None) -> Sequence[str]:
    if form in ("init", "step"):
        return [piece.loop[form == "step"]] if piece.loop else []
    return piece.codes


def _fill(text: str, way: Callable[[re.Match[str]], str], known: set[str]) -> str:
    """Replace marks until none with a known name is left, so that pieces can mention arguments."""
    while any(mark[1] in known for mark in _MARK.finditer(text)):
        text = _MARK.sub(lambda mark: way(mark) if mark[1] in known else mark[0], text)
    return text
