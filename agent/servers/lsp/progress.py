"""Show a person, in the client, that something takes a while. A client that cannot show it is told nothing."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer


@asynccontextmanager
async def show_progress(server: LanguageServer, title: str) -> AsyncIterator[None]:
    """Show a title in the client meanwhile."""
    window, token = server.client_capabilities.window, str(uuid.uuid4())
    is_shown = bool(window and window.work_done_progress)
    if is_shown:
        try:
            await server.work_done_progress.create_async(token)
        except JsonRpcException:  # the client wants none
            is_shown = False
    if is_shown:
        server.work_done_progress.begin(token, types.WorkDoneProgressBegin(title=title))
    try:
        yield
    finally:
        if is_shown:
            server.work_done_progress.end(token, types.WorkDoneProgressEnd())
