"""Fill up held_out.txt: `python -m benchmarks.exercises.freeze`. What stands there is kept: ids never change."""

from __future__ import annotations

from random import Random

from benchmarks.exercises import world
from benchmarks.exercises.compose import inputs, load, roles, write
from benchmarks.exercises.grammar import Meaning

SIZES = {"validation": 200, "calibration": 1000, "test": 500, "far": 100}


def tells(meaning: Meaning) -> bool:
    """Whether the meaning gives at least three different results, so that tests can tell programs apart."""
    names = {role: role for role in roles(meaning)}
    function = load(f"def f({', '.join(names)}):{write(meaning, names, Random(0))}", "f")
    results = {repr(function(*args)) for args in inputs(meaning, "freeze", 40)}
    return len(results) >= (2 if meaning.family.returns == "bool" else 3)


def frozen() -> list[str]:
    """The lines of the file: those that stand, then new ones up to the sizes."""
    lines: list[str] = []
    for split, size in SIZES.items():
        random = Random(f"held out {split}")
        keys = dict.fromkeys(world.held_out(split)) if world.HELD_OUT.exists() else {}
        while len(keys) < size:
            meaning = world.draw(random, split)
            if meaning.key not in keys and tells(meaning):
                keys[meaning.key] = None
        lines += [f"{split} {key}" for key in keys]
    return lines


if __name__ == "__main__":
    lines = frozen()
    world.HELD_OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
