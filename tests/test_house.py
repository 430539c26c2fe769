"""The house is kept: small modules and functions, one meaning a name, and state that is read as records."""

import ast
from collections import defaultdict
from pathlib import Path
from typing import get_type_hints

from agent.workflow.state import AgentState

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


def reads(tree: ast.Module) -> list[str]:
    """Return the keys of the run's state that a module reads by their names."""
    keys = set(get_type_hints(AgentState))
    found = [
        node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)
    ]
    found += [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args
    ]
    return [node.value for node in found if isinstance(node, ast.Constant) and node.value in keys]


def test_the_state_of_a_run_is_read_by_its_keys_in_the_workflow_alone():
    assert reads(ast.parse("state['tokens'], state.get('edge')")) == ["tokens", "edge"]
    outside = {str(path): reads(tree) for path, tree in TREES.items() if path.parts[:2] != ("agent", "workflow")}
    assert {path: keys for path, keys in outside.items() if keys} == {}
