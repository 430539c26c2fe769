"""Mistakes are put into functions one at a time, drawn alike from each kind, and counted where scoring finds them."""

import ast

import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from agent.lm import open_lm
from agent.program.spans import Severity
from benchmarks.experiments.mistakes import (
    RightProgram,
    TriedMistake,
    TriedProgram,
    draw_mistakes,
    list_mistakes,
    report_mistakes,
    score_mistakes,
)

SOURCE = '''LIMIT = 3


def f(xs: list[int], n: int = 2) -> int:
    """Return 1 and 2."""
    total = 0
    for x in xs[1:]:
        if x >= n and f"{x + n}":
            total += min(x, 10)
    return total
'''


def texts(mistakes):
    return {(each.kind, SOURCE[each.change.start : each.change.end], each.change.text) for each in mistakes}


def test_each_way_to_go_wrong_inside_a_function_is_listed():
    listed = texts(list_mistakes(RightProgram("a", SOURCE)))
    assert {("operator", ">=", ">"), ("operator", "+=", "-="), ("word", "min", "max"), ("number", "10", "11")} <= listed
    assert ("variable", "x", "n") in listed and ("variable", "total", "xs") in listed
    assert not any(old in ("3", "int") for _, old, _ in listed), "neither outside of functions nor in annotations"


def test_every_mistake_leaves_python_and_stands_behind_the_start():
    start = SOURCE.index("for")
    for mistake in list_mistakes(RightProgram("a", SOURCE, start)):
        first, last, text = mistake.change
        assert first >= start and ast.parse(SOURCE[:first] + text + SOURCE[last:])


def test_mistakes_are_drawn_by_the_seed_at_different_places():
    program = RightProgram("a", SOURCE)
    drawn = draw_mistakes(program, 5, 0)
    assert drawn == draw_mistakes(program, 5, 0) and drawn != draw_mistakes(program, 5, 1)
    assert len({mistake.change.start for mistake in drawn}) == 5
    assert draw_mistakes(RightProgram("a", "x = 1\n"), 3, 0) == []


@pytest.mark.model
def test_a_mistake_is_found_with_its_severity_and_mended():
    right = "def double(x: int) -> int:\n    return x + x\n"
    (scored,) = score_mistakes(open_lm("models/tiny"), [RightProgram("a", right)], each=2, seed=0)
    assert (scored.name, scored.lines, len(scored.mistakes)) == ("a", 2, 1), (
        "there is one operator, and no other variable"
    )
    assert scored.mistakes[0].kind == "operator"


def test_the_report_counts_what_is_found_and_mended():
    mistakes = (
        TriedMistake("a", "word", Severity.WARNING, True),
        TriedMistake("a", "word", None, False),
        TriedMistake("a", "number", Severity.INFO, False),
    )
    report = report_mistakes([TriedProgram("a", 9, (), mistakes)])
    assert report.record["kinds"] == {"number": [1, 1], "word": [1, 2]}
    assert (report.record["found"], report.record["found_as_warning"], report.record["mended"]) == (2, 1, 1)
    assert "mistakes found     2 of 3, 1 of them as warnings" in report.text


@pytest.mark.model
def test_the_command_takes_a_benchmark_or_files(tmp_path):
    (tmp_path / "a.py").write_text(SOURCE)
    for programs in (["exercises", "--limit", "2"], [str(tmp_path), "--each", "2"]):
        result = CliRunner().invoke(app, ["bench", "mistakes", *programs, "--json"])
        assert result.exit_code == 0 and '"mistakes": 2' in result.stdout, result.output
    assert CliRunner().invoke(app, ["bench", "mistakes", "nowhere"]).exit_code == 2
