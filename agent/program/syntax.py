"""Parse any text as Python, without warnings or crashes, and answer questions about its names and shape."""

from __future__ import annotations

import ast
import io
import re
import sys
import threading
import tokenize
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

PARSE_ERRORS = (SyntaxError, ValueError, TypeError, MemoryError, RecursionError, OverflowError)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
BRACKET_DEPTHS = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)
LOOKS_AT_NAMES = frozenset({"locals", "globals", "vars", "dir", "eval", "exec", "compile", "inspect"})
_FUNCTION, _CLASS = r"(?:async )?def (\w+)", r"class (\w+)\s*[(:]"  # at the margin
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_LOCK = threading.RLock()


@contextmanager
def ignore_warnings() -> Iterator[None]:
    """Ignore warnings, one thread at a time: the filters belong to the process, and threads would mix them up."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def parse(source: str) -> ast.Module | None:
    """Return the syntax tree of a text; None if it is not Python or nested too deeply."""
    try:
        return read_module(source)
    except PARSE_ERRORS:
        return None


def read_module(source: str) -> ast.Module:
    """Return the syntax tree of a text. Raises one of PARSE_ERRORS."""
    with ignore_warnings():
        return ast.parse(source)


def read_expression(source: str) -> ast.expr | None:
    """Return the expression that a text consists of; None if it is anything else."""
    tree = parse(source)
    match tree.body if tree else []:
        case [ast.Expr(value)]:
            return value
    return None


def read_literal(source: str | ast.expr) -> tuple[Any] | None:
    """Return the value of a literal, in a tuple of one; None if it is not a literal."""
    tree = read_expression(source) if isinstance(source, str) else source
    try:
        return None if tree is None else (ast.literal_eval(tree),)
    except PARSE_ERRORS:
        return None


def find_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are read anywhere in these trees."""
    inside = (inner for node in nodes for inner in ast.walk(node))
    return {node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def find_bound_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    return find_targets(statement)


def find_free_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement reads and does not bind itself."""
    binding = (*DEFINITIONS, ast.Lambda, ast.comprehension)
    inside = {name for node in ast.walk(statement) if isinstance(node, binding) for name in find_targets(node)}
    return find_names([statement]) - find_bound_names(statement) - inside


def find_targets(node: ast.AST) -> set[str]:
    """Return the variables and arguments that are bound anywhere in a tree."""
    stored = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    return stored | {inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)}


def find_root(node: ast.AST) -> str | None:
    """Return the name that a chain of calls, attributes and subscripts begins with."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def find_modules(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the outermost packages that a statement imports from."""
    modules = [statement.module or ""] if isinstance(statement, ast.ImportFrom) else [a.name for a in statement.names]
    return {module.split(".")[0] for module in modules}


def is_standard_import(statement: ast.Import | ast.ImportFrom) -> bool:
    """Decide whether all modules are of the standard library."""
    return find_modules(statement) <= set(sys.stdlib_module_names)


# Python counts columns from the last form feed on, and ignores comments at any column.
_CODE_AT_MARGIN = re.compile(r"\n(?:[ \t]*\f)*(?=[^\s)\]}#])")
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n){4}")


def find_function_end(prompt: str, text: str) -> int | None:
    """Return where in `text` the function that `prompt` begins has ended; None while it goes on.

    A line of code at the margin ends it, together with the comments above that line, unless it closes a bracket or
    stands inside a string. Four blank lines outside of strings end it too (AdaDec's rules, arXiv:2506.08980). If the
    prompt leaves no function open, `text` begins one first.
    """
    blank = _find_outside(prompt, text, (match.start() for match in _BLANK_LINES.finditer(text)))
    opened = _opens_function(prompt)
    for match in _CODE_AT_MARGIN.finditer(text, 0, len(text) if blank is None else blank + 1):
        if not opened:
            opened = _has_indented_block(text[: match.start() + 1])
        if opened and _find_outside(prompt, text, (match.start(),)) is not None:
            return _find_outside(prompt, text, (*_find_comments_above(text, match.start()), match.start()))
    return blank


def _find_outside(prompt: str, text: str, places: Iterable[int]) -> int | None:
    """Return the first of these line breaks that stands outside of brackets and strings."""
    return next((at for at in places if not stands_in_brackets_or_string(prompt + text[: at + 1])), None)


def _find_comments_above(text: str, end: int) -> list[int]:
    """Return the line breaks before the comments that stand at the margin right above a line, topmost first."""
    places = list[int]()
    while (begin := text.rfind("\n", 0, end)) >= 0:
        line = text[begin + 1 : end].lstrip("\f")
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if line.startswith("#"):
            places.insert(0, begin)
        end = begin
    return places


def _opens_function(prompt: str) -> bool:
    lines = [line for line in prompt.splitlines() if line.strip()]
    return bool(lines) and (lines[-1][0].isspace() or lines[-1].startswith(("def ", "class ", "async def ")))


def _has_indented_block(text: str) -> bool:
    try:
        return any(token.type == tokenize.INDENT for token in tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return False


def stands_in_brackets_or_string(text: str) -> bool:
    """Decide whether what follows a text stands inside of a bracket or a string that the text opens."""
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.OP:  # since Python 3.12 the text of an f-string is a token of another type
                depth += BRACKET_DEPTHS.get(token.string, 0)
    except tokenize.TokenError as error:
        # Python 3.11 reports a multi-line statement for an unmatched closing bracket as well: depth is then negative.
        return depth >= 0 and re.search("multi-line|triple-quoted", str(error)) is not None
    except SyntaxError:
        pass
    return False


def is_degenerate(program: str) -> bool:
    """Detect a program that is not Python or does nothing: it has only comments, texts and functions without a body."""
    tree = parse(program)
    return tree is None or all(does_nothing(statement) for statement in tree.body)


def does_nothing(statement: ast.stmt) -> bool:
    """Decide whether a statement is a bare constant, an import, or a definition without a body."""
    match statement:
        case ast.Expr(ast.Constant()) | ast.Pass() | ast.Import() | ast.ImportFrom():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return all(does_nothing(inner) for inner in statement.body)
    return False


def is_whole_body(program: str, start: int, end: int) -> bool:
    """Decide whether a span covers all statements of a program but its imports, definitions and docstrings."""
    if program[start:end].strip() == program.strip():
        return True
    if program[:start].rpartition("\n")[2].strip() or program[end:].partition("\n")[0].strip():
        return False  # it covers a part of a line
    tree, first, last = parse(program), 1 + program.count("\n", 0, start), 1 + program.rstrip().count("\n", 0, end)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)] if tree else []
    inner = [each for each in statements if not isinstance(each, (*DEFINITIONS, ast.Import, ast.ImportFrom))]
    written = [each for each in inner if not is_text(each)]
    inside = all(first <= each.lineno and (each.end_lineno or each.lineno) <= last for each in written)
    return inside and bool(written)


def is_code(request: str) -> bool:
    """Decide whether a request is Python to complete, not a sentence. A sentence may hold a code block."""
    fence = _FENCE.search(request)
    if fence and not stands_in_brackets_or_string(request[: fence.start()]):
        return False
    if re.search(r"^(async def|def|class) \w+\s*[(:]", request, re.MULTILINE):
        return True
    tree = parse(request)
    statements = tree.body if tree else []
    return any(isinstance(s, ast.Import | ast.ImportFrom | ast.Assign) or is_text(s) for s in statements)


def is_open(request: str) -> bool:
    """Decide whether Python ends where the body of its last function or class begins, and lacks no other body."""
    code = request.rstrip()
    tree = _parse_open(code)
    defined = [node for node in ast.walk(tree) if isinstance(node, DEFINITIONS)] if tree else []
    defined.sort(key=lambda node: node.lineno)
    if not defined or any(is_stub(node) for node in defined[:-1]):
        return False
    last = defined[-1]
    behind = code.splitlines()[last.end_lineno :]
    whole = len(last.body) == 1 and (is_text(last.body[0]) or last.body[0].lineno > code.count("\n") + 1)
    return whole and all(line.lstrip().startswith("#") for line in behind if line.strip())


def _parse_open(code: str) -> ast.Module | None:
    """Return the syntax tree of code that may end where the body of a function or class begins."""
    return parse(code) or parse(f"{code}\n{' ' * 40}...")  # deeper than any signature stands


def _is_open_class(node: ast.stmt) -> bool:
    """Decide whether a class has only its text, or a method that is still to be written."""
    inner = node.body if isinstance(node, ast.ClassDef) else []
    return bool(inner) and (
        any(is_stub(each) for each in inner) or all(is_text(each) or _is_gap(each) for each in inner)
    )


def _is_gap(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(ast.Constant(value)):
            return value is ...
    return False


def is_stub(node: ast.stmt) -> bool:
    """Decide whether a function's body is still to be written: it has a docstring, `...`, `pass` or nothing more."""
    match node:
        case ast.FunctionDef(body=[*_, last]) | ast.AsyncFunctionDef(body=[*_, last]):
            text = ast.unparse(last)
            return len(node.body) < 3 and (is_text(last) or text in ("...", "pass") or "NotImplementedError" in text)
    return False


@lru_cache(maxsize=64)
def find_stubs(code: str) -> tuple[str, ...]:
    """Return the functions at the margin whose body is still to be written, and the class that is open at the end."""
    tree = _parse_open(code.rstrip())
    defined = [each for each in tree.body if isinstance(each, DEFINITIONS)] if tree else []
    return tuple(each.name for each in defined if is_stub(each) or (each is defined[-1] and _is_open_class(each)))


@lru_cache(maxsize=64)
def find_asked_name(request: str) -> str | None:
    """Return the function or class that a request asks for: the last one to write, else its last function, else class.

    None where the request defines nothing.
    """
    names = [re.findall(rf"^{word}", request, re.MULTILINE) for word in (_FUNCTION, _CLASS)]
    unwritten = find_stubs(request) if len([*names[0], *names[1]]) > 1 else ()
    return next((each[-1] for each in (unwritten, *names) if each), None)


def find_entry_point(request: str) -> str | None:
    """Return the function that a request asks for; None where it asks for a class, or defines nothing."""
    name = find_asked_name(request)
    return name if name in re.findall(rf"^{_FUNCTION}", request, re.MULTILINE) else None


def is_text(statement: ast.stmt) -> bool:
    """Decide whether a statement is a bare string, as a docstring is."""
    match statement:
        case ast.Expr(ast.Constant(str())):
            return True
    return False
