"""Find the function that a line of a file is in, and the one in which a comment asks for something. Changes nothing."""

from __future__ import annotations

import re
import tokenize

from agent.errors import InvalidRequestError
from agent.messages import join_names
from agent.program.modules.functions import Function, SourceTree, find_target, list_functions
from agent.program.modules.layout import find_layout, find_tail, read_indent
from agent.program.source_tokens import list_line_starts, read_tokens

_REQUEST = re.compile(r"#\s*dubito:(?!\s*fill\b)", re.IGNORECASE)


def find_function_at(source: SourceTree, line: int, file: str) -> Function:
    """Return the function that a line is in, from the comments right above it to the blank lines below it.

    line: from 1. A function inside of another one is a part of that. Raises InvalidRequestError.
    """
    count = source.text.count("\n") + 1
    if line > count:
        raise InvalidRequestError(f"{file} has {count} lines, and line {line} came; save it, or give another line")
    functions = list_functions(source.tree)
    above = [each for each in functions if _find_first_line(source, each) <= line]
    if above and _reaches(source, above[-1], line):
        return _check_name(source, above[-1], file)
    if not functions:
        raise InvalidRequestError(f"{file} defines no function; wanted one in line {line}, as in `def f(x):`")
    nearest = min(functions, key=lambda each: abs(each.node.lineno - line))
    raise InvalidRequestError(
        f"{file}:{line}: there is no function in this line; the nearest is {nearest.name} in line {nearest.node.lineno}"
    )


def find_asked_function(source: SourceTree, file: str) -> Function | None:
    """Return the function in which a comment `# dubito: …` says what is wanted; None where there is no such comment.

    The comment `# dubito: fill` marks a hole, and asks for no function. Raises InvalidRequestError for comments in
    several functions, or in none.
    """
    text, starts = source.text, list_line_starts(source.text)
    comments = [
        each.start
        for each in read_tokens(text, starts)
        if each.kind == tokenize.COMMENT and _REQUEST.match(text, each.start)
    ]
    functions = list_functions(source.tree)
    asked = dict[str, Function]()
    for comment in comments:
        inside = [each for each in functions if find_layout(source, each).start <= comment < find_tail(source, each)]
        if not inside:
            raise InvalidRequestError(
                f"{file}:{text.count(chr(10), 0, comment) + 1}: this comment asks for code, and stands in no function; "
                "put it below the head of the function that it is about"
            )
        asked[inside[-1].name] = _check_name(source, inside[-1], file)
    if len(asked) > 1:
        raise InvalidRequestError(
            f"{file} asks for {len(asked)} functions by comments ({', '.join(asked)}), and one is written at a time; "
            f"name it, as in {next(iter(asked))}"
        )
    return next(iter(asked.values()), None)


def _find_first_line(source: SourceTree, function: Function) -> int:
    """Return the line in which a function begins, with its decorators and the comments right above them."""
    layout, lines = find_layout(source, function), source.text.split("\n")
    line = source.text.count("\n", 0, layout.start) + 1
    while line > 1 and lines[line - 2].startswith(f"{layout.indent}#"):
        line -= 1
    return line


def _reaches(source: SourceTree, function: Function, line: int) -> bool:
    """Decide whether a line below the first one of a function is its own: code, or blanks and comments below it."""
    indent = len(find_layout(source, function).indent.expandtabs())
    last = source.text.count("\n", 0, find_tail(source, function)) + 1
    below = source.text.split("\n")[last:line]
    return all(
        not each.strip() or (each.lstrip().startswith("#") and len(read_indent(each, 0).expandtabs()) > indent)
        for each in below
    )


def _check_name(source: SourceTree, function: Function, file: str) -> Function:
    """Return a function, if its name means no other one. Raises InvalidRequestError."""
    if find_target(source, function.name, file).node is function.node:
        return function
    same = [str(each.node.lineno) for each in list_functions(source.tree) if each.name == function.name]
    raise InvalidRequestError(
        f"{file} defines {function.name} in the lines {join_names(same).replace(' or ', ' and ')}, and a body is still "
        "to be written in another one than this; write that first, or rename one of them"
    )
