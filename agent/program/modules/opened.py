"""The record of a file that a conversation changes, one function at a time. Reads and writes no file."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.errors import InvalidRequestError
from agent.files.changes import plain_text
from agent.messages import quote
from agent.program.modules.functions import SourceTree, find_target, list_functions, read_file_tree, read_tree
from agent.program.modules.instructions import read_function, read_instruction
from agent.program.modules.layout import find_layout, find_tail
from agent.program.modules.module import Module, write_runnable
from agent.program.modules.request import read_module_task
from agent.program.syntax import is_code
from agent.program.task import Task, read_task


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file as it was read or written last, and as it is to be."""

    file: str  # its path, as a person named it
    read: str  # with its line ends
    text: str  # with the changes so far
    function: str | None = None  # that is meant where words name no other, as in `f` or `Class.method`

    @property
    def code(self) -> str:
        """The source of the function as it is to be; empty without one, and for one that is still to be written."""
        source = read_tree(plain_text(self.text))
        named = [each for each in list_functions(source.tree) if each.name == self.function] if source else []
        return read_function(source, named[-1]) if source and named and not named[-1].is_stub else ""

    @property
    def runnable(self) -> str:
        """The program that runs: the whole text, with bodies for the functions that have none."""
        return write_runnable(plain_text(self.text))

    @property
    def module(self) -> Module:
        """The file as it is to be, and the function in it. Raises InvalidRequestError where none is meant."""
        if self.function is None:
            raise InvalidRequestError(f"no function of {quote(self.file)} is meant yet; name one in a request")
        return Module(self.text, self.function, self.file)

    def read_request(self, line: str) -> Task | None:
        """Return the task to change a function as a person's words say; None where they ask for a new function.

        line: empty to write the function as its docstring says. Raises InvalidRequestError where it is unclear which
        one is meant.
        """
        task = read_instruction(self.text, line, self.file, self.function)
        if task is None and self.function is None and not is_code(line) and read_task(line).entry_point is None:
            raise InvalidRequestError(
                f"it is unclear which function of {quote(self.file)} is meant; name it in the request, or begin "
                "another program with /new"
            )
        if task is None or task.module is None:
            return task
        is_checked = bool(read_task(line, entry_point=task.entry_point).examples) if line.strip() else False
        is_new = not replace(self, function=task.module.function).code
        return replace(task, changes="" if is_checked or is_new else self.runnable)

    def put(self, module: Module, program: str) -> OpenedFile:
        """Return the file with the function of a request as a program has it, without the request's words.

        module: of the request's task. Raises InvalidRequestError where it does not fit.
        """
        text = module.fill(program)
        if text is None:
            raise InvalidRequestError(
                f"the answer cannot be put into {quote(self.file)} in the place of {module.function}"
            )
        return replace(self, text=text, function=module.function)

    def merge(self, written: str, *, with_function: bool = True) -> str:
        """Return a newer text of the file with the functions that were changed here. Raises InvalidRequestError.

        What else was changed in the newer text stays; a function that was changed in both is as it is here.
        with_function: the function that is meant counts among them, also where it was written as it is here.
        """
        if written == self.read:
            return self.text
        also = {self.function} if self.function and with_function else set()
        for name in dict.fromkeys([*self._list_changed(), *also]):
            module = Module(written, name, self.file)
            same = module.has_head_of(Module(self.read, name, self.file))
            filled = module.fill(plain_text(self.text)) if same else None
            if filled is None:
                raise InvalidRequestError(
                    f"{quote(self.file)} was changed meanwhile, and the head of {name} is not as it was, so nothing "
                    f"was written; read the file again, as in /file {self.file} {name}"
                )
            written = filled
        return written

    def catch_up(self, written: str) -> OpenedFile:
        """Return the record of a newer text of the file, with the changes so far in it."""
        text = self.merge(written, with_function=False)
        return self if written == self.read else replace(self, read=written, text=text)

    def _list_changed(self) -> list[str]:
        old, new = (_read_functions(read_file_tree(plain_text(each), self.file)) for each in (self.read, self.text))
        return [name for name, text in new.items() if name in old and old[name] != text]


def open_file(written: str, file: str, function: str | None) -> OpenedFile | None:
    """Return the record of a file; None where its text is one request as it stands: a class, or code that is cut off.

    written: its text. function: that is meant; without it, the one that is still to be written, if there is one.
    Raises InvalidRequestError for a file without functions, one that has not this function, and one with several that
    are still to be written.
    """
    text, opened = plain_text(written), OpenedFile(file, written, written, function)
    if function is not None:
        return replace(opened, function=find_target(read_file_tree(text, file), function, file).name)
    source = read_tree(text)
    if source is None:
        return None
    functions = list_functions(source.tree)
    if functions and not any(each.is_stub for each in functions):
        return opened
    task = read_module_task(written, file=file, edits=True)
    return None if task is None or task.module is None else replace(opened, function=task.module.function)


def _read_functions(source: SourceTree) -> dict[str, str]:
    """Return the text of each function by its name."""
    return {
        each.name: source.text[find_layout(source, each).start : find_tail(source, each)]
        for each in list_functions(source.tree)
    }
