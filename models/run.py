"""Train a model step by step, with checkpoints that a killed run resumes from. Makes no text."""

from __future__ import annotations

import json
import logging
import platform
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.recipe import Recipe

_logger = logging.getLogger("train")


class TrainingRun:
    """Model, optimizers and progress. A checkpoint holds all of them, so that a killed run can resume."""

    def __init__(self, recipe: Recipe, vocabulary: int, end: int, checkpoint: Path) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.checkpoint = checkpoint
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model = _model(recipe, vocabulary, end).to(self.device)
        self.parameters = sum(parameter.numel() for parameter in self.model.parameters())
        self.optimizers = _optimizers(self.model, recipe)
        self.step = 0
        self.seconds = 0.0
        if checkpoint.exists():
            self._resume()

    @property
    def progress(self) -> float:
        """The share of steps done, from 0 to 1."""
        return self.step / self.recipe.steps

    def train(self, ids: np.ndarray, weights: np.ndarray) -> None:
        """Train to the end of the schedule. ids, weights: [rows, context]."""
        logged = saved = self.seconds
        losses: list[float] = []
        while self.progress < 1:
            losses.append(self.advance(ids, weights))
            if self.seconds - logged > 15 or self.progress >= 1:
                speed = len(losses) * self.recipe.rows * self.recipe.context / (self.seconds - logged)
                _logger.info(
                    "%5.1f %%  step %d  loss %.3f  %.0f tokens/s  %.0f min, %.0f to go",
                    100 * self.progress, self.step, sum(losses) / len(losses), speed,
                    self.seconds / 60, self.seconds / 60 * (1 / self.progress - 1),
                )  # fmt: skip
                losses, logged = [], self.seconds
            if self.seconds - saved > 120:
                self.save_checkpoint()
                saved = self.seconds

    def advance(self, ids: np.ndarray, weights: np.ndarray) -> float:
        """Do one step; return its loss, in nats a token."""
        start = time.perf_counter()
        loss = self._update(*self._batch(ids, weights))
        self.step += 1
        self.seconds += time.perf_counter() - start
        return loss

    def save_checkpoint(self) -> None:
        """Write everything that a later run needs. A kill leaves the old checkpoint or the new one."""
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
        """Write weights in bfloat16, configuration and tokenizer, and how they were made (training.json)."""
        self.model.to(torch.bfloat16).save_pretrained(out)
        tokenizer.save_pretrained(out)
        origin = {
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
        (out / "training.json").write_text(json.dumps(origin, indent=2) + "\n", encoding="utf-8")

    def _batch(self, ids: np.ndarray, weights: np.ndarray) -> tuple[Tensor, Tensor]:
        """Return the rows of this step. Each epoch has an order of its own, so the step number decides alone."""
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
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
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
        _logger.info("resuming from step %d", self.step)


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
