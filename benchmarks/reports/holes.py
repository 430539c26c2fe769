"""What calibrated hole-sets give: a row for each number of holes, with coverage and removal on other problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from agent.hole_calibration import HoleCalibration
from agent.views.report import Report
from benchmarks.experiments.hole_labels import Chosen, HeldOut, LabelledProgram, choose_bounds, measure_held_out
from benchmarks.reports.metrics import wilson


def report_holes(calibration: HoleCalibration, chosen: Sequence[Chosen], tested: Sequence[LabelledProgram]) -> Report:
    """Report the taus of a calibration, and what they give on problems that it did not see."""
    rows = [(each, None if each.place is None else measure_held_out(tested, each)) for each in chosen]
    lines = [
        f"{calibration.problems} problems to calibrate on, {len(tested)} to test on; label {calibration.label}",
        f"wanted: with confidence {1 - calibration.delta:.0%}, at least {1 - calibration.epsilon:.0%} can be completed",
        "",
        f"{'holes':>5}{'tau':>12}{'errors':>8}{'completed':>15}{'95 %':>15}{'removed':>9}{'whole':>7}{'nothing':>9}",
        *(_format_row(each, held_out) for each, held_out in rows),
    ]
    record = {"calibration": calibration, "held_out": [_read_row(*row) for row in rows]}
    return Report(record, "\n".join(lines))


def _format_row(chosen: Chosen, held_out: HeldOut | None) -> str:
    if held_out is None or chosen.tau is None:
        return f"{chosen.holes:>5}{'none was shown':>20}"
    interval = wilson(held_out.fit, held_out.problems)
    return (
        f"{chosen.holes:>5}{chosen.tau:>12.3g}{chosen.errors:>8}{f'{held_out.fit} of {held_out.problems}':>15}"
        f"{f'{100 * interval.low:.1f} to {100 * interval.high:.1f}':>15}{held_out.removed:>9.1%}{held_out.whole:>7}"
        f"{held_out.nothing:>9}"
    )


def _read_row(chosen: Chosen, held_out: HeldOut | None) -> dict[str, Any]:
    return {"holes": chosen.holes, "tau": chosen.tau, "errors": chosen.errors, **(asdict(held_out) if held_out else {})}


def compare_methods(
    known: Mapping[str, Sequence[LabelledProgram]],
    tested: Mapping[str, Sequence[LabelledProgram]],
    epsilons: Sequence[float],
    delta: float,
) -> Report:
    """Compare methods: calibrate each on its known labels, one number of holes at a time, and measure it on others."""
    rows, lines = list[dict[str, Any]](), [_HEAD]
    for epsilon in epsilons:
        for name, labels in known.items():
            for row, holes in enumerate(labels[0].holes):
                (chosen,) = choose_bounds([_take_row(each, row) for each in labels], epsilon, delta)
                others = [_take_row(each, row) for each in tested[name]]
                held_out = None if chosen.place is None else measure_held_out(others, chosen)
                rows.append({"epsilon": epsilon, "method": name, **_read_row(chosen, held_out)})
                lines.append(_format_comparison(epsilon, name, holes, chosen, held_out))
    counts = [len(next(iter(each.values()))) for each in (known, tested)]
    foot = f"{counts[0]} problems to calibrate on, {counts[1]} to test on; delta {delta:g}"
    return Report({"delta": delta, "calibration": counts[0], "rows": rows}, "\n".join([*lines, "", foot]))


_HEAD = (
    f"{'epsilon':>7}  {'method':<22}{'holes':>5}{'errors':>8}{'completed':>15}{'removed':>9}{'of wrong':>10}"
    f"{'in wrong':>10}{'whole':>7}{'nothing':>9}"
)


def _take_row(labelled: LabelledProgram, row: int) -> LabelledProgram:
    """Return the labels of one number of holes."""
    part = slice(row, row + 1)
    return replace(labelled, holes=labelled.holes[part], removed=labelled.removed[part], fits=labelled.fits[part])


def _format_comparison(epsilon: float, name: str, holes: int, chosen: Chosen, held_out: HeldOut | None) -> str:
    head = f"{epsilon:>7}  {name:<22}{holes:>5}"
    if held_out is None:
        return f"{head}{'nothing was shown':>23}"
    return (
        f"{head}{chosen.errors:>8}{f'{held_out.fit} of {held_out.problems}':>15}{held_out.removed:>9.1%}"
        f"{held_out.removed_of_wrong:>10.1%}{held_out.in_wrong:>10.1%}{held_out.whole:>7}{held_out.nothing:>9}"
    )
