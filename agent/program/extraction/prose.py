"""Find Python between sentences, where no fence marks it: runs of lines that parse. Time is linear in the text."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Sequence

from agent.program.extraction.fences import find_open_quote, is_fence, split_lines
from agent.program.extraction.parts import Span, join_parts
from agent.program.syntax import find_bound_names, find_root, parse

LineRun = tuple[Span, ...]
_NAME = r"(?:PYTHON|CODE|ANSWER|SOLUTION|PROGRAM)"
_TAGS = re.compile(rf"[ \t]*(?:</?[A-Za-z_]\w{{0,20}}>|\[/?{_NAME}\])+")  # as in <code> and [PYTHON]
_LAST_TAGS = re.compile(rf"(?:</[A-Za-z_]\w{{0,20}}>|\[/{_NAME}\])+\s*\Z")
_GOES_ON = re.compile(r"[)\]}]|(?:else|elif|except|finally)\b")  # at the margin, but inside a statement
_QUOTED_IMPORT = re.compile(r"(?<!`)`((?:import|from) [^`\n]{1,100})`(?!`)")
_BUILTINS = frozenset(dir(builtins))
_MOST_LINES = 2_000  # the last lines of a text; earlier ones are not read


def find_imports(text: str, start: int = 0) -> list[LineRun]:
    """Return the imports that sentences quote, as in "you need `import math`"."""
    return [(Span(*match.span(1)),) for match in _QUOTED_IMPORT.finditer(text, start)]


def split_prose(text: str, start: int = 0) -> list[Span]:
    """Return the last lines without tags at their ends and without carriage returns."""
    lines = list[Span]()
    for begin, end in split_lines(text, start)[-_MOST_LINES:]:
        content = text[begin:end]
        first, last = _TAGS.match(content), _LAST_TAGS.search(content[-200:])
        after = begin + first.end() if first else begin
        before = max(after, end - len(content[-200:]) + last.start()) if last else end
        if text.endswith("\r\n", after, before):
            lines += [Span(after, before - 2), Span(before - 1, before)]
        elif before < end and content.endswith("\n"):
            lines += [Span(after, before), Span(end - 1, end)]
        else:
            lines.append(Span(after, before))
    return lines


def find_statement_runs(text: str, lines: Sequence[Span]) -> list[LineRun]:
    """Return the runs of whole statements, without bare expressions at their ends: prose may look like those."""
    complete, run = list[LineRun](), list[LineRun]()
    for unit in [*_split_units(text, lines), ()]:
        if unit and parse(join_parts(text, unit)) is not None:
            run.append(unit)
            continue
        names = _BUILTINS | {
            name for each in run for node in _parse_unit(text, each) for name in find_bound_names(node)
        }
        while run and _is_idle(text, run[-1], names):
            run.pop()
        while run and _is_idle(text, run[0], names):
            run.pop(0)
        complete += [tuple(span for each in run for span in each)] if run else []
        run = []
    return complete


def find_indented_runs(text: str, start: int = 0) -> list[LineRun]:
    """Return the runs of indented lines, as a function's body is."""
    complete, run = list[LineRun](), list[Span]()
    for line in [*split_prose(text, start), Span(len(text), len(text))]:
        content = text[slice(*line)]
        if line.end > line.start and (not content.strip() or content[0] in " \t"):
            run.append(line)
        else:
            complete += [tuple(run)] if join_parts(text, run).strip() else []
            run = []
    return complete


def _split_units(text: str, lines: Sequence[Span], *, strings: bool = True) -> list[LineRun]:
    """Cut a text before each line that may begin a statement at the margin. strings: no statement begins inside one."""
    units, quote, decorated = list[list[Span]](), "", False
    for line, commented in zip(lines, _find_inner_comments(text, lines), strict=True):
        content = text[slice(*line)]
        inside = (
            commented
            or bool(quote)
            or decorated
            or not content.strip()
            or content[0] in " \t"
            or _GOES_ON.match(content)
        )
        if is_fence(content) and not quote:
            units.append([])  # an empty unit does not parse, and so ends a run
            units.append([])
            continue
        if not inside or not units:
            units.append([])
        units[-1].append(line)
        decorated = not quote and content.startswith("@")
        quote = find_open_quote(content, quote) if strings else ""
    whole = [tuple(unit) for unit in units]
    if not quote:
        return whole
    return [*whole[:-1], *_split_units(text, whole[-1], strings=False)]  # the string in the last one never ends


def _find_inner_comments(text: str, lines: Sequence[Span]) -> list[bool]:
    """Return whether each line is a comment at the margin above an indented line: it stands inside that statement."""
    inner, indented = list[bool](), False
    for line in reversed(lines):
        content = text[slice(*line)]
        comment = content.startswith("#")
        inner.append(comment and indented)
        indented = indented if comment or not content.strip() else content[0] in " \t"
    return inner[::-1]


def _is_idle(text: str, unit: LineRun, names: Collection[str]) -> bool:
    """Decide whether a unit is blank, or only annotations and expressions that call none of these names."""
    return all(
        (isinstance(each, ast.Expr) and not (isinstance(each.value, ast.Call) and find_root(each.value) in names))
        or (isinstance(each, ast.AnnAssign) and each.value is None)
        for each in _parse_unit(text, unit)
    )


def _parse_unit(text: str, unit: LineRun) -> list[ast.stmt]:
    tree = parse(join_parts(text, unit))
    return tree.body if tree else []
