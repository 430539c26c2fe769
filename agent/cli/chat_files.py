"""The commands of `dubito chat` that read and write files. `agent.cli.chat_commands` lists them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.inputs import build_task, read_source, read_written
from agent.errors import DubitoError, InvalidRequestError
from agent.messages import quote
from agent.views.numbers import format_count

if TYPE_CHECKING:
    from agent.cli.conversing import Chat
    from agent.files.edits import Edit
    from agent.program.conversation import Conversation


def read_path(rest: str, command: str, example: str = "notes.py") -> Path:
    """Return the path that follows a command. Raises InvalidRequestError where none came."""
    if not rest:
        raise InvalidRequestError(f"{command} came without a path; wanted one, as in {command} {example}")
    return Path(rest).expanduser()


def open_path(chat: Chat, rest: str) -> None:
    """Open a file, or one function of it, and write that where it is still to be written.

    What is said next changes its functions; `/write` alone then writes into it.
    """
    from agent.program.modules.opened import open_file
    from agent.program.syntax import is_code

    path, function = _split_function(rest)
    opened = open_file(read_written(path, "the prompt"), str(path), function)
    if opened is None:
        task = build_task(None, path, None)
        chat.write(task.request)
        chat.file = path if chat.gave_program() and is_code(task.request) else chat.file
        return
    chat.begin(chat.conversation.open(opened))
    if opened.function is None:
        chat.say(f"{rest} is open: name one of its functions, and say how to change it")
    elif opened.code:
        chat.show_code()
        chat.say(f"{opened.function} of {path} is open: say how to change it")
    else:
        chat.write("")


def _split_function(rest: str) -> tuple[Path, str | None]:
    """Return the path, and the function that follows it, if one does. Raises InvalidRequestError without a path."""
    path, name = read_path(rest, "/file"), rest.rpartition(" ")[2]
    if path.exists() or " " not in rest or not all(part.isidentifier() for part in name.split(".")):
        return path, None
    return read_path(rest.rpartition(" ")[0].rstrip(), "/file"), name


def add_file(chat: Chat, rest: str) -> None:
    """Show a file to the model from now on."""
    from agent.program.conversation import check_beside

    path = read_path(rest, "/add")
    code, title = read_source(path, "the file"), _name_beside(path)
    check_beside(title, code)
    chat.conversation = chat.conversation.add_file(title, code)
    chat.say(f"{title} is shown to the model from now on")


def drop_file(chat: Chat, rest: str) -> None:
    """Show a file to the model no more."""
    title = _name_beside(read_path(rest, "/drop"))
    chat.conversation = chat.conversation.drop_file(title)
    chat.say(f"{title} is not shown any more")


def refresh_files(chat: Chat) -> None:
    """Read the files that are shown to the model anew. One that cannot be read any more is dropped, and named."""
    from agent.program.conversation import check_beside

    for title in [each.title for each in chat.conversation.files]:
        try:
            code = read_source(Path(title), "the file")
            check_beside(title, code)
        except DubitoError as error:
            chat.conversation = chat.conversation.drop_file(title)
            chat.say(f"{title} is not shown any more: {error}")
        else:
            chat.conversation = chat.conversation.update_file(title, code)


def refresh_opened(conversation: Conversation) -> Conversation:
    """Return a conversation with the file that is open as it is now, and its own changes in it.

    Raises InvalidRequestError where these do not fit any more.
    """
    opened = conversation.opened
    if opened is None:
        return conversation
    return replace(conversation, opened=opened.catch_up(read_written(Path(opened.file), "the program")))


def write_answer(chat: Chat, rest: str) -> None:
    """Put the program into a file, after a question where that changes what is there."""
    from agent.cli.writing import is_same_file, write_edit

    chat.require_program()
    opened = chat.conversation.opened
    own = Path(opened.file) if opened else chat.file
    path = own if own and not rest else read_path(rest, "/write")
    is_opened = opened is not None and is_same_file(path, Path(opened.file))
    edit, caution = _plan(chat, path, is_opened=is_opened), _find_caution(chat)
    if caution and not chat.can_ask():
        chat.say(caution)
        caution = ""
    if write_edit(edit, confirm=chat.ask, caution=caution):
        chat.edits.append(edit)
        if opened and is_opened:
            text = edit.new.decode()
            chat.conversation = replace(chat.conversation, opened=replace(opened, read=text, text=text))


def _plan(chat: Chat, path: Path, *, is_opened: bool) -> Edit:
    """Plan to write the program into a file. is_opened: it is the file that is open."""
    from agent.cli.writing import plan_answer, plan_opened
    from agent.program.task import Task

    program, opened, turn = chat.require_program(), chat.conversation.opened, chat.turn
    if opened and is_opened:
        return plan_opened(path, opened)
    if turn and turn.result.best.program == program and not opened:
        return plan_answer(path, turn.task, program)
    module = opened.module if opened else None
    return plan_answer(path, Task(chat.line or "", entry_point=chat.conversation.name, module=module), program)


def _find_caution(chat: Chat) -> str:
    """Return what a person must know of the program before it is written; an empty text where it is verified."""
    from agent.workflow.standing import Standing

    if chat.turn is None:
        return ""
    if not chat.gave_program():
        return f"the last request gave no program: this is {chat.describe_program()} as it was before"
    standing = chat.turn.result.standing
    is_of_turn = chat.turn.result.best.program == chat.conversation.program
    return (
        f"{standing}: no example says that the program is right" if is_of_turn and standing != Standing.VERIFIED else ""
    )


def undo_write(chat: Chat, rest: str) -> None:
    """Take back the last change of a file that this chat made. A file that was changed since is skipped."""
    from agent.files.changes import write_diff
    from agent.files.edits import read_target, undo_edit
    from agent.views.say import write_data

    if rest:
        raise InvalidRequestError(f"{quote(rest)} came after /undo, which takes nothing; it goes back change by change")
    for edit in reversed(chat.edits):
        name = quote(edit.path)
        try:
            is_same = read_target(edit.path) == edit.new
        except DubitoError:
            is_same = False
        if not is_same:
            chat.say(f"{name} was changed since this chat wrote it, so it stays as it is")
            continue
        if edit.old is None:
            question = f"{name} was made by this chat, and would be deleted. Delete it?"
        else:
            now, before = (text.decode("utf-8", "replace") for text in (edit.new, edit.old))
            write_data(write_diff(now, before, str(edit.path)), err=True, nl=False)
            question = f"{name} would be as it was before this chat wrote it. Change it back?"
        if chat.ask(question):
            undo_edit(edit)
            chat.edits.remove(edit)
            _note_undone(chat, edit)
            chat.say(f"{name} is {'deleted' if edit.old is None else 'as it was before this chat wrote it'}")
        else:
            chat.say("nothing was written")
        return
    raise InvalidRequestError("there is no change left that this chat made and that could be taken back")


def _note_undone(chat: Chat, edit: Edit) -> None:
    """Let the file that is open be as it is again: what the chat changed in it is still to be written."""
    from agent.cli.writing import is_same_file

    opened = chat.conversation.opened
    if opened and edit.old is not None and is_same_file(edit.path, Path(opened.file)):
        chat.conversation = replace(chat.conversation, opened=replace(opened, read=edit.old.decode()))


def write_trace(chat: Chat, rest: str) -> None:
    """Let the steps of the next request go into a new file."""
    from agent.files.edits import lies_outside

    path = read_path(rest, "/trace", "steps.jsonl")
    if path.exists():
        raise InvalidRequestError(f"{quote(rest)} exists, and a trace never replaces a file; choose another name")
    if lies_outside(path, Path()) and not chat.ask(f"{quote(path)} lies outside of the current folder. Write it?"):
        chat.say("no trace is written")
        return
    chat.trace = path
    chat.say(f"the steps of the next request go into {chat.trace}")


def save_chat(chat: Chat, rest: str) -> None:
    """Save the conversation; another file than its own is replaced only after a question."""
    from agent.cli.writing import write_edit
    from agent.files.edits import Edit, read_target
    from agent.program.saved_chat import SavedChat, write_chat

    path = read_path(rest, "/save", "notes.json")
    saved = SavedChat(chat.conversation, chat.read_options())
    edit, place = Edit(path, read_target(path), write_chat(saved)), os.path.realpath(path)
    if write_edit(edit, yes=place in chat.own_files, confirm=chat.ask, shows=False) or not edit.changes:
        chat.own_files.add(place)
        chat.say(f"saved in {rest}; /load {rest} goes on with it")


def load_chat(chat: Chat, rest: str) -> None:
    """Go on with a conversation that was saved, with its options where the command line named none."""
    from agent.program.saved_chat import read_chat

    path = read_path(rest, "/load", "notes.json")
    saved = read_chat(read_source(path, "the session"), rest)
    chat.take_options(saved.options)
    chat.begin(saved.conversation)
    chat.own_files.add(os.path.realpath(path))
    count = format_count(len(saved.conversation.requests), "request")
    chat.say(
        f"{count} and the program are back; /retry and /holes need a new request"
        if saved.conversation.program
        else "loaded"
    )


def _name_beside(path: Path) -> str:
    """Return the one name of a file, however it was typed: from the current folder on where it lies inside."""
    place, folder = Path(os.path.realpath(path)), Path(os.path.realpath("."))
    return str(place.relative_to(folder) if place.is_relative_to(folder) else place)
