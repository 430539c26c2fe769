"""Find where another token would only reword a program: in a comment, a docstring, the layout, or a new name."""

from __future__ import annotations

import ast
import keyword
import re
import tokenize
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from agent.program.source_tokens import list_line_starts, read_tokens
from agent.program.syntax import DEFINITIONS, parse
from uncertainty.places import Places, Span

_CODE = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class _NewName:
    """A variable where a program binds it first."""

    start: int
    end: int
    of_loop: bool  # of a `for` statement: whatever stands there is a name


@dataclass(frozen=True, slots=True)
class Wording:
    """The parts of a program that are wording. Offsets are characters of the program, from 0."""

    source: str
    comments: tuple[Span, ...] = ()  # in order, as all spans here
    docstrings: tuple[Span, ...] = ()
    strings: tuple[Span, ...] = ()
    names: tuple[_NewName, ...] = ()  # in order
    words: tuple[tuple[int, str], ...] = ()  # names and keywords, with their offsets
    operators: Mapping[int, str] = field(default_factory=dict)  # by their offsets

    def is_reworded(self, at: int, text: str) -> bool:
        """Whether a token of this text, written at an offset instead of what stands there, only rewords the program.

        A program that it begins may still do something else. This looks at the token alone.
        """
        if self.is_prose(at):
            return self._keeps_code(at, text)
        if at < _find_last(self.strings, at)[1]:
            return False
        first = bisect_right(self.names, at + 1, key=lambda name: name.start)
        near = self.names[max(first - 2, 0) : first]
        return self._is_layout(at, text) or any(self._is_renamed(name, at, text) for name in near)

    def is_prose(self, at: int) -> bool:
        """Whether an offset lies inside a comment or a docstring."""
        return at <= _find_last(self.comments, at)[1] or at < _find_last(self.docstrings, at)[1]

    def _keeps_code(self, at: int, text: str) -> bool:
        """Whether a token in prose leaves the code as it is: if it ends the line, no code follows in the token."""
        in_docstring = at < _find_last(self.docstrings, at)[1]
        return '"""' not in text if in_docstring else "\n" not in text or self._goes_on(at, text.partition("\n")[2])

    def _goes_on(self, at: int, tail: str) -> bool:
        """Whether what a token holds behind its line break fits the next line of code: the same blanks, or none yet.

        The last blank may belong to the next token.
        """
        lines = self.source[at:].partition("\n")[2].split("\n")
        following = next((line for line in lines if line.strip()), "")
        indent = tail.rpartition("\n")[2]
        own = following[: len(following) - len(following.lstrip())]
        return not tail.strip() and indent in ("", own, own[:-1])

    def _is_layout(self, at: int, text: str) -> bool:
        """Whether the token only sets other blanks, at the end of a line or around an operator."""
        source = self.source
        if not source[source.rfind("\n", 0, at) + 1 : at].strip():  # blanks at the start of a line are indentation
            return False
        if "\n" in text:
            line, _, tail = text.partition("\n")
            code = line.rstrip()
            ends = source[at + len(code) : at + len(code) + 1] in ("", "\n")
            return source.startswith(code, at) and ends and self._goes_on(at, tail)
        place = _find_code(source, at)
        return self.operators.get(place) == text.strip() and not source.startswith(text, at)

    def _is_renamed(self, name: _NewName, at: int, text: str) -> bool:
        """Whether the token gives a new variable another name, and not that of an earlier one."""
        begins = name.of_loop and (at == name.start or (at == name.start - 1 and self.source[at].isspace()))
        if not (name.start < at < name.end or begins):
            return False
        word = text.strip() if begins else self.source[name.start : at] + text
        is_name = word.isidentifier() and not keyword.iskeyword(word)
        return is_name and not any(each.startswith(word) for place, each in self.words if place < name.start)


def _find_last(spans: Sequence[Span], at: int) -> Span:
    """Return the last span that begins before an offset; an empty one at -1 where none does."""
    number = bisect_left(spans, at, key=lambda span: span[0])
    return spans[number - 1] if number else (-1, -1)


def _find_code(source: str, at: int) -> int:
    """Return the offset of the next character that is no blank; the end where there is none."""
    code = _CODE.search(source, at)
    return code.start() if code else len(source)


def drop_prose(source: str) -> str:
    """Return a program without its comments and docstrings."""
    wording = read_wording(source)
    for start, end in sorted((*wording.comments, *wording.docstrings), reverse=True):
        source = source[:start] + source[end:]
    return source


@lru_cache(maxsize=256)
def read_wording(source: str) -> Wording:
    """Find the wording of a program. Of a text that is not Python, only what stands before the first mistake.

    Python's own parts disagree about a carriage return that no line feed follows, so a text with one has none.
    """
    if re.search(r"\r(?!\n)", source):
        return Wording(source)
    tree, starts = parse(source), list_line_starts(source)
    tokens, places = list(read_tokens(source, starts)), Places(source)

    def spans(*kinds: int) -> tuple[Span, ...]:
        return tuple((start, end) for kind, start, end in tokens if kind in kinds)

    def texts(kind: int) -> tuple[tuple[int, str], ...]:
        return tuple((start, source[start:end]) for start, end in spans(kind))

    words = texts(tokenize.NAME)
    return Wording(
        source, spans(tokenize.COMMENT), tuple(sorted(_find_docstrings(tree, places))) if tree else (),
        spans(tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1)),
        tuple(_find_new_names(tree, places, words)) if tree else (), words, dict(texts(tokenize.OP)),
    )  # fmt: skip


def _find_docstrings(tree: ast.Module, places: Places) -> Iterator[Span]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *DEFINITIONS)):
            match node.body:
                case [ast.Expr(ast.Constant(str()) as text), *_]:
                    yield places.find(text)


def _find_new_names(tree: ast.Module, places: Places, words: tuple[tuple[int, str], ...]) -> Iterator[_NewName]:
    """Yield the variables that are bound where no earlier text of the program has their name.

    What a class binds is seen from outside, and a comprehension's variable may stand before it is bound: none is new.
    """
    first = dict[str, int]()
    for start, word in words:
        first.setdefault(word, start)
    targets = [node.target for node in ast.walk(tree) if isinstance(node, ast.For | ast.AsyncFor)]
    loops = {id(name) for target in targets for name in ast.walk(target)}
    for (start, end), name in sorted(
        ((places.find(name), name) for name in _walk_bound(tree)), key=lambda each: each[0]
    ):
        if first.get(name.id) == start:
            yield _NewName(start, end, id(name) in loops)


def _walk_bound(tree: ast.AST) -> Iterator[ast.Name]:
    """Yield each name where it is bound, but those that a class binds. Takes no stack for nested code."""
    waiting = [tree]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                yield child
            if isinstance(child, ast.ClassDef):
                waiting += [inner for inner in child.body if isinstance(inner, DEFINITIONS)]
            else:
                waiting.append(child)
