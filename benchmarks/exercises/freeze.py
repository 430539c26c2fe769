"""Fill up held_out.txt: `python -m benchmarks.exercises.freeze`. Keeps its lines, so that ids never change."""

from __future__ import annotations

from random import Random

from benchmarks.exercises import world
from benchmarks.exercises.body import load_function, write_body
from benchmarks.exercises.compose import draw_inputs, roles
from benchmarks.exercises.grammar import Meaning

SIZES = {"validation": 200, "calibration": 1000, "test": 500, "far": 100}


def has_varied_results(meaning: Meaning) -> bool:
    """Return whether the meaning has 3 different results (2 for a bool), so that tests can tell programs apart."""
    names = {role: role for role in roles(meaning)}
    function = load_function(f"def f({', '.join(names)}):{write_body(meaning, names, Random(0))}", "f")
    results = {repr(function(*args)) for args in draw_inputs(meaning, "freeze", 40)}
    return len(results) >= (2 if meaning.family.returns == "bool" else 3)


def draw_held_out() -> list[str]:
    """Return the lines of the file: the old ones, then new ones up to the sizes."""
    lines: list[str] = []
    for split, size in SIZES.items():
        random = Random(f"held out {split}")
        keys = dict.fromkeys(world.held_out(split)) if world.HELD_OUT.exists() else {}
        while len(keys) < size:
            meaning = world.draw(random, split)
            if meaning.key not in keys and has_varied_results(meaning):
                keys[meaning.key] = None
        lines += [f"{split} {key}" for key in keys]
    return lines


if __name__ == "__main__":
    lines = draw_held_out()
    world.HELD_OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
