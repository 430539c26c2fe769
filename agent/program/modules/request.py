"""Turn a module and the name of a function into a task; refuse in one sentence what cannot be one."""

from __future__ import annotations

from agent.errors import InvalidRequestError
from agent.files.changes import plain_text
from agent.program.examples.read import read_examples
from agent.program.modules.finding import find_asked_function, find_function_at
from agent.program.modules.functions import (
    Function,
    SourceTree,
    find_stub,
    find_target,
    list_functions,
    read_file_tree,
    read_tree,
)
from agent.program.modules.module import Module
from agent.program.syntax import is_open
from agent.program.task import Task, add_tests


def read_module_task(
    written: str,
    *,
    file: str,
    function: str | None = None,
    line: int | None = None,
    tests: str | None = None,
    tests_file: str = "the tests",
    edits: bool = False,
) -> Task | None:
    """Return the task to write one function of a module. Its examples are those of its docstring, and the tests.

    written: the text of the module's file. file: its name, for messages. function: as in `f` or `Class.method`. line:
    from 1, in the function. Without both, the function in which a comment `# dubito: …` stands, else the one that is
    still to be written. tests: text of a test file; tests_file: its name.
    None where no function is named, and the text is a request as it stands: it ends where the body of its last function
    begins, or all that is to be written is a class. edits: the file is to be changed, so even such a function is one of
    a module. Raises InvalidRequestError.
    """
    text = plain_text(written)
    if function is None and line is None and not edits and (is_open(text) or read_tree(text) is None):
        return None
    source = read_file_tree(text, file)
    target = _choose_target(source, function, line, file, edits=edits)
    if target is None:
        return None
    module = Module(written, target.name, file)
    outline, entry_point = module.outline(), None if target.classes else target.name
    examples, anew = read_examples(outline), "" if target.is_stub else ", written anew"
    task = Task(
        module.excerpt(),
        tuple(examples.examples),
        entry_point,
        f"{target.name} in {file}{anew}",
        tuple(examples.unparsed),
        module=module,
    )
    return task if tests is None else add_tests(task, tests, tests_file, outline)


def _choose_target(
    source: SourceTree, name: str | None, line: int | None, file: str, *, edits: bool
) -> Function | None:
    """Return the function that is to be written; None where nothing or a whole class is."""
    if name is not None:
        return find_target(source, name, file)
    if line is not None:
        return find_function_at(source, line, file)
    if asked := find_asked_function(source, file):
        return asked
    if _asks_for_class(source):
        return None
    stub = find_stub(source, file)
    if stub is None and edits:
        there = list_functions(source.tree)
        example = f", as in {there[0].name}" if there else ""
        raise InvalidRequestError(
            f"{file} holds no function that is still to be written; name the one to write anew{example}"
        )
    return stub


def _asks_for_class(source: SourceTree) -> bool:
    """Decide whether all that is to be written are methods, several, of the class that ends a module."""
    stubs = [each for each in list_functions(source.tree) if each.is_stub]
    return len(stubs) > 1 and all(each.owners == (source.tree.body[-1],) for each in stubs)
