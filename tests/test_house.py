"""The house is kept: small modules and functions, one meaning a name, and state that is read as records."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("agent", "uncertainty", "sandbox", "benchmarks", "models")
MODULES = {path: path.read_text() for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}
TREES = {path.relative_to(ROOT): ast.parse(text) for path, text in MODULES.items()}


def test_no_module_is_longer_than_300_lines():
    assert [(str(path), text.count("\n")) for path, text in MODULES.items() if text.count("\n") > 300] == []


def test_no_function_is_longer_than_40_lines():
    functions = [
        (str(path), node.name, node.end_lineno - node.lineno + 1)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert [each for each in functions if each[2] > 40] == []


def public_names(tree: ast.Module) -> set[str]:
    """Return what a module defines at its margin under a name without an underscore."""
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        names |= {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def test_hardly_a_public_name_is_defined_in_more_than_one_module():
    places = defaultdict(list)
    for path, tree in TREES.items():
        for name in public_names(tree):
            places[name].append(str(path))
    shared = {name: paths for name, paths in places.items() if len(paths) > 1}
    assert len(shared) < 10, shared


def test_the_top_of_the_agent_has_at_most_20_entries():
    entries = [path.name for path in (ROOT / "agent").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 20, sorted(entries)


def test_every_package_says_what_lives_there():
    inits = {path: ast.get_docstring(tree) for path, tree in TREES.items() if path.name == "__init__.py"}
    assert [str(path) for path, docstring in inits.items() if not docstring] == []


def state_reads(tree: ast.Module) -> list[str]:
    """Return the expressions by which a module reads a state, or a record of it, as a dictionary."""
    records = {"state", "attempt", "edge", "fork", "cost", "answer", "prompt", "task", "config", "result"}
    reads = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    ]
    reads += [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "get"]
    return [name for name in map(ast.unparse, reads) if name.rpartition(".")[2] in records]


def test_state_and_records_are_read_by_fields_and_not_by_keys():
    assert state_reads(ast.parse("state['tokens'], run.attempt.get('edge'), labels['x']")) == ["state", "run.attempt"]
    agent = {path: tree for path, tree in TREES.items() if path.parts[0] in ("agent", "benchmarks")}
    assert {str(path): reads for path, tree in agent.items() if (reads := state_reads(tree))} == {}
