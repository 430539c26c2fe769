"""Find the functions of a module, and those among them that are still to be written. Changes nothing."""

from __future__ import annotations

import ast
import difflib
import tokenize
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.messages import join_names, quote
from agent.program.holes import GAP, is_declaration
from agent.program.source_tokens import SourceToken, list_line_starts, read_tokens
from agent.program.syntax import PARSE_ERRORS, is_text, parse, read_module

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_MOST_NAMES = 8  # in a message
_BLANK = {tokenize.NL, tokenize.COMMENT}


class SourceTree(NamedTuple):
    """A text and its syntax tree. `plain` is the text with `...` for each body that is only a comment, or missing.

    Offsets in both are the same, but for a body that is missing at the end of the text.
    """

    text: str
    plain: str
    tree: ast.Module


class Function(NamedTuple):
    """A function of a module, or a method of its classes."""

    name: str  # as in `f` or `Class.method`
    node: FunctionNode
    owners: tuple[ast.stmt, ...]  # the statements of the module that hold it, the outermost first
    is_stub: bool  # its body is still to be written

    @property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """The classes that hold it, the outermost first."""
        return tuple(each for each in self.owners if isinstance(each, ast.ClassDef))


@lru_cache(maxsize=16)
def read_tree(text: str) -> SourceTree | None:
    """Return the tree of a text; None if it is no Python, even with bodies for its functions."""
    tree, plain = parse(text), text
    if tree is None:
        plain = _complete_bodies(text)
        tree = parse(plain)
    return None if tree is None else SourceTree(text, plain, tree)


def read_file_tree(text: str, file: str) -> SourceTree:
    """Return the tree of a file's text. Raises InvalidRequestError, with the line, for what is no Python."""
    source = read_tree(text)
    if source is not None:
        return source
    try:
        read_module(text)
    except PARSE_ERRORS as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        raise InvalidRequestError(
            f"{file}{line}: this is no Python ({reason}); mend it, so that only the function is missing"
        ) from error
    raise AssertionError("a text without a tree has an error")


def list_functions(tree: ast.Module) -> tuple[Function, ...]:
    """Return the functions and methods of a module in their order, without those inside of functions.

    A declaration, as of an overload, is no function: another statement has its body.
    """
    return tuple(_walk_functions(tree.body, ()))


def find_target(source: SourceTree, name: str, file: str) -> Function:
    """Return the function of this name; of several, the one that is a stub. Raises InvalidRequestError."""
    wanted = unicodedata.normalize("NFKC", name)  # as Python reads identifiers
    functions = list_functions(source.tree)
    named = [each for each in functions if each.name == wanted]
    among = [each for each in named if each.is_stub] or named
    if len(among) == 1:
        return among[0]
    if among:
        lines = join_names(str(each.node.lineno) for each in among).replace(" or ", " and ")
        raise InvalidRequestError(
            f"{file} defines {wanted} in the lines {lines}, and one of them was wanted; rename the others, or leave "
            f"only the body of one to be written"
        )
    raise InvalidRequestError(_explain_missing(functions, wanted, file))


def find_stub(source: SourceTree, file: str) -> Function | None:
    """Return the one function that is still to be written; None without any. Raises InvalidRequestError for several."""
    stubs = [each for each in list_functions(source.tree) if each.is_stub]
    if len(stubs) < 2:
        return stubs[0] if stubs else None
    raise InvalidRequestError(
        f"{file} holds {len(stubs)} functions that are still to be written ({_list_names(stubs)}), and one is written "
        f"at a time; name it, as in {stubs[0].name}"
    )


def find_scope_names(body: Sequence[ast.stmt]) -> set[str]:
    """Return the names that statements bind in their own scope, whatever branch they stand in."""
    names = set[str]()
    for statement in body:
        names |= _find_bound(statement)
        for inner in list_blocks(statement):
            names |= find_scope_names(inner)
    return names


def _find_bound(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds by itself, without its blocks."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    own = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    handlers = {each.name for each in own if isinstance(each, ast.ExceptHandler) and each.name}
    inside = (inner for child in own if isinstance(child, ast.expr | ast.withitem) for inner in ast.walk(child))
    return handlers | {each.id for each in inside if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)}


def list_blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a statement that run in the scope around it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return
    for field in ("body", "orelse", "finalbody"):
        yield getattr(statement, field, [])
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _walk_functions(body: Sequence[ast.stmt], owners: tuple[ast.stmt, ...]) -> Iterator[Function]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            classes = [each for each in owners if isinstance(each, ast.ClassDef)]
            declared = is_declaration(statement, classes[-1] if classes else None)
            name = ".".join([*(each.name for each in classes), statement.name])
            if not (declared and _is_unwritten(statement)):
                yield Function(name, statement, owners, _is_unwritten(statement))
        elif isinstance(statement, ast.ClassDef):
            yield from _walk_functions(statement.body, (*owners, statement))
        else:
            for block in list_blocks(statement):
                yield from _walk_functions(block, (*owners, statement))


def _is_unwritten(node: FunctionNode) -> bool:
    """Decide whether a function has only a docstring, `...`, `pass` or `raise NotImplementedError`."""
    body = node.body[is_text(node.body[0]) :]
    return all(_is_placeholder(each) for each in body)


def _is_placeholder(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass():
            return True
        case ast.Expr(ast.Constant(value)):
            return value is ...
        case ast.Raise(exc=ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError"))):
            return True
    return False


def _explain_missing(functions: Sequence[Function], wanted: str, file: str) -> str:
    names = list(dict.fromkeys(each.name for each in functions))
    if not names:
        return f"{file} defines no function, and {quote(wanted)} came; wanted a file that begins it, as in `def f(x):`"
    methods = [name for name in names if name.rpartition(".")[0] == wanted]
    if wanted and methods:
        return f"{wanted} is a class in {file}, and a function was wanted; name one of its methods, as in {methods[0]}"
    own = [name for name in names if name.rpartition(".")[2] == wanted.rpartition(".")[2]]
    near = own or difflib.get_close_matches(wanted, names, 1, 0.0)
    return f"{file} defines no function {quote(wanted)}; the nearest is {near[0]}"


def _list_names(functions: Sequence[Function]) -> str:
    names = list(dict.fromkeys(each.name for each in functions))
    return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")


def _complete_bodies(text: str) -> str:
    """Return a text with `...` for the bodies that are only comments, and for one that is missing at the end."""
    starts = list_line_starts(text)
    tokens = list(read_tokens(text, starts))
    edits = list[tuple[int, int]]()
    for number, token in enumerate(tokens):
        if token.kind == tokenize.NEWLINE and (head := _find_head(text, tokens, number)) is not None:
            edits += _find_gap(text, starts, tokens, number, head)
    for start, end in reversed(edits):
        gap = GAP if end > start else f" {GAP}"
        text = text[:start] + gap.ljust(end - start) + text[end:]
    return text


def _find_head(text: str, tokens: Sequence[SourceToken], number: int) -> SourceToken | None:
    """Return the first token of a line that ends in a colon and begins a function; None for any other line."""
    line = list[SourceToken]()
    while number and tokens[number - 1].kind != tokenize.NEWLINE:
        number -= 1
        if tokens[number].kind not in {*_BLANK, tokenize.INDENT, tokenize.DEDENT}:
            line.insert(0, tokens[number])
    words = [text[token.start : token.end] for token in (*line[:2], *line[-1:])]
    begins = words[:1] == ["def"] or words[:2] == ["async", "def"]
    return line[0] if begins and words[-1] == ":" else None


def _find_gap(
    text: str, starts: Sequence[int], tokens: Sequence[SourceToken], number: int, head: SourceToken
) -> Iterator[tuple[int, int]]:
    """Yield the comment in which the body of a function is missing, or the end of the text where it is missing."""
    comments = [tokens[number - 1]] if tokens[number - 1].kind == tokenize.COMMENT else []
    column = _find_column(text, head.start)
    for token in tokens[number + 1 :]:
        if token.kind == tokenize.COMMENT and _find_column(text, token.start) > column:
            comments.append(token)
        elif token.kind == tokenize.INDENT:
            return
        elif token.kind not in {tokenize.NL, tokenize.DEDENT} or token.kind == tokenize.COMMENT:
            break
    fitting = [each for each in comments if each.end - each.start >= len(GAP)]
    if fitting:
        yield fitting[-1].start, fitting[-1].end
    elif not text[tokens[number].start :].strip():
        yield tokens[number].start, tokens[number].start


def _find_column(text: str, place: int) -> int:
    """Return the column of a character, as Python counts indentation."""
    line = text[text.rfind("\n", 0, place) + 1 : place].rpartition("\f")[2]
    return len(line.expandtabs())
