"""Pictures are of the outcomes given, and of nothing else."""

from itertools import pairwise

import pytest
from results import OUTCOME, dubito, refused, written
from typer.testing import CliRunner

from agent.cli.app import app
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.reports import plots
from benchmarks.reports.curves import curve_of_outcomes
from benchmarks.reports.plots import AXES, draw_costs, draw_curves

pytest.importorskip("matplotlib", reason="needs matplotlib (pip install 'dubito[bench]')")


def outcome(number, *, passed=True, tokens=10):
    verdict = "passed" if passed else "failed"
    return ProblemOutcome(
        f"exercises/{number}",
        "0" * 12,
        "x = 1",
        "accepted",
        verdict,
        verdict,
        1,
        tokens,
        tokens + 2,
        30,
        1,
        1,
        0.5,
    )


RUNS = {"a": [outcome(0), outcome(1, passed=False)], "b": [outcome(0, tokens=30), outcome(1, tokens=50)]}


@pytest.mark.parametrize("axis", AXES)
def test_every_axis_makes_a_picture(tmp_path, axis):
    draw_costs(RUNS, tmp_path / "a.png", axis=axis)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("passed", "count"), [(True, 3), (False, 4), (True, 10)])
def test_runs_that_solve_all_or_none_have_their_point_too(tmp_path, passed, count):
    draw_costs({"a": [outcome(n, passed=passed) for n in range(count)]}, tmp_path / "a.png", axis="tokens")
    assert (tmp_path / "a.png").is_file()


def test_axes_are_means_over_problems():
    assert AXES["tokens"](RUNS["b"]) == 40
    assert AXES["pause-rate"](RUNS["b"]) == 2.5


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.SVG", b"<?xml"), ("a.pdf", b"%PDF")])
def test_the_name_says_which_kind_of_picture_is_written_and_an_older_one_is_replaced(tmp_path, name, begins):
    run = written(tmp_path / "r.jsonl", OUTCOME)
    for _ in range(2):
        result = dubito("bench", "curve", run, "--out", tmp_path / name)
        assert (result.exit_code, result.stderr) == (0, f"picture written to {tmp_path / name}\n")
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.jpg", "a.png.bak", "-", "a.PNG/", ".png"])
def test_other_kinds_of_picture_are_refused_before_anything_is_read(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    for command in ("plot", "curve", "reliability"):
        refused(dubito("bench", command, "missing.jsonl", "--out", name))
    assert not list(tmp_path.iterdir())


def test_a_picture_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG of somebody else")
    run = written(tmp_path / "r.jsonl", OUTCOME)
    refused(dubito("bench", "plot", run, "--out", tmp_path / "a.png"), "exists and was not made by this command")
    assert (tmp_path / "a.png").read_bytes() == b"\x89PNG of somebody else"


def test_names_are_drawn_as_they_are(tmp_path):
    runs = {name: RUNS["a"] for name in (r"$\frac", "_hidden", "日本", "a" * 300, "\x1b[2J", "$$")}
    draw_costs(runs, tmp_path / "a.svg", axis="tokens", title=r"$\bad")
    draw_curves(
        {name: curve_of_outcomes(outcomes) for name, outcomes in runs.items()}, tmp_path / "b.png", most=40, title="$"
    )
    assert (tmp_path / "a.svg").is_file() and (tmp_path / "b.png").is_file()


def test_no_share_is_drawn_outside_of_what_a_share_can_be(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "_write", lambda figure, file: drawn.append(figure))
    none = [outcome(n, passed=False) for n in range(9)]
    for outcomes in (none, RUNS["a"], [outcome(0)]):
        plots.draw_costs({"a": outcomes}, tmp_path, axis="tokens")
        plots.draw_curves({f"{n}": curve_of_outcomes(outcomes) for n in range(9)}, tmp_path, most=40)
    for figure in drawn:
        low, high = figure.axes[0].get_ylim()
        assert 0.0 <= low < high <= 1.02 and high - low >= 0.1 - 1e-9


def test_of_many_curves_a_few_stand_out(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(plots, "_write", lambda figure, file: drawn.append(figure))
    curves = {f"run {n}": curve_of_outcomes([outcome(m, tokens=10 + n) for m in range(3)]) for n in range(17)}
    plots.draw_curves(curves, tmp_path, most=40)
    (panel,) = drawn[0].axes
    labels = [text.get_text() for text in panel.texts]
    assert labels == [f"run {n}, one pass  1.000" for n in (5, 4, 3, 2, 1, 0)], "the first run, and the best"
    heights = [text.xyann[1] for text in panel.texts]
    assert all(above - below > 0 for below, above in pairwise(heights)), "no label covers another"


def test_colours_rise_with_the_threshold_where_nothing_else_differs():
    looks = plots._looks(["greedy", "x@2.0", "x", "x@0.5"], {"x@2.0": 2.0, "x": 1.0, "x@0.5": 0.5})
    assert [look.label for look in looks.values()] == ["greedy", "x@2", "x@1", "x@0.5"]
    assert looks["greedy"].colour == "black" and looks["x@0.5"].colour != looks["x"].colour != looks["x@2.0"].colour


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--x", "luck", "--out", "a.png"], "unknown axis 'luck'; choose from pause-rate, tokens"),
        (["--out", "nowhere/a.png"], "cannot write 'nowhere/a.png'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(tmp_path, monkeypatch, arguments, sentence):
    from agent.trace import TraceWriter

    monkeypatch.chdir(tmp_path)
    writer = TraceWriter(tmp_path / "a.jsonl", {"options": {}})
    writer.write("outcome", RUNS["a"][0])
    writer.close()
    result = CliRunner().invoke(app, ["bench", "plot", "a.jsonl", *arguments])
    assert result.exit_code == 2 and sentence in result.output
    assert not list(tmp_path.glob("*.png"))
