"""What calibrated hole-sets give: a row for each number of holes, with coverage and removal on other problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from typing import Any, NamedTuple

from agent.program.hole_calibration import HoleCalibration
from agent.views.report import Report
from benchmarks.experiments.hole_labels import Chosen, HeldOut, LabelledProgram, choose_bound, measure_held_out
from benchmarks.reports.metrics import wilson


def report_holes(calibration: HoleCalibration, chosen: Sequence[Chosen], tested: Sequence[LabelledProgram]) -> Report:
    """Report the taus of a calibration, and what they give on problems that it did not see."""
    rows = [(each, None if each.place is None else measure_held_out(tested, each)) for each in chosen]
    lines = [
        f"{calibration.problems} problems to calibrate on, {len(tested)} to test on; label {calibration.label}",
        f"wanted: with confidence {1 - calibration.delta:.0%}, at least {1 - calibration.epsilon:.0%} can be completed",
        "",
        f"{'holes':>5}{'tau':>12}{'errors':>8}{'contained':>15}{'95 % interval':>15}{'removed':>9}{'whole':>7}"
        f"{'nothing':>9}",
        *(_format_row(each, held_out) for each, held_out in rows),
        *_say_short_rows(rows, 1 - calibration.epsilon),
    ]
    record = {"calibration": calibration, "held_out": [_read_row(*row) for row in rows]}
    return Report(record, "\n".join(lines))


def _say_short_rows(rows: Sequence[tuple[Chosen, HeldOut | None]], goal: float) -> Iterator[str]:
    """Yield a sentence where the test problems contradict what was calibrated: the whole interval is below the goal."""
    short = [each.holes for each, held in rows if held and wilson(held.contained, held.problems).high < goal]
    if short:
        numbers = f"{' or '.join(map(str, short))} hole{'' if short == [1] else 's'}"
        yield ""
        yield (
            f"With {numbers}, fewer than {goal:.0%} of the test problems can be completed. They may be of another kind "
            "than those to calibrate on; then the guarantee does not hold for them."
        )


def _format_row(chosen: Chosen, held_out: HeldOut | None) -> str:
    if held_out is None or chosen.tau is None:
        return f"{chosen.holes:>5}{'none was shown':>20}"
    interval = wilson(held_out.contained, held_out.problems)
    return (
        f"{chosen.holes:>5}{chosen.tau:>12.3g}{chosen.errors:>8}{f'{held_out.contained} of {held_out.problems}':>15}"
        f"{f'{100 * interval.low:.1f} to {100 * interval.high:.1f}':>15}{held_out.removed:>9.1%}{held_out.whole:>7}"
        f"{held_out.nothing:>9}"
    )


def _read_row(chosen: Chosen, held_out: HeldOut | None) -> dict[str, Any]:
    return {"holes": chosen.holes, "tau": chosen.tau, "errors": chosen.errors, **(asdict(held_out) if held_out else {})}


class MethodRow(NamedTuple):
    """A row of a comparison: what a method gives with a number of holes."""

    epsilon: float
    method: str
    chosen: Chosen
    held_out: HeldOut | None  # None where nothing was shown


def compare_methods(
    known: Mapping[str, Sequence[LabelledProgram]],
    tested: Mapping[str, Sequence[LabelledProgram]],
    epsilons: Sequence[float],
    delta: float,
) -> Iterator[MethodRow]:
    """Calibrate each method on its known labels, one number of holes at a time, and measure it on others."""
    for epsilon, (name, labels) in product(epsilons, known.items()):
        for row in range(len(labels[0].holes)):
            chosen = choose_bound(labels, row, epsilon, delta)
            yield MethodRow(epsilon, name, chosen, measure_held_out(tested[name], chosen) if chosen.tau else None)


def report_methods(rows: Sequence[MethodRow], calibration: int, tested: int, delta: float) -> Report:
    """Report a comparison. calibration, tested: numbers of problems."""
    records = [{"epsilon": row.epsilon, "method": row.method, **_read_row(row.chosen, row.held_out)} for row in rows]
    foot = f"{calibration} problems to calibrate on, {tested} to test on; delta {delta:g}"
    lines = [_HEAD, *map(_format_comparison, rows), "", foot]
    return Report({"delta": delta, "calibration": calibration, "rows": records}, "\n".join(lines))


_HEAD = (
    f"{'epsilon':>7}  {'method':<22}{'holes':>5}{'errors':>8}{'contained':>15}{'removed':>9}{'of wrong':>10}"
    f"{'in wrong':>10}{'whole':>7}{'nothing':>9}"
)


def _format_comparison(row: MethodRow) -> str:
    chosen, held_out = row.chosen, row.held_out
    head = f"{row.epsilon:>7}  {row.method:<22}{chosen.holes:>5}"
    if held_out is None:
        return f"{head}{'nothing was shown':>23}"
    return (
        f"{head}{chosen.errors:>8}{f'{held_out.contained} of {held_out.problems}':>15}{held_out.removed:>9.1%}"
        f"{held_out.removed_of_wrong:>10.1%}{held_out.in_wrong:>10.1%}{held_out.whole:>7}{held_out.nothing:>9}"
    )
