"""Read a test file: asserts, pytest.raises and unittest's methods become examples.

Nothing is dropped in silence. A statement that calls the program becomes part of an example, a test that cannot be read
is listed as left out, and outside of tests such a statement is an error: what follows may need it.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from agent.program.examples.assertions import (
    ADVICE,
    asserts_or_branches,
    ends_test,
    holds_tests,
    is_assertion,
    is_idle,
    is_raises,
    is_skipped,
    names_callee,
    read_assertion,
    read_exceptions,
    read_method,
    read_pattern,
    refuse_depth,
    split_class,
)
from agent.program.examples.example import Example, ReadExamples
from agent.program.examples.imports import read_imports
from agent.program.examples.parameters import write_out_cases
from agent.program.separation.scope import NotSeparableError, Scope
from agent.program.separation.separate import separate
from agent.program.separation.setups import Setup, expose_to_program, join_setups, refuse_revealed, select_for_program
from agent.program.separation.statements import read_setup
from agent.program.syntax import find_free_names, find_names, find_targets, read_module

_WHERE = (
    "a loop, a branch, a class or a function with arguments, where its expected value cannot be kept from the program"
)
_COMPOUND = ast.For | ast.While | ast.If | ast.Try | ast.With | ast.Match | ast.AsyncFor | ast.AsyncWith | ast.TryStar


def read_tests(
    source: str, *, program: Collection[str] = (), classes: Collection[str] = (), records: Collection[str] = ()
) -> ReadExamples:
    """Return the examples at the top level of a test file, in functions named test…, and in classes of such methods.

    program: the names that the program is asked to define, if they are known; a test of another name is an error.
    classes: which of them are classes; records: which of the classes are no more than their fields.
    The unparsed lines are tests that cannot be read, and statements that do not run because no example needs them.
    Raises SyntaxError if the text is not Python, and NotSeparableError, with the line, where no test can be read, or an
    assert outside of the tests.
    """
    try:
        module = read_module(source)
        refuse_depth(module)
        imported = read_imports(ast.walk(module), program)
        module = imported.resolve(module)
        reader = _Reader(Scope(program, classes, records, bool(program), imported.foreign))
        reader.read(module.body)
        reader.refuse_unseen(module)
        if reader.left_out and not reader.examples:
            raise reader.left_out[0]
    except (RecursionError, MemoryError) as error:
        raise SyntaxError("it is nested too deeply to be read") from error
    except ValueError as error:
        if isinstance(error, NotSeparableError):
            raise
        raise SyntaxError(str(error)) from error
    return ReadExamples(reader.examples, reader.unparsed)


class _Reader:
    """Reads statements in their order. The scope is what is known of names where the next statement stands."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.examples: list[Example] = []
        self.unparsed: list[str] = []
        self.left_out: list[NotSeparableError] = []  # why, test by test
        self._seen = set[int]()  # ids of the nodes of assertions that became examples
        self._setups: list[Setup] = []  # statements above, of this function and of the module
        self._needed = set[int]()  # ids of the setups that some example needs
        self._ran = set[int]()  # ids of the setups that have run in this session
        self._session = self._sessions = 0
        self._cases = list[ast.FunctionDef]()  # that were written out: while they live, nothing else has their ids

    def read(self, statements: Sequence[ast.stmt]) -> None:
        """Read statements that run one after the other."""
        count = len(self._setups)
        last = {name: at for at, statement in enumerate(statements) for name in find_names([statement])}
        for at, statement in enumerate(statements):
            if ends_test(statement):
                self._pass_over(statements[at:])
                break
            if not (self._read_test(statement) or is_idle(statement)):
                self._keep(statement, {name for name, place in last.items() if place > at})
        for setup in self._setups[count:]:
            if setup.calls_program and setup.always_runs and id(setup) not in self._ran:
                self._run_alone(setup)
            self._list_unneeded(setup)

    def _keep(self, statement: ast.stmt, later: set[str]) -> None:
        """Keep a statement for the examples below it. One that calls the program, for no example, is one itself."""
        touches = not find_free_names(statement) <= self._scope.trusted | self._scope.risky
        names, before = find_names([statement]), set(self._scope.tainted)
        if touches and isinstance(statement, _COMPOUND):
            self.refuse_unseen(statement)
        if touches and not isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            self._refuse_unknown(statement, names)
        setups = read_setup(statement, self._scope)
        if touches and isinstance(statement, _COMPOUND):
            self._refuse_judging(statement, before)
        for setup in setups:
            self._setups.append(setup)
            if setup.calls_program and setup.always_runs and not setup.writes & later:
                self._run_alone(setup)

    def _list_unneeded(self, setup: Setup) -> None:
        """List a statement as unparsed if no example needs it."""
        definition = ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Import | ast.ImportFrom
        binds = isinstance(setup.statement, ast.Assign | ast.AnnAssign) and setup.trusted and setup.writes
        if not (id(setup) in self._needed | self._ran or binds or isinstance(setup.statement, definition)):
            self.unparsed.append(f"{setup.statement.lineno}: {setup.source.splitlines()[0]}")

    def _pass_over(self, statements: Sequence[ast.stmt]) -> None:
        """List statements that no run reaches as unparsed, and expect nothing of them."""
        for statement in statements:
            self._seen |= {id(node) for node in ast.walk(statement)}
            self.unparsed.append(f"{statement.lineno}: {ast.unparse(statement).splitlines()[0]}")

    def _read_test(self, statement: ast.stmt) -> bool:
        """Read a statement if it is a test or holds tests. Return whether it is."""
        match statement:
            case ast.Assert(test):
                self._add_assertion(statement, test)
            case ast.Expr(ast.Call() as call):
                return self._read_call(statement, call)
            case ast.With([ast.withitem(ast.Call() as call, bound)], body) if is_raises(call) and not names_callee(
                call
            ):
                self._add_exception(statement, call, body)
                self._scope.tainted |= {bound.id} if isinstance(bound, ast.Name) else set()
            case ast.With([ast.withitem(ast.Call() as call)], body) if read_method(call) == "subTest":
                self.read(body)
            case ast.FunctionDef(name=name) if name.startswith("test"):
                self._read_cases(statement)
            case ast.ClassDef() if holds_tests(statement):
                with self._leaving_out(statement):
                    self._read_class(statement)
            case _:
                return False
        return True

    def _read_call(self, statement: ast.stmt, call: ast.Call) -> bool:
        if is_raises(call) and names_callee(call):
            function, *arguments = call.args[1:]
            inner = ast.Call(function, arguments, [keyword for keyword in call.keywords if keyword.arg != "match"])
            if "Regex" in read_method(call):
                inner = ast.Call(arguments[0], arguments[1:], call.keywords)
            self._add_exception(statement, call, [ast.Expr(inner)])
            return True
        expected = read_assertion(call)
        if expected is not None:
            self._add_assertion(statement, expected)
        elif is_assertion(call):
            raise NotSeparableError(f"{statement.lineno}: `{ast.unparse(call)}` cannot be read; {ADVICE}")
        return expected is not None

    def _add_assertion(self, statement: ast.stmt, test: ast.expr) -> None:
        source = ast.unparse(statement)
        if isinstance(statement, ast.Assert):
            source = f"assert {ast.unparse(test)}"
        try:
            apart = separate(test, self._setups, self._scope)
            example = Example(
                source, apart.expressions, apart.expected, expected_setup=join_setups(apart.expected_setup)
            )
            self._add(example, statement, apart.needs)
            self._needed |= set(map(id, apart.expected_setup))
        except NotSeparableError as error:
            raise NotSeparableError(f"{statement.lineno}: `{source}` {error}; {ADVICE}") from None

    def _add_exception(self, statement: ast.stmt, call: ast.Call, body: Sequence[ast.stmt]) -> None:
        kinds, pattern = read_exceptions(call.args[0]), read_pattern(call)
        if not kinds or pattern is False or any(map(asserts_or_branches, body)):
            raise NotSeparableError(f"{statement.lineno}: `{ast.unparse(call)}` cannot be read; {ADVICE}")
        self._refuse_unknown(statement, find_names(body))
        message = pattern if isinstance(pattern, str) else None
        try:
            exposed = [expose_to_program(each, self._scope).code for each in body]
            text = "\n".join(map(ast.unparse, exposed))
            shown = f"{ast.unparse(call)}: {text}"
            example = Example(shown, (text,), None, "|".join(kinds), True, message, pattern=message is not None)
            self._add(example, statement, find_names(exposed))
        except NotSeparableError as error:
            raise NotSeparableError(f"{statement.lineno}: `{ast.unparse(call)}` {error}; {ADVICE}") from None

    def _add(self, example: Example, statement: ast.stmt, names: set[str]) -> None:
        """Add an example. The setups that it needs run before it, unless they have run in this session."""
        self._seen |= {id(node) for node in ast.walk(statement)}
        setups = select_for_program(self._setups, names, self._ran)
        before = tuple(setup.guest_source for setup in setups)
        refuse_revealed((*before, *example.expressions), example.judge_sources, self._scope)
        self._ran |= set(map(id, setups))
        self._needed |= set(map(id, setups))
        self.examples.append(replace(example, before=before, session=self._session))

    def _read_cases(self, function: ast.FunctionDef, own: Sequence[ast.stmt] = ()) -> None:
        """Read a test, case by case where it has parameters. One that cannot be read is left out as a whole."""
        with self._leaving_out(function):
            for case in write_out_cases(function):
                self._cases.append(case)
                self._read_function(case, own)
                self.refuse_unseen(case)

    @contextmanager
    def _leaving_out(self, tests: ast.stmt) -> Iterator[None]:
        """Leave tests out that cannot be read: nothing else needs them."""
        count, state = len(self.examples), (self._scope, self._setups, self._session, self._ran)
        try:
            yield
        except NotSeparableError as error:
            del self.examples[count:]
            self._scope, self._setups, self._session, self._ran = state
            self.left_out.append(error)
            self.unparsed.append(str(error).removesuffix(f"; {ADVICE}"))
        self._seen |= {id(node) for node in ast.walk(tests)}

    def _read_function(self, function: ast.FunctionDef, own: Sequence[ast.stmt] = ()) -> None:
        if is_skipped(function):
            self._seen |= {id(node) for node in ast.walk(function)}
            self.unparsed.append(f"{function.lineno}: {function.name}, which is skipped")
            return
        if function.decorator_list:
            decorator = ast.unparse(function.decorator_list[0])
            raise NotSeparableError(f"{function.lineno}: {function.name} is decorated with {decorator}; {ADVICE}")
        arguments = function.args
        if any((arguments.args, arguments.posonlyargs, arguments.kwonlyargs, arguments.vararg, arguments.kwarg)):
            raise NotSeparableError(
                f"{function.lineno}: {function.name} takes arguments (a fixture, a parameter); {ADVICE}"
            )
        count, outside, ran = len(self.examples), self._session, self._ran
        self._sessions += 1
        scope, setups = self._scope, self._setups
        self._scope, self._setups = scope.copy(), list(setups)
        self._session, self._ran = self._sessions, set()
        self.read([*own, *function.body])
        self._session, self._ran = outside, ran
        self._scope, self._setups = scope, setups
        if len(self.examples) == count:
            raise NotSeparableError(f"{function.lineno}: {function.name} checks nothing that can be read; {ADVICE}")

    def _read_class(self, group: ast.ClassDef) -> None:
        """Read the methods of a class of tests, each after setUp, with self.x as a plain variable."""
        own, methods = split_class(group)
        for method in methods:
            self._read_cases(method, own)

    def _refuse_judging(self, statement: ast.stmt, spoiled: set[str]) -> None:
        """Raise NotSeparableError for a compound statement that judges the program's values in its own process."""
        raises = any(isinstance(node, ast.Raise) for node in ast.walk(statement))
        if raises or self._scope.tainted - spoiled or asserts_or_branches(statement):
            complaint = f"this {type(statement).__name__.lower()} judges what the program gives, inside its reach"
            raise NotSeparableError(f"{statement.lineno}: {complaint}; {ADVICE}")

    def _run_alone(self, setup: Setup) -> None:
        """Add an example that only runs a statement which calls the program."""
        self._ran.add(id(setup))
        self._add(Example(setup.source, (setup.guest_source,)), setup.statement, set(setup.guest_reads))

    def _refuse_unknown(self, statement: ast.stmt, names: set[str]) -> None:
        scope = self._scope
        bound = scope.trusted | scope.risky | scope.bound | set(scope.program) | find_targets(statement)
        foreign = sorted(names & set(scope.foreign))
        unknown = sorted(names - bound) if scope.closed else []
        if foreign or unknown:
            name = (foreign or unknown)[0]
            why = (
                f" of {scope.foreign[name]}, which no sandbox has" if foreign else ", which the prompt does not define"
            )
            raise NotSeparableError(f"{statement.lineno}: this needs {name}{why}; {ADVICE}")

    def refuse_unseen(self, tree: ast.AST) -> None:
        """Raise NotSeparableError for an assertion that did not become an example."""
        for node in ast.walk(tree):
            judges = isinstance(node, ast.Assert) or (isinstance(node, ast.Call) and is_assertion(node))
            if isinstance(node, ast.Assert | ast.Call) and judges and id(node) not in self._seen:
                raise NotSeparableError(
                    f"{node.lineno}: this assert stands inside {_WHERE}; write it out, one assert a case"
                )
