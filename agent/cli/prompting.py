"""Read what a person types: with history, completion and several lines on a terminal, plainly elsewhere."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import sys
import termios
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding.key_processor import KeyPressEvent

_MOST_TYPED = 1000  # bytes that any terminal keeps of what is typed ahead
_PROMPT, _MORE = "dubito> ", "   ...> "


class Follows(NamedTuple):
    """What may follow a command: a path, and the values that are right behind what is typed so far."""

    path: bool
    values: Callable[[str], Iterable[str]]


def open_reader(commands: Mapping[str, Follows], *, vi: bool = False, plain: bool = False) -> Callable[[], str]:
    """Return what reads the next request. It raises EOFError at the end, and KeyboardInterrupt at Ctrl-C.

    commands: the words that begin with a slash, and what may follow each. vi: keys as in vi. plain: lines
    are read and not edited.
    """
    if plain or not _is_terminal():
        return _read_plainly
    from prompt_toolkit import PromptSession
    from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
    from prompt_toolkit.enums import EditingMode

    session: PromptSession[str] = PromptSession(
        _PROMPT,
        history=_open_history(),
        completer=_open_completer(commands),
        complete_while_typing=False,
        auto_suggest=AutoSuggestFromHistory(),
        editing_mode=EditingMode.VI if vi else EditingMode.EMACS,
        enable_open_in_editor=True,
        key_bindings=_bind_keys(),
        multiline=True,
        prompt_continuation=_MORE,
    )
    return session.prompt


def _open_completer(commands: Mapping[str, Follows]) -> Any:
    """Return what completes a command, and the value or the path behind it."""
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter

    paths = PathCompleter(expanduser=True)

    class CommandCompleter(Completer):
        """Completes what stands before the cursor."""

        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            """Yield what may stand at the cursor."""
            text = document.text_before_cursor
            command, rest = [*text.split(maxsplit=1), "", ""][:2]
            blank = text[len(command) :][:1]
            if not blank and text.startswith("/"):
                yield from (Completion(name, -len(text)) for name in commands if name.startswith(text))
            elif command in commands:
                word = rest.rpartition(" ")[2]
                values = [each for each in commands[command].values(rest) if each.startswith(word)]
                yield from (Completion(value, -len(word)) for value in values)
                if commands[command].path:
                    yield from paths.get_completions(type(document)(rest, len(rest)), complete_event)

    return CommandCompleter()


def goes_on(text: str) -> bool:
    """Whether a text that was ended with Enter goes on: its last line opens a block, or a string in it is open."""
    lines = text.split("\n")
    opens = lines[-1].rstrip().endswith(":") and lines[-1].lstrip().startswith(("def ", "class ", "async def ", "@"))
    in_string = text.count('"""') % 2 == 1 or text.count("'''") % 2 == 1
    return opens or (in_string and "".join(lines[-2:]).strip() != "")  # two blank lines end it all the same


def _bind_keys() -> Any:
    """Return the keys: Enter ends a request that is whole, and Alt-Enter always begins a new line (in vi: o)."""
    from prompt_toolkit.enums import DEFAULT_BUFFER
    from prompt_toolkit.filters import emacs_mode, has_focus
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        text = buffer.document.text_before_cursor
        if _more_waits(event) and not text.startswith("/"):  # it is pasted, so its margins are in it
            buffer.newline(copy_margin=False)
        elif goes_on(text):
            buffer.newline(copy_margin=True)
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=has_focus(DEFAULT_BUFFER) & emacs_mode)
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.newline(copy_margin=True)

    @keys.add("c-c", filter=has_focus(DEFAULT_BUFFER))
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(exception=KeyboardInterrupt(event.current_buffer.text), style="class:aborting")

    return keys


def _more_waits(event: KeyPressEvent) -> bool:
    """Whether more was typed already: a paste where the terminal does not mark one, for nobody types so fast."""
    from prompt_toolkit.keys import Keys

    if any(each.key != Keys.CPRResponse for each in event.key_processor.input_queue):
        return True
    if event.app.renderer.waiting_for_cpr:  # what can be read may be the terminal's answer to where its cursor is
        return False
    return bool(select.select([event.app.input.fileno()], [], [], 0)[0])


def drop_cut() -> bool:
    """Drop what was typed before anything was asked if the terminal may have cut it; return whether it did."""
    from agent.views.frame import drop_typed

    try:
        waiting = struct.unpack("i", fcntl.ioctl(sys.stdin, termios.FIONREAD, bytes(4)))[0]
    except (OSError, ValueError, AttributeError):  # it is no terminal, and no pipe
        return False
    if not sys.stdin.isatty() or waiting < _MOST_TYPED:
        return False
    drop_typed()
    return True


def _open_history() -> Any:
    """Return the history of all sessions; one of this session alone where no file can be kept."""
    from platformdirs import user_state_path
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    file = user_state_path("dubito") / "chat_history"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a"):
            file.chmod(0o600)  # requests may hold what is private
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(file))


def _is_terminal() -> bool:
    """Whether lines can be edited here."""
    streams = (sys.stdin, sys.stdout)
    return all(each is not None and each.isatty() for each in streams) and os.environ.get("TERM") != "dumb"


def _read_plainly() -> str:
    return input(_PROMPT)
