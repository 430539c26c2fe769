"""Where a model comes from: a folder, else the hub's cache, else the hub, and that only if there is a way to it."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from agent.errors import UsageError

WHAT_LOADS = "wanted a causal LM of transformers, as a folder or a hub id within reach (try: --model models/tiny)"


def nearest(kind: Any, name: str, **options: Any) -> Any:
    """Return `kind.from_pretrained(name)` from the nearest place. Raises UsageError for a folder that is no model."""
    folder = Path(name).expanduser()
    if folder.exists() or name.startswith(("/", ".", "~")):
        return kind.from_pretrained(_checked(folder, name), **options)
    try:
        return kind.from_pretrained(name, local_files_only=True, **options)
    except OSError:
        _check_reachable()
        return kind.from_pretrained(name, **options)


def check_folder(name: str) -> None:
    """Raise UsageError for a folder that is no model, by its files alone. A hub id is not looked for."""
    folder = Path(name).expanduser()
    if folder.exists() or name.startswith(("/", ".", "~")):
        _checked(folder, name)


def vocabulary_of(name: str) -> int:
    """Return how many tokens a model knows, by its configuration alone. Raises UsageError."""
    from transformers import AutoConfig

    try:
        return int(nearest(AutoConfig, name).get_text_config().vocab_size)
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"cannot load the model {name!r}: {first_sentence(error)}; {WHAT_LOADS}") from error


def first_sentence(error: object) -> str:
    """Return the beginning of a long message on one line, without characters that a terminal would obey."""
    line = " ".join(str(error).split())[:200].split(". ")[0].rstrip(".")
    return "".join(character if character.isprintable() else "?" for character in line)


def _checked(folder: Path, name: str) -> Path:
    if not folder.exists():
        raise UsageError(f"no model at {name!r}: there is no such folder; {WHAT_LOADS}")
    if not (folder / "config.json").is_file():
        raise UsageError(f"{name!r} is no model: it has no config.json; {WHAT_LOADS}")
    return folder


def _check_reachable() -> None:
    """Raise OSError at once where the hub cannot be reached; its own client would retry for half a minute."""
    from huggingface_hub import constants  # noqa: PLC0415 - it comes with transformers, which is loaded late

    if constants.HF_HUB_OFFLINE or getproxies():
        return
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError as error:
        raise OSError(f"it is not on this machine, and the hub cannot be reached ({error.strerror})") from error
