"""Tables of what separates right programs from wrong ones: the AUROC of each signal, and of what is learned of all."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from agent.errors import InvalidRequestError
from agent.views.report import Report
from benchmarks.experiments.agreement import Agreement
from benchmarks.experiments.signals import ScoredProgram
from benchmarks.reports.metrics import Interval, bootstrap_auroc
from uncertainty.calibration import learn_weights
from uncertainty.signals import SIGNALS, read_signals

POOLED = "pooled"
Signals = Mapping[str, float]


class ProgramSignals(NamedTuple):
    """The signals of one program, and the verdicts on it."""

    one_pass: Signals
    executed: Signals
    accepted: bool  # it passed the visible examples, one or more
    right: bool  # it passes every hidden test


def collect_signals(program: ScoredProgram, agreement: Agreement | None = None) -> ProgramSignals:
    """Return the signals of a program. agreement: with samples of other runs, if there are any. Higher is worse."""
    verified = program.accepted and program.checked > 0
    executed = {
        "failed examples": float(not program.accepted),
        "examples not shown": math.exp(-program.checked) if program.accepted else 1.0,
        "undecided mutants": program.undecided_weight if verified else math.log(2),
        "mutants not refuted": 1 / (1 + program.mutants - program.undecided),
        **({"samples differ": 1.0 - agreement.share} if agreement is not None else {}),
    }
    return ProgramSignals(read_signals(program.tokens), executed, verified, program.right)


def report_signals(runs: Mapping[str, Sequence[ProgramSignals]]) -> Report:
    """Report how well each signal tells wrong programs from right ones, in each run, and in all of them together."""
    groups = {**runs, **({POOLED: [each for run in runs.values() for each in run]} if len(runs) > 1 else {})}
    accepted = {f"{name}, accepted": [each for each in group if each.accepted] for name, group in groups.items()}
    columns = {**groups, **accepted}
    one_pass = {name: _measure(name, columns) for name in SIGNALS}
    executed = {name: _measure(name, columns) for name in _name_executed(groups)}
    learned = {
        f"learned on {source}, {kind}": row
        for source in (runs if len(runs) > 1 else ())
        for kind, row in _measure_learned(source, runs, columns)
    }
    tables = {"one pass": one_pass, "with executions": executed, "learned": learned}
    record = {
        "programs": {name: len(group) for name, group in columns.items()},
        "wrong": {name: sum(not each.right for each in group) for name, group in columns.items()},
        **{title: {name: _plain(row) for name, row in table.items()} for title, table in tables.items()},
    }
    return Report(record, "\n".join(_write_lines(columns, tables)))


def _name_executed(groups: Mapping[str, Sequence[ProgramSignals]]) -> list[str]:
    names = [set(each.executed) for group in groups.values() for each in group]
    if not names:
        raise InvalidRequestError("there is no program to look at: none fits into the model's context")
    shared = set.intersection(*names)
    return [name for name in next(iter(groups.values()))[0].executed if name in shared]


def _measure(name: str, columns: Mapping[str, Sequence[ProgramSignals]]) -> dict[str, Interval]:
    return {
        column: bootstrap_auroc([{**each.one_pass, **each.executed}[name] for each in group], _are_wrong(group))
        for column, group in columns.items()
    }


def _measure_learned(
    source: str, runs: Mapping[str, Sequence[ProgramSignals]], columns: Mapping[str, Sequence[ProgramSignals]]
) -> Iterator[tuple[str, dict[str, Interval]]]:
    """Learn a logistic form on one run; yield its AUROC on the others, of the signals of one pass and of all."""
    executed = _name_executed(runs)

    def read(each: ProgramSignals, *, all_signals: bool) -> dict[str, float]:
        return {**each.one_pass, **({name: each.executed[name] for name in executed} if all_signals else {})}

    others = [name for name in columns if name.removesuffix(", accepted") not in (source, POOLED)]
    for kind, all_signals in (("one pass", False), ("with executions", True)):
        group = runs[source]
        try:
            weights, _ = learn_weights([read(each, all_signals=all_signals) for each in group], _are_wrong(group))
        except ValueError as error:
            raise InvalidRequestError(f"nothing can be learned from {source}: {error}") from error
        forms = {
            name: [
                sum(weights[signal] * value for signal, value in read(each, all_signals=all_signals).items())
                for each in columns[name]
            ]
            for name in others
        }
        yield kind, {name: bootstrap_auroc(forms[name], _are_wrong(columns[name])) for name in others}


def _are_wrong(group: Sequence[ProgramSignals]) -> list[bool]:
    return [not each.right for each in group]


def _plain(row: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: interval._asdict() for name, interval in row.items()}


def _write_lines(
    columns: Mapping[str, Sequence[ProgramSignals]], tables: Mapping[str, Mapping[str, Mapping[str, Interval]]]
) -> Iterator[str]:
    yield _line("AUROC for 'fails the hidden tests'", columns)
    yield _line("programs", [str(len(group)) for group in columns.values()])
    yield _line("wrong", [str(sum(_are_wrong(group))) for group in columns.values()])
    for title, table in tables.items():
        if table:
            yield f"\n{title}"
        for name, row in table.items():
            yield _line(name, [_write_interval(row[column]) if column in row else "-" for column in columns])
    yield "\nintervals: 95 %, percentiles of a bootstrap over programs"


def _write_interval(interval: Interval) -> str:
    return "-" if math.isnan(interval.share) else f"{interval.share:.3f} ({interval.low:.2f} to {interval.high:.2f})"


def _line(name: str, cells: Sequence[str] | Mapping[str, object]) -> str:
    return f"{name:<44}{''.join(f'  {cell:>24}' for cell in cells)}".rstrip()
