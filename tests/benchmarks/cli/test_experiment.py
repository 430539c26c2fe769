"""Experiments from the command line: listed, run arm by arm, resumed, compared."""

import json
import subprocess

import pytest
from results import dubito, refused
from text_model import byte_model, save

from benchmarks.experiments import arms
from benchmarks.experiments.arms import EXPERIMENTS, Arm, Experiment, Match
from benchmarks.experiments.outcomes import read_outcomes


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(byte_model(sharpness=8.0, context=600), folder)
    return folder


def experiment(name, model, out, *more):
    options = ["--model", model, "--limit", 2, "--sandbox", "process", "--max-tokens", 8, "--out", out]
    return dubito("bench", "experiment", name, *options, *more)


def test_without_a_name_the_experiments_are_listed():
    result = dubito("bench", "experiment")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == list(EXPERIMENTS)


def test_an_experiment_runs_its_arms_resumes_them_and_prints_the_comparison(monkeypatch, model, tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib (pip install 'dubito[bench]')")
    few = {"greedy": Arm("greedy"), "best-of-equal": Arm("sample", match=Match("greedy", "cost"))}
    monkeypatch.setitem(arms.EXPERIMENTS, "small", Experiment("Is it small?", few, plot_axis="tokens"))
    first = experiment("small", model, tmp_path)
    assert first.exit_code == 0, first.output
    assert "one pass" in first.stdout and "feedback=visible" in first.stdout
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"greedy.jsonl", "best-of-equal.jsonl", "small.png"}
    before = {path: path.read_bytes() for path in tmp_path.glob("*.jsonl")}
    assert all(b'"prompt_style": {"name": "completion", "digest": ' in text for text in before.values())
    monkeypatch.setattr("agent.lm.hf.backend.open_model", None)
    again = experiment("small", model, tmp_path)
    assert (again.exit_code, again.stdout) == (0, first.stdout), "what is there is not run again"
    assert {path: path.read_bytes() for path in before} == before


def test_arms_in_processes_of_their_own_leave_the_same_outcomes(monkeypatch, model, tmp_path):
    chosen, commands, start = ["greedy", "greedy-repaired"], {}, subprocess.run

    def run(command, **options):
        if "--arm" not in command:
            return start(command, **options)
        arm = command[command.index("--arm") + 1]
        commands[arm] = [part for part in command if part != arm]
        # One new process is enough: another one would import torch for seconds.
        return start(command, **options) if arm == "greedy" else subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("benchmarks.cli.processes.subprocess.run", run)
    for folder, workers in (("one", 1), ("two", 2)):
        arms = [word for arm in chosen for word in ("--arm", arm)]
        result = experiment("card", model, tmp_path / folder, *arms, "--workers", workers)
        assert result.exit_code == 0, result.output
    one, two = (read_outcomes(tmp_path / folder / "greedy.jsonl") for folder in ("one", "two"))
    assert [(o.task_id, o.program, o.tokens, o.forwards) for o in one] == [
        (o.task_id, o.program, o.tokens, o.forwards) for o in two
    ]
    assert (tmp_path / "two" / "greedy.log").read_text()
    assert commands.keys() == set(chosen) and commands["greedy"] == commands["greedy-repaired"]


def test_the_outcomes_of_another_configuration_are_refused_and_left_alone(model, tmp_path):
    assert experiment("card", model, tmp_path, "--arm", "greedy").exit_code == 0
    before = (tmp_path / "greedy.jsonl").read_bytes()
    refused(experiment("card", model, tmp_path, "--arm", "greedy", "--seed", 1), "seed: 0 there, 1 here")
    (tmp_path / "greedy-repaired.jsonl").write_bytes(before)
    result = experiment("card", model, tmp_path, "--arm", "greedy-repaired")
    refused(result, "strategy: once there, tree(programs=2, branches=False, repair_after=1) here")
    assert (tmp_path / "greedy.jsonl").read_bytes() == before
    options = json.loads(before.splitlines()[0])["options"]
    assert (options["policy"], options["strategy"], options["arm"]) == ("greedy", "once", "greedy")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("nothing", "unknown experiment 'nothing'; choose from policies, ablations"),
        ("card --arm beam-9", "unknown arm 'beam-9'; choose from greedy"),
        ("card --dataset nothing", "no benchmark 'nothing'"),
        ("card --model nowhere/at/all", "there is no such folder"),
        ("policies --arm best-of-equal", "best-of-equal is to have the cost of adadec-tree-5, which did not run"),
        ("real --budget words=3", "the budget 'words=3' came"),
    ],
)
def test_a_wrong_request_is_refused_in_one_sentence(tmp_path, words, sentence):
    refused(dubito("bench", "experiment", *words.split(), "--limit", 1, "--out", tmp_path / "runs"), sentence)
    assert not list(tmp_path.rglob("*.jsonl")), "no arm began"


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "a").write_text("")
    refused(dubito("bench", "experiment", "card", "--limit", 1, "--out", tmp_path / "a"), "cannot make the folder")
