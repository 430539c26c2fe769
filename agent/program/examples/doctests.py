"""The examples of one docstring that look like an interpreter's session: read in order, as one process runs them."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import replace

from agent.program.examples.example import Example
from agent.program.examples.imports import read_imports
from agent.program.separation.scope import NotSeparableError, Scope, decides, may_judge
from agent.program.separation.separate import join_setups, refuse_shared, separate
from agent.program.separation.setups import Setup, expose_to_program, refuse_revealed, select_for_program
from agent.program.separation.statements import read_setup
from agent.program.syntax import PARSE_ERRORS, find_free_names, find_names, parse, read_expression, read_literal

_MOST = 200  # examples of a docstring that are read; each looks at those before it
_MOST_LINES = 60  # of what an example shows that may be a literal with prose below it
_PROMPT = re.compile(r"^(\s*)>>> ?(?=\S)")
_PROSE = re.compile(r"[A-Za-z]{2}\W+[A-Za-z]")
_PRINTING = {"print", "pprint", "pp"}
_ORDERLESS = {"frozenset": "frozenset", "Counter": "_counter"}  # their repr may come in any order


class DoctestReader:
    """Takes in one example after the other, and makes checks of them."""

    def __init__(self, scope: Scope, *, waits: Collection[str] = (), prints: bool = False, number: int = 0) -> None:
        """Begin a session.

        waits: the program's names that give coroutines; prints: what it shows is what it prints.
        """
        self.examples: list[Example] = []
        self.unparsed: list[str] = []
        self._scope, self._waits, self._prints, self._number = scope, waits, prints, number
        self._steps: list[Setup] = []
        self._ran = set[int]()  # ids of the steps that have run

    def read(self, docstring: str) -> None:
        """Read all examples of a docstring; those that cannot be taken apart spoil no others."""
        doctest_examples = list(split_doctests(docstring, _MOST))
        trees = [None if isinstance(each, str) else parse(each.source) for each in doctest_examples]
        imported = read_imports((node for tree in trees if tree for node in ast.walk(tree)), self._scope.program)
        self._scope.foreign = imported.foreign
        for doctest_example, tree in zip(doctest_examples, trees, strict=True):
            shown = (
                f">>> {doctest_example if isinstance(doctest_example, str) else doctest_example.source.splitlines()[0]}"
            )
            skipped = not isinstance(doctest_example, str) and doctest_example.options.get(doctest.SKIP)
            if tree is None or isinstance(doctest_example, str) or skipped or not tree.body:
                self.unparsed.append(shown)
                continue
            try:
                self._take(imported.resolve_pause(tree), doctest_example, shown)
            except PARSE_ERRORS:  # NotSeparableError is a ValueError
                self.unparsed.append(shown)

    def _take(self, tree: ast.Module, doctest_example: doctest.Example, shown: str) -> None:
        *first, last = tree.body
        for statement in first:
            self._prepare(statement)
        shows = bool(doctest_example.want.strip()) or doctest_example.exc_msg is not None
        try:
            if isinstance(last, ast.Assert):
                self._add(replace(self._read_assertion(deepcopy(last.test)), source=shown), last)
            elif isinstance(last, ast.Expr) and self._touches(last):
                self._add(replace(self._expression(last.value, doctest_example), source=shown), last)
            elif shows and not isinstance(last, ast.Expr):
                self._add(replace(self._statement(last, doctest_example), source=shown), last)
            else:
                self._prepare(last)
        except NotSeparableError:
            if not isinstance(last, ast.Expr | ast.Assert):
                self._prepare(last)
            raise

    def _expression(self, value: ast.expr, doctest_example: doctest.Example) -> Example:
        """Make a check of an expression and what it is shown to give."""
        source, flags = ast.unparse(value), read_flags(doctest_example)
        self._refuse_coroutine(value, source)
        if doctest_example.exc_msg is not None:
            return self._exception(value, doctest_example)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _PRINTING:
            return self._printed(value, doctest_example)
        want = cut_prose(doctest_example.want)
        if not want:
            example = self._read_assertion(deepcopy(value))
            return replace(example, expected="_0 is None") if example.expected == "_0" else example
        tree = read_expression(want)
        if flags & doctest.ELLIPSIS:
            return self._shown(value, doctest_example)
        if " at 0x" in want or _has_ellipsis(tree):
            raise NotSeparableError("shows what cannot be compared")
        if tree is not None and (read_literal(tree) or _orderless(tree)) and not self._prints:
            return self._read_assertion(_compared(deepcopy(value), tree))
        return self._shown(value, doctest_example)

    def _shown(self, value: ast.expr, doctest_example: doctest.Example) -> Example:
        """Compare the text that an interpreter would show: what the program prints, and its value's repr."""
        try:
            refuse_shared(deepcopy(value), self._scope)
        except NotSeparableError:
            if not _is_of_data(doctest_example.want):
                raise
            text = ast.Call(ast.Name("repr", ast.Load()), [deepcopy(value)], [])
            return self._read_assertion(ast.Compare(text, [ast.Eq()], [ast.Constant(doctest_example.want.strip())]))
        return Example(
            "", (self._beside(value),), shown=_blank_lines(doctest_example.want), flags=read_flags(doctest_example)
        )

    def _printed(self, call: ast.Call, doctest_example: doctest.Example) -> Example:
        """Compare what is printed: in the program's process, unless there is something in it to lie to."""
        parts = [part.value if isinstance(part, ast.Starred) else part for part in call.args]
        if doctest_example.want.strip() in ("True", "False") and any(map(may_judge, parts)):
            raise NotSeparableError("lets a function judge that the program may define")
        try:
            for part in parts:
                if self._touches(ast.Expr(part)):
                    refuse_shared(deepcopy(part), self._scope)
        except NotSeparableError:
            if call.keywords or not isinstance(call.func, ast.Name) or call.func.id != "print":
                raise
            text = read_expression("' '.join(map(str, given))")
            assert isinstance(text, ast.Call) and isinstance(text.args[0], ast.Call)
            text.args[0].args[1] = ast.List(deepcopy(call.args), ast.Load())
            return self._read_assertion(
                ast.Compare(text, [ast.Eq()], [ast.Constant(doctest_example.want.rstrip("\n"))])
            )
        self._refuse_names(find_names([call]))
        return Example(
            "", (self._beside(call),), shown=_blank_lines(doctest_example.want), flags=read_flags(doctest_example)
        )

    def _statement(self, statement: ast.stmt, doctest_example: doctest.Example) -> Example:
        """Make a check of a statement that prints, or raises."""
        if doctest_example.exc_msg is not None:
            return self._exception(statement, doctest_example)
        if decides(statement, self._scope.trusted | self._scope.risky):
            raise NotSeparableError("prints what a value of the program could lie about")
        self._refuse_names(find_free_names(statement))
        return Example(
            "", (self._beside(statement),), shown=_blank_lines(doctest_example.want), flags=read_flags(doctest_example)
        )

    def _exception(self, code: ast.AST, doctest_example: doctest.Example) -> Example:
        """Want an exception as doctest does: its type and its message, wherever the type comes from."""
        self._refuse_names(find_names([code]))
        kind, _, message = (doctest_example.exc_msg or "").strip().partition(":")
        name, wanted_message = kind.strip().rpartition(".")[2], message.strip() or None
        return Example(
            "", (self._beside(code),), raises=name, message=wanted_message, flags=read_flags(doctest_example)
        )

    def _beside(self, code: ast.AST) -> str:
        return ast.unparse(expose_to_program(code, self._scope).code)

    def _read_assertion(self, expected: ast.expr) -> Example:
        apart = separate(expected, self._steps, self._scope)
        return Example("", apart.expressions, apart.expected, expected_setup=join_setups(apart.expected_setup))

    def _add(self, example: Example, statement: ast.stmt) -> None:
        """Add a check, behind what the program's process has not run of what stands above it."""
        names = find_names(tree for source in example.expressions for tree in [parse(source) or ast.Pass()])
        before = select_for_program(self._steps, names, self._ran)
        refuse_revealed(example, before, self._scope)
        self._ran |= set(map(id, before))
        sources = tuple(step.guest_source for step in before)
        self.examples.append(replace(example, before=sources, session=self._number))
        if not isinstance(statement, ast.Expr | ast.Assert):
            count = len(self._steps)
            self._prepare(statement)
            self._ran |= set(map(id, self._steps[count:]))

    def _prepare(self, statement: ast.stmt) -> None:
        """Keep a statement for what comes after it; one in which the program could lie is not run."""
        self._steps += read_setup(statement, self._scope)

    def _touches(self, statement: ast.stmt) -> bool:
        """Whether it has to do with the program."""
        return not find_free_names(statement) <= self._scope.trusted | self._scope.risky

    def _refuse_names(self, names: set[str]) -> None:
        if names & (self._scope.spoiled | set(self._scope.foreign)):
            raise NotSeparableError("depends on what cannot be run")

    def _refuse_coroutine(self, value: ast.AST, source: str) -> None:
        if find_names([value]) & set(self._waits) and "asyncio.run(" not in source:
            raise NotSeparableError("gives a coroutine")


def split_doctests(docstring: str, most: int) -> Iterator[doctest.Example | str]:
    """Yield the examples that begin with >>>, each read by itself.

    An example that cannot be read, or has `most` examples before it, comes as its first line.
    """
    block: list[str] = []
    count = 0
    for line in [*docstring.expandtabs().splitlines(), ">>> end"]:
        begins = _PROMPT.match(line)
        if begins and block:
            doctest_example = _example("\n".join(block) + "\n") if count < most else None
            yield doctest_example or block[0].strip().removeprefix(">>> ")
            block, count = [], count + 1
        if begins:
            indent = begins[1]
            block = [_PROMPT.sub(r"\1>>> ", line)]
        elif block:
            block.append(line if line.startswith(indent) or not line.strip() else indent + line.lstrip())


def _example(block: str) -> doctest.Example | None:
    try:
        doctest_examples = doctest.DocTestParser().get_examples(re.sub(r"(?m)^([ \t]*\.\.\.)(?=[^\s.])", r"\1 ", block))
    except ValueError:  # a prompt is no place to complain about how its examples are written
        return None
    return doctest_examples[0] if len(doctest_examples) == 1 else None


def read_flags(doctest_example: doctest.Example) -> int:
    """Return doctest's flags of an example, as one number."""
    return sum(flag for flag, on in doctest_example.options.items() if on)


def cut_prose(want: str) -> str:
    """Return what an example shows, without the prose that stands right below a literal."""
    lines = want.strip().split("\n")
    for end in range(min(len(lines), _MOST_LINES), 0, -1):
        rest = lines[end:]
        if (not rest or _PROSE.search(rest[0])) and read_literal("\n".join(lines[:end])) is not None:
            return "\n".join(lines[:end])
    return want.strip()


def _blank_lines(want: str) -> str:
    return want.replace("<BLANKLINE>", "")


def _has_ellipsis(tree: ast.expr | None) -> bool:
    return tree is not None and any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))


def _orderless(tree: ast.expr) -> bool:
    match tree:
        case ast.Call(ast.Name(name), [ast.Dict() | ast.Set() as items], []) if name in _ORDERLESS:
            return read_literal(items) is not None
    return False


_DATA = {"Counter", "OrderedDict", "deque", "Decimal", "Fraction", "datetime", "range", "set", "frozenset"}


def _is_of_data(want: str) -> bool:
    """Whether a text may be the repr of plain data, or of a value that can be built anew without the program."""
    tree = read_expression(re.sub(r"<class '(\w+)'>", "None", want.strip()))
    return tree is not None and find_names([tree]) <= _DATA | {"inf", "nan"}


def _compared(value: ast.expr, wanted: ast.expr) -> ast.expr:
    """Return the claim that a value is the one that is shown."""
    match wanted:
        case ast.Call(ast.Name(name), items, []) if _orderless(wanted):
            kind = read_expression(_ORDERLESS[name])
            assert kind is not None
            return ast.Call(ast.Name("_is_just", ast.Load()), [value, ast.Call(kind, items, [])], [])
    return ast.Compare(value, [ast.Eq()], [wanted])
