"""Read the blocks of a prompt: words, and files. They come through the client, which knows what is not saved yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from acp import RequestError
from acp.schema import (
    BlobResourceContents,
    ClientCapabilities,
    EmbeddedResourceContentBlock,
    ResourceContentBlock,
    TextContentBlock,
)

from agent.errors import DubitoError, InvalidRequestError
from agent.files.access import read_bounded
from agent.messages import flatten, quote

_MOST_BYTES = 2**24  # of a file
_SENTENCE_ENDS = ".!?:`\n"


class SharedFile(NamedTuple):
    """A file of a prompt."""

    name: str  # for messages and prompts
    path: str | None  # where it can be read again as a whole; None for a part of a file, or for text of no file
    text: str

    @property
    def is_module(self) -> bool:
        """Whether an answer can be written into it."""
        return self.path is not None and self.name.endswith((".py", ".pyi"))


class PromptContent(NamedTuple):
    """What a prompt holds."""

    line: str  # the words; empty where there is only a file
    files: tuple[SharedFile, ...]
    shown: str  # the prompt as a transcript shows it


class Files:
    """The files of a client's folder: through the client where it can, else from the disk."""

    def __init__(self, client: Any, capabilities: ClientCapabilities | None, session_id: str, cwd: str) -> None:
        able = capabilities.fs if capabilities else None
        self._client, self._session_id, self._cwd = client, session_id, Path(cwd)
        self._reads, self.writes = bool(able and able.read_text_file), bool(able and able.write_text_file)

    async def read(self, path: str) -> SharedFile:
        """Return a file. Raises InvalidRequestError for one that cannot be read, and FileAccessError."""
        if self._reads:
            try:
                reply = await self._client.read_text_file(path=path, session_id=self._session_id)
            except RequestError as error:
                raise InvalidRequestError(f"the editor cannot read {quote(path)}: {flatten(error)}") from error
            return SharedFile(self.name(path), path, reply.content)
        try:
            return SharedFile(self.name(path), path, read_bounded(Path(path), _MOST_BYTES).decode())
        except UnicodeDecodeError as error:
            raise InvalidRequestError(
                f"{quote(path)} is not UTF-8 text (byte {error.start}); save it as UTF-8"
            ) from error

    async def write(self, path: str, text: str) -> None:
        """Let the client write a file. Raises InvalidRequestError where it does not."""
        try:
            await self._client.write_text_file(path=path, content=text, session_id=self._session_id)
        except RequestError as error:
            raise InvalidRequestError(f"the editor did not write {quote(path)}: {flatten(error)}") from error

    def name(self, path: str) -> str:
        """Return the name of a file for a person: within the folder, else as it is."""
        return str(Path(path).relative_to(self._cwd)) if Path(path).is_relative_to(self._cwd) else path


async def read_blocks(blocks: Sequence[Any], files: Files) -> PromptContent:
    """Return what a prompt says. Raises InvalidRequestError for what cannot be read, and FileAccessError."""
    words, shared, shown = "", list[SharedFile](), list[str]()
    for block in blocks:
        if isinstance(block, TextContentBlock):
            words += block.text
            shown.append(block.text)
            continue
        file = await _read_file(block, files)
        shared.append(file)
        shown.append(f"@{file.name}")
        if words.strip() and words.rstrip()[-1] not in _SENTENCE_ENDS:
            words += file.name  # as in "fill in the stub of mod.py"
    line = words.replace("\r\n", "\n").strip()
    if not line and not any(file.is_module for file in shared):
        raise InvalidRequestError(
            "nothing was asked for; say what to write, or give a Python file with a function to write"
        )
    return PromptContent(line, tuple(shared), "".join(shown).strip())


async def _read_file(block: Any, files: Files) -> SharedFile:
    if isinstance(block, ResourceContentBlock):
        path = _find_path(block.uri)
        if path is None:
            raise InvalidRequestError(f"{quote(block.uri)} is no file that can be read here; give a file, or its text")
        return await files.read(path)
    if isinstance(block, EmbeddedResourceContentBlock) and not isinstance(block.resource, BlobResourceContents):
        resource = block.resource
        path = _find_path(resource.uri)
        if path is None:
            name = Path(unquote(urlsplit(resource.uri).path)).name or resource.uri
            return SharedFile(name, None, resource.text)
        try:
            return await files.read(path)  # what is written back must be the whole of it, as it is now
        except DubitoError:  # it is not saved yet, or cannot be read as a whole
            return SharedFile(files.name(path), None, resource.text)
    raise InvalidRequestError("pictures, sound and other bytes cannot be read; send text or files of text")


def _find_path(uri: str) -> str | None:
    """Return the path of a whole file on this machine; None for a part of a file, and for all else."""
    parts = urlsplit(uri)
    path = unquote(parts.path)
    is_whole = parts.scheme == "file" and not parts.fragment and not parts.query
    return path if is_whole and parts.netloc in ("", "localhost") and Path(path).is_absolute() else None
