"""Measure what `dubito score` costs beside the forward of the model on the same tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.lm.base import Model, OffsetTokenizer
from agent.lm.hf.cache import new_cache
from agent.lm.hf.model import HFLM
from agent.lm.scoring import score_source
from benchmarks import open_benchmark
from benchmarks.speed.bench import read_clock
from benchmarks.speed.decoding import Measurement

LINES = 500  # of the file
_AT_ONCE = 256  # tokens of a forward: the logits of a whole file would take gigabytes


def measure_scoring(model: Model, rounds: int, lines: int = LINES) -> Iterator[Measurement]:
    """Time the scoring of a file against the forward that gives the logits at each of its tokens, in turns."""
    source = make_file(lines)
    ids = _encode(model, source)
    ratios = [_time(lambda: score_source(model, source)) / _time(lambda: _read(model, ids)) for _ in range(rounds)]
    name = f"score of {lines} lines, {len(ids)} tokens, against a forward"
    yield Measurement(name, "<= 1.30 x", f"{sorted(ratios)[rounds // 2]:.2f} x")


def make_file(lines: int) -> str:
    """Return a Python file of so many lines: the first exercises and their canonical solutions, one after another."""
    text = ""
    for problem in open_benchmark("exercises"):
        text += f"{problem.prompt}{problem.canonical_solution}".rstrip() + "\n\n\n"
        if text.count("\n") >= lines:
            break
    return "".join(text.splitlines(keepends=True)[:lines])


def _encode(model: Model, source: str) -> list[int]:
    assert isinstance(model.tokenizer, OffsetTokenizer)
    return model.tokenizer.encode_with_offsets(source).ids


def _read(model: Model, ids: list[int]) -> None:
    """Run the forward on all tokens, in windows where the model reads fewer at once."""
    assert isinstance(model.lm, HFLM)
    window = model.lm.context or len(ids)
    for begin in range(0, len(ids), window):
        text, cache = ids[begin : begin + window], new_cache(model.lm.model)
        for at in range(0, len(text), _AT_ONCE):
            tokens = text[at : at + _AT_ONCE]
            model.lm.forward([tokens], cache, at, keep=len(tokens))


def _time(work: Callable[[], object]) -> float:
    start = read_clock()
    work()
    return read_clock() - start
