"""Sessions of ACP, and the folder that keeps them: one file each, as `dubito chat` saves a conversation."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple
from uuid import uuid4

from agent.errors import DubitoError, InvalidRequestError, StorageError
from agent.files.access import read_bounded, reason_of, write_whole
from agent.messages import quote
from agent.program.conversation import Conversation
from agent.program.saved_chat import SavedChat, is_chat, read_chat, write_chat

MOST_SESSIONS = 100  # when another one is kept, the oldest goes
_ID = re.compile("[0-9a-f]{32}")
_TITLE = 80  # characters
AUTO_MODE, ASK_MODE = "auto", "ask"  # the modes


class Message(NamedTuple):
    """What the person or the agent said."""

    role: str  # "user" or "agent"
    text: str


class Target(NamedTuple):
    """A file that the conversation is about, and the function in it that was written last."""

    path: str
    function: str | None


class TurnAnswer(NamedTuple):
    """What comes of a prompt: its message, the conversation after it, and the new text of the file it is about."""

    message: str
    conversation: Conversation | None = None  # None where the run abstained
    mark: str = ""  # of the claim
    function: str | None = None  # that was written
    new: str | None = None  # the file's text with the answer; None where no file is to be changed


class PromptTurn(NamedTuple):
    """A prompt that is being answered, and the flags that stop it."""

    stop: Event  # for the thread of the desk
    cancelled: asyncio.Event  # the same, for the event loop


@dataclass
class PanelSession:
    """A conversation of one client."""

    id: str
    cwd: str
    mode: str
    conversation: Conversation = field(default_factory=Conversation)
    target: Target | None = None
    messages: list[Message] = field(default_factory=list)
    prompt: PromptTurn | None = None  # that is being answered

    @property
    def title(self) -> str:
        """The beginning of the first request."""
        first = next((each.text for each in self.messages), "")
        return " ".join(first.split())[:_TITLE]


class KeptSession(NamedTuple):
    """A session in a list."""

    id: str
    cwd: str
    title: str
    updated: str  # ISO 8601


def begin_session(cwd: str, mode: str) -> PanelSession:
    """Return a new session."""
    return PanelSession(uuid4().hex, cwd, mode)


class SessionFolder:
    """The sessions on disk. options: that a conversation is saved with."""

    def __init__(self, folder: Path, options: Mapping[str, Any]) -> None:
        self._folder, self._options = folder, dict(options)

    def save(self, session: PanelSession) -> None:
        """Keep a session, and drop the oldest of too many. Raises StorageError and FileAccessError."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"cannot keep sessions in {quote(self._folder)}: {reason_of(error)}") from error
        kept = {
            "cwd": session.cwd, "mode": session.mode, "messages": [each._asdict() for each in session.messages],
            "target": session.target._asdict() if session.target else None,
            "updated": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        saved = SavedChat(session.conversation, self._options, kept)
        write_whole(self._place(session.id), write_chat(saved), is_ours=is_chat)
        for file in self._list_files()[MOST_SESSIONS:]:
            file.unlink(missing_ok=True)

    def load(self, number: str) -> PanelSession:
        """Return a kept session. Raises InvalidRequestError for an id of none, and FileAccessError."""
        if not _ID.fullmatch(number) or not self._place(number).is_file():
            raise InvalidRequestError(f"there is no session {quote(number)} on this machine; begin a new one")
        return _read(self._place(number))

    def list_kept(self, cwd: str | None) -> Iterator[KeptSession]:
        """Yield the kept sessions, the newest first. cwd: only those of this folder."""
        for file in self._list_files():
            try:
                session, updated = _read(file), datetime.fromtimestamp(file.stat().st_mtime, UTC)
            except (DubitoError, OSError):
                continue  # another process has dropped it, or another version wrote it
            if cwd in (None, session.cwd):
                yield KeptSession(session.id, session.cwd, session.title, updated.isoformat(timespec="seconds"))

    def _list_files(self) -> list[Path]:
        dated = list[tuple[float, Path]]()
        for file in self._folder.glob("*.json"):
            if _ID.fullmatch(file.stem) and file.exists():
                dated.append((file.stat().st_mtime, file))
        return [file for _, file in sorted(dated, reverse=True)]

    def _place(self, number: str) -> Path:
        return self._folder / f"{number}.json"


def _read(file: Path) -> PanelSession:
    saved = read_chat(read_bounded(file).decode("utf-8", "replace"), str(file))
    kept = saved.session
    try:
        messages = [Message(str(each["role"]), str(each["text"])) for each in kept["messages"]]
        target = Target(**kept["target"]) if kept["target"] else None
        return PanelSession(file.stem, str(kept["cwd"]), str(kept["mode"]), saved.conversation, target, messages)
    except (KeyError, TypeError) as error:
        raise InvalidRequestError(f"{quote(file)} is no session of `dubito acp`; remove it") from error
