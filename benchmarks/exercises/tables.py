"""Turn rows into pieces, in tables by name: "int?" tests an integer, "word>int" makes an integer of a word."""

# ruff: noqa: SIM905 - many words read better in a row than as a list
from __future__ import annotations

from collections.abc import Iterable

from benchmarks.exercises import pieces
from benchmarks.exercises.grammar import Piece
from benchmarks.exercises.pieces import PieceRow

Group = tuple[Piece, ...]  # the pieces of one row; they differ in k alone
DIGIT_TESTS = frozenset(
    (
        "even odd above-1 above-2 above-3 above-4 above-5 above-6 above-7 below-3 below-4 below-5 below-6 below-7 "
        "below-8 multiple-3 multiple-4 prime square power-of-two not-equal-1 not-equal-2 not-equal-3 not-equal-5 "
        "not-equal-7"
    ).split()
)
DIGIT_MAPS = frozenset(
    (
        "square cube double plus minus from times modulo at-least at-most distance twice-plus square-plus square-minus"
    ).split()
)
ENDLESS = frozenset("even odd multiple nonmultiple one-more ends prime palindrome even-digit-sum has-digit".split())
SLOW_GROWING = frozenset("plus minus double times over modulo distance twice-plus negate abs at-least at-most".split())


def _expand_span(span: str) -> list[str]:
    """Expand "3..6" to its numbers and "a b" to its words; an empty span is one empty value."""
    if ".." in span:
        first, last = span.split("..")
        return [str(k) for k in range(int(first), int(last) + 1)]
    return span.split() or [""]


def _expand_row(row: PieceRow) -> Group:
    """Make one piece for each value of k."""
    name, span, phrases, codes = row
    spoken, _, nouns = phrases.partition("| ") if "| " in phrases else (phrases, "", "")
    return tuple(
        Piece(
            key="-".join(filter(None, (name, k))),
            phrases=_split(spoken, k),
            codes=_split(codes, k),
            nouns=_split(nouns, k),
        )
        for k in _expand_span(span)
    )


def _span_table(span: str) -> tuple[Group, ...]:
    """Make a table of plain numbers or words, for slots such as "2..9"."""
    return (tuple(Piece(k, (k,), (k,)) for k in _expand_span(span)),)


def _split(cell: str, k: str) -> tuple[str, ...]:
    if k.lstrip("-").isdigit():
        cell = cell.replace("{i}", str(int(k) - 1)).replace("{j}", str(int(k) + 1)).replace("{h}", str(int(k) + 10))
    return tuple(part for part in cell.replace("{k}", k).split("; ") if part)


def _table(rows: Iterable[PieceRow]) -> tuple[Group, ...]:
    return tuple(_expand_row(row) for row in rows)


def _only(table: tuple[Group, ...], keep: frozenset[str]) -> tuple[Group, ...]:
    return tuple(
        group
        for group in (tuple(p for p in g if p.key in keep or p.key.rpartition("-")[0] in keep) for g in table)
        if group
    )


_INT_TESTS, _INT_MAPS = _table(pieces.INT_TESTS), _table(pieces.INT_MAPS)
_TABLES: dict[str, tuple[Group, ...]] = {
    "int?": _INT_TESTS,
    "int>int": _INT_MAPS,
    "digit?": _only(_INT_TESTS, DIGIT_TESTS),
    "digit>int": _only(_INT_MAPS, DIGIT_MAPS),
    "word?": _table(pieces.WORD_TESTS),
    "word>word": _table(pieces.WORD_MAPS),
    "word>int": _table(pieces.WORD_NUMBERS),
    "char?": _table(pieces.CHAR_TESTS),
    "char>char": _table(pieces.CHAR_MAPS),
    "char>int": _table(pieces.CHAR_NUMBERS),
    "ints>int": tuple((piece,) for piece in pieces.REDUCERS),
    "looped>int": tuple((piece,) for piece in pieces.REDUCERS if piece.loop),
    "valued>int": tuple((piece,) for piece in pieces.REDUCERS if piece.codes),
    "order": tuple((piece,) for piece in pieces.SORT_ORDERS),
    "pair>int": tuple((piece,) for piece in pieces.COMBINERS),
    "compare": tuple((piece,) for piece in pieces.COMPARISONS),
    "side": (pieces.SIDES,),
    "quantifier": (pieces.QUANTIFIERS,),
    "diagonal": (pieces.DIAGONALS,),
    "set-operator": (pieces.SET_OPERATORS,),
    "run>text": (pieces.RUNS,),
    "bracket": (pieces.BRACKET_PAIRS,),
    "date-part": (pieces.DATE_PARTS,),
    "endless?": _only(_INT_TESTS, ENDLESS),
    "small>int": _only(_INT_MAPS, SLOW_GROWING),
    "pair?": (pieces.RELATIONS[:8], pieces.RELATIONS[8:17], pieces.RELATIONS[17:]),
}


def piece_table(name: str) -> tuple[Group, ...]:
    """Return the groups of a table. Any other name is a span of numbers or words, such as "2..9"."""
    return _TABLES.get(name) or _span_table(name)
