"""How well stated probabilities of being right hold: ECE, Brier, AUROC, and a table by tenths."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.views.report import Report
from uncertainty.calibration import auroc, brier, ece, reliability_bins


def report_reliability(stated: Sequence[float], right: Sequence[bool], accepted: Sequence[bool]) -> Report:
    """Report how well stated probabilities hold, over all answers and over the accepted ones, and by tenths."""
    kept = [pair for pair, keep in zip(zip(stated, right, strict=True), accepted, strict=True) if keep]
    every, of_accepted = _measure(stated, right), _measure([p for p, _ in kept], [r for _, r in kept])
    bins = [each._asdict() for each in reliability_bins(stated, right)]
    lines = [
        f"{'all answers:':<15}{_words(every)}",
        f"{'accepted ones:':<15}{_words(of_accepted)}",
        f"{'stated':>10}{'right':>8}{'answers':>9}",
    ]
    lines += [f"{each['stated']:>10.3f}{each['right']:>8.3f}{each['statements']:>9}" for each in bins]
    return Report({"all": every, "accepted": of_accepted, "bins": bins}, "\n".join(lines))


def _measure(stated: Sequence[float], right: Sequence[bool]) -> dict[str, float]:
    of_right, of_wrong = ([p for p, r in zip(stated, right, strict=True) if r == kind] for kind in (True, False))
    measures = {"ece": ece(stated, right), "brier": brier(stated, right), "auroc": auroc(of_right, of_wrong)}
    return {"answers": len(right), "right": sum(right), **measures}


def _words(measures: dict[str, float]) -> str:
    names = {"ECE": "ece", "Brier": "brier", "AUROC": "auroc"}
    values = {word: measures[name] for word, name in names.items()}
    texts = [f"{word} {'-' if math.isnan(value) else f'{value:.4f}'}" for word, value in values.items()]
    return f"{measures['answers']}, {measures['right']} right, {', '.join(texts)}"
