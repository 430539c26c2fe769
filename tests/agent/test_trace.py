"""Traces: whole lines or none."""

import json
import math
import subprocess

import pytest

from agent.decoding.step import Step
from agent.errors import InfrastructureError, UsageError
from agent.trace import TraceWriter, provenance_of, read_trace


def test_a_trace_reads_back_as_it_was_written(tmp_path):
    writer = TraceWriter(tmp_path / "t.jsonl", {"seed": 0})
    writer.write("step", Step(3, "x", -math.inf, {"entropy": 0.5}))
    writer.close()
    first, step = read_trace(tmp_path / "t.jsonl")
    assert first == {"kind": "provenance", "seed": 0}
    assert (step["kind"], step["token"], step["logprob"]) == ("step", 3, None)


def test_a_torn_last_line_is_passed_over(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"kind": "step"}\n{"kind": "st')
    assert list(read_trace(tmp_path / "t.jsonl")) == [{"kind": "step"}]


def test_a_line_that_is_no_record_is_named_with_its_number(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"kind": "step"}\nnonsense\n')
    with pytest.raises(UsageError, match=r"t\.jsonl:2: this is no trace record"):
        list(read_trace(tmp_path / "t.jsonl"))


def test_an_existing_file_is_never_rewritten(tmp_path):
    (tmp_path / "t.jsonl").write_text("mine")
    with pytest.raises(UsageError, match="never rewritten"):
        TraceWriter(tmp_path / "t.jsonl", {})
    assert (tmp_path / "t.jsonl").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot write a trace"):
        TraceWriter(tmp_path / "missing" / "t.jsonl", {})


def test_a_full_disk_is_said_in_one_sentence(tmp_path):
    from pathlib import Path

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with pytest.raises(InfrastructureError, match=r"No space left on device"):
        TraceWriter(Path("/dev/full"), {"seed": 0})


def test_a_line_cut_short_by_a_full_disk_is_taken_back(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    try:
        writer = TraceWriter(disk / "t.jsonl", {"seed": 0})
        with pytest.raises(InfrastructureError, match="its lines so far are whole"):
            for _ in range(100):
                writer.write("step", {"text": "x" * 500})
        writer.close()
        lines = (disk / "t.jsonl").read_bytes().split(b"\n")
        assert lines[-1] == b""
        assert all(json.loads(line)["kind"] for line in lines[:-1])
    finally:
        subprocess.run(["umount", disk], check=True)


def test_provenance_names_versions_and_the_command():
    assert {"time", "command", "python", "versions", "commit"} <= provenance_of().keys()


def test_without_git_a_run_came_from_no_commit(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance_of()["commit"] is None
