"""An export has evalplus' fields, and its check passes the right program and fails a wrong one."""

import gzip
import json
from itertools import islice

import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from benchmarks.exercises import Exercises, make_problem
from benchmarks.exercises.export import export, write_record

FIELDS = [
    "task_id", "prompt", "entry_point", "canonical_solution", "test", "contract", "base_input", "atol", "plus_input",
]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, ["exercises", "export", *map(str, arguments)])


def test_records_have_the_fields_of_humaneval_plus(tmp_path):
    assert run("--split", "far", "--out", tmp_path / "far.jsonl").exit_code == 0
    records = [json.loads(line) for line in (tmp_path / "far.jsonl").read_text().splitlines()]
    assert [each["task_id"] for each in records] == [f"exercises/far/{number}" for number in range(100)]
    assert all(list(each) == FIELDS for each in records)
    assert all(each["prompt"].endswith('"""\n') for each in records)
    assert all(each["canonical_solution"].startswith("    ") for each in records)


@pytest.mark.parametrize("split", ["test", "far"])
def test_the_check_accepts_the_canonical_solution_and_no_other(split):
    for item in islice(Exercises(split), 60):
        made = write_record(item)
        space = {}
        exec(made["prompt"] + made["canonical_solution"] + made["test"], space)
        space["check"](space[made["entry_point"]])
        with pytest.raises(AssertionError):
            space["check"](lambda *args: Ellipsis)


def test_floats_are_compared_closely():
    ids = [f"exercises/calibration/{number}" for number in range(300)]
    problems = [item for item in map(make_problem, ids) if "-> list[float]" in item.prompt]
    assert problems and all("    assert close(candidate(" in write_record(item)["test"] for item in problems)


def test_a_name_in_gz_is_gzipped_and_two_exports_are_the_same_bytes(tmp_path):
    problems = [make_problem(f"exercises/{number}") for number in range(5)]
    export(problems, tmp_path / "a.jsonl.gz")
    export(problems, tmp_path / "b.jsonl.gz")
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert len(gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).splitlines()) == 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--split", "hard"], "unknown split 'hard'; choose from train, validation"),
        (["--split", "train"], "say how much of it with --limit"),
        (["--split", "far", "--out", "nowhere/far.jsonl"], "cannot write 'nowhere/far.jsonl'"),
    ],
)
def test_an_export_that_fails_is_explained_in_one_sentence(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    given = arguments if "--out" in arguments else [*arguments, "--out", "x.jsonl"]
    ran = run(*given)
    assert ran.exit_code == 2 and sentence in ran.output
    assert not list(tmp_path.iterdir())
