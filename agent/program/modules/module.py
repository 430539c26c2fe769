"""The record of a module and of the one function in it that is to be written. Reads no file and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from agent.errors import InvalidRequestError
from agent.files.changes import Change, apply_changes, plain_text
from agent.program.modules.excerpt import MOST_CHARACTERS, write_excerpt
from agent.program.modules.functions import Function, SourceTree, find_target, read_file_tree, read_tree
from agent.program.modules.layout import find_layout, find_tail
from agent.program.modules.outline import write_outline
from agent.program.modules.placing import Placement, place_function

UNWRITTEN = "__dubito_unwritten__"  # what the empty function raises


@dataclass(frozen=True, slots=True)
class Module:
    """A module, and the name of the function in it that is to be written, or written anew."""

    written: str  # the file's text as it is, with its line ends
    function: str  # as in `f` or `Class.method`
    file: str = "the module"  # its name in messages

    def fill(self, program: str) -> str | None:
        """Return the file's text with the function as a program has it; None where the program does not write it."""
        placement = self._place(program)
        return None if placement is None else apply_changes(self.written, placement.changes)

    def runnable(self, program: str) -> str:
        """Return the module with the function as a program has it.

        A program that is no Python is returned as it is; one that does not write the function, as one that says so.
        """
        placement = self._place(program)
        if placement is None:
            missing = f"the program does not write {self.function}, or not so that it fits into {self.file}"
            return program if read_tree(program) is None else f"raise NotImplementedError({missing!r})\n"
        return write_runnable(apply_changes(plain_text(self.written), placement.changes))

    def empty(self) -> str:
        """Return the module with a function that only raises UNWRITTEN."""
        source, function = _read(self)
        layout = find_layout(source, function)
        body = f"\n{layout.body_indent}raise NotImplementedError({UNWRITTEN!r})"
        return write_runnable(apply_changes(source.text, [Change(layout.colon, find_tail(source, function), body)]))

    def has_head_of(self, other: Module) -> bool:
        """Whether the function has the decorators, the name and the parameters that it has in another module."""
        try:
            return self._head() == other._head()
        except InvalidRequestError:  # it is no Python, or without the function
            return False

    def _head(self) -> str:
        source, function = _read(self)
        layout = find_layout(source, function)
        return source.text[layout.start : layout.colon]

    def find_program_lines(self, program: str, lines: Iterable[int]) -> list[int]:
        """Return the lines of a program that lines of its `runnable` come from, if they are of the function's body."""
        placement = self._place(program)
        return list(lines) if placement is None else placement.find_program_lines(lines)

    def excerpt(self, most: int = MOST_CHARACTERS) -> str:
        """Return what a model is to continue, in about so many characters. See `write_excerpt`."""
        return write_excerpt(*_read(self), most)

    def outline(self) -> str:
        """Return the text by which examples and tests of the function are read. See `write_outline`."""
        return write_outline(*_read(self))

    def _place(self, program: str) -> Placement | None:
        return place_function(*_read(self), program)


@lru_cache(maxsize=8)
def _read(module: Module) -> tuple[SourceTree, Function]:
    source = read_file_tree(plain_text(module.written), module.file)
    return source, find_target(source, module.function, module.file)


def write_runnable(text: str) -> str:
    """Return the plain text of a module with bodies for its functions, so that it can run."""
    source = read_tree(text)
    return text if source is None else source.plain
