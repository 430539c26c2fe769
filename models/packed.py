"""Turn the corpus into rows of token ids and weights, written to disk once. Trains no weights."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from models import tokenizer as bpe
from models.corpus import END, Mix, WeightedText, documents
from models.recipe import Recipe

_logger = logging.getLogger("train")
_SHARD_DOCUMENTS = 1_000  # that one process writes at a time


def make_tokenizer(recipe: Recipe, work: Path) -> Any:
    """Return the tokenizer in `work`; train it first where there is none."""
    file = work / "tokenizer.json"
    if not file.exists():
        sample = documents(recipe.seed, 0, min(recipe.documents, 10_000), Mix())
        bpe.train_tokenizer((part.text for document in sample for part in document), recipe.vocabulary, file)
    return bpe.read_tokenizer(file)


def make_corpus(recipe: Recipe, tokenizer: Any, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return token ids and their weights, both [rows, context]. Written to `work` once, then read from there."""
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
    """Return the rows of one shard of documents. Every process would write the same."""
    recipe, tokenizer, first = part
    last = min(first + _SHARD_DOCUMENTS, recipe.documents)
    rows = _rows(documents(recipe.seed, first, last, Mix()), recipe, bpe.read_tokenizer(tokenizer))
    shape = (len(rows), recipe.context)
    ids = np.array([row for row, _ in rows], np.uint16).reshape(shape)
    return ids, np.array([weights for _, weights in rows], np.float16).reshape(shape)


def _rows(text: Iterable[list[WeightedText]], recipe: Recipe, tokenizer: Any) -> list[tuple[list[int], list[float]]]:
    """Pack documents into rows. Each row starts with a whole document, as a prompt does; its last one may be cut.

    Leaves out documents longer than a row.
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
