"""The user's folder of real models: one folder a model, which is whole or absent. Downloads and converts nothing."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from platformdirs import user_cache_path, user_state_path

from agent.errors import DubitoError, FileAccessError, ModelLoadError, StorageError
from agent.files.access import explain_errors, read_bounded, reason_of, write_whole
from agent.lm.shelf.entries import read_shelf
from agent.messages import check_choice, quote

ORIGIN_NAME = "origin.json"  # in a converted model's folder: what it was made from
_MAGIC = b"GGUF"
_MEMORY_BYTES = 2**12  # of the record of a file's sha256, at most
_SAMPLED = 2**20  # bytes at each end of a weights file, which stand for the whole


def models_folder() -> Path:
    """Return the folder of real models: DUBITO_MODELS, else one in the user's cache."""
    return Path(os.environ.get("DUBITO_MODELS") or user_cache_path("dubito") / "models").expanduser().absolute()


def place_of(sha256: str) -> Path:
    """Return the folder of the model that is made from a file with this hash, whether it is there or not."""
    names = [model.name for model in read_shelf().values() if model.sha256 == sha256]
    return models_folder() / (names[0] if names else f"gguf-{sha256[:12]}")


def is_present(folder: Path) -> bool:
    """Whether a model is in its folder; a folder gets its name when it is whole."""
    return (folder / "config.json").is_file()


def check_models_folder() -> None:
    """Raise FileAccessError where the folder of real models is something else."""
    folder = models_folder()
    if folder.exists() and not folder.is_dir():
        raise FileAccessError(f"real models are kept in {quote(folder)}, which is no folder; set DUBITO_MODELS to one")


def list_converted() -> list[Path]:
    """Return the folders of converted GGUF files that are not of the shelf."""
    return sorted(folder for folder in models_folder().glob("gguf-*") if is_present(folder))


def find_converted(name: str) -> Path | None:
    """Return the folder of a converted GGUF file that `dubito models list` shows under this name."""
    return next((folder for folder in list_converted() if folder.name == name), None)


def measure_file(file: Path) -> int:
    """Return the bytes of a file; 0 where there is none."""
    return file.stat().st_size if file.exists() else 0


def measure_bytes(folder: Path) -> int:
    """Return the bytes of the files in a model's folder."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def check_listed(name: str) -> None:
    """Raise InvalidRequestError for a name that `dubito models list` does not show."""
    check_choice("model", name, [*read_shelf(), *(folder.name for folder in list_converted())])


def remove_model(name: str) -> None:
    """Remove a model of the cache, and what a download of it left.

    Raises InvalidRequestError, ModelLoadError, FileAccessError.
    """
    check_listed(name)
    folder = models_folder() / name
    with lock_place(folder, wait=False) as is_held:
        if not is_held:
            raise FileAccessError(f"another process is getting {quote(name)}; let it end first")
        leftovers = list_leftovers(folder)
        if not leftovers and not is_present(folder):
            raise ModelLoadError(f"{quote(name)} is not on this machine, so there is nothing to remove")
        with explain_errors(folder, "remove"):
            if is_present(folder):
                trash = folder.with_name(f".{name}.trash")
                folder.rename(trash)  # so that no half of it is ever taken for the whole
                leftovers.append(trash)
            for path in leftovers:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def partial_of(folder: Path) -> Path:
    """Return the file that is downloaded to become a model's folder."""
    return folder.with_name(f".{folder.name}.gguf")


def list_leftovers(folder: Path) -> list[Path]:
    """Return what downloads and conversions left beside a model's folder."""
    return [path for path in folder.parent.glob(f".{folder.name}.*") if path.suffix != ".lock"]


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left, but keep a download that a model still needs. The caller holds the lock."""
    for path in list_leftovers(folder):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path != partial_of(folder) or is_present(folder):
            path.unlink(missing_ok=True)


@contextmanager
def lock_place(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold the lock of a model's folder while the context lasts. Yields whether it is held.

    The lock ends with the process that holds it, however it ends. Raises FileAccessError, StorageError.
    """
    check_models_folder()
    with explain_errors(folder, "write"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        file = folder.with_name(f".{folder.name}.lock").open("ab")
    with file:
        yield _lock(file, wait=wait)


def _lock(file: IO[bytes], *, wait: bool) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        raise StorageError(
            f"{quote(models_folder())} is on a file system without locks ({reason_of(error)}), where two processes "
            "would write one file; set DUBITO_MODELS to a folder on another disk"
        ) from error
    return True


def check_space(folder: Path, needed: int) -> None:
    """Raise StorageError where a disk has less room than `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"{needed / 1e9:.1f} GB are needed in {quote(folder)}, and {free / 1e9:.1f} GB are free there; "
            "free some space, or set DUBITO_MODELS to a folder on another disk"
        )


def is_gguf(path: Path) -> bool:
    """Whether a path is a GGUF file, by its name or its first bytes."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return path.suffix.lower() == ".gguf" or file.read(4) == _MAGIC
    except (OSError, ValueError):  # it cannot be read, or its name holds a NUL
        return False


def check_gguf(path: Path) -> None:
    """Raise ModelLoadError for a file that does not begin as a GGUF file does."""
    with path.open("rb") as file:
        head = file.read(4)
    if head != _MAGIC:
        raise ModelLoadError(f"{quote(path)} is no GGUF file: it does not begin with GGUF; is it the right file?")


def hash_file(path: Path) -> str:
    """Return the sha256 of a file."""
    status = path.stat()
    return _hash(path, status.st_ino, status.st_size, status.st_mtime_ns)


def identify_file(path: Path) -> str:
    """Return the sha256 of a file that a user keeps. Remembers it between runs, for a large file takes seconds."""
    status = path.stat()
    version = [status.st_ino, status.st_size, status.st_mtime_ns]
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()
    memory = user_state_path("dubito") / "sha256" / f"{name[:24]}.json"
    with suppress(DubitoError, OSError, ValueError, TypeError, KeyError):
        record = json.loads(read_bounded(memory, _MEMORY_BYTES))
        if record["version"] == version:
            return str(record["sha256"])
    digest = hash_file(path)
    with suppress(DubitoError, OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps({"version": version, "sha256": digest}).encode()
        write_whole(memory, data, is_ours=lambda head: True)
    return digest


@lru_cache(maxsize=16)
def _hash(path: Path, *version: int) -> str:
    """Return the sha256 of one version of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_origin(folder: Path, sha256: str, **facts: Any) -> None:
    """Write beside a converted model which file it was made from."""
    record = {"sha256": sha256, **facts, "weights": digest_folder(folder)}
    (folder / ORIGIN_NAME).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read_origin(folder: Path) -> dict[str, Any] | None:
    """Return the record of `write_origin`; None where there is none, or the weights were changed since."""
    try:
        record = json.loads((folder / ORIGIN_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_valid = isinstance(record, dict) and isinstance(record.get("sha256"), str)
    return record if is_valid and record.get("weights") == digest_folder(folder) else None


def digest_folder(folder: Path) -> str:
    """Return a digest of the weights in a folder; an empty one where there are none.

    Reads a bounded part of each regular file that holds something.
    """
    digest = hashlib.sha256()
    try:
        files = [file for file in sorted(folder.glob("*.safetensors")) if file.is_file() and file.stat().st_size]
        for file in files:
            with file.open("rb") as stream:
                digest.update(stream.read(_SAMPLED))
                stream.seek(max(0, file.stat().st_size - _SAMPLED))
                digest.update(stream.read(_SAMPLED))
    except (OSError, ValueError):  # loading the model will say what is wrong with it
        return ""
    return digest.hexdigest()[:12] if files else ""
