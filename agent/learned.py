"""What was learned about searching with one model: weights of the order, and how far its answers can be trusted."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent.calibrations import place_of
from agent.errors import UsageError
from agent.search import Plan

_ADVICE = "learn it with `dubito calibrate search`"
BESIDE = "search.json"  # where a model's folder brings it along


@dataclass(frozen=True, slots=True)
class Learned:
    """Numbers of one model, from problems kept for it."""

    model: str
    weights: str  # digest of a local model's weights; empty for a hub's
    order: dict[str, float]  # weights of the features of an edge
    trust: dict[str, Any]  # what agent.trust reads
    tasks: int = 0
    provenance: dict[str, Any] = field(default_factory=dict)


def place(model: str, weights: str) -> Path:
    """Return the file in the user's data folder."""
    threshold = place_of(model, weights)
    return threshold.parent.with_name("searches") / threshold.name


def load(file: Path) -> Learned:
    """Read what was learned. Raises UsageError for anything else."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        found = Learned(**{name: record[name] for name in Learned.__slots__})
        trust = found.trust
        weights = [*found.order.values(), *(trust["weights"].values() if trust else ())]
        curve = [trust["intercept"], trust["examples"], *trust["knots"], *trust["levels"]] if trust else []
        sound = all(isinstance(number, int | float) for number in [*weights, *curve])
        if not sound or (trust and not len(trust["knots"]) == len(trust["levels"]) > 0):
            raise ValueError("numbers are missing")
        return found
    except OSError as error:
        raise UsageError(f"cannot read {str(file)!r}: {error.strerror}; {_ADVICE}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        told = "holds nothing learned of a search, or was written by an older version"
        raise UsageError(f"{str(file)!r} {told}; {_ADVICE}, or remove it") from error


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
    return hashlib.sha256(json.dumps([learned.order, learned.trust], sort_keys=True).encode()).hexdigest()[:12]


def planned(plan: Plan, learned: Learned | None) -> Plan:
    """Return the plan with what was learned of the model. Raises UsageError where it wants what was not."""
    lacks_order = plan.order == "learned" and not (learned and learned.order)
    if lacks_order or (plan.min_probability > 0 and not (learned and learned.trust)):
        wanted = "--order learned" if lacks_order else "--min-probability"
        raise UsageError(f"{wanted} needs what was not learned for this model; {_ADVICE}")
    if learned is None:
        return plan
    return replace(plan, weights=learned.order if plan.order == "learned" else {}, trust=learned.trust)
