"""Define kinds of argument: type, names, English references, and inputs, edge cases first."""

# ruff: noqa: SIM905 - many words read better in a row than as a list
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

_WORDS = (
    "apple Banana cherry level noon kiwi Fig plum a I be cat Dog eleven river stone moon Radar tree ant bee sky "
    "ZOO Otto yes NO 42nd b2b hello world Anna banana onion queue rhythm echo Eve open area idea east x1 tea"
).split()
_LETTERS = "abcdeimnorstxyzAEZ019 .,-!"
_LIST_NAMES = ("numbers", "nums", "values", "xs", "items", "data", "lst", "arr", "seq", "elements", "series")
_TEXT_NAMES = ("text", "s", "string", "line", "message", "source")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of argument. `refer` holds `{}` where the argument's name goes."""

    type: str
    names: tuple[str, ...]
    refer: tuple[str, ...]
    given: str
    edges: tuple[Any, ...]
    draw: Callable[[Random], Any]

    def inputs(self, random: Random, count: int) -> list[Any]:
        """Return edge cases, then random inputs; `count` in all."""
        return [*self.edges, *(self.draw(random) for _ in range(count))][:count]


def _number(random: Random) -> int:
    return random.choice(
        (random.randint(-9, 9), random.randint(-20, 40), random.randint(0, 20), random.randint(9, 130))
    )


def _numbers(random: Random) -> list[int]:
    return [_number(random) for _ in range(random.randint(2, 8))]


def _word(random: Random) -> str:
    return random.choice(_WORDS)


def _words(random: Random) -> list[str]:
    return [_word(random) for _ in range(random.randint(2, 6))]


def _matrix(random: Random) -> list[list[int]]:
    width = random.randint(1, 4)
    return [[_number(random) for _ in range(width)] for _ in range(random.randint(1, 4))]


def _square(random: Random) -> list[list[int]]:
    width = random.randint(1, 4)
    return [[_number(random) for _ in range(width)] for _ in range(width)]


def _table(random: Random) -> dict[str, int]:
    return {_word(random): _number(random) for _ in range(random.randint(1, 5))}


def _pairs(random: Random) -> list[tuple[str, int]]:
    names = random.sample(_WORDS, 3)
    return [(random.choice(names), _number(random)) for _ in range(random.randint(1, 6))]


def _spans(random: Random) -> list[tuple[int, int]]:
    starts = [random.randint(-5, 20) for _ in range(random.randint(1, 5))]
    return [(start, start + random.randint(0, 12)) for start in starts]


def _nested(random: Random, depth: int = 0) -> list[Any]:
    deeper = random.random() < 0.35 and depth < 3
    return [
        _nested(random, depth + 1) if random.random() < 0.35 and (deeper or depth == 0) else _number(random)
        for _ in range(random.randint(1, 4))
    ]


def _text(random: Random) -> str:
    if random.random() < 0.5:
        return " ".join(_word(random) for _ in range(random.randint(1, 3)))
    return "".join(random.choice(_LETTERS) for _ in range(random.randint(2, 12)))


def _runs(random: Random) -> str:
    return "".join(random.choice("aabxyz") * random.randint(1, 4) for _ in range(random.randint(1, 5)))


def _brackets(random: Random) -> str:
    return "".join(random.choice("(())[]a") for _ in range(random.randint(1, 10)))


def _clock(random: Random) -> str:
    return f"{random.randint(0, 23):02d}:{random.randint(0, 59):02d}"


def _date(random: Random) -> str:
    return f"{random.randint(1890, 2040)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"


def _settings(random: Random) -> str:
    return ";".join(f"{random.choice('abcdxyz')}={random.randint(-9, 30)}" for _ in range(random.randint(1, 4)))


def _floats(random: Random) -> list[float]:
    return [random.randint(-40, 120) / random.choice((1, 2, 4)) for _ in range(random.randint(1, 6))]


_LISTS = ("{}", "{}", "the list", "the list {}", "the given list", "a list of integers", "a list", "a list of numbers")
_WORD_LISTS = ("{}", "{}", "the list", "the list {}", "the given list", "a list of words", "a list of strings")
_TEXTS = ("{}", "{}", "the string", "the string {}", "the given string", "a string", "the text")
_NUMBER_PHRASES = ("{}", "{}", "the number {}", "the given number", "a number")

KINDS: dict[str, Kind] = {
    "numbers": Kind("list[int]", _LIST_NAMES, _LISTS, "a list of integers {}",
                    ([], [0], [7], [-3], [2, 2, 2], [5, 4, 3, 2, 1], [10, 20, 30], [-1, 1, -1, 1]), _numbers),
    "others": Kind("list[int]", ("others", "ys", "more", "second", "right"), ("{}", "the list {}"), "a list {}",
                   ([1], [], [7, 8], [-3], [2, 5], [1, 2, 3, 4, 5], [3], [1, 1]), _numbers),
    "words": Kind("list[str]", ("words", "strings", "names", "items", "tokens", "terms", "entries", "ws"), _WORD_LISTS,
                  "a list of strings {}", ([], [""], ["a"], ["b", "b"], ["Eve", "noon", ""], ["X", "yy"]), _words),
    "words2": Kind("list[str]", ("others", "more", "second", "right"), ("{}", "the list {}"), "a list {}",
                   ([], ["a"], ["A", ""], ["b", "c"], ["noon"], ["yy"]), _words),
    "sentence": Kind("str", ("sentence", *_TEXT_NAMES), ("{}", "{}", "the sentence", "the sentence {}", "a sentence",
                     "the given sentence"), "a sentence {}", ("", "a", "one", "  two  spaces ", "A b A"),
                     lambda random: " ".join(_words(random))),
    "text": Kind("str", ("word", *_TEXT_NAMES), _TEXTS, "a string {}",
                 ("", "a", "Z", " ", "aaa", "AbC", "a1b2", "Hello, World"), _text),
    "texts": Kind("str", ("other", "second", "u", "right"), ("{}", "the string {}"), "a string {}",
                  ("", "b", "xyz", "a", "Noon", "q"), _text),
    "runs": Kind("str", _TEXT_NAMES, _TEXTS, "a string {}", ("", "a", "aaa", "ab", "aabb"), _runs),
    "brackets": Kind("str", _TEXT_NAMES, _TEXTS, "a string {}", ("", "(", ")", "()", "(())", "[]", "[[a]]", ")("),
                     _brackets),
    "csv": Kind("str", ("row", *_TEXT_NAMES), ("{}", "{}", "the string", "the line {}", "a string"), "a string {}",
                ("", "0", "7", "-3,4", "10,20,30"), lambda random: ",".join(map(str, _numbers(random)))),
    "settings": Kind("str", ("settings", "config", *_TEXT_NAMES), ("{}", "{}", "the string", "the string {}"),
                     "a string {}", ("a=1", "x=0", "b=-4", "a=1;b=2", "a=1;a=2"), _settings),
    "clock": Kind("str", ("time", "clock", "moment", "stamp"), ("{}", "{}", "the time {}", "a time"), "a time {}",
                  ("00:00", "23:59", "12:00", "09:05", "00:01"), _clock),
    "date": Kind("str", ("day", "start", "when", "moment", "stamp"),
                 ("{}", "{}", "the date {}", "the date {} (YYYY-MM-DD)"), "a date {}",
                 ("2000-01-01", "2023-12-31", "2024-02-28", "1900-02-28", "2024-02-29", "1999-10-05"), _date),
    "date2": Kind("str", ("other", "end", "second", "later"), ("{}", "the date {}"), "a date {}",
                  ("2000-01-01", "2024-01-01", "2024-03-01", "1900-03-01", "2023-02-28", "2001-10-05"), _date),
    "dates": Kind("list[str]", ("days", "dates", "entries", "calendar", "log"),
                  ("{}", "{}", "the list {}", "a list of dates"), "a list of dates {}",
                  ([], ["2024-02-29"], ["2000-01-01", "1999-12-31"], ["2023-05-10", "2023-05-10"]),
                  lambda random: [_date(random) for _ in range(random.randint(1, 4))]),
    "moves": Kind("str", ("moves", "path", "steps", "commands", "route"), ("{}", "{}", "the string {}", "a string"),
                  "a string of moves {}", ("", "U", "D", "L", "R", "UD", "LLRR"),
                  lambda random: "".join(random.choice("UDLR") for _ in range(random.randint(1, 9)))),
    "count": Kind("int", ("n", "limit", "m", "bound", "top", "size"), _NUMBER_PHRASES, "a number {}",
                  (0, 1, 2, 3, 10, 20, 36, 50), lambda random: random.randint(4, 60)),
    "natural": Kind("int", ("n", "number", "num", "value", "m", "x0"), _NUMBER_PHRASES, "a non-negative integer {}",
                    (0, 1, 9, 10, 11, 99, 100, 121, 909), lambda random: random.randint(2, 10 ** random.randint(2, 5))),
    "positive": Kind("int", ("n", "number", "num", "value", "m"), _NUMBER_PHRASES, "a positive integer {}",
                     (1, 2, 3, 4, 12, 36, 97, 100), lambda random: random.randint(2, 150)),
    "small": Kind("int", ("k", "count", "size", "width", "step", "amount"), ("{}",), "a number {}",
                  (1, 2, 3, 4, 5, 6), lambda random: random.randint(1, 50)),
    "integer": Kind("int", ("k", "target", "pivot", "mark", "point", "goal"), ("{}",), "an integer {}",
                    (0, 1, -1, 2, 7, 30), _number),
    "letter": Kind("str", ("letter", "c", "ch", "symbol", "mark"), ("{}", "the character {}"), "a character {}",
                   ("a", "b", "e", "A", "o", "a"), lambda random: random.choice("aaeeionbtrAN")),
    "matrix": Kind("list[list[int]]", ("matrix", "grid", "rows", "table", "board", "m"),
                   ("{}", "{}", "the matrix", "the matrix {}", "a matrix"), "a matrix {}",
                   ([[0]], [[1, 2], [3, 4]], [[5]], [[-1], [1]]), _matrix),
    "square": Kind("list[list[int]]", ("matrix", "grid", "rows", "table", "board", "m"),
                   ("{}", "{}", "the square matrix {}", "a square matrix"), "a square matrix {}",
                   ([[0]], [[1, 2], [3, 4]], [[5]], [[1, 0], [0, 1]]), _square),
    "table": Kind("dict[str, int]", ("table", "scores", "d", "stock", "mapping", "data", "prices"),
                  ("{}", "{}", "the dictionary", "the dictionary {}", "a dictionary"), "a dictionary {}",
                  ({}, {"a": 0}, {"a": 1, "b": 1}, {"x": -5, "Eve": 12}), _table),
    "tables": Kind("dict[str, int]", ("other", "more", "e", "second"), ("{}", "the dictionary {}"), "a dictionary {}",
                   ({"a": 2}, {"a": 3, "c": 1}, {}, {"x": 5}), _table),
    "pairs": Kind("list[tuple[str, int]]", ("pairs", "records", "entries", "sales", "rows", "log"),
                  ("{}", "{}", "the list", "the list {}", "a list of pairs"), "a list of pairs {}",
                  ([], [("a", 1)], [("a", 1), ("a", 2)], [("b", -3), ("a", 10)]), _pairs),
    "spans": Kind("list[tuple[int, int]]", ("spans", "intervals", "ranges", "slots", "segments"),
                  ("{}", "{}", "the list", "the list {}", "a list of intervals"), "a list of intervals {}",
                  ([], [(0, 0)], [(1, 4)], [(1, 4), (4, 6)], [(5, 9), (1, 2)]), _spans),
    "nested": Kind("list", ("nested", "tree", "items", "data", "structure"),
                   ("{}", "{}", "the nested list {}", "a nested list"), "a nested list {}",
                   ([], [[]], [1], [[1], [2, [3]]], [[[4]]]), _nested),
    "floats": Kind("list[float]", ("values", "readings", "weights", "prices", "xs", "samples"),
                   ("{}", "{}", "the list", "the list {}", "a list of floats"), "a list of floats {}",
                   ([], [0.0], [1.5], [-2.5, 2.5], [10.0, 20.0]), _floats),
}  # fmt: skip
