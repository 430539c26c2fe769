"""How a test file is laid out: which statements end a test, hold tests, or judge inside the program's reach."""

from __future__ import annotations

import ast

from agent.program.examples.scope import NotSeparableError
from agent.program.examples.unittests import SelfRemover

ADVICE = "write it as `assert f(1) == 2`, or leave it out of the tests"
_DEEPEST = 150  # levels of a statement


def ends_test(statement: ast.stmt) -> bool:
    """Whether nothing behind a statement runs. A test that always fails by it is for nobody to pass."""
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


def is_skipped(function: ast.FunctionDef) -> bool:
    """Say whether a test is never run: it is decorated with nothing but an unconditional skip."""
    names = [ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in function.decorator_list]
    return bool(names) and set(names) <= {"skip", "unittest.skip", "pytest.mark.skip"}


def refuse_depth(module: ast.Module) -> None:
    """Raise NotSeparableError for a statement that nothing recursive should look at."""
    for statement in module.body:
        nodes: list[ast.AST] = [statement]
        for _ in range(_DEEPEST):
            nodes = [child for node in nodes for child in ast.iter_child_nodes(node)]
        if nodes:
            raise NotSeparableError(f"{statement.lineno}: this is nested too deeply to be read; {ADVICE}")


def drop_self(method: ast.FunctionDef) -> ast.FunctionDef:
    """Return a method as a function, with self.x as a plain variable."""
    if method.args.args and not method.decorator_list:
        name = method.args.args.pop(0).arg
        method.body = [SelfRemover(name).visit(statement) for statement in method.body]
    return method


def asserts_or_branches(tree: ast.AST) -> bool:
    """Whether code asserts or branches."""
    return any(isinstance(n, ast.Assert | ast.If | ast.While | ast.IfExp) for n in ast.walk(tree))


def holds_tests(group: ast.ClassDef) -> bool:
    """Whether a class is one of tests."""
    case = any(ast.unparse(base).endswith("TestCase") for base in group.bases)
    tests = any(isinstance(each, ast.FunctionDef) and each.name.startswith("test") for each in group.body)
    return tests and (case or group.name.startswith("Test"))
