"""List the meanings, draw one, and name its split: a hash of the meaning decides, so that it never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from math import prod
from pathlib import Path
from random import Random
from typing import TypeVar

from benchmarks.exercises import chains, numeric, skeletons, structured, textual
from benchmarks.exercises.grammar import Family, Meaning, Piece
from benchmarks.exercises.tables import piece_table

_T = TypeVar("_T")
SPLITS = ("train", "validation", "calibration", "test", "far")
_SHARES = {
    "test": 60,
    "calibration": 160,
    "validation": 180,
}  # of a thousand buckets, the end of each split's
HELD_OUT = Path(__file__).with_name("held_out.txt")
_SOURCE_WEIGHTS = {"numbers": 5, "words": 3, "sentence": 2, "characters": 2, "csv": 2, "digits": 2}
_GROUP_WEIGHTS = {"own": 0.35, "crossed": 0.25, "chains": 0.4}  # how often each group is drawn


@cache
def families() -> Mapping[str, Family]:
    """Return all families by name."""
    return {family.name: family for group in groups().values() for family in group}


@cache
def groups() -> Mapping[str, Sequence[Family]]:
    """Return the families with code of their own, the crossed ones of one or two pieces, and those of three to five."""
    return {
        "own": (*numeric.NUMERIC_FAMILIES, *textual.TEXTUAL_FAMILIES, *structured.STRUCTURED_FAMILIES),
        "crossed": tuple(skeletons.cross(skeletons.SKELETONS)),
        "chains": tuple(skeletons.cross(chains.CHAINS)),
    }


def find_split(meaning: Meaning) -> str:
    """Return the split of a meaning: "far" for whole families, else by a hash of its key."""
    if meaning.family.far:
        return "far"
    bucket = int.from_bytes(hashlib.sha256(meaning.key.encode()).digest()[:4]) % 1000
    return next((split for split, end in _SHARES.items() if bucket < end), "train")


def draw(random: Random, split: str, zipf: float = 0.0) -> Meaning:
    """Draw a meaning of the given split. Shapes are about equally likely, however many compositions they have.

    zipf: above 0, the shape or row of pieces of rank r has weight r ** -zipf (Zipf's law, as words in real text). Rows
    rank in the order of their table, which begins with the most usual. Shapes rank by a hash.
    """
    while True:
        meaning = draw_pieces(_draw_family(random, far=split == "far", zipf=zipf), random, zipf=zipf)
        if find_split(meaning) == split:
            return meaning


def draw_pieces(family: Family, random: Random, keep: Mapping[str, Piece] | None = None, zipf: float = 0.0) -> Meaning:
    """Draw the open pieces of a family. Pieces of one table differ. keep: pieces that are given. zipf: see `draw`."""
    pieces: dict[str, Piece] = {}
    for slot, name in family.slots.items():
        taken = {piece.key for other, piece in pieces.items() if family.slots[other] == name}
        while True:
            piece = keep[slot] if keep and slot in keep else random.choice(_pick(piece_table(name), random, zipf))
            if piece.key not in taken or (keep and slot in keep):
                break
        pieces[slot] = piece
    return Meaning(family, pieces)


@cache
def relatives(args: str, returns: str) -> Sequence[Family]:
    """Return the families that are trained on and have this signature."""
    return [
        family for family in families().values() if (family.args, family.returns, family.far) == (args, returns, False)
    ]


def parse_key(key: str) -> Meaning:
    """Return the meaning with this key."""
    name, *keys = key.split("/")
    family = families()[name]
    pieces = [_find(piece_table(spec), part) for spec, part in zip(family.slots.values(), keys, strict=True)]
    return Meaning(family, dict(zip(family.slots, pieces, strict=True)))


def size() -> int:
    """Return an upper estimate of the number of distinct compositions."""
    return sum(
        prod(_count(spec) for spec in family.slots.values()) // (1 + family.symmetric) for family in families().values()
    )


@cache
def held_out(split: str) -> Sequence[str]:
    """Return the keys of a held-out split in the order of their ids. The file only orders them; the hash decides."""
    lines = HELD_OUT.read_text(encoding="utf-8").splitlines()
    return [line.partition(" ")[2] for line in lines if line.startswith(split + " ")]


def _count(spec: str) -> int:
    return sum(len(group) for group in piece_table(spec))


def _find(groups: tuple[tuple[Piece, ...], ...], key: str) -> Piece:
    return next(piece for group in groups for piece in group if piece.key == key)


@cache
def _shapes(group: str, *, far: bool) -> Sequence[Sequence[Family]]:
    """Group families by shape. Families of one skeleton have one shape, whatever their source."""
    shapes: dict[str, list[Family]] = {}
    for family in groups()[group]:
        if family.far == far:
            shapes.setdefault(_shape(family), []).append(family)
    return list(shapes.values())


@cache
def _ranked(group: str, *, far: bool) -> Sequence[Sequence[Family]]:
    """Return the shapes in the order of a hash of their names, which is unrelated to their meaning."""
    return sorted(_shapes(group, far=far), key=lambda shape: hashlib.sha256(_shape(shape[0]).encode()).digest())


def _shape(family: Family) -> str:
    return family.name.partition("@")[0]


def _pick(options: Sequence[_T], random: Random, zipf: float) -> _T:
    if not zipf:
        return random.choice(options)
    return random.choices(options, [rank**-zipf for rank in range(1, len(options) + 1)])[0]


def _draw_family(random: Random, *, far: bool, zipf: float) -> Family:
    (group,) = random.choices(list(_GROUP_WEIGHTS), list(_GROUP_WEIGHTS.values()))
    shape = _pick((_ranked if zipf else _shapes)(group, far=far), random, zipf)
    weights = [_SOURCE_WEIGHTS.get(family.name.rpartition("@")[2], 1) for family in shape]
    return random.choices(shape, weights)[0]
