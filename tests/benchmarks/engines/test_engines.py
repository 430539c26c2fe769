"""Engines: the plain path needs no extra, a missing one is named, and what a worker needs can be sent."""

import pickle
import sys
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec

import pytest
from results import dubito, refused
from text_model import byte_model, save

from agent.strategies import StrategyOptions
from benchmarks.cli.planning import plan_arms, plan_run
from benchmarks.cli.run_options import RunOptions
from benchmarks.engines import ENGINES, open_engine
from benchmarks.engines.base import Job
from benchmarks.experiments.outcomes import read_outcomes


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(byte_model(sharpness=8.0, context=600), folder)
    return str(folder)


def test_a_plain_run_imports_neither_ray_nor_submitit(model, tmp_path, monkeypatch):
    for name in ("ray", "submitit"):
        monkeypatch.setitem(sys.modules, name, None)  # to import it raises ImportError
    options = ["--limit", 1, "--sandbox", "process", "--max-tokens", 4, "--out", tmp_path / "a.jsonl"]
    result = dubito("bench", "run", "exercises", "--model", model, *options)
    assert result.exit_code == 0, result.output


def test_every_engine_is_a_module_of_this_package():
    assert all(find_spec(place.partition(":")[0]) for place in ENGINES.values())


def test_an_engine_that_cannot_be_used_is_refused_with_what_to_try(model, tmp_path, monkeypatch):
    for name in ("ray", "submitit"):
        monkeypatch.setitem(sys.modules, name, None)
    run = ["bench", "run", "exercises", "--limit", 1, "--model", model]
    refused(dubito(*run, "--engine", "spark"), "unknown engine 'spark'; choose from local, ray")
    refused(dubito(*run, "--engine", "ray"), "ray is not installed; try: pip install 'dubito[ray]'")
    refused(dubito(*run, "--workers", 2), "2 workers came, and the engine local is one process")
    submitted = dubito("bench", "submit", "exercises", "--out", tmp_path / "no")
    refused(submitted, "submitit is not installed; try: pip install 'dubito[slurm]'")
    assert list(tmp_path.iterdir()) == []


def test_what_a_worker_needs_is_small_and_can_be_sent_to_it(model, tmp_path):
    options = RunOptions("exercises", model, 2, 8, "process", weights="bf16")
    (arm,) = plan_arms(options, "adadec", "tree", StrategyOptions(programs=2), threshold=None)
    run = plan_run(options, [arm], 1, "1/1", tmp_path / "a.jsonl")
    sent = pickle.dumps((run.worker_config(2), Job(arm.policy, arm.strategy)))
    assert len(sent) < 10_000
    config, job = pickle.loads(sent)
    stories = []
    with closing(open_engine("local", config, None)) as engine:
        assert engine.describe_model()["dtype"] == "bfloat16"
        outcomes = list(engine.run(run.items, job, lambda: False, stories.append))
        assert list(engine.run(run.items, job, lambda: True, None)) == [], "it is stopped"
    assert sorted(story.task_id for story in stories) == ["exercises/0", "exercises/1"]
    arguments = ["--policy", "adadec", "--strategy", "tree", "--programs", 2, "--limit", 2, "--max-tokens", 8]
    arguments += ["--weights", "bf16", "--sandbox", "process", "--out", tmp_path / "b.jsonl"]
    assert dubito("bench", "run", "exercises", "--model", model, *arguments).exit_code == 0
    untimed = [replace(outcome, seconds=0.0) for outcome in sorted(outcomes, key=lambda each: each.task_id)]
    assert untimed == [replace(outcome, seconds=0.0) for outcome in read_outcomes(tmp_path / "b.jsonl")]
