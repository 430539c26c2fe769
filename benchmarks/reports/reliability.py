"""How well stated probabilities of being right hold: ECE, Brier, AUROC, a table by tenths, and risk by coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.views.report import Report
from uncertainty.calibration import auroc, brier, ece, reliability_bins


def report_reliability(stated: Sequence[float], right: Sequence[bool], accepted: Sequence[bool]) -> Report:
    """Report how well stated probabilities hold, over all answers and over the accepted ones, and by tenths.

    Then: of the accepted answers with at least some probability, how many there are, and how many of them are wrong.
    """
    kept = [pair for pair, keep in zip(zip(stated, right, strict=True), accepted, strict=True) if keep]
    every, of_accepted = _measure(stated, right), _measure([p for p, _ in kept], [r for _, r in kept])
    bins = [each._asdict() for each in reliability_bins(stated, right)]
    lines = [
        f"{'all answers:':<15}{_words(every)}",
        f"{'accepted ones:':<15}{_words(of_accepted)}",
        f"{'stated':>10}{'right':>8}{'answers':>9}",
    ]
    lines += [f"{each['stated']:>10.3f}{each['right']:>8.3f}{each['statements']:>9}" for each in bins]
    risks = [_measure_risk(kept, least / 20) for least in range(0, 20)]
    lines += [f"{'at least':>10}{'answers':>9}{'wrong':>7}{'risk':>8}"]
    lines += [
        f"{each['at_least']:>10.2f}{each['answers']:>9}{each['wrong']:>7}{each['risk']:>8.3f}"
        for number, each in enumerate(risks)
        if each["answers"] and each["answers"] != (risks[number - 1]["answers"] if number else None)
    ]
    return Report({"all": every, "accepted": of_accepted, "bins": bins, "risks": risks}, "\n".join(lines))


def _measure_risk(stated: Sequence[tuple[float, bool]], least: float) -> dict[str, float]:
    """Measure the answers whose stated probability is at least so high."""
    right = [was for probability, was in stated if probability >= least]
    wrong = len(right) - sum(right)
    return {"at_least": least, "answers": len(right), "wrong": wrong, "risk": wrong / len(right) if right else 0.0}


def _measure(stated: Sequence[float], right: Sequence[bool]) -> dict[str, float]:
    of_right, of_wrong = ([p for p, r in zip(stated, right, strict=True) if r == kind] for kind in (True, False))
    measures = {"ece": ece(stated, right), "brier": brier(stated, right), "auroc": auroc(of_right, of_wrong)}
    return {"answers": len(right), "right": sum(right), **measures}


def _words(measures: dict[str, float]) -> str:
    names = {"ECE": "ece", "Brier": "brier", "AUROC": "auroc"}
    values = {word: measures[name] for word, name in names.items()}
    texts = [f"{word} {'-' if math.isnan(value) else f'{value:.4f}'}" for word, value in values.items()]
    return f"{measures['answers']}, {measures['right']} right, {', '.join(texts)}"
