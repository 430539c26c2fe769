"""Find a model: in a folder, on the shelf, else in the hub's cache, else on the hub if the network reaches it.

No code beside a model ever runs. The files of a folder are checked before anything in them is read.
"""

from __future__ import annotations

import os
import re
import socket
import stat
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from agent.errors import ModelLoadError
from agent.lm.names import EMBEDDED, expand_user, find_in_cache, find_model_folder, find_on_shelf
from agent.lm.shelf.cache import check_gguf, is_gguf, is_present, place_of
from agent.lm.shelf.entries import ShelfModel, read_shelf
from agent.messages import flatten

WEIGHTS = {  # what the weights may be, and the dtype that they are loaded in
    "auto": "auto", "int8": "bfloat16", "bf16": "bfloat16", "fp16": "float16", "fp32": "float32",
}  # fmt: skip
WHAT_LOADS = (
    "wanted a causal LM of transformers, as a folder, a GGUF file, a hub id within reach or a name that "
    "`dubito models list` shows; try models/tiny"
)
_MAX_TEXT_BYTES = 128 * 2**20  # the largest tokenizers of public models take some 35 MB
MAX_TEMPLATE_BYTES = 2**20
_TEXTS = (".json", ".txt", ".model", ".tiktoken", ".py")
_HUB_ID = re.compile(r"[\w.-]{1,96}(/[\w.-]{1,96})?")
_SIMILAR = 0.8  # of 1; a hub id without an owner is hardly that close to a name of the shelf
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


def find_place(name: str) -> str:
    """Return what transformers loads for a name: a folder, or a hub id. A GGUF file is converted the first time.

    Raises ModelLoadError, StorageError.
    """
    path = expand_user(name)
    if is_gguf(path):
        from agent.lm.hf.gguf import open_gguf  # imports torch

        return str(open_gguf(path))
    check_folder(name)
    return str(find_model_folder(name)) if name == EMBEDDED or find_in_cache(name) else name


def check_folder(name: str) -> None:
    """Raise ModelLoadError for a folder whose files are no model. A hub id passes without a look-up."""
    model = find_on_shelf(name)
    if model is not None:
        check_shelf_model(model)
    if not name:
        raise ModelLoadError(f"the name of a model is empty; {WHAT_LOADS}")
    if name.lower().endswith(".gguf") and not os.path.lexists(expand_user(name)):
        raise ModelLoadError(f"there is no file {flatten(name)!r}; {WHAT_LOADS}")
    folder = find_folder(name)
    if folder is not None and is_gguf(folder):
        check_gguf(folder)
    elif folder is not None:
        _check_folder(folder, name)
    elif not _HUB_ID.fullmatch(name):
        raise ModelLoadError(
            f"no model at {flatten(name)!r}: there is no such folder, and it is no hub id; {WHAT_LOADS}"
        )
    elif "/" not in name and (similar := get_close_matches(name.lower(), read_shelf(), n=1, cutoff=_SIMILAR)):
        raise ModelLoadError(f"there is no model {name!r}; did you mean {similar[0]}, which is on the shelf?")


def check_shelf_model(model: ShelfModel) -> None:
    """Raise ModelLoadError for a model of the shelf that is not on this machine."""
    if not is_present(place_of(model.sha256)):
        raise ModelLoadError(
            f"{model.name} is on the shelf but not on this machine; get it with: dubito models get {model.name}"
        )


def find_folder(name: str) -> Path | None:
    """Return the folder or file that a name means; None for a hub id."""
    if name == EMBEDDED or find_in_cache(name):
        return find_model_folder(name)
    path = expand_user(name)
    return path if name.startswith(("/", ".", "~")) or os.path.lexists(path) else None


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
        raise ModelLoadError(f"{name!r} is a file, and a model is a folder or a GGUF file; {WHAT_LOADS}")
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
