"""The numbers learned for one model, in one JSON file: thresholds, edge weights, reliability, taus. Learns nothing."""

from __future__ import annotations

import hashlib
import json
import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from platformdirs import user_data_path

from agent.errors import FileAccessError, ProfileError
from agent.files.access import check_writable, explain_errors, is_stream, read_bounded, write_whole
from agent.files.plain import make_plain
from agent.lm.names import digest_weights, find_embedded_model, find_model_folder, find_shelf_model
from agent.messages import quote
from agent.program.hole_calibration import HoleCalibration, read_hole_calibration

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
PROFILE_NAME = "profile.json"  # in a model's folder
_MOST_BYTES = 2**20  # of a profile
_ANY_KEY = "[0-9a-f]" * 12  # a pattern of the end of a profile's name
_LARGEST = 1e12  # of a learned number
_ADDED = {"holes", "passed_over"}  # fields that a file may lack


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """The probability that an answer is right: a linear form of its features, then a curve. Learned for one model."""

    weights: dict[str, float]  # of the features
    intercept: float
    knots: tuple[float, ...]  # values of the linear form, rising
    levels: tuple[float, ...]  # the probability at each knot, rising
    examples: int  # the fewest that an answer was judged by where the curve was learned
    enough: float = 0.0  # the least probability of being right at which an answer that passes its examples is verified

    @property
    def needs_mutants(self) -> bool:
        """Whether it was learned of searches that look at mutants, and says nothing of others."""
        return "undecided" in self.weights

    def probability(self, features: Mapping[str, float]) -> float:
        """Return the probability that the answer with these features is right, in [0, 1]."""
        z = self.intercept + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items())
        return _interpolate(z, self.knots, self.levels)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A pause threshold for one score, and what it was learned from."""

    score: str  # a key of uncertainty.SCORES
    recipe: str
    threshold: float  # infinite (null in the file) for never
    recipes: dict[str, float | None] = field(default_factory=dict)  # the threshold that each recipe gives
    tokens: int = 0
    tasks: int = 0
    auroc: dict[str, float | None] = field(
        default_factory=dict
    )  # of each score, against "the right token is not first"
    curve: list[dict[str, float | None]] = field(default_factory=list)  # threshold, shares paused, caught, reachable
    provenance: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """The numbers learned for one model. A field that was not learned is empty."""

    model: str
    weights: str = ""  # digest of a local model's weights; empty for a hub's
    thresholds: dict[str, Calibration] = field(default_factory=dict)  # by score
    edge_weights: dict[str, float] = field(default_factory=dict)  # of the features of an edge, for the learned order
    reliability: ReliabilityCurve | None = None
    search_origin: dict[str, Any] = field(default_factory=dict)  # what edge weights and curve were learned from
    holes: HoleCalibration | None = None
    passed_over: str = ""  # the file of a profile of this name that holds for other weights; never stored

    def is_of(self, model: str, weights: str) -> bool:
        """Whether this is the profile of a model: weights decide where either has a digest, else the name."""
        return self.weights == weights if self.weights or weights else self.model == model

    def threshold(self, score: str) -> float | None:
        """Return the threshold that was learned or published for this score."""
        if score in self.thresholds:
            return self.thresholds[score].threshold
        return PUBLISHED.get(self.model) if score == "entropy" else None

    def digest(self) -> str | None:
        """Return a digest of what a search uses; None where nothing was learned."""
        if not (self.edge_weights or self.reliability):
            return None
        numbers = json.dumps([self.edge_weights, make_plain(self.reliability) or {}], sort_keys=True)
        return hashlib.sha256(numbers.encode()).hexdigest()[:12]


def find_profile(model: str) -> ModelProfile:
    """Return the profile of a model: the user's own, completed by its folder's, and that by the shipped one.

    Raises ProfileError.
    """
    profile, weights = ModelProfile(model, digest_weights(model)), digest_weights(model)
    _check_no_old_files(model, weights)
    files = (*_shipped_file(model), find_model_folder(model) / PROFILE_NAME, profile_file(model, weights))
    for file in filter(_is_file, files):
        if not (stored := load_profile(file)).is_of(model, weights):
            profile = replace(profile, passed_over=str(file))
        else:
            profile = replace(profile, thresholds={**profile.thresholds, **stored.thresholds})
            profile = replace(
                profile,
                edge_weights=stored.edge_weights or profile.edge_weights,
                reliability=stored.reliability or profile.reliability,
                search_origin={**profile.search_origin, **stored.search_origin},
                holes=stored.holes or profile.holes,
            )
    if weights and not _is_file(files[-1]):
        for other in sorted(files[-1].parent.glob(f"{_file_stem(model)}-{_ANY_KEY}.json")):
            return replace(profile, passed_over=str(other))
    return profile


def _shipped_file(model: str) -> tuple[Path, ...]:
    """Return the file of the profile that comes with the code, for a model of the shelf."""
    shelf_model = find_shelf_model(model)
    return (find_embedded_model().parent / "profiles" / f"{shelf_model.name}.json",) if shelf_model else ()


def load_profile(file: Path) -> ModelProfile:
    """Read a profile. Raises ProfileError for anything else, and FileAccessError."""
    data = read_bounded(file, _MOST_BYTES)
    try:
        record = json.loads(data)
        profile = ModelProfile(**{name: record[name] for name in ModelProfile.__slots__ if name not in _ADDED})
        curve, holes = record["reliability"], record.get("holes")
        if not (isinstance(profile.model, str) and isinstance(profile.weights, str)):
            raise ValueError("it does not say of which model")
        if not (all(map(_is_number, profile.edge_weights.values())) and isinstance(profile.search_origin, dict)):
            raise ValueError("the edge weights are no numbers")
        thresholds = {score: _read_calibration(score, each) for score, each in record["thresholds"].items()}
        return replace(
            profile,
            thresholds=thresholds,
            reliability=None if curve is None else _read_curve(curve),
            holes=None if holes is None else read_hole_calibration(holes),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProfileError(f"{quote(file)} is no profile of a model, or was written by an older version") from error


def update_profile(file: Path, model: str, weights: str, **parts: Any) -> None:
    """Write these fields into the profile in a file, and keep its others. Thresholds and origins are added to its own.

    A profile of another model is replaced. Raises ProfileError, FileAccessError, StorageError.
    """
    check_profile_file(file)
    profile = ModelProfile(model, weights)
    if not is_stream(file) and file.is_file() and file.stat().st_size:
        stored = load_profile(file)
        profile = stored if stored.is_of(model, weights) else profile
    thresholds = {**profile.thresholds, **parts.pop("thresholds", {})}
    origin = {**profile.search_origin, **parts.pop("search_origin", {})}
    profile = replace(profile, thresholds=thresholds, search_origin=origin, **parts)
    record = {name: value for name, value in make_plain(profile).items() if name != "passed_over"}
    write_whole(file, (json.dumps(record, indent=2) + "\n").encode(), is_ours=_is_profile)


def check_profile_file(file: Path) -> None:
    """Make the folder of a profile. Raise FileAccessError where the file could not be written."""
    if file.is_dir():
        raise FileAccessError(f"{quote(file)} is a folder; name a file, such as {PROFILE_NAME}")
    with explain_errors(file, "write"):
        file.parent.mkdir(parents=True, exist_ok=True)
    check_writable(file, is_ours=_is_profile)


def profile_file(model: str, weights: str) -> Path:
    """Return the file of a model's profile in the user's data folder, named by weights or by name."""
    key = weights or hashlib.sha256(model.encode()).hexdigest()[:12]
    folder = user_data_path("dubito") / "profiles"
    earlier = sorted(folder.glob(f"*-{key}.json")) if weights else []  # the same weights may have several names
    return earlier[0] if earlier else folder / f"{_file_stem(model)}-{key}.json"


def _file_stem(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", Path(model).name).strip("-.")


def _check_no_old_files(model: str, weights: str) -> None:
    """Raise ProfileError where older versions stored something of this model: it would be silently ignored."""
    name = profile_file(model, weights).name
    for folder in ("thresholds", "searches"):
        file = user_data_path("dubito") / folder / name
        if _is_file(file):
            raise ProfileError(f"{quote(file)} was written by an older version, whose files are not read")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # the name is too long, or holds a NUL
        return False


def _is_profile(head: bytes) -> bool:
    """Whether a file that begins like this is a profile."""
    try:
        record = json.loads(head)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.keys() | _ADDED == set(ModelProfile.__slots__)


def _read_calibration(score: str, record: dict[str, Any]) -> Calibration:
    """Read one threshold. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    calibration = Calibration(**{name: record[name] for name in Calibration.__slots__})
    threshold = math.inf if calibration.threshold is None else calibration.threshold
    if calibration.score != score or not isinstance(calibration.recipe, str):
        raise ValueError("a threshold does not say its score and recipe")
    if threshold != math.inf and not (_is_number(threshold) and threshold >= 0.0):
        raise ValueError("a threshold is no number from 0 on")
    return replace(calibration, threshold=float(threshold))


def _read_curve(record: dict[str, Any]) -> ReliabilityCurve:
    """Read a curve. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    knots, levels = record["knots"], record["levels"]
    if not (isinstance(knots, list) and isinstance(levels, list) and len(knots) == len(levels) > 0):
        raise ValueError("knots and levels are not two lists of one length")
    if not all(
        map(_is_number, [*record["weights"].values(), record["intercept"], record["examples"], *knots, *levels])
    ):
        raise ValueError("numbers are missing")
    if sorted(knots) != knots or sorted(levels) != levels or not 0.0 <= levels[0] <= levels[-1] <= 1.0:
        raise ValueError("the curve falls, or leaves the range of a probability")
    if record["examples"] < 0:
        raise ValueError("the fewest examples are negative")
    enough = record.get("enough", 0.0)  # files of earlier versions have none
    if not _is_number(enough) or not 0.0 <= enough <= 1.0:
        raise ValueError("what is enough is no probability")
    return ReliabilityCurve(
        record["weights"], record["intercept"], tuple(knots), tuple(levels), record["examples"], enough
    )


def _is_number(value: object) -> bool:
    """Whether a value read from JSON is a number with finite sums and products."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST  # NaN is not


def _interpolate(z: float, knots: Sequence[float], levels: Sequence[float]) -> float:
    """Return the curve's level at z: linear between knots, flat outside them."""
    if math.isnan(z):
        return levels[0]
    after = bisect_right(knots, z)
    if after in (0, len(knots)):
        return levels[min(after, len(knots) - 1)]
    low, high = knots[after - 1], knots[after]
    part = (z - low) / (high - low) if high > low else 1.0
    return levels[after - 1] + part * (levels[after] - levels[after - 1])
