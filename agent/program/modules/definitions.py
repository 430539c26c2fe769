"""Put the definitions of a program into a file that may have some of them: replace one, and append the others."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.files.changes import Change, apply_changes, plain_text
from agent.program.definitions import choose_main
from agent.program.modules.functions import SourceTree, find_scope_names, read_file_tree, read_tree
from agent.program.modules.layout import find_places, line_end, line_start
from agent.program.modules.placing import add_imports
from agent.program.syntax import DEFINITIONS

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class _Parts(NamedTuple):
    """The statements of a program: what takes the place of the file's, what is added to it, and its imports."""

    main: Definition
    added: list[ast.stmt]
    imports: list[str]


def put_definitions(written: str, program: str, name: str | None, file: str) -> str:
    """Return a file's text with the definitions of a program. What they do not touch stays as it is written.

    written: the text as the file has it. name: of the function or class that was asked for; it takes the place of the
    file's own. What else the program defines and the file does not is put above it. Where the file lacks it, all of it
    is appended. Raises InvalidRequestError where the file or the program does not allow that.
    """
    source, answer = read_file_tree(plain_text(written), file), read_tree(program)
    main = answer and _find_main(answer, name)
    if not answer or not main:
        raise InvalidRequestError(
            f"{file} exists, and the answer defines no function or class that could be put into it; choose a new file"
        )
    parts = _Parts(main, *_choose_added(source, answer, main, file))
    old = _find_old(source, main.name, file)
    changes = add_imports(source, parts.imports)
    if old is None:
        changes.append(_append(source, answer, parts))
    else:
        changes += _replace(source, old, answer, parts)
    new = apply_changes(written, changes)
    if read_tree(plain_text(new)) is None:
        raise InvalidRequestError(f"{file} would be no Python with the answer in it; choose a new file")
    return new


def _find_main(answer: SourceTree, name: str | None) -> Definition | None:
    defined = [each for each in answer.tree.body if isinstance(each, DEFINITIONS)]
    name = name or choose_main(defined)
    return next((each for each in reversed(defined) if each.name == name), None)


def _find_old(source: SourceTree, name: str, file: str) -> Definition | None:
    """Return the file's own definition of a name at the margin; None without one."""
    defined = [each for each in source.tree.body if isinstance(each, DEFINITIONS) and each.name == name]
    if len(defined) == 1:
        return defined[0]
    if name in find_scope_names(source.tree.body):
        raise InvalidRequestError(
            f"{file} defines {name} in another way than once, as a function or a class at the margin, so nothing can "
            "take its place; choose a new file"
        )
    return None


def _choose_added(
    source: SourceTree, answer: SourceTree, main: Definition, file: str
) -> tuple[list[ast.stmt], list[str]]:
    """Return the other statements of a program that a file lacks, and its imports.

    Raises InvalidRequestError for a name that both define, and not alike.
    """
    own, added, imports = find_scope_names(source.tree.body), list[ast.stmt](), list[str]()
    there = {ast.dump(each) for each in source.tree.body}
    for statement in answer.tree.body:
        names = find_scope_names([statement])
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imports += [ast.unparse(statement)] if names - own else []
        elif statement is not main and names and ast.dump(statement) not in there:
            if names & own:
                raise InvalidRequestError(
                    f"{file} and the answer both define {min(names & own)}, and not alike; choose a new file"
                )
            added.append(statement)
    return added, imports


def _append(source: SourceTree, answer: SourceTree, parts: _Parts) -> Change:
    text = source.text
    blank = "\n" * (3 - len(text) + len(text.rstrip("\n"))) if text.strip() else ""
    statements = [each for each in answer.tree.body if each is parts.main or each in parts.added]
    return Change(len(text), len(text), blank + "\n\n\n".join(_read(answer, statements)) + "\n")


def _replace(source: SourceTree, old: Definition, answer: SourceTree, parts: _Parts) -> Iterator[Change]:
    start, end = find_places(source.plain).find(old)
    start, end = line_start(source.text, start), line_end(source.text, end)
    yield Change(start, end, "\n\n\n".join(_read(answer, [*parts.added, parts.main])))


def _read(answer: SourceTree, statements: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        start, end = find_places(answer.plain).find(statement)
        yield answer.text[line_start(answer.text, start) : line_end(answer.text, end)]
