"""What was learned about searching with one model: weights of the order, and how far its answers can be trusted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.errors import InvalidRequestError
from agent.files.access import read_bounded
from agent.files.plain import plain
from agent.messages import quoted
from agent.profile import MOST_BYTES, ReliabilityCurve, is_number, place_of
from agent.search.frontier import SearchConfig

_ADVICE = "learn it with `dubito calibrate search`"
BESIDE = "search.json"  # where a model's folder brings it along


@dataclass(frozen=True, slots=True)
class Learned:
    """Numbers of one model, from problems kept for it."""

    model: str
    weights: str  # digest of a local model's weights; empty for a hub's
    order: dict[str, float]  # weights of the features of an edge
    trust: ReliabilityCurve | None  # None where too little was learned
    tasks: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)


def place(model: str, weights: str) -> Path:
    """Return the file in the user's data folder."""
    threshold = place_of(model, weights)
    return threshold.parent.with_name("searches") / threshold.name


def load(file: Path) -> Learned:
    """Read what was learned. Raises InvalidRequestError for anything else, a probability outside of [0, 1] among it."""
    text = read_bounded(file, MOST_BYTES)
    try:
        record = json.loads(text)
        found = Learned(**{name: record[name] for name in Learned.__slots__})
        if not (isinstance(found.model, str) and isinstance(found.weights, str)):
            raise ValueError("it does not say of which model")
        if not all(map(is_number, found.order.values())):
            raise ValueError("the order is no numbers")
        return replace(found, trust=_curve_in(record["trust"]) if record["trust"] else None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = "holds nothing learned of a search, or was written by an older version"
        raise InvalidRequestError(f"{quoted(file)} {told}; {_ADVICE}, or remove it") from error


def _curve_in(record: dict[str, Any]) -> ReliabilityCurve:
    """Read a curve. Raises ValueError, KeyError, TypeError or AttributeError where this is none."""
    knots, levels = record["knots"], record["levels"]
    if not (isinstance(knots, list) and isinstance(levels, list) and len(knots) == len(levels) > 0):
        raise ValueError("knots and levels are not two lists of one length")
    if not all(map(is_number, [*record["weights"].values(), record["intercept"], record["examples"], *knots, *levels])):
        raise ValueError("numbers are missing")
    if sorted(knots) != knots or sorted(levels) != levels or not 0.0 <= levels[0] <= levels[-1] <= 1.0:
        raise ValueError("the curve falls, or leaves what a probability can be")
    if record["examples"] < 0:
        raise ValueError("the fewest examples are negative")
    return ReliabilityCurve(record["weights"], record["intercept"], tuple(knots), tuple(levels), record["examples"])


def of_model(model: str, weights: str, folder: Path) -> Learned | None:
    """Return what was learned of this model by the user, else what its folder brings along; None where nothing was."""
    for file in (place(model, weights), folder / BESIDE):
        if file.is_file():
            found = load(file)
            if found.weights == weights if weights else found.model == model:
                return found
    return None


def digest_of(learned: Learned | None) -> str | None:
    """Return what tells the numbers of one learning from those of another."""
    if learned is None:
        return None
    return hashlib.sha256(json.dumps([learned.order, plain(learned.trust) or {}], sort_keys=True).encode()).hexdigest()[
        :12
    ]


def with_profile(config: SearchConfig, learned: Learned | None) -> SearchConfig:
    """Return the plan with what was learned of the model. Raises InvalidRequestError where it wants what was not."""
    lacks_order = config.order == "learned" and not (learned and learned.order)
    if lacks_order or (config.min_probability > 0 and not (learned and learned.trust)):
        wanted = "--order learned" if lacks_order else "--min-probability"
        raise InvalidRequestError(f"{wanted} needs what was not learned for this model; {_ADVICE}")
    if learned is None:
        return config
    return replace(config, weights=learned.order if config.order == "learned" else {}, trust=learned.trust)
