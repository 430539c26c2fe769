"""Runs are compared only where nothing but the policy differs."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from results import OUTCOME, dubito, refused, written

from agent.views.text import clean


def run(path, *passed, **options):
    records = [
        replace(
            OUTCOME, task_id=f"t/{number}", base="passed" if right else "failed", plus="passed" if right else "failed"
        )
        for number, right in enumerate(passed)
    ]
    return written(path, *records, **options)


@pytest.fixture
def first(tmp_path):
    return run(tmp_path / "greedy.jsonl", True, False, True)


@pytest.mark.parametrize("command", [["compare"], ["curve"], ["reliability"], ["plot", "--out", "never.png"]])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("model", "other"), ("weights", "abc"), ("benchmark", "HumanEval"), ("max_tokens", 8), ("seed", 1),
        ("dtype", "float16"), ("device", "cuda"), ("sandbox", "process"), ("option of a later version", 1),
    ],
)  # fmt: skip
def test_what_differs_in_more_than_the_policy_is_refused_and_the_difference_named(
    tmp_path, first, command, option, value
):
    other = run(tmp_path / "other.jsonl", True, True, True, policy="adadec", **{option: value})
    result = dubito("bench", command[0], first, other, *command[1:])
    refused(
        result, "'greedy' (there) and 'other' (here) differ in more than the policy", f"{option}: ", f"{value} here"
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("policy", "adadec"),
        ("threshold", 0.5),
        ("learned", "abc"),
        ("strategy", "tree(programs=5)"),
    ],
)  # fmt: skip
def test_what_differs_in_what_is_compared_is_compared_with_its_count(tmp_path, first, option, value):
    other = run(tmp_path / "other.jsonl", True, True, True, **{option: value})
    result = dubito("bench", "compare", first, other)
    assert result.exit_code == 0
    heads, one, two = (line.split() for line in result.stdout.splitlines()[:3])
    assert heads[3:5] == ["p", "n"] and one[0] == "greedy" and two[5:8] == ["1/0", "1.000", "3"]


@pytest.mark.parametrize("command", [["compare"], ["curve"], ["reliability"], ["plot", "--out", "never.png"]])
def test_an_unfinished_run_is_to_go_on(tmp_path, first, command):
    fewer = run(tmp_path / "fewer.jsonl", True, True, policy="adadec")
    for files in ((first, fewer), (fewer, first)):
        result = dubito("bench", command[0], *files, *command[1:])
        refused(result, "not over the same problems", "'fewer' has 2 of the 3 of 'greedy'; let it go on")


@pytest.mark.parametrize("command", [["compare"], ["curve"], ["reliability"], ["plot", "--out", "never.png"]])
def test_a_run_without_an_outcome_is_refused(tmp_path, first, command):
    (tmp_path / "empty.jsonl").touch()
    for files in ((tmp_path / "empty.jsonl", first), (first, written(tmp_path / "begun.jsonl"))):
        refused(dubito("bench", command[0], *files, *command[1:]), "has no outcome yet; let it go on, or leave it out")


def test_shards_of_one_run_are_to_be_merged_first(tmp_path):
    shards = [
        written(tmp_path / f"a.{number}-of-2.jsonl", replace(OUTCOME, task_id=f"t/{number}")) for number in (1, 2)
    ]
    for command in (["report"], ["bench", "compare"]):
        refused(dubito(*command, *shards), "are shards of one run; join them first, with `dubito bench merge`")


def test_the_first_line_says_that_runs_have_different_numbers_of_samples(tmp_path, first):
    samples = [
        replace(OUTCOME, task_id=f"t/{number}", sample=sample, feedback="none")
        for number in range(3)
        for sample in range(4)
    ]
    several = written(tmp_path / "adadec.jsonl", *samples, policy="adadec")
    fewer = written(tmp_path / "fewer.jsonl", *samples[:-1], policy="adadec")
    for other, count in ((several, "adadec 4"), (fewer, "fewer 3.667")):
        for command in (["report"], ["bench", "compare"]):
            lines = dubito(*command, first, other).stdout.splitlines()
            assert lines[0] == f"samples a problem differ: greedy 1, {count}"
    assert dubito("report", first, several, "--markdown", tmp_path / "a.md").exit_code == 0
    text = (tmp_path / "a.md").read_text()
    assert "samples a problem differ: greedy 1, adadec 4" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert tables and all(len({line.count("|") for line in table}) == 1 for table in tables)


def test_runs_over_other_problems_or_prompts_are_refused(tmp_path, first):
    ids = written(tmp_path / "ids.jsonl", *(replace(OUTCOME, task_id=f"u/{number}") for number in range(3)))
    refused(dubito("bench", "compare", first, ids), "not over the same problems: 't/0' is in the first alone")
    changed = [replace(OUTCOME, task_id=f"t/{number}", prompt_sha256="f" * number) for number in range(3)]
    refused(dubito("bench", "compare", first, written(tmp_path / "new.jsonl", *changed)), "has another prompt in 'new'")


def test_a_file_given_twice_is_refused_and_two_of_one_name_are_both_shown(tmp_path, first):
    refused(dubito("bench", "compare", first, first), "came twice")
    (tmp_path / "link.jsonl").symlink_to("greedy.jsonl")
    refused(dubito("bench", "compare", first, tmp_path / "link.jsonl"), "came twice")
    (tmp_path / "b").mkdir()
    other = run(tmp_path / "b" / "greedy.jsonl", True, True, True, policy="adadec")
    names = [line.split()[0] for line in dubito("bench", "compare", first, other).stdout.splitlines()[1:3]]
    assert names[0] != names[1] and first.endswith(names[0][1:]) and other.endswith(names[1][1:])  # cut at the front


def test_nothing_that_cannot_be_computed_is_printed_as_nan(tmp_path):
    right = run(tmp_path / "right.jsonl", True, True)
    for command in ("compare", "reliability", "curve"):
        result = dubito("bench", command, right)
        assert (result.exit_code, "nan" in result.output) == (0, False)
    (result,) = json.loads(dubito("bench", "compare", right, "--json").stdout)["runs"]
    assert (result["auroc"], result["passed"], result["costs"]["seconds"]) == (None, 2, OUTCOME.seconds)


def test_names_of_files_cannot_act_on_the_terminal(tmp_path):
    name = "\x1b[2J\u202egreedy"
    output = dubito("bench", "compare", run(tmp_path / f"{name}.jsonl", True)).stdout
    assert "\x1b" not in output and "\u202e" not in output and clean(name) in output


def test_comparing_and_listing_load_neither_torch_nor_a_picture_library(first, tmp_path):
    other = run(tmp_path / "other.jsonl", True, True, True, policy="adadec")
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from agent.cli.app import app\n"
        "for words in (['bench', 'compare', *sys.argv[1:]], ['bench', 'experiment']):\n"
        "    assert CliRunner().invoke(app, words).exit_code == 0, words\n"
        "print(sorted({'torch', 'transformers', 'langgraph', 'matplotlib', 'scipy'} & set(sys.modules)))\n"
    )
    result = subprocess.run([sys.executable, "-c", code, first, other], capture_output=True, text=True, check=False)
    assert result.stdout == "[]\n", result.stderr
