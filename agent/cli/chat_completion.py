"""What may stand behind a command of `dubito chat`: the values of its options, functions of a file, added files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.choices import POLICY_SCORES
from agent.cli.completion import complete_budget, complete_model
from agent.errors import DubitoError
from agent.strategies import STRATEGIES

if TYPE_CHECKING:
    from agent.cli.conversing import Chat

Values = Callable[["Chat", str], Iterable[str]]  # of a chat, and of what is typed behind the command


def list_nothing(chat: Chat, typed: str) -> Iterable[str]:
    """Return nothing: only a path, or nothing at all, may follow."""
    return ()


def list_policies(chat: Chat, typed: str) -> Iterable[str]:
    """Return the policies, and the way back to that of the start."""
    return (*POLICY_SCORES, "default")


def list_strategies(chat: Chat, typed: str) -> Iterable[str]:
    """Return the strategies, and the way back to that of the start."""
    return (*STRATEGIES, "default")


def list_models(chat: Chat, typed: str) -> Iterable[str]:
    """Return the models that are on this machine, and the way back to that of the start."""
    return (*complete_model(), "default")


def list_bounds(chat: Chat, typed: str) -> Iterable[str]:
    """Return the parts of a budget that may come next, and the way back to that of the start."""
    return (*complete_budget(typed), "default")


def list_functions_of_file(chat: Chat, typed: str) -> Iterator[str]:
    """Yield the functions of the file that is typed, once a blank follows it."""
    from agent.cli.inputs import read_source
    from agent.program.modules.functions import list_functions, read_tree

    path, blank, _ = typed.rpartition(" ")
    file = Path(path).expanduser()
    with suppress(DubitoError, OSError):  # the command itself will say what is wrong
        if blank and file.is_file() and (source := read_tree(read_source(file, "the file"))):
            yield from dict.fromkeys(each.name for each in list_functions(source.tree))


def list_added_files(chat: Chat, typed: str) -> Iterable[str]:
    """Return the files that are shown to the model."""
    return [each.title for each in chat.conversation.files]
