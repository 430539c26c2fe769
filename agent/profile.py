"""Learned thresholds, kept one file a model and found again by the model's name. Also those that papers published."""

from __future__ import annotations

import hashlib
import json
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

from agent.errors import InvalidRequestError
from agent.files.access import check_writable, explained, read_bounded, write_whole
from agent.files.plain import plain
from agent.messages import quoted

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PUBLISHED = {  # entropy in nats; AdaDec (arXiv:2506.08980), learned on BigCodeBench by its recipe
    "deepseek-ai/deepseek-coder-1.3b-base": 0.985025,
    "deepseek-ai/deepseek-coder-6.7b-base": 1.133754,
    "stabilityai/stable-code-3b": 1.100469,
    "codellama/CodeLlama-7b-Python-hf": 1.935300,
    "Qwen/Qwen3-0.6B": 1.321288,
    "Qwen/Qwen3-1.7B": 0.615292,
    "Qwen/Qwen3-4B": 0.713369,
    "Qwen/Qwen3-8B": 0.705955,
}
MOST_BYTES = 2**20  # of a file of learned numbers
LARGEST = 1e12  # of a learned number
WANTED = "wanted a number, as in --threshold 1.0, or a file that `dubito calibrate threshold` wrote"


@dataclass(frozen=True, slots=True)
class Calibration:
    """A pause threshold of one model, and what it was learned from."""

    model: str
    weights: str  # digest of a local model's weights; empty for a hub's
    score: str  # a key of uncertainty.SCORES
    recipe: str
    threshold: float  # infinite (null in the file) for never
    tokens: int = 0
    tasks: int = 0
    auroc: dict[str, float | None] = field(default_factory=dict)  # of each score, against "the right one is not first"
    curve: list[dict[str, float | None]] = field(
        default_factory=list
    )  # threshold, and shares paused, caught, reachable
    provenance: dict[str, Any] = field(default_factory=dict)


def place_of(model: str, weights: str) -> Path:
    """Return the file of a model's threshold in the user's data folder: local models go by weights, others by name."""
    key = weights or hashlib.sha256(model.encode()).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-.")
    return user_data_path("dubito") / "thresholds" / f"{name}-{key}.json"


def check_place(file: Path, kind: type[DataclassInstance] = Calibration) -> None:
    """Make the folder of a file. Raise FileAccessError if the file could not be written."""
    if file.is_dir():
        raise InvalidRequestError(f"{quoted(file)} is a folder; name a file with --out, as in --out threshold.json")
    with explained(file, "write"):
        file.parent.mkdir(parents=True, exist_ok=True)
    check_writable(file, is_ours=partial(_is_ours, kind))


def write(calibration: DataclassInstance, file: Path) -> None:
    """Write what was learned, whole or not at all; an older one of its kind is replaced. Raises InvalidRequestError."""
    check_place(file, type(calibration))
    data = json.dumps(plain(calibration), indent=2) + "\n"
    write_whole(file, data.encode(), is_ours=partial(_is_ours, type(calibration)))


def _is_ours(kind: type[DataclassInstance], head: bytes) -> bool:
    """Whether a file holds something learned of this kind."""
    try:
        record = json.loads(head)
    except (ValueError, RecursionError):
        return False
    required = {part.name for part in fields(kind) if part.default is MISSING and part.default_factory is MISSING}
    return isinstance(record, dict) and required <= record.keys()


def load(file: Path) -> Calibration:
    """Read a calibration. Raises InvalidRequestError for anything else."""
    text = read_bounded(file, MOST_BYTES)
    try:
        record = json.loads(text)
        found = Calibration(**{name: record[name] for name in Calibration.__slots__})
        names = (found.model, found.weights, found.score, found.recipe)
        sound = found.threshold is None or (is_number(found.threshold) and found.threshold >= 0.0)
        if not (sound and all(isinstance(name, str) for name in names)):
            raise ValueError("this is no calibration")
        return replace(found, threshold=math.inf if found.threshold is None else float(found.threshold))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidRequestError(f"{quoted(file)} holds no learned threshold; {WANTED}") from error


def is_number(value: object) -> bool:
    """Whether a value read from JSON is a number that sums and products of some stay finite with."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST  # NaN is not


def of_model(model: str, weights: str, score: str) -> Calibration | None:
    """Return the threshold that was learned or published for this model and score; None where there is none."""
    file = place_of(model, weights)
    if file.is_file():
        found = load(file)
        if _same_model(found, model, weights) and found.score == score:
            return found
    if score == "entropy" and model in PUBLISHED:
        return Calibration(model, "", score, "published", PUBLISHED[model])
    return None


def threshold_from(text: str, *, model: str, weights: str, score: str) -> float:
    """Return the threshold that a number or a calibration file says. Raises ProfileError for another model's."""
    number = number_in(text)
    if number is not None:
        return number
    found = load(Path(text))
    if not _same_model(found, model, weights):
        raise InvalidRequestError(
            f"the threshold in {quoted(text)} was learned from {_named(found.model, found.weights)}, and this is "
            f"{_named(model, weights)}; learn one from it with `dubito calibrate threshold --model {model}`"
        )
    if found.score != score:
        wrong = f"is of the score {quoted(found.score)[1:-1]}, and this policy pauses by {score}"
        raise InvalidRequestError(f"the threshold in {quoted(text)} {wrong}")
    return found.threshold


def _same_model(found: Calibration, model: str, weights: str) -> bool:
    return found.weights == weights if found.weights or weights else found.model == model


def _named(model: str, weights: str) -> str:
    return f"{quoted(model)[1:-1]} (weights {quoted(weights)[1:-1]})" if weights else quoted(model)[1:-1]


EMBEDDED = "models/tiny"


_ENDS = 2**20  # bytes of a file's beginning and end that stand for the whole


def embedded_model() -> Path:
    """Return the folder of the model that comes with the code."""
    return Path(__file__).resolve().parent.parent / EMBEDDED


def folder_of_model(name: str) -> Path:
    """Return where a local model lies. The embedded one's name means the embedded one; ./models/tiny is another."""
    return embedded_model() if name == EMBEDDED else Path(name)


def weights_of(name: str) -> str:
    """Return a digest that tells a local model's weights from others; empty for a hub's, of which the name is known.

    Only regular files that hold something are read, and of each a bounded part.
    """
    digest = hashlib.sha256()
    try:
        files = [
            file
            for file in sorted(folder_of_model(name).glob("*.safetensors"))
            if file.is_file() and file.stat().st_size
        ]
        for file in files:
            with file.open("rb") as bytes_of:
                digest.update(bytes_of.read(_ENDS))
                bytes_of.seek(max(0, file.stat().st_size - _ENDS))
                digest.update(bytes_of.read(_ENDS))
    except (OSError, ValueError):  # loading the model will say what is wrong with it
        return ""
    return digest.hexdigest()[:12] if files else ""


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """The probability that an answer is right: a linear form of its features, then a curve. Learned for one model."""

    weights: dict[str, float]  # of the features
    intercept: float
    knots: tuple[float, ...]  # values of the linear form, rising
    levels: tuple[float, ...]  # the probability at each knot, rising
    examples: int  # the fewest that an answer was judged by where the curve was learned


def probability_of(curve: ReliabilityCurve, features: Mapping[str, float]) -> float:
    """Return the probability that the answer with these features is right, in [0, 1]."""
    z = curve.intercept + sum(weight * features.get(name, 0.0) for name, weight in curve.weights.items())
    return _interpolated(z, curve.knots, curve.levels)


def _interpolated(z: float, knots: Sequence[float], levels: Sequence[float]) -> float:
    """Return the curve's level at z: linear between knots, flat outside them."""
    if math.isnan(z):
        return levels[0]
    after = bisect_right(knots, z)
    if after in (0, len(knots)):
        return levels[min(after, len(knots) - 1)]
    low, high = knots[after - 1], knots[after]
    part = (z - low) / (high - low) if high > low else 1.0
    return levels[after - 1] + part * (levels[after] - levels[after - 1])


_NATS = "give one in nats, as in --threshold 1.0"


def number_in(text: str) -> float | None:
    """Return the threshold that a text states as a number; None where it may name a file. Raises ProfileError."""
    if not text.strip():
        raise InvalidRequestError(f"the threshold is empty; {_NATS}, or a file")
    try:
        number = float(text)
    except ValueError:
        return None
    if math.isnan(number) or number < 0:
        raise InvalidRequestError(
            f"the threshold {quoted(text)} is not a number from 0 on; {_NATS}, or inf for no pause"
        )
    return number
