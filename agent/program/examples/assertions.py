"""The vocabulary of test files: unittest's methods, pytest.raises, skips, and statements that end or hold tests."""

from __future__ import annotations

import ast

from agent.program.examples.imports import RAISES
from agent.program.separation.scope import NotSeparableError
from agent.program.syntax import read_expression

_ONE = {
    "assertTrue": "first",
    "assertFalse": "not first",
    "assertIsNone": "first is None",
    "assertIsNotNone": "first is not None",
}
_TWO = {
    **dict.fromkeys(
        (
            "assertEqual", "assertListEqual", "assertTupleEqual", "assertDictEqual", "assertSetEqual",
            "assertMultiLineEqual", "assertEquals",
        ),
        "first == second",
    ),
    "assertNotEqual": "first != second",
    "assertIs": "first is second",
    "assertIsNot": "first is not second",
    "assertIn": "first in second",
    "assertNotIn": "first not in second",
    "assertIsInstance": "isinstance(first, second)",
    "assertNotIsInstance": "not isinstance(first, second)",
    "assertGreater": "first > second",
    "assertGreaterEqual": "first >= second",
    "assertLess": "first < second",
    "assertLessEqual": "first <= second",
    "assertSequenceEqual": "_in_order(first, second)",
    "assertCountEqual": "_alike(first, second)",
    "assertAlmostEqual": "_almost(first, second)",
    "assertNotAlmostEqual": "not _almost(first, second)",
}  # fmt: skip
_IDLE = {"print", "unittest.main", "pytest.main", "sys.path.insert", "sys.path.append"}
_FIRST = {"first", "expr", "obj", "member"}
_SECOND = {"second", "expr2", "container", "cls"}


def read_assertion(call: ast.Call) -> ast.expr | None:
    """Return the condition that a call such as self.assertEqual(a, b) asserts; None for another call."""
    name = read_method(call)
    template = _ONE.get(name) or _TWO.get(name)
    if template is None or any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    places = ["first", *(["second"] if name in _TWO else []), "msg"]
    if "Almost" in name:
        places.insert(2, "places")
    arguments = dict(zip(places, call.args, strict=False))
    for keyword in call.keywords:
        arguments[_find_place(keyword.arg or "")] = keyword.value
    if len(call.args) > len(places) or not {*places[:-1]} - {"places"} <= set(arguments):
        return None
    expected = read_expression(template)
    assert expected is not None
    options = [ast.keyword(option, arguments[option]) for option in ("places", "delta") if option in arguments]
    return _TemplateFiller(arguments, options).visit(expected)  # type: ignore[no-any-return] # an expression for an expression


def read_method(call: ast.Call) -> str:
    """Return the name of the method that a call such as self.method() calls; empty for another call."""
    match call.func:
        case ast.Attribute(ast.Name(), name):
            return name
    return ""


def _find_place(keyword: str) -> str:
    return "first" if keyword in _FIRST else "second" if keyword in _SECOND else keyword


class _TemplateFiller(ast.NodeTransformer):
    def __init__(self, arguments: dict[str, ast.expr], options: list[ast.keyword]) -> None:
        self._arguments, self._options = arguments, options

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._arguments.get(node.id, node) if node.id in ("first", "second") else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords += self._options
        return self.generic_visit(node)


def is_raises(call: ast.Call) -> bool:
    """Decide whether a call expects an exception: pytest.raises, or unittest's assertRaises."""
    named = isinstance(call.func, ast.Name) and call.func.id == RAISES
    return bool(call.args) and (named or read_method(call) in ("assertRaises", "assertRaisesRegex"))


def names_callee(call: ast.Call) -> bool:
    """Decide whether a call that expects an exception has the function to call among its arguments."""
    return len(call.args) > (2 if "Regex" in read_method(call) else 1)


def is_assertion(call: ast.Call) -> bool:
    """Decide whether a call is an assertion."""
    return is_raises(call) or read_method(call).startswith("assert")


def read_exceptions(node: ast.expr) -> list[str]:
    """Return the names of one exception or of a tuple of them; nothing if they are not names."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    if all(isinstance(part, ast.Name | ast.Attribute) for part in parts):
        return [ast.unparse(part) for part in parts]
    return []


def read_pattern(call: ast.Call) -> str | bool:
    """Return the pattern that a message should match: True if any will do, False if it is not a literal text."""
    arguments = [keyword.value for keyword in call.keywords if keyword.arg in ("match", "expected_regex")]
    if "Regex" in read_method(call):
        arguments += call.args[1:2]
    match arguments:
        case []:
            return True
        case [ast.Constant(str(text))]:
            return text
    return False


class SelfRemover(ast.NodeTransformer):
    """Replaces self.NAME by a plain name, except for unittest's own methods."""

    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Write self.NAME as the plain name self_NAME."""
        match node.value:
            case ast.Name(name) if name == self._name and not node.attr.startswith(("assert", "subTest", "fail")):
                return ast.copy_location(ast.Name(f"{name}_{node.attr}", node.ctx), node)
        return self.generic_visit(node)


ADVICE = "write it as `assert f(1) == 2`, or leave it out of the tests"


_DEEPEST = 150  # levels of a statement


def ends_test(statement: ast.stmt) -> bool:
    """Decide whether nothing after a statement runs. Raises NotSeparableError for one that always fails or raises."""
    match statement:
        case ast.Return():
            return True
        case ast.Expr(ast.Call(ast.Name() | ast.Attribute() as function)):
            name = function.attr if isinstance(function, ast.Attribute) else function.id
            if name == "fail":
                raise NotSeparableError(f"{statement.lineno}: this always fails; {ADVICE}")
            return ast.unparse(function) in ("pytest.skip", "skip", "self_skipTest", "unittest.skip")
        case ast.Raise():
            raise NotSeparableError(f"{statement.lineno}: this always raises; {ADVICE}")
    return False


def split_class(group: ast.ClassDef) -> tuple[list[ast.stmt], list[ast.FunctionDef]]:
    """Return the statements of setUp of a class of tests, and its tests, both without self.

    Raises NotSeparableError where it holds more.
    """
    own: list[ast.stmt] = []
    methods: list[ast.FunctionDef] = []
    for statement in group.body:
        match statement:
            case ast.FunctionDef(name="setUp" | "setup_method"):
                own += drop_self(statement).body
            case ast.FunctionDef(name=name) if name.startswith("test"):
                methods.append(drop_self(statement))
            case ast.Expr(ast.Constant()) | ast.Pass():
                pass
            case _:
                raise NotSeparableError(
                    f"{statement.lineno}: a class of tests may hold setUp and tests, no more; {ADVICE}"
                )
    return own, methods


def is_idle(statement: ast.stmt) -> bool:
    """Decide whether a statement is no part of a test, but a text or a way to start the tests."""
    match statement:
        case ast.Expr(ast.Constant()) | ast.Pass():
            return True
        case ast.Expr(ast.Call(function, arguments)):
            return ast.unparse(function) in _IDLE and not any(isinstance(each, ast.Call) for each in arguments)
        case ast.If(ast.Compare(ast.Name("__name__"))):
            return True
    return False


def is_skipped(function: ast.FunctionDef) -> bool:
    """Decide whether a test never runs: all its decorators skip it unconditionally."""
    names = [ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in function.decorator_list]
    return bool(names) and set(names) <= {"skip", "unittest.skip", "pytest.mark.skip"}


def refuse_depth(module: ast.Module) -> None:
    """Raise NotSeparableError for a statement that is nested too deeply for recursive functions."""
    for statement in module.body:
        nodes: list[ast.AST] = [statement]
        for _ in range(_DEEPEST):
            nodes = [child for node in nodes for child in ast.iter_child_nodes(node)]
        if nodes:
            raise NotSeparableError(f"{statement.lineno}: this is nested too deeply to be read; {ADVICE}")


def drop_self(method: ast.FunctionDef) -> ast.FunctionDef:
    """Return a method as a function, in which self.x is a plain variable."""
    if method.args.args and not method.decorator_list:
        name = method.args.args.pop(0).arg
        method.body = [SelfRemover(name).visit(statement) for statement in method.body]
    return method


def asserts_or_branches(tree: ast.AST) -> bool:
    """Decide whether code asserts or branches."""
    return any(isinstance(n, ast.Assert | ast.If | ast.While | ast.IfExp) for n in ast.walk(tree))


def holds_tests(group: ast.ClassDef) -> bool:
    """Decide whether a class holds tests."""
    case = any(ast.unparse(base).endswith("TestCase") for base in group.bases)
    tests = any(isinstance(each, ast.FunctionDef) and each.name.startswith("test") for each in group.body)
    return tests and (case or group.name.startswith("Test"))
