"""Find a model: in a folder, else in the hub's cache, else on the hub if the network reaches it.

No code beside a model ever runs. The files of a folder are checked before anything in them is read.
"""

from __future__ import annotations

import os
import re
import socket
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from agent.errors import ModelLoadError
from agent.messages import flatten

WEIGHTS = {  # what the weights may be, and the dtype that they are loaded in
    "auto": "auto", "int8": "bfloat16", "bf16": "bfloat16", "fp16": "float16", "fp32": "float32",
}  # fmt: skip
WHAT_LOADS = "wanted a causal LM of transformers, as a folder or a hub id within reach; try models/tiny"
_MAX_TEXT_BYTES = 128 * 2**20  # the largest tokenizers of public models take some 35 MB
MAX_TEMPLATE_BYTES = 2**20
_TEXTS = (".json", ".txt", ".model", ".tiktoken", ".py")
_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_NEVER_EMPTY = (".json", ".safetensors", ".bin", ".model")


def load_nearest(kind: Any, name: str, **options: Any) -> Any:
    """Return `kind.from_pretrained(name)` from the nearest place. Raises ModelLoadError for a bad folder."""
    options["trust_remote_code"] = False  # so transformers neither runs code from there nor asks about it
    check_folder(name)
    folder = find_folder(name)
    if folder is not None:
        return kind.from_pretrained(folder, **options)
    try:
        return kind.from_pretrained(name, local_files_only=True, **options)
    except OSError:
        _check_reachable()
        return kind.from_pretrained(name, **options)


def check_folder(name: str) -> None:
    """Raise ModelLoadError for a folder whose files are no model. A hub id passes without a look-up."""
    folder = find_folder(name)
    if folder is not None:
        _check_folder(folder, name)
    elif not _HUB_ID.fullmatch(name):
        raise ModelLoadError(
            f"no model at {flatten(name)!r}: there is no such folder, and it is no hub id; {WHAT_LOADS}"
        )


def find_folder(name: str) -> Path | None:
    """Return the folder that a name means; None for a hub id."""
    folder = Path(os.path.expanduser(name))  # noqa: PTH111 - pathlib raises for an unknown user's home
    return folder if name.startswith(("/", ".", "~")) or os.path.lexists(folder) else None


def check_files(folder: Path) -> None:
    """Raise ModelLoadError for a folder with pipes, devices, or files too large to read."""
    try:
        files = [*folder.iterdir(), *folder.glob("additional_chat_templates/*")]
    except OSError as error:
        raise ModelLoadError(f"cannot read the folder {str(folder)!r}: {error.strerror}; {WHAT_LOADS}") from error
    for file in files:
        try:
            status = file.stat()
        except OSError as error:
            raise ModelLoadError(
                f"cannot read {str(file)!r}: {error.strerror}; remove it from the model's folder"
            ) from error
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise ModelLoadError(f"{str(file)!r} is no regular file; a model's folder holds files and folders alone")
        most = MAX_TEMPLATE_BYTES if file.suffix == ".jinja" else _MAX_TEXT_BYTES if file.suffix in _TEXTS else None
        if most is not None and status.st_size > most:
            raise ModelLoadError(f"{str(file)!r} has {status.st_size} bytes; wanted at most {most} in such a file")
        if not status.st_size and file.suffix in _NEVER_EMPTY:
            raise ModelLoadError(f"{str(file)!r} is empty; download the model again, or save it anew")


def _check_folder(folder: Path, name: str) -> None:
    if not os.path.exists(folder):  # noqa: PTH110 - pathlib raises for names that are too long
        raise ModelLoadError(f"no model at {flatten(name)!r}: there is no such folder; {WHAT_LOADS}")
    if not folder.is_dir():
        raise ModelLoadError(f"{name!r} is a file, and a model is a folder; {WHAT_LOADS}")
    check_files(folder)
    if not (folder / "config.json").is_file():
        raise ModelLoadError(f"{name!r} is no model: it has no config.json; {WHAT_LOADS}")


def _check_reachable() -> None:
    """Raise OSError at once if the hub cannot be reached. Its own client would retry for half a minute."""
    from huggingface_hub import constants  # heavy; it comes with transformers

    if constants.HF_HUB_OFFLINE or getproxies():
        return
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
    except OSError as error:
        raise OSError(f"it is not on this machine, and the hub cannot be reached ({error.strerror})") from error
