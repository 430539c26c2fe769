"""Find the holes that a person marks in a Python file, and put fillings into them. Runs and generates nothing.

Two marks make a hole. The comment `# dubito: fill` is one up to the end of its line, where code is missing; text behind
it is a hint for the model. An Ellipsis `...` is one where it stands as a statement or as an expression, unless it says
something to Python or to a reader as it is:

- in an annotation, in the brackets of a subscript, in an f-string, in a decorator, or as a parameter's default;
- as an operand of `is` or `is not`, or as the argument of `type`;
- in a class outside of its methods;
- as the body of an abstract, overloaded or protocol's function, or of an `except`, or under `if TYPE_CHECKING`.

The comment behind a `...` on its line makes it a hole wherever it stands, and goes with it.
"""

from __future__ import annotations

import ast
import re
import tokenize
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.errors import InvalidRequestError
from agent.files.changes import Change, apply_changes
from agent.program.source_tokens import list_line_starts, read_tokens
from agent.program.syntax import BRACKET_DEPTHS, DEFINITIONS, PARSE_ERRORS, ignore_warnings, read_module
from uncertainty.places import Places, Span

GAP = "..."
_COMMENT = re.compile(r"#\s*dubito:\s*fill\b[\s:,]*(.*)")
_DECLARING = {
    "Protocol",
    "overload",
    "abstractmethod",
    "abstractproperty",
    "abstractclassmethod",
    "abstractstaticmethod",
}
_READ_FIELDS = {"annotation", "returns", "slice", "decorator_list", "defaults", "kw_defaults", "type_params"}
_Parents = Mapping[ast.AST, tuple[ast.AST, str]]  # of each node, its parent and the field in which it stands
_Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Hole:
    """A part of a file that is to be written. Offsets are characters of the file's text, from 0."""

    start: int
    end: int
    line: int  # from 1
    hint: str = ""
    margin: int | None = None  # of statements: the least indentation of their further lines; None for an expression
    in_brackets: bool = False  # an expression that may go on in the next line
    comment: Span | None = None  # a hint behind it, with the blanks before that

    @property
    def is_statement(self) -> bool:
        """It stands where statements do."""
        return self.margin is not None


@dataclass(frozen=True, slots=True)
class _Mark:
    """A `...`, or a comment that marks a hole, and how many brackets are open there."""

    start: int
    end: int
    line: int
    depth: int
    hint: str | None = None  # of a comment


def find_holes(source: str, name: str = "the file") -> tuple[Hole, ...]:
    """Return the holes of a file in their order.

    name: of the file, for messages. Raises InvalidRequestError where the file has no hole, or is no Python with `...`
    in each of them.
    """
    starts = list_line_starts(source)
    dots, comments = _read_marks(source, starts)
    hinted = {dot: comment for comment in comments if (dot := _find_hinted(dots, comment))}
    alone = [comment for comment in comments if comment not in hinted.values()]
    plain = _replace(
        source,
        [*((each.start, each.end, GAP) for each in alone), *((each.start, each.end, "") for each in hinted.values())],
        pads=True,
    )
    tree = _read_plain(plain, name)
    parents, marks = _find_parents(tree), {each.start: each for each in (*dots, *alone)}
    holes, places = list[Hole](), Places(plain)
    for node in _walk_gaps(tree):
        mark = marks.get(places.find(node)[0])  # none inside of an f-string
        if mark and (mark in alone or mark in hinted or _is_missing(node, parents)):
            holes.append(_describe_hole(source, mark, hinted.get(mark), is_statement=_is_statement(node, parents)))
    if not holes:
        raise InvalidRequestError(_explain_none(name, [mark.line for mark in dots]))
    return tuple(sorted(holes, key=lambda hole: hole.start))


def place_holes(source: str, places: Collection[int]) -> tuple[Hole, ...]:
    """Return the holes whose `...` begin at these characters, whatever those `...` could mean as they stand.

    Only places where a `...` is an expression or a statement count. Raises one of PARSE_ERRORS.
    """
    tree, finder = read_module(source), Places(source)
    dots, _ = _read_marks(source, list_line_starts(source))
    marks, parents = {each.start: each for each in dots if each.start in places}, _find_parents(tree)
    gaps = ((node, marks.get(finder.find(node)[0])) for node in _walk_gaps(tree))
    holes = (
        _describe_hole(source, mark, None, is_statement=_is_statement(node, parents)) for node, mark in gaps if mark
    )
    return tuple(sorted(holes, key=lambda hole: hole.start))


def show_holes(source: str, holes: Iterable[Hole]) -> str:
    """Return a text of the same length, with `...` in each hole and without the hints behind them."""
    edits = [edit for hole in holes for edit in _list_edits(hole, GAP)]
    return _replace(source, edits, pads=True)


def put_fillings(source: str, fillings: Mapping[Hole, str]) -> str:
    """Return the file's text with these holes filled. The others stay as they are."""
    return apply_changes(source, list_changes(fillings))


def list_changes(fillings: Mapping[Hole, str]) -> list[Change]:
    """Return the changes of a file's text that fill these holes."""
    return [Change(*edit) for hole, text in fillings.items() for edit in _list_edits(hole, text)]


def has_gap(tree: ast.Module) -> bool:
    """Decide whether code holds a `...` that stands for code that is still to be written."""
    parents = _find_parents(tree)
    return any(_is_missing(gap, parents) for gap in _walk_gaps(tree))


def is_declaration(function: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.ClassDef | None) -> bool:
    """Decide whether a function is abstract, an overload, or a protocol's, so that `...` is all of its body."""
    marks = [*function.decorator_list, *(owner.bases if owner else ())]
    return any(_DECLARING & set(re.findall(r"\w+", ast.unparse(mark))) for mark in marks)


def read_whole(source: str) -> ast.Module:
    """Return the syntax tree of a program that Python can also compile. Raises one of PARSE_ERRORS."""
    tree = read_module(source)
    with ignore_warnings():
        compile(source, "program.py", "exec", dont_inherit=True)
    return tree


def _read_marks(source: str, starts: Sequence[int]) -> tuple[list[_Mark], list[_Mark]]:
    """Return each `...` of a source, and each comment that marks a hole."""
    dots, comments, depth = list[_Mark](), list[_Mark](), 0
    for kind, start, end in read_tokens(source, starts):
        text = source[start:end]
        if kind == tokenize.OP:
            depth += BRACKET_DEPTHS.get(text, 0)
        if kind == tokenize.OP and text == GAP:
            dots.append(_Mark(start, end, bisect_right(starts, start), depth))
        elif kind == tokenize.COMMENT and (match := _COMMENT.fullmatch(text)):
            comments.append(_Mark(start, end, bisect_right(starts, start), depth, match[1].strip()))
    return dots, comments


def _find_hinted(dots: Sequence[_Mark], comment: _Mark) -> _Mark | None:
    """Return the last `...` before a comment on its line."""
    return next((dot for dot in reversed(dots) if dot.line == comment.line and dot.start < comment.start), None)


def _describe_hole(source: str, mark: _Mark, comment: _Mark | None, *, is_statement: bool) -> Hole:
    before = source[source.rfind("\n", 0, mark.start) + 1 : mark.start]
    indent = len(before) - len(before.lstrip())
    margin = indent if not before.strip() else indent + 1  # behind a colon, a block of its own is deeper than the line
    place = (len(source[: comment.start].rstrip(" \t")), comment.end) if comment else None
    hint = (comment.hint if comment else mark.hint) or ""
    return Hole(mark.start, mark.end, mark.line, hint, margin if is_statement else None, bool(mark.depth), place)


def _list_edits(hole: Hole, text: str) -> list[_Edit]:
    return [(hole.start, hole.end, text), *([(*hole.comment, "")] if hole.comment else [])]


def _replace(source: str, edits: Iterable[_Edit], *, pads: bool = False) -> str:
    """Return a source with these characters replaced. pads: blanks keep the length."""
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + (text.ljust(end - start) if pads else text) + source[end:]
    return source


def _read_plain(plain: str, name: str) -> ast.Module:
    try:
        return read_whole(plain)
    except PARSE_ERRORS as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        raise InvalidRequestError(
            f"{name}{line}: with `...` in its holes this is no Python ({reason}); wanted a file that lacks nothing "
            "else, so mend it, or mark what is missing there with `...`"
        ) from error


def _explain_none(name: str, lines: Sequence[int]) -> str:
    if not lines:
        return f"{name} has no hole; put `...` where code is missing, or the comment `# dubito: fill`"
    listed = ", ".join(map(str, lines[:5])) + (" …" if len(lines) > 5 else "")
    return (
        f"{name} has no hole, because the `...` of line {listed} means something as it stands; put the comment "
        "`# dubito: fill` behind it, or where code is missing"
    )


def _find_parents(tree: ast.Module) -> _Parents:
    return {
        child: (node, field)
        for node in ast.walk(tree)
        for field, value in ast.iter_fields(node)
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.AST)
    }


def _walk_gaps(tree: ast.Module) -> Iterator[ast.Constant]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value is ...)


def _is_statement(node: ast.Constant, parents: _Parents) -> bool:
    return isinstance(parents[node][0], ast.Expr)


def _is_missing(gap: ast.Constant, parents: _Parents) -> bool:
    """Decide whether a `...` stands for code that is still to be written, by the rules of this module."""
    parent, _ = parents[gap]
    if _is_operand(parent) or (isinstance(parent, ast.Expr) and _is_empty_body(parents[parent][0], parents)):
        return False
    node: ast.AST = gap
    while node in parents:
        parent, field = parents[node]
        if field in _READ_FIELDS or isinstance(parent, ast.JoinedStr):
            return False
        if isinstance(parent, ast.ClassDef) and not isinstance(node, DEFINITIONS):
            return False
        if isinstance(parent, ast.If) and field == "body" and "TYPE_CHECKING" in ast.unparse(parent.test):
            return False
        node = parent
    return True


def _is_operand(parent: ast.AST) -> bool:
    match parent:
        case ast.Compare(ops=operators):
            return any(isinstance(each, ast.Is | ast.IsNot) for each in operators)
        case ast.Call(ast.Name("type")):
            return True
    return False


def _is_empty_body(block: ast.AST, parents: _Parents) -> bool:
    """Decide whether a statement `...` in this block says that nothing happens, or that others write the function."""
    if isinstance(block, ast.ExceptHandler):
        return True
    if not isinstance(block, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    owner, _ = parents[block]
    return is_declaration(block, owner if isinstance(owner, ast.ClassDef) else None)
