"""Programs with marked holes for tests, small random programs, and a slow oracle of containment."""

from __future__ import annotations

import ast
import dis
import itertools
import re
from collections.abc import Sequence
from functools import partial
from types import CodeType

from hypothesis import strategies as st

from agent.program.partial_tree import Span, find_hole_nodes
from agent.program.syntax import ignore_warnings, read_module
from agent.program.variables import Variables, read_own_names
from uncertainty.tree import program_tree


def read_marked(text: str) -> tuple[str, list[Span]]:
    """Return a text without its marks « and », and the spans between them."""
    source, holes = "", []
    for piece in re.split("(«.*?»)", text, flags=re.DOTALL):
        if piece.startswith("«"):
            holes.append((len(source), len(source) + len(piece) - 2))
            piece = piece[1:-1]
        source += piece
    return source, holes


def all_spans(source: str) -> list[Span]:
    """Return the spans of all nodes that may be a hole, and that of the whole text."""
    return sorted(set(program_tree(source, ()).spans))


def disjoint(spans: Sequence[Span]) -> list[Span]:
    """Return the spans in order, without those that begin inside an earlier one."""
    kept = list[Span]()
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def rename_all(source: str, *, called: frozenset[str] | None = None) -> str:
    """Give each renamable variable of a program a name that stands nowhere else."""
    tree = read_module(source)
    variables = Variables(tree, called=called)
    new = {variable: f"renamed_{count}" for count, variable in enumerate(variables) if variable.renamable}
    for node in ast.walk(tree):
        names = [new.get(variable, variable.name) for variable in variables.find(node)]
        if names and isinstance(node, ast.Global | ast.Nonlocal):
            node.names = names
        elif names:
            field = next(each for each in ("id", "arg", "name", "rest") if isinstance(getattr(node, each, None), str))
            setattr(node, field, names[0])
    return ast.unparse(tree)


def read_instructions(source: str) -> list[tuple[str, object]]:
    """Return the operations of all code of a program, and what each works on."""
    return [each for code in _read_code(source) for each in _read_operations(code)]


def _read_code(source: str) -> list[CodeType]:
    """Return the code of a program, outermost first; none where it does not compile."""
    try:
        with ignore_warnings():
            code = [compile(source, "program.py", "exec")]
    except SyntaxError:
        return []
    for each in code:  # it grows
        code += [constant for constant in each.co_consts if isinstance(constant, CodeType)]
    return code


def _read_operations(code: CodeType) -> list[tuple[str, object]]:
    return [
        (each.opname, "" if isinstance(each.argval, CodeType) else each.argval) for each in dis.get_instructions(code)
    ]


def means_the_same(source: str, renamed: str, names: dict[str, str]) -> bool:
    """Decide by their bytecode whether two programs differ by these names only, and no two variables became one."""
    code, other_code = _read_code(source), _read_code(renamed)
    return len(code) == len(other_code) and all(map(partial(_works_the_same, names=names), code, other_code))


def _works_the_same(code: CodeType, other: CodeType, *, names: dict[str, str]) -> bool:
    local = [each for each in {*code.co_varnames, *code.co_cellvars, *code.co_freevars}]
    if len({names.get(name, name) for name in local}) < len(local):
        return False
    wanted = [
        (operation, names.get(str(value), value) if value in local and "CONST" not in operation else value)
        for operation, value in _read_operations(code)
    ]
    return wanted == _read_operations(other)


def has_one_variable_a_name(source: str) -> bool:
    """Decide whether a program compiles, and binds c and d in comprehensions and lambdas as `programs` do."""
    found = re.findall(r"for (\w+) in[^\n]*\]|lambda (\w+):", source)
    return bool(_read_code(source)) and all(name in ("c", "d") for pair in found for name in pair if name)


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> ast.AST:
        for field in ("id", "arg"):
            if isinstance(getattr(node, field, None), str):
                setattr(node, field, self.names.get(getattr(node, field), getattr(node, field)))
        return self.generic_visit(node)


def oracle_contains(source: str, holes: Sequence[Span], reference: str) -> bool:
    """Try every renaming of a small random program, and every way in which a run may end."""
    tree, program = ast.parse(source), ast.parse(reference)
    if holes and holes[0] == (0, len(source)):
        return True
    removed = {id(node) for node in find_hole_nodes(source, tree, holes)}
    own = sorted(_bound_names(program))
    wanted = sorted({name for node in ast.walk(tree) for name in read_own_names(node)})
    choices = [[*wanted, f"fresh_{name}"] for name in own]
    for names in (dict(zip(own, each, strict=True)) for each in itertools.product(*choices)):
        if _fits(tree, program, removed, names):
            renamed = ast.unparse(_Renamer(names).visit(ast.parse(reference)))
            if means_the_same(reference, renamed, names):
                return True
    return False


def _bound_names(tree: ast.Module) -> set[str]:
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


def _fits(node: object, other: object, removed: set[int], names: dict[str, str]) -> bool:
    """Decide whether two nodes, lists of nodes or plain values agree outside of holes, once the other has new names."""
    if id(node) in removed:
        return isinstance(other, ast.AST)
    if isinstance(node, list) and isinstance(other, list):
        return _fits_list(node, other, removed, names)
    if isinstance(node, ast.Name | ast.arg) and type(node) is type(other):
        return _read_name(node) == names.get(_read_name(other), _read_name(other))
    if isinstance(node, ast.AST):
        fields = [name for name in node._fields if name not in ("ctx", "type_comment")]
        return type(node) is type(other) and all(
            _fits(getattr(node, name, None), getattr(other, name, None), removed, names) for name in fields
        )
    return type(node) is type(other) and node == other


def _read_name(node: object) -> str:
    return str(getattr(node, "id", None) or getattr(node, "arg", None))


def _fits_list(nodes: list[object], others: list[object], removed: set[int], names: dict[str, str]) -> bool:
    if not nodes:
        return not others
    first, *rest = nodes
    if id(first) in removed:
        return any(_fits_list(rest, others[end:], removed, names) for end in range(len(others) + 1))
    fits = bool(others) and _fits(first, others[0], removed, names)
    return fits and _fits_list(rest, others[1:], removed, names)


def _compose(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{} + {}".format, parts, parts),
        st.builds("g({}, {})".format, parts, parts),
        st.builds("[{}, {}]".format, parts, parts),
        st.builds("[c + {} for c in {}]".format, parts, parts),
        st.builds("(lambda d: {} + d)({})".format, parts, parts),
    )


expressions = st.recursive(st.sampled_from(["a", "b", "1", "len"]), _compose, max_leaves=4)


def statements(indent: str = "    ") -> st.SearchStrategy[str]:
    """Generate one statement of a random program, its line break included."""
    simple = st.one_of(
        st.builds((indent + "{} = {}\n").format, st.sampled_from("ab"), expressions),
        st.builds((indent + "return {}\n").format, expressions),
        st.builds((indent + "g({})\n").format, expressions),
    )
    if len(indent) > 4:
        return simple
    inner = st.lists(statements(indent + "    "), min_size=1, max_size=2).map("".join)
    loops = st.builds((indent + "for {} in {}:\n{}").format, st.sampled_from("ab"), expressions, inner)
    return st.one_of(simple, simple, loops)


programs = st.builds(
    "def f({}):\n{}".format,
    st.sampled_from(["a", "b", "a, b"]),
    st.lists(statements(), min_size=1, max_size=3).map("".join),
)
