"""All commands by their words, as in "bench run", each with its options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from agent.cli.app import app


def _walk(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from _walk(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(_walk(get_command(app)))
