"""`dubito bench submit`: shards as jobs, and how to merge them. A script stands for Slurm's sbatch."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace

import pytest
from results import dubito, refused
from text_model import byte_model, save

from benchmarks.experiments.outcomes import read_outcomes

pytest.importorskip("submitit", reason="needs submitit (run: pip install 'dubito[slurm]')")

SBATCH = '#!/bin/sh\ncp "$1" "$(dirname "$0")/script"\necho Submitted batch job 4711\n'


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(byte_model(sharpness=8.0, context=600), folder)
    return folder


def words(model, out, *more):
    options = ["--model", model, "--weights", "bf16", "--sandbox", "process", "--max-tokens", 8, "--limit", 3]
    return [str(word) for word in ("exercises", *options, "--policy", "greedy,sample", "--out", out, *more)]


def untimed(path):
    return [replace(outcome, seconds=0.0) for outcome in read_outcomes(path)]


def install_slurm(folder, monkeypatch, sbatch):
    for name, text in {"sbatch": sbatch, "srun": "#!/bin/sh\n"}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_shards_are_an_array_of_slurm_jobs_with_what_was_asked_for(model, tmp_path, monkeypatch):
    install_slurm(tmp_path, monkeypatch, SBATCH)
    asked = ["--slurm", "--shards", "3", "--gpus", "1", "--cpus", "4", "--minutes", "90", "--partition", "big"]
    result = dubito("bench", "submit", *words(model, tmp_path / "run", *asked, "--json"))
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    folder = f"{tmp_path}/run"
    assert (report["id"], report["shards"]) == ("4711", 3)
    assert report["merge"] == [
        f"dubito bench merge {folder}/shards/{arm}.*-of-3.jsonl --out {folder}/{arm}.jsonl"
        for arm in ("greedy-once", "sample-once")
    ]
    script = (tmp_path / "script").read_text()
    for option in ("array=0-2", "gpus-per-node=1", "cpus-per-task=4", "time=90", "partition=big", "job-name=dubito"):
        assert f"#SBATCH --{option}" in script, script


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--polic", "greedy"], "No such option: --polic"),
        (["--shard", "1/2"], "'--shard' came; `bench submit` sets it itself"),
        (["--policy", "gready"], "unknown policy 'gready'"),
        (["--engine", "spark"], "unknown engine 'spark'"),
    ],
)
def test_what_the_run_would_refuse_is_refused_before_anything_is_submitted(model, tmp_path, more, sentence):
    refused(dubito("bench", "submit", *words(model, tmp_path / "run", *more)), sentence)
    assert list(tmp_path.iterdir()) == []


def test_what_slurm_refuses_is_code_3_and_its_own_sentence(model, tmp_path, monkeypatch):
    install_slurm(
        tmp_path, monkeypatch, "#!/bin/sh\necho 'sbatch: error: invalid partition specified: big' >&2; exit 1\n"
    )
    result = dubito("bench", "submit", *words(model, tmp_path / "run", "--slurm", "--partition", "big"))
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "dubito: Slurm refused the jobs: sbatch: error: invalid partition specified: big\n"


def test_a_machine_without_slurm_is_code_3_and_one_sentence(model, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = dubito("bench", "submit", *words(model, tmp_path / "run", "--slurm"))
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "dubito: sbatch is not on this machine; submit where Slurm is installed\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_shards_run_and_what_is_printed_merges_them(model, tmp_path):
    result = dubito("bench", "submit", *words(model, tmp_path / "run", "--json"))
    assert result.exit_code == 0, result.output
    assert dubito("bench", "run", *words(model, tmp_path / "plain")).exit_code == 0
    for command in json.loads(result.stdout)["merge"]:
        *start, pattern, out, target = shlex.split(command.removeprefix("dubito "))
        files = sorted((tmp_path / "run/shards").glob(pattern.rpartition("/")[2]))
        assert len(files) == 2
        assert dubito(*start, *files, out, target).exit_code == 0
    for name in ("greedy-once.jsonl", "sample-once.jsonl"):
        assert untimed(tmp_path / "run" / name) == untimed(tmp_path / "plain" / name)


@pytest.mark.slow
def test_a_shard_that_fails_is_code_3_and_its_log_is_named(model, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.cli.submit._plan_shard", lambda command: {"arms": []})
    result = dubito("bench", "submit", "nothing", "--out", tmp_path / "run")
    assert result.exit_code == 3
    assert "2 of 2 shards failed; one's log is" in result.stderr
