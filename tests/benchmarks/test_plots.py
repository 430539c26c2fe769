"""Pictures are of the outcomes given, and of nothing else."""

import pytest
from typer.testing import CliRunner

from agent.cli import app
from benchmarks.plots import AXES, against_cost
from benchmarks.runner import Outcome

pytest.importorskip("matplotlib", reason="needs matplotlib (pip install 'dubito[bench]')")


def outcome(number, *, passed=True, tokens=10):
    verdict = "passed" if passed else "failed"
    return Outcome(
        f"exercises/{number}",
        "0" * 12,
        "x = 1",
        "accepted",
        verdict,
        verdict,
        1,
        1.0,
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
    against_cost(RUNS, tmp_path / "a.png", axis=axis)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("passed", [True, False])
@pytest.mark.parametrize("count", [3, 4, 10])
def test_runs_that_solve_all_or_none_have_their_point_too(tmp_path, passed, count):
    against_cost({"a": [outcome(n, passed=passed) for n in range(count)]}, tmp_path / "a.png", axis="tokens")
    assert (tmp_path / "a.png").is_file()


def test_axes_are_means_over_problems():
    assert AXES["tokens"](RUNS["b"]) == 40
    assert AXES["pause-rate"](RUNS["b"]) == 2.5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--x", "luck", "--out", "a.png"], "unknown axis 'luck'; choose from pause-rate, tokens"),
        (["--out", "nowhere/a.png"], "cannot write 'nowhere/a.png'"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_sentence(tmp_path, monkeypatch, arguments, sentence):
    from agent.trace import TraceWriter

    monkeypatch.chdir(tmp_path)
    writer = TraceWriter(tmp_path / "a.jsonl", {"options": {}})
    writer.write("outcome", RUNS["a"][0])
    writer.close()
    result = CliRunner().invoke(app, ["bench", "plot", "a.jsonl", *arguments])
    assert result.exit_code == 2 and sentence in result.output
    assert not list(tmp_path.glob("*.png"))
