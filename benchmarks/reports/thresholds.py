"""How well scores tell misranked tokens from others, and what each recipe for a threshold makes of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from agent.views.report import Report
from uncertainty.thresholds import CURVE_SHARES, RECIPES, Ranked, find_recipe, threshold_point

_COLUMNS = {"paused": "paused", "caught": "caught", "reachable": "in top 3"}


def report_thresholds(tokens: Mapping[str, Ranked], score: str) -> Report:
    """Report how well each score tells misranked tokens, and the threshold of each recipe on one score."""
    data = tokens[score]
    auroc = {name: each.auroc() for name, each in tokens.items()}
    recipes = list(apply_recipes(data))
    misranked = float(data.misranked.mean())
    lines = [
        f"{len(data.ranks)} tokens, {misranked:.3f} of them not the model's first choice",
        "",
        f"{'score':<20}AUROC",
        *(f"{name:<20}{_measure(value)}" for name, value in auroc.items()),
        "",
        _line(f"recipe, on {score}", "threshold", *_COLUMNS.values()),
        *map(_row, recipes),
    ]
    record = {"tokens": len(data.ranks), "misranked": misranked, "score": score, "auroc": auroc, "recipes": recipes}
    return Report(record, "\n".join(lines))


def apply_recipes(data: Ranked) -> Iterator[dict[str, Any]]:
    """Yield the threshold of each recipe with its effect, or the reason why none follows."""
    for name in [*RECIPES, *(f"budget={share}" for share in CURVE_SHARES)]:
        try:
            point = threshold_point(data, find_recipe(name)(data))
        except ValueError as error:
            yield {"recipe": name, "error": str(error)}
        else:
            yield {"recipe": name, **asdict(point)}


def _row(recipe: Mapping[str, Any]) -> str:
    if "error" in recipe:
        return f"{recipe['recipe']:<24}  {recipe['error']}"
    threshold = f"{recipe['threshold']:.6f}" if math.isfinite(recipe["threshold"]) else "never"
    return _line(recipe["recipe"], threshold, *(_measure(recipe[name]) for name in _COLUMNS))


def _measure(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "-"


def _line(name: str, *cells: str) -> str:
    return f"{name:<24}{''.join(f'{cell:>11}' for cell in cells)}"
