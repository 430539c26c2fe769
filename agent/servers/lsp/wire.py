"""Read and write messages as pygls does, but within bounds, and with an answer to what is none. Knows no feature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple, NoReturn, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.protocol import LanguageServerProtocol, lsp_method

from agent.servers.wire import claim_streams, end_process

MOST_MESSAGE_BYTES = 2**25  # of a message
_LONGEST_HEADER, _CHUNK = 4096, 2**20  # bytes


class BoundedInput:
    """Reads messages for pygls. A message that is too long is skipped, and read as null."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source

    def readline(self) -> bytes:
        """Return a line of a header, or a part of one that is too long."""
        return self._source.readline(_LONGEST_HEADER)

    def read(self, size: int) -> bytes:
        """Return so many bytes; fewer where the client has gone."""
        if size <= MOST_MESSAGE_BYTES:
            return self._source.read(size)
        while size > 0 and (data := self._source.read(min(size, _CHUNK))):
            size -= len(data)
        return b"null"


class Streams(NamedTuple):
    """What the client writes, and what it reads."""

    source: BinaryIO
    sink: BinaryIO


def claim_standard_streams() -> Streams:
    """Take stdin and stdout for messages, as `claim_streams` does."""
    source, sink = claim_streams()
    return Streams(cast(BinaryIO, BoundedInput(open(source, "rb"))), open(sink, "wb"))  # noqa: PTH123 - they stay open, and have no path


class TextSync(NamedTuple):
    """What is done when the client opens, changes and closes a text."""

    open: Callable[[types.DidOpenTextDocumentParams], None]
    change: Callable[[types.DidChangeTextDocumentParams], None]
    close: Callable[[types.DidCloseTextDocumentParams], None]


class Protocol(LanguageServerProtocol):
    """The protocol of pygls with other texts, which it would cut into lines at form feeds, too, and with other ends."""

    sync: TextSync
    complain: Callable[[str], None]

    def structure_message(self, data: dict[str, Any]) -> Any:
        """Return a message as a record; None for one that is answered here, because its parts are wrong."""
        try:
            return super().structure_message({"params": None, **data} if "method" in data else data)
        except JsonRpcException as error:
            if "id" not in data or "method" not in data:
                raise
            self._send_response(data["id"], None, error.to_response_error())
            return None

    def handle_message(self, message: Any) -> None:
        """Answer a message."""
        if hasattr(message, "jsonrpc"):
            super().handle_message(message)
        elif message is not None:
            self.complain("JSON came that is no message of JSON-RPC; it was skipped")

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Open a text."""
        self.sync.open(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Change a text."""
        self.sync.change(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Close a text."""
        self.sync.close(params)

    @lsp_method(types.EXIT)
    def lsp_exit(self, *parameters: object) -> NoReturn:
        """End the process."""
        end_process(0 if self._shutdown else 1)
