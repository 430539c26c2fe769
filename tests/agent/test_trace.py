"""Traces: whole lines or none."""

import json
import math
import os
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from agent import trace
from agent.decoding.step import Step
from agent.errors import FileAccessError, StorageError
from agent.trace import TraceWriter, collect_provenance, read_trace


def test_a_trace_reads_back_as_it_was_written(tmp_path):
    writer = TraceWriter(tmp_path / "t.jsonl", {"seed": 0})
    writer.write("step", Step(3, "x", -math.inf, {"entropy": 0.5}))
    writer.close()
    first, step = read_trace(tmp_path / "t.jsonl")
    assert first == {"kind": "provenance", "seed": 0}
    assert (step["kind"], step["token"], step["logprob"]) == ("step", 3, None)


def test_facts_that_come_late_stand_in_the_first_line_of_a_new_file_only(tmp_path):
    for style in ("qwen", "dubito"):
        writer = TraceWriter(tmp_path / "t.jsonl", {"seed": 0}, resume=True)
        writer.note({"prompt_style": style})
        writer.write("step", {"token": 1})
        writer.close()
    first, *steps = read_trace(tmp_path / "t.jsonl")
    assert (first["prompt_style"], len(steps)) == ("qwen", 2)


def test_a_torn_last_line_is_passed_over(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"kind": "step"}\n{"kind": "st')
    assert list(read_trace(tmp_path / "t.jsonl")) == [{"kind": "step"}]


def test_a_line_that_is_no_record_is_named_with_its_number(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"kind": "step"}\nnonsense\n')
    with pytest.raises(FileAccessError, match=r"t\.jsonl', line 2: this is no trace record"):
        list(read_trace(tmp_path / "t.jsonl"))


def test_a_trace_of_any_size_is_read_line_by_line(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(f'{{"text": "{"x" * 2**19}"}}\n' * 40)
    tracemalloc.start()
    assert sum(len(record["text"]) for record in read_trace(path)) == 40 * 2**19
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**19, peak
    os.truncate(path, 2**28 + 2**26)  # a hole, which is no line
    assert next(read_trace(path))["text"]
    with pytest.raises(FileAccessError, match=r"line 41: this is no trace record \(it is longer than 64 MiB\)"):
        list(read_trace(path))


def test_an_existing_file_is_never_rewritten(tmp_path):
    (tmp_path / "t.jsonl").write_text("mine")
    for resume in (False, True):
        with pytest.raises(FileAccessError, match=r"never rewritten|is left alone"):
            TraceWriter(tmp_path / "t.jsonl", {}, resume=resume)
    assert (tmp_path / "t.jsonl").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(FileAccessError, match="cannot write"):
        TraceWriter(tmp_path / "missing" / "t.jsonl", {})


def test_a_full_disk_is_said_in_one_sentence():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    writer = TraceWriter(Path("/dev/full"), {"seed": 0})
    with pytest.raises(StorageError, match=r"No space left on device"):
        writer.begin()
    writer.close()


@pytest.mark.parametrize(
    "value",
    [
        "lone \ud800 half", {"\udfff": 1}, 10**5000, -(10**400), math.nan, math.inf, b"\xff\x00", {1, 2}, (1, [2]),
        {10**5000: 1}, {(1, "\ud800"): 2}, np.float32("nan"), np.int64(3), object, 1 + 2j,
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_whatever_a_program_or_a_model_made_is_written_as_valid_json(tmp_path, value):
    writer = TraceWriter(tmp_path / "t.jsonl", {})
    writer.write("attempt", {"value": value, "list": [value]})
    writer.close()
    *_, record = read_trace(tmp_path / "t.jsonl")
    assert record["list"] == [record["value"]]
    assert b"NaN" not in (tmp_path / "t.jsonl").read_bytes()


def test_what_is_nested_too_deeply_is_cut_off(tmp_path):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    writer = TraceWriter(tmp_path / "t.jsonl", {})
    writer.write("step", Step(3, "x", -1.0, {"entropy": nested}))
    writer.close()
    assert "nested too deeply" in (tmp_path / "t.jsonl").read_text()


@pytest.mark.parametrize("line", ["[" * 10**6, "[1]", "7", '"text"', "\xff", "", "1" * 5000], ids=range(7))
def test_lines_that_are_no_records_are_refused_in_one_sentence(tmp_path, line):
    (tmp_path / "t.jsonl").write_bytes(b'{"kind": "step"}\n' + line.encode("latin-1") + b"\n")
    with pytest.raises(FileAccessError, match="line 2: this is no trace record") as refused:
        list(read_trace(tmp_path / "t.jsonl"))
    assert len(str(refused.value)) < 500 and "\n" not in str(refused.value)


def test_a_line_cut_short_by_a_full_disk_is_taken_back(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        writer = TraceWriter(disk / "t.jsonl", {"seed": 0})
        with pytest.raises(StorageError, match="its lines so far are whole"):
            for _ in range(100):
                writer.write("step", {"text": "x" * 500})
        writer.close()
        lines = (disk / "t.jsonl").read_bytes().split(b"\n")
        assert lines[-1] == b""
        assert all(json.loads(line)["kind"] for line in lines[:-1])
    finally:
        subprocess.run(["umount", disk], check=True)


def test_provenance_names_versions_and_the_command():
    assert {"time", "command", "python", "versions", "commit"} <= collect_provenance().keys()


def test_without_git_a_run_came_from_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert collect_provenance()["commit"] is None


def git(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)


def test_the_commit_is_this_projects_own_and_never_that_of_a_repository_around_it(monkeypatch, tmp_path):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "theirs")
    installed, checkout = tmp_path / ".venv" / "site-packages", tmp_path / "checkout"
    for folder in (installed, checkout):
        (folder / "agent").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text('[project]\nname = "dubito"\n')
    git(checkout, "init")
    git(checkout, "add", ".")
    git(checkout, "commit", "-m", "ours")
    own = git(checkout, "rev-parse", "HEAD").stdout.strip()
    monkeypatch.setenv("GIT_DIR", str(tmp_path / ".git"))
    for folder, commit in ((installed, None), (tmp_path, None), (checkout, own)):
        (folder / "agent").mkdir(exist_ok=True)
        monkeypatch.setattr(trace, "__file__", str(folder / "agent" / "trace.py"))
        assert collect_provenance()["commit"] == commit
