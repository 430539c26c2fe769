"""Say what a model's name means: a backend, a folder, a digest of the weights. Loads nothing.

A name is models/tiny, a folder, a GGUF file, a name that `dubito models list` shows, or a hub id. A path of that very
name comes before the others.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.lm.shelf.cache import (
    digest_folder,
    find_converted,
    identify_file,
    is_gguf,
    is_present,
    place_of,
    read_origin,
)
from agent.lm.shelf.entries import ShelfModel, read_shelf

# name -> module:function; the function takes what is behind the colon of a spec and open_lm's options.
BACKENDS: dict[str, str] = {"hf": "agent.lm.hf.backend:open_model"}
DEFAULT = "hf"
_PREFIX = re.compile(r"([a-z][a-z0-9_-]+):(.*)", re.DOTALL)  # one letter is a drive of Windows
EMBEDDED = "models/tiny"
_DIGITS = 12  # of a sha256 that stand for it


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
    if not name:
        raise InvalidRequestError(f"{spec!r} names no model; write it behind the colon, as in hf:models/tiny")
    if backend not in BACKENDS:
        raise InvalidRequestError(
            f"there is no backend {backend!r}; choose from {', '.join(BACKENDS)}, as in hf:models/tiny"
        )
    return Spec(backend, name)


def find_embedded_model() -> Path:
    """Return the folder of the model that comes with the code."""
    return Path(__file__).resolve().parents[2] / EMBEDDED


def find_model_folder(name: str) -> Path:
    """Return the folder that a name means, whether it is there or not. ./models/tiny is not the embedded model."""
    name = parse_spec(name).name
    if name == EMBEDDED:
        return find_embedded_model()
    path = expand_user(name)
    if is_gguf(path):
        return place_of(identify_file(path))
    return find_in_cache(name) or path


def find_in_cache(name: str) -> Path | None:
    """Return the folder of a name that `dubito models list` shows; None for others, and where a path has the name."""
    model, name = find_on_shelf(name), parse_spec(name).name
    if model is not None:
        return place_of(model.sha256)
    return None if os.path.lexists(name) else find_converted(name)


def find_on_shelf(name: str) -> ShelfModel | None:
    """Return the model of the shelf that a name means by itself; None where a path of that name is on this machine."""
    name = parse_spec(name).name
    return None if os.path.lexists(name) else read_shelf().get(name)


def find_shelf_model(name: str) -> ShelfModel | None:
    """Return the model of the shelf behind a name: its short name, its GGUF file, or the folder made from that."""
    sha256 = _find_sha256(name)
    return next((model for model in read_shelf().values() if model.sha256 == sha256), None)


def needs_conversion(name: str) -> bool:
    """Whether a name means a GGUF file that was not converted yet."""
    path = expand_user(parse_spec(name).name)
    return is_gguf(path) and not is_present(place_of(identify_file(path)))


def choose_default_model() -> str:
    """Return the best coder of the shelf that is on this machine, else the embedded model."""
    coders = (model for model in read_shelf().values() if model.coder)
    return next((model.name for model in coders if is_present(place_of(model.sha256))), EMBEDDED)


def digest_weights(name: str) -> str:
    """Return a digest of a local model's weights; an empty one for a hub's, which its name identifies.

    A model that was made from a GGUF file has the digest of that file, so all its names agree.
    """
    return _find_sha256(name)[:_DIGITS] or digest_folder(find_model_folder(name))


def expand_user(name: str) -> Path:
    """Return the path that a name is, with `~` expanded where that user exists."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - pathlib raises for an unknown user's home


def _find_sha256(name: str) -> str:
    """Return the sha256 of the GGUF file that a model is, or was made from; an empty one for any other model."""
    model, path = find_on_shelf(name), expand_user(parse_spec(name).name)
    if model is not None:
        return model.sha256
    if is_gguf(path):
        return identify_file(path)
    origin = read_origin(find_model_folder(name))
    return origin["sha256"] if origin else ""
