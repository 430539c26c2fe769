"""Read the `>>>` examples of one docstring, in order, as one process would run them."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import replace

from agent.program.examples.equations import read_session_line
from agent.program.examples.example import Example
from agent.program.examples.imports import read_imports
from agent.program.separation.scope import NotSeparableError, Scope, decides, may_judge
from agent.program.separation.separate import require_program_alone, separate
from agent.program.separation.setups import Setup, expose_to_program, join_setups, refuse_revealed, select_for_program
from agent.program.separation.statements import read_setup
from agent.program.syntax import PARSE_ERRORS, find_free_names, find_names, parse, read_expression, read_literal

_MOST = 200  # examples of a docstring: each looks at all before it, so the time is quadratic
_MOST_LINES = 60  # lines of a shown output in which a literal is looked for
_PROMPT = re.compile(r"^(\s*)>>> ?(?=\S)")
_PROSE = re.compile(r"[A-Za-z]{2}\W+[A-Za-z]")
_PRINTING = {"print", "pprint", "pp"}
_ORDERLESS = {"frozenset": "frozenset", "Counter": "_counter"}  # the order in their repr means nothing


class DoctestReader:
    """Reads one doctest example after the other. The scope is what is known of names where the next one stands."""

    def __init__(self, scope: Scope, *, waits: Collection[str] = (), prints: bool = False, number: int = 0) -> None:
        """Begin a session, which is number `number` of the prompt.

        waits: functions of the program that return coroutines; prints: shown outputs are printed, not returned.
        """
        self.examples: list[Example] = []
        self.unparsed: list[str] = []
        self._scope, self._waits, self._prints, self._number = scope, waits, prints, number
        self._setups: list[Setup] = []
        self._ran = set[int]()  # ids of the setups that have run

    def read(self, docstring: str) -> None:
        """Read all examples of a docstring. One that cannot be parsed leaves the others as they are."""
        doctest_examples = list(split_doctests(docstring, _MOST))
        trees = [None if isinstance(each, str) else parse(each.source) for each in doctest_examples]
        imported = read_imports((node for tree in trees if tree for node in ast.walk(tree)), self._scope.program)
        self._scope.foreign = imported.foreign
        for doctest_example, tree in zip(doctest_examples, trees, strict=True):
            shown = (
                f">>> {doctest_example if isinstance(doctest_example, str) else doctest_example.source.splitlines()[0]}"
            )
            skipped = not isinstance(doctest_example, str) and doctest_example.options.get(doctest.SKIP)
            if not skipped and self._read_line(doctest_example, tree, shown):
                continue
            if tree is None or isinstance(doctest_example, str) or skipped or not tree.body:
                self.unparsed.append(shown)
                continue
            try:
                self._read_one(imported.resolve(tree), doctest_example, shown)
            except PARSE_ERRORS:  # NotSeparableError is a ValueError
                self.unparsed.append(shown)

    def _read_line(self, doctest_example: doctest.Example | str, tree: ast.Module | None, shown: str) -> bool:
        """Add the example of a line that shows its output itself, if none stands below. Return whether it does."""
        if isinstance(doctest_example, str):
            line = doctest_example
        elif doctest_example.want.strip() or doctest_example.exc_msg is not None:
            return False
        else:
            line = doctest_example.source.strip()
        example = read_session_line(line, set(self._scope.program) - set(self._waits))
        if example is None or not (tree is None or _is_subscript(tree) or "#" in line):
            return False
        self.examples.append(replace(example, source=shown, session=self._number))
        return True

    def _read_one(self, tree: ast.Module, doctest_example: doctest.Example, shown: str) -> None:
        *first, last = tree.body
        for statement in first:
            self._keep(statement)
        shows = bool(doctest_example.want.strip()) or doctest_example.exc_msg is not None
        try:
            if isinstance(last, ast.Assert):
                self._add(replace(self._read_assertion(deepcopy(last.test)), source=shown), last)
            elif isinstance(last, ast.Expr) and self._touches(last):
                self._add(replace(self._read_expression(last.value, doctest_example), source=shown), last)
            elif shows and not isinstance(last, ast.Expr):
                self._add(replace(self._read_statement(last, doctest_example), source=shown), last)
            else:
                self._keep(last)
        except NotSeparableError:
            if not isinstance(last, ast.Expr | ast.Assert):
                self._keep(last)
            raise

    def _read_expression(self, value: ast.expr, doctest_example: doctest.Example) -> Example:
        """Return the example of an expression and its shown output."""
        source, flags = ast.unparse(value), read_flags(doctest_example)
        self._refuse_coroutine(value, source)
        if doctest_example.exc_msg is not None:
            return self._expect_exception(value, doctest_example)
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id in _PRINTING:
            return self._compare_printed(value, doctest_example)
        want = cut_prose(doctest_example.want)
        if not want:
            example = self._read_assertion(deepcopy(value))
            return replace(example, expected="_0 is None") if example.expected == "_0" else example
        tree = read_expression(want)
        if flags & doctest.ELLIPSIS:
            return self._compare_shown(value, doctest_example)
        if " at 0x" in want or _has_ellipsis(tree):
            raise NotSeparableError("shows what cannot be compared")
        if tree is not None and (read_literal(tree) or _orderless(tree)) and not self._prints:
            return self._read_assertion(_equate(deepcopy(value), tree))
        return self._compare_shown(value, doctest_example)

    def _compare_shown(self, value: ast.expr, doctest_example: doctest.Example) -> Example:
        """Return an example that compares what an interpreter would show: what is printed, and the value's repr."""
        try:
            require_program_alone(deepcopy(value), self._scope)
        except NotSeparableError:
            if not _is_of_data(doctest_example.want):
                raise
            text = ast.Call(ast.Name("repr", ast.Load()), [deepcopy(value)], [])
            return self._read_assertion(ast.Compare(text, [ast.Eq()], [ast.Constant(doctest_example.want.strip())]))
        return self._expect_shown(value, doctest_example)

    def _compare_printed(self, call: ast.Call, doctest_example: doctest.Example) -> Example:
        """Return an example that compares what a call of print shows.

        The program's process prints, unless a value of the program could lie there; then the judge's process does.
        """
        parts = [part.value if isinstance(part, ast.Starred) else part for part in call.args]
        if doctest_example.want.strip() in ("True", "False") and any(map(may_judge, parts)):
            raise NotSeparableError("lets a function judge that the program may define")
        try:
            for part in parts:
                if self._touches(ast.Expr(part)):
                    require_program_alone(deepcopy(part), self._scope)
        except NotSeparableError:
            if call.keywords or not isinstance(call.func, ast.Name) or call.func.id != "print":
                raise
            text = read_expression("' '.join(map(str, values))")
            assert isinstance(text, ast.Call) and isinstance(text.args[0], ast.Call)
            text.args[0].args[1] = ast.List(deepcopy(call.args), ast.Load())
            return self._read_assertion(
                ast.Compare(text, [ast.Eq()], [ast.Constant(doctest_example.want.rstrip("\n"))])
            )
        self._refuse_names(find_names([call]))
        return self._expect_shown(call, doctest_example)

    def _read_statement(self, statement: ast.stmt, doctest_example: doctest.Example) -> Example:
        """Return the example of a statement that prints or raises."""
        if doctest_example.exc_msg is not None:
            return self._expect_exception(statement, doctest_example)
        if decides(statement, self._scope.trusted | self._scope.risky):
            raise NotSeparableError("prints what a value of the program could lie about")
        self._refuse_names(find_free_names(statement))
        return self._expect_shown(statement, doctest_example)

    def _expect_exception(self, code: ast.AST, doctest_example: doctest.Example) -> Example:
        """Return an example that expects an exception by its type's last name and its message, as doctest does."""
        self._refuse_names(find_names([code]))
        kind, _, message = (doctest_example.exc_msg or "").strip().partition(":")
        name, wanted_message = kind.strip().rpartition(".")[2], message.strip() or None
        return Example(
            "", (self._expose(code),), raises=name, message=wanted_message, flags=read_flags(doctest_example)
        )

    def _expect_shown(self, code: ast.AST, doctest_example: doctest.Example) -> Example:
        """Return an example that expects the shown text."""
        text = doctest_example.want.replace("<BLANKLINE>", "")
        return Example("", (self._expose(code),), shown=text, flags=read_flags(doctest_example))

    def _expose(self, code: ast.AST) -> str:
        return ast.unparse(expose_to_program(code, self._scope).code)

    def _read_assertion(self, expected: ast.expr) -> Example:
        apart = separate(expected, self._setups, self._scope)
        return Example("", apart.expressions, apart.expected, expected_setup=join_setups(apart.expected_setup))

    def _add(self, example: Example, statement: ast.stmt) -> None:
        """Add an example. The setups that it needs run before it, unless they have run."""
        names = find_names(tree for source in example.expressions for tree in [parse(source) or ast.Pass()])
        before = select_for_program(self._setups, names, self._ran)
        sources = tuple(setup.guest_source for setup in before)
        refuse_revealed((*sources, *example.expressions), example.judge_sources, self._scope)
        self._ran |= set(map(id, before))
        self.examples.append(replace(example, before=sources, session=self._number))
        if not isinstance(statement, ast.Expr | ast.Assert):
            count = len(self._setups)
            self._keep(statement)
            self._ran |= set(map(id, self._setups[count:]))

    def _keep(self, statement: ast.stmt) -> None:
        """Keep a statement for the examples below it."""
        self._setups += read_setup(statement, self._scope)

    def _touches(self, statement: ast.stmt) -> bool:
        """Decide whether a statement depends on the program."""
        return not find_free_names(statement) <= self._scope.trusted | self._scope.risky

    def _refuse_names(self, names: set[str]) -> None:
        if names & (self._scope.tainted | set(self._scope.foreign)):
            raise NotSeparableError("depends on what cannot be run")

    def _refuse_coroutine(self, value: ast.AST, source: str) -> None:
        if find_names([value]) & set(self._waits) and "asyncio.run(" not in source:
            raise NotSeparableError("gives a coroutine")


def split_doctests(docstring: str, most: int) -> Iterator[doctest.Example | str]:
    """Yield the examples that begin with >>>, each parsed by itself.

    One that doctest cannot parse, or that comes after `most` others, is yielded as its first line.
    """
    block: list[str] = []
    count = 0
    for line in [*docstring.expandtabs().splitlines(), ">>> end"]:
        begins = _PROMPT.match(line)
        if begins and block:
            doctest_example = _parse_doctest("\n".join(block) + "\n") if count < most else None
            yield doctest_example or block[0].strip().removeprefix(">>> ")
            block, count = [], count + 1
        if begins:
            indent = begins[1]
            block = [_PROMPT.sub(r"\1>>> ", line)]
        elif block:
            block.append(line if line.startswith(indent) or not line.strip() else indent + line.lstrip())


def _parse_doctest(block: str) -> doctest.Example | None:
    try:
        doctest_examples = doctest.DocTestParser().get_examples(re.sub(r"(?m)^([ \t]*\.\.\.)(?=[^\s.])", r"\1 ", block))
    except ValueError:  # doctest refuses the layout
        return None
    return doctest_examples[0] if len(doctest_examples) == 1 else None


def read_flags(doctest_example: doctest.Example) -> int:
    """Return the option flags of a doctest example, as one number."""
    return sum(flag for flag, on in doctest_example.options.items() if on)


def cut_prose(want: str) -> str:
    """Return a shown output without the prose that stands right below a literal."""
    lines = want.strip().split("\n")
    for end in range(min(len(lines), _MOST_LINES), 0, -1):
        rest = lines[end:]
        if (not rest or _PROSE.search(rest[0])) and read_literal("\n".join(lines[:end])) is not None:
            return "\n".join(lines[:end])
    return want.strip()


def _has_ellipsis(tree: ast.expr | None) -> bool:
    return tree is not None and any(isinstance(node, ast.Constant) and node.value is ... for node in ast.walk(tree))


def _orderless(tree: ast.expr) -> bool:
    match tree:
        case ast.Call(ast.Name(name), [ast.Dict() | ast.Set() as items], []) if name in _ORDERLESS:
            return read_literal(items) is not None
    return False


_DATA = {"Counter", "OrderedDict", "deque", "Decimal", "Fraction", "datetime", "range", "set", "frozenset"}


def _is_of_data(want: str) -> bool:
    """Decide whether a text may be the repr of plain data, or of a value that the judge's process can build."""
    tree = read_expression(re.sub(r"<class '(\w+)'>", "None", want.strip()))
    return tree is not None and find_names([tree]) <= _DATA | {"inf", "nan"}


def _is_subscript(tree: ast.Module) -> bool:
    match tree.body:
        case [ast.Expr(ast.Subscript())]:
            return True
    return False


def _equate(value: ast.expr, wanted: ast.expr) -> ast.expr:
    """Return the condition that a value equals the shown one."""
    match wanted:
        case ast.Call(ast.Name(name), items, []) if _orderless(wanted):
            kind = read_expression(_ORDERLESS[name])
            assert kind is not None
            return ast.Call(ast.Name("_is_just", ast.Load()), [value, ast.Call(kind, items, [])], [])
    return ast.Compare(value, [ast.Eq()], [wanted])
