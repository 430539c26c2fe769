"""Make the embedded model from nothing: `python -m models.train --out models/tiny`.

Tokenizer, corpus and weights follow from the recipe and its seed. A killed run goes on from its checkpoint under the
same command. It judges nothing: pass@1 is what `dubito bench` measures.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault(
    "OMP_WAIT_POLICY", "PASSIVE"
)  # before torch: threads that spin starve each other on a shared machine
import numpy as np
import torch
from torch import Tensor

from models import tokenizer as bpe
from models.corpus import END, Mix, WeightedText, documents

_logger = logging.getLogger("train")
_CUDA = torch.cuda.is_available()
_TEXT_ON_CUDA = 100  # times the text of the CPU's recipe, in as many steps
_SHARD_DOCUMENTS = 1_000  # documents written by one process at a time


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the weights, apart from the machine."""

    seed: int = 1
    documents: int = 80_000
    vocabulary: int = 2048
    hidden: int = 256
    layers: int = 6
    heads: int = 4
    intermediate: int = 704
    context: int = 1024
    rows: int = 4  # of `context` tokens, in one step
    steps: int = 3_000
    rate: float = 4e-3  # of the matrices (Muon); embedding and norms get `rate_rest` (AdamW)
    rate_rest: float = 3e-3


def main() -> None:
    """Parse the command line and train."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="python -m models.train", description="Train the embedded model.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the finished model")
    parser.add_argument("--work", type=Path, help="folder for corpus and checkpoint (default: OUT with .work added)")
    base = Recipe()
    if _CUDA:
        base = replace(base, rows=base.rows * _TEXT_ON_CUDA, documents=base.documents * _TEXT_ON_CUDA)
    for name, value in asdict(base).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help=f"default {value}")
    options = vars(parser.parse_args())
    out, work = options.pop("out"), options.pop("work")
    train(Recipe(**options), out, work or out.with_name(f"{out.name}.work"))


def train(recipe: Recipe, out: Path, work: Path) -> None:
    """Learn tokenizer and weights and write them to `out`; what must survive a kill lies in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    _hold_to(recipe, work / "recipe.json")
    tokenizer = _tokenizer(recipe, work)
    ids, weights = _corpus(recipe, tokenizer, work)
    run = TrainingRun(recipe, len(tokenizer), tokenizer.eos_token_id, work / "checkpoint.pt")
    _logger.info(
        "%.2f M parameters, %.2f M tokens in %d rows, on %s", run.parameters / 1e6, ids.size / 1e6, len(ids), run.device
    )
    run.train(ids, weights)
    run.save(out, tokenizer)


def _hold_to(recipe: Recipe, file: Path) -> None:
    """Write the recipe down, or stop where the folder belongs to another one."""
    wanted = asdict(recipe)
    if not file.exists():
        file.write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    begun = json.loads(file.read_text(encoding="utf-8"))
    if begun != wanted:
        differing = ", ".join(f"{name} {begun.get(name)}" for name in wanted if begun.get(name) != wanted[name])
        raise SystemExit(f"{file.parent} holds a run begun with {differing}; give that again, or name another --work")


class TrainingRun:
    """Model, optimizers and progress. Saved whole, so that a killed run goes on where it was."""

    def __init__(self, recipe: Recipe, vocabulary: int, end: int, checkpoint: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.checkpoint = checkpoint
        self.device = "cuda" if _CUDA else "cpu"
        self.model = _model(recipe, vocabulary, end).to(self.device)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.optimizers = _optimizers(self.model, recipe)
        self.step = 0
        self.seconds = 0.0
        if checkpoint.exists():
            self._resume()

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        return self.step / self.recipe.steps

    def train(self, ids: np.ndarray, weights: np.ndarray) -> None:
        """Train to the end of the schedule. ids, weights: [rows, context]."""
        said = saved = self.seconds
        losses: list[float] = []
        while self.progress < 1:
            losses.append(self.advance(ids, weights))
            if self.seconds - said > 15 or self.progress >= 1:
                speed = len(losses) * self.recipe.rows * self.recipe.context / (self.seconds - said)
                _logger.info(
                    "%5.1f %%  step %d  loss %.3f  %.0f tokens/s  %.0f min, %.0f to go",
                    100 * self.progress, self.step, sum(losses) / len(losses), speed,
                    self.seconds / 60, self.seconds / 60 * (1 / self.progress - 1),
                )  # fmt: skip
                losses, said = [], self.seconds
            if self.seconds - saved > 120:
                self.save_checkpoint()
                saved = self.seconds

    def advance(self, ids: np.ndarray, weights: np.ndarray) -> float:
        """One step; returns its loss, in nats a token."""
        start = time.perf_counter()
        loss = self._update(*self._batch(ids, weights))
        self.step += 1
        self.seconds += time.perf_counter() - start
        return loss

    def save_checkpoint(self) -> None:
        """Write everything that a later run needs to go on; a kill leaves the old checkpoint or the new one."""
        state = {
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def save(self, out: Path, tokenizer: Any) -> None:
        """Write weights in bfloat16, configuration, tokenizer, and how they were made."""
        self.model.to(torch.bfloat16).save_pretrained(out)
        tokenizer.save_pretrained(out)
        made = {
            **asdict(self.recipe),
            "parameters": self.parameters,
            "steps": self.step,
            "tokens": self.step * self.recipe.rows * self.recipe.context,
            "seconds": round(self.seconds),
            "device": torch.cuda.get_device_name()
            if self.device == "cuda"
            else f"CPU, {torch.get_num_threads()} threads",
            "torch": torch.__version__,
            "python": platform.python_version(),
        }
        (out / "training.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")

    def _batch(self, ids: np.ndarray, weights: np.ndarray) -> tuple[Tensor, Tensor]:
        """The rows of this step: each epoch is a new order, so that the step number alone decides."""
        per_epoch = len(ids) // self.recipe.rows
        order = np.random.default_rng([self.recipe.seed, self.step // per_epoch]).permutation(len(ids))
        at = self.step % per_epoch * self.recipe.rows
        rows = order[at : at + self.recipe.rows]
        tokens = torch.from_numpy(ids[rows].astype(np.int64))
        return tokens.to(self.device), torch.from_numpy(weights[rows].astype(np.float32)).to(self.device)

    def _update(self, tokens: Tensor, weights: Tensor) -> float:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * min(1.0, (self.step + 1) / 40, (1 - self.progress) / 0.6 + 0.01)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            logits = self.model(tokens).logits
        losses = torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1).float(), tokens[:, 1:].flatten(), reduction="none"
        )
        counted = weights[:, 1:].flatten()
        loss = (losses * counted).sum() / counted.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        return loss.item()

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step, self.seconds = state["step"], state["seconds"]
        _logger.info("going on from step %d", self.step)


def _model(recipe: Recipe, vocabulary: int, end: int) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=end,
    )
    return LlamaForCausalLM(config)


def _optimizers(model: Any, recipe: Recipe) -> list[torch.optim.Optimizer]:
    inner = [parameter for parameter in model.model.layers.parameters() if parameter.ndim == 2]
    rest = [parameter for parameter in model.parameters() if not any(parameter is other for other in inner)]
    muon = torch.optim.Muon(inner, lr=recipe.rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(rest, lr=recipe.rate_rest, betas=(0.9, 0.98), weight_decay=0.0)
    for optimizer, rate in ((muon, recipe.rate), (adam, recipe.rate_rest)):
        for group in optimizer.param_groups:
            group["peak"] = rate
    return [muon, adam]


def _tokenizer(recipe: Recipe, work: Path) -> Any:
    file = work / "tokenizer.json"
    if not file.exists():
        sample = documents(recipe.seed, 0, min(recipe.documents, 10_000), Mix())
        bpe.train_tokenizer((part.text for document in sample for part in document), recipe.vocabulary, file)
    return bpe.read_tokenizer(file)


def _corpus(recipe: Recipe, tokenizer: Any, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Token ids and how much each counts, both [rows, context]. Made once, then read from `work`."""
    file = work / "corpus.npz"
    if not file.exists():
        _logger.info("writing %d documents", recipe.documents)
        parts = [(recipe, work / "tokenizer.json", first) for first in range(0, recipe.documents, _SHARD_DOCUMENTS)]
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as processes:
            shards = map(_shard, parts) if len(parts) == 1 else processes.map(_shard, parts)
            ids, weights = zip(*shards, strict=True)
        partial = file.with_name("partial.npz")
        np.savez(partial, ids=np.concatenate(ids), weights=np.concatenate(weights))
        partial.replace(file)
    arrays = np.load(file)
    return arrays["ids"], arrays["weights"]


def _shard(part: tuple[Recipe, Path, int]) -> tuple[np.ndarray, np.ndarray]:
    """The rows of `_SHARD_DOCUMENTS` documents; which process writes them makes no difference."""
    recipe, tokenizer, first = part
    rows = _rows(
        documents(recipe.seed, first, min(first + _SHARD_DOCUMENTS, recipe.documents), Mix()),
        recipe,
        bpe.read_tokenizer(tokenizer),
    )
    shape = (len(rows), recipe.context)
    ids = np.array([row for row, _ in rows], np.uint16).reshape(shape)
    return ids, np.array([weights for _, weights in rows], np.float16).reshape(shape)


def _rows(text: Iterable[list[WeightedText]], recipe: Recipe, tokenizer: Any) -> list[tuple[list[int], list[float]]]:
    """Pack documents into rows. Each row starts with a whole document, as a prompt does; its last one may be cut.

    A document longer than a row is left out.
    """
    rows: list[tuple[list[int], list[float]]] = []
    ids: list[int] = []
    weights: list[float] = []
    for document in text:
        parts = [*document, WeightedText(END)]
        encoded = [tokenizer.encode(part.text, add_special_tokens=False) for part in parts]
        if sum(map(len, encoded)) > recipe.context:
            continue
        for part, tokens in zip(parts, encoded, strict=True):
            ids += tokens
            weights += [part.weight] * len(tokens)
        if len(ids) >= recipe.context:
            rows.append((ids[: recipe.context], weights[: recipe.context]))
            ids, weights = [], []
    return rows


if __name__ == "__main__":
    main()
