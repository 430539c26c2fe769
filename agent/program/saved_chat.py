"""Turn a conversation into JSON, and back: what `dubito chat` saves, and what `dubito acp` keeps of a session."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from agent.errors import InvalidRequestError
from agent.messages import quote
from agent.program.conversation import Conversation
from agent.program.modules.opened import OpenedFile
from agent.program.prompts import CodeBeside

_MARK = "dubito_chat"  # the first key of the object


@dataclass(frozen=True, slots=True)
class SavedChat:
    """A conversation as it was saved, the options that it was held with, and what a server keeps beside it."""

    conversation: Conversation
    options: Mapping[str, Any]
    session: Mapping[str, Any] = field(default_factory=dict)  # of a server; empty for `dubito chat`


def write_chat(chat: SavedChat) -> bytes:
    """Return a conversation as JSON."""
    record = {_MARK: 1, "options": dict(chat.options), "conversation": asdict(chat.conversation)}
    return json.dumps(record | ({"session": dict(chat.session)} if chat.session else {})).encode()


def read_chat(text: str, name: str) -> SavedChat:
    """Return the conversation that `write_chat` wrote. name: of its file. Raises InvalidRequestError for others."""
    try:
        record = json.loads(text)
        kept = dict(record["conversation"])
        files = tuple(CodeBeside(**each) for each in kept.pop("files"))
        kept |= {name: tuple(kept[name]) for name in ("requests", "said", "tests")}
        opened = kept.pop("opened", None)
        kept["opened"] = OpenedFile(**opened) if opened is not None else None
        return SavedChat(Conversation(**kept, files=files), record["options"], record.get("session", {}))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidRequestError(f"{quote(name)} is no session of a chat; wanted what /save wrote") from error


def is_chat(head: bytes) -> bool:
    """Whether a file that begins so holds a saved conversation."""
    return head.startswith(f'{{"{_MARK}"'.encode())
