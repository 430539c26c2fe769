"""Turn what a person says about a file into a task: which function of the file is meant, with the words as a hint."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.files.changes import Change, apply_changes, plain_text
from agent.program.examples.example import combine_examples
from agent.program.modules.functions import Function, SourceTree, find_stub, find_target, list_functions, read_file_tree
from agent.program.modules.layout import find_layout, find_places, find_tail, line_end, line_start
from agent.program.modules.request import read_module_task
from agent.program.prompts import CodeBeside
from agent.program.syntax import is_code
from agent.program.task import Task, read_task

_SHORT = 3  # characters of a name that is also a word; it needs its brackets or quotes
_BEHAVES = re.compile(
    r"\s+(?:(?:also|always|now|never|only|then)\s+)?(?:should|must|shall|may|can|could|does|has|is|gives?|returns?|raises?|takes?|accepts|needs|fails|crashes)\b"
)
_AS_IT_IS = "{name} as it is now, which is to be changed"


def read_instruction(written: str, line: str, file: str, function: str | None = None) -> Task | None:
    """Return the task to write a function of a module as a person's words say; None where they ask for a new one.

    written: the text of the module's file. line: the words, which may hold examples; without any, the function that is
    still to be written is meant. file: its name, for messages. function: that was written last; it is meant where the
    words name no other. Raises InvalidRequestError.
    """
    source, words = read_file_tree(plain_text(written), file), " ".join(line.split())
    if not words:
        return read_module_task(written, file=file, function=function, edits=True)
    name = _find_meant(source, line, file, function)
    if name is None:
        return None
    target = find_target(source, name, file)
    task = read_module_task(_add_hint(written, source, target, words), file=file, function=name, edits=True)
    assert task is not None, "a function that is named gives a task"
    shown = () if target.is_stub else (CodeBeside(_AS_IT_IS.format(name=name), read_function(source, target)),)
    examples = read_task(line, entry_point=task.entry_point).examples
    return replace(task, examples=combine_examples(examples, task.examples), beside=shown)


def _find_meant(source: SourceTree, line: str, file: str, last: str | None) -> str | None:
    """Return the function that words are about; None where they ask for one that the file lacks."""
    functions = list_functions(source.tree)
    names = list(dict.fromkeys(each.name for each in functions))
    asked = None if is_code(line) else read_task(line).entry_point
    if is_code(line) or (asked is not None and asked not in {name.rpartition(".")[2] for name in names}):
        return None
    mentioned = min(_find_mentions(line, names), default=None)
    if mentioned is not None:
        return mentioned[1]
    if last in names:
        return last
    stub = find_stub(source, file)
    return stub.name if stub else None


def _find_mentions(line: str, names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield where words mention a function, and which.

    The first word says what is to be done, unless what it does follows, as in "add returns 3".
    """
    start = len(line) - len(line.lstrip())
    for name in sorted(names, key=len, reverse=True):
        short = name.rpartition(".")[2]
        for each in re.finditer(rf"(?<![\w.])(?:{re.escape(name)}|{re.escape(short)})(?!\w)", line):
            is_code_like = line[each.end() : each.end() + 1] in ("(", "`") or _BEHAVES.match(line, each.end())
            if is_code_like or (each.start() > start and len(each[0]) >= _SHORT):
                yield each.start(), name


def _add_hint(written: str, source: SourceTree, function: Function, words: str) -> str:
    """Return a file's text in which a function is still to be written, with words as the hint in its body."""
    text, layout = source.text, find_layout(source, function)
    hint = f"\n{layout.body_indent}# TODO: {words}"
    if function.is_stub:
        place = line_end(text, layout.head)
        return apply_changes(written, [Change(place, place, hint)])
    return apply_changes(written, [Change(layout.head, find_tail(source, function), hint)])


def read_function(source: SourceTree, function: Function) -> str:
    """Return the source of a function, from the start of its first line on."""
    start, end = find_places(source.plain).find(function.node)
    return source.text[line_start(source.text, start) : end]
