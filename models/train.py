"""Train the embedded model from nothing: tokenizer, corpus and weights follow from a recipe and its seed.

The same command resumes a killed run from its checkpoint. It does not measure the model: `dubito bench` does.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
from dataclasses import asdict, replace
from pathlib import Path

# Set before torch is imported: threads that spin starve each other on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import torch

from models.packed import make_corpus, make_tokenizer
from models.recipe import OPTION_HELP, Recipe
from models.run import TrainingRun

_EXAMPLE = "example: python -m models.train --out models/tiny (or: make train-tiny)"
_logger = logging.getLogger("train")
_TEXT_ON_CUDA = 100  # times the CPU recipe's text, in as many steps


def main() -> None:
    """Parse the command line and train."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__, epilog=_EXAMPLE)
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    parser.add_argument("--work", type=Path, help="folder for corpus and checkpoint (default: OUT with .work added)")
    base = Recipe()
    if torch.cuda.is_available():
        base = replace(base, rows=base.rows * _TEXT_ON_CUDA, documents=base.documents * _TEXT_ON_CUDA)
    for name, value in asdict(base).items():
        text = f"{OPTION_HELP[name]} (default: {value})"
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=text)
    options = vars(parser.parse_args())
    out, work = options.pop("out"), options.pop("work")
    train(Recipe(**options), out, work or out.with_name(f"{out.name}.work"))


def train(recipe: Recipe, out: Path, work: Path) -> None:
    """Train tokenizer and weights and write them to `out`. Keep in `work` what a killed run needs to resume."""
    work.mkdir(parents=True, exist_ok=True)
    _check_recipe(recipe, work / "recipe.json")
    tokenizer = make_tokenizer(recipe, work)
    ids, weights = make_corpus(recipe, tokenizer, work)
    run = TrainingRun(recipe, len(tokenizer), tokenizer.eos_token_id, work / "checkpoint.pt")
    _logger.info(
        "%.2f M parameters, %.2f M tokens in %d rows, on %s", run.parameters / 1e6, ids.size / 1e6, len(ids), run.device
    )
    run.train(ids, weights)
    run.save(out, tokenizer)


def _check_recipe(recipe: Recipe, file: Path) -> None:
    """Write the recipe to the file; exit where the file holds another recipe."""
    options = asdict(recipe)
    if not file.exists():
        file.write_text(json.dumps(options, indent=2) + "\n", encoding="utf-8")
    recorded = json.loads(file.read_text(encoding="utf-8"))
    if recorded != options:
        differing = ", ".join(f"{name} {recorded.get(name)}" for name in options if recorded.get(name) != options[name])
        raise SystemExit(f"{file.parent} holds a run with {differing}; give the same again, or another --work")


if __name__ == "__main__":
    main()
