"""The engine `ray` on two machines, which are parts of this one: the file of a run is that of a plain run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest
from results import dubito
from text_model import byte_model, save

from agent.decoding import POLICIES
from agent.errors import ContextLengthError, DeviceError
from agent.strategies import Once
from agent.workflow.context import Context
from benchmarks import open_benchmark
from benchmarks.engines.base import Job, WorkerConfig
from benchmarks.experiments.plan import WorkItem
from benchmarks.experiments.record_file import digest_record, key_of
from sandbox import open_sandbox

pytest.importorskip("ray", reason="needs ray (run: pip install 'dubito[ray]')")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(byte_model(sharpness=8.0, context=600), folder)
    return folder


def words(model, *more):
    options = ["--model", model, "--weights", "bf16", "--sandbox", "process", "--max-tokens", 24, "--policy", "sample"]
    return [str(word) for word in ("bench", "run", "exercises", *options, *more)]


@pytest.fixture
def cluster(monkeypatch):
    """Start a cluster of two machines. Its workers find what the tests import."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    started.add_node(num_cpus=1)
    yield started
    started.shutdown()


def without_time(path):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    kept = ("options", "dtype", "prompt_style")
    return [{name: lines[0][name] for name in kept}, *({**line, "seconds": 0} for line in lines[1:])]


def test_a_lost_machine_loses_and_repeats_nothing(model, tmp_path, cluster, monkeypatch):
    more = ["--limit", 40, "--samples", 2]
    assert dubito(*words(model, *more, "--out", tmp_path / "plain.jsonl")).exit_code == 0
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    file = tmp_path / "ray.jsonl"
    command = [sys.executable, "-P", "-m", "agent", *words(model, *more, "--engine", "ray", "--out", file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (file.exists() and file.read_bytes().count(b"\n") >= 20):
            time.sleep(0.01)
        cluster.remove_node(next(node for node in cluster.list_all_nodes() if not node.head), allow_graceful=False)
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert file.read_bytes().count(b"\n") == 81
    assert without_time(file) == without_time(tmp_path / "plain.jsonl")


def deadly(cleanup):
    """Open a context whose sandbox takes its worker away, as a machine without memory does."""
    context = harmless(cleanup)

    class DeadlySandbox:
        def run(self, program, **options):
            os._exit(9)

        def close(self):
            pass

    return replace(context, sandbox=DeadlySandbox())


def harmless(cleanup):
    box = cleanup.enter_context(closing(open_sandbox("process")))
    return Context(byte_model(sharpness=8.0), POLICIES["greedy"], box, max_tokens=8)


def broken(cleanup):
    raise DeviceError("cuda cannot be used here")


def foreign(cleanup):
    os._exit(9)


@pytest.fixture
def open_engine(cluster, monkeypatch):
    """Return a function that opens an engine on the cluster, whose workers open a context in one of the ways above."""
    from ray import cloudpickle

    from benchmarks.engines.ray import RayEngine

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    with ExitStack() as cleanup:
        cleanup.callback(cloudpickle.unregister_pickle_by_value, sys.modules[__name__])
        yield lambda way, **more: cleanup.enter_context(closing(RayEngine(WorkerConfig("exercises", way, **more))))


ITEMS = [WorkItem(open_benchmark("exercises").problem(f"exercises/{number}")) for number in range(12)]
ONCE = Job(POLICIES["greedy"], Once())


def refuse_the_fourth(context, task):
    if task.request == ITEMS[3].problem.prompt:
        raise ContextLengthError("the prompt is too long")
    return Once()(context, task)


def test_an_error_in_one_problem_names_it_and_costs_no_outcome_of_the_others(open_engine):
    engine, outcomes = open_engine(harmless, batch=2), []
    with pytest.raises(ContextLengthError, match="the prompt is too long") as caught:
        for outcome in engine.run(ITEMS, Job(POLICIES["greedy"], refuse_the_fourth), lambda: False, None):
            outcomes.append(outcome)
    assert caught.value.__notes__ == ["in exercises/3, sample 0"]
    assert {f"exercises/{number}" for number in range(3)} <= {outcome.task_id for outcome in outcomes}
    assert len(list(engine.run(ITEMS[:3], ONCE, lambda: False, None))) == 3, "it can be used again"


def test_a_worker_runs_one_job_after_another_and_begins_nothing_once_stopped(open_engine):
    engine, stories, outcomes = open_engine(harmless, batch=2), [], []
    for outcome in engine.run(ITEMS, ONCE, lambda: len(outcomes) >= 3, stories.append):
        outcomes.append(outcome)
    assert 3 <= len(outcomes) < 12 and len(stories) == len(outcomes)
    again = {key_of(outcome): outcome for outcome in engine.run(ITEMS, ONCE, lambda: False, None)}
    assert sorted(again) == sorted(item.key for item in ITEMS)
    assert all(digest_record(again[key_of(outcome)]) == digest_record(outcome) for outcome in outcomes)


def test_an_item_that_takes_three_workers_away_ends_the_run_with_a_sentence(open_engine):
    engine = open_engine(deadly, batch=1)
    with pytest.raises(DeviceError, match="3 workers were lost, one after another, while they had 'exercises/"):
        list(engine.run(ITEMS, ONCE, lambda: False, None))


def test_what_a_worker_raises_arrives_as_it_was(open_engine):
    with pytest.raises(DeviceError, match=r"^cuda cannot be used here$"):
        open_engine(broken).describe_model()


def test_workers_that_cannot_start_end_the_run_with_a_sentence(open_engine):
    with pytest.raises(DeviceError, match=r"\d workers could not start"):
        open_engine(foreign).describe_model()
