"""Parse a model's name into a backend and a local folder, and digest the weights there. Loads nothing."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import NamedTuple

from agent.errors import InvalidRequestError

# name -> module:function; the function takes what is behind the colon of a spec and open_lm's options.
BACKENDS: dict[str, str] = {"hf": "agent.lm.hf.backend:open_model"}
DEFAULT = "hf"
_PREFIX = re.compile(r"([a-z][a-z0-9_-]+):(.*)", re.DOTALL)  # one letter is a drive of Windows
EMBEDDED = "models/tiny"
_SAMPLED = 2**20  # bytes at each end of a weights file, which stand for the whole


class Spec(NamedTuple):
    """A backend, and the name by which it knows the model."""

    backend: str
    name: str


def parse_spec(spec: str) -> Spec:
    """Split `backend:name`; a name alone is the default backend's. Raises InvalidRequestError for an unknown backend.

    A folder of that very name wins, so that no path is ever mistaken for a backend.
    """
    match = _PREFIX.fullmatch(spec)
    if match is None or os.path.lexists(spec):
        return Spec(DEFAULT, spec)
    backend, name = match.groups()
    if backend not in BACKENDS:
        raise InvalidRequestError(
            f"there is no backend {backend!r}; choose from {', '.join(BACKENDS)}, as in hf:models/tiny"
        )
    return Spec(backend, name)


def find_embedded_model() -> Path:
    """Return the folder of the model that comes with the code."""
    return Path(__file__).resolve().parents[2] / EMBEDDED


def find_model_folder(name: str) -> Path:
    """Return the folder of a local model. EMBEDDED means the embedded one; ./models/tiny is another."""
    name = parse_spec(name).name
    return find_embedded_model() if name == EMBEDDED else Path(name)


def digest_weights(name: str) -> str:
    """Return a digest of a local model's weights; an empty one for a hub's, which its name identifies.

    Reads a bounded part of each regular file that holds something.
    """
    digest = hashlib.sha256()
    try:
        files = [file for file in sorted(find_model_folder(name).glob("*.safetensors")) if file.is_file()]
        files = [file for file in files if file.stat().st_size]
        for file in files:
            with file.open("rb") as stream:
                digest.update(stream.read(_SAMPLED))
                stream.seek(max(0, file.stat().st_size - _SAMPLED))
                digest.update(stream.read(_SAMPLED))
    except (OSError, ValueError):  # loading the model will say what is wrong with it
        return ""
    return digest.hexdigest()[:12] if files else ""
