"""A command that prints a table prints its numbers as one JSON object where --json is given, and no table."""

import json

import pytest
from command_tree import COMMANDS
from results import OUTCOME, dubito, written
from text_model import byte_model, save

from agent.program.styles import PROMPT_STYLES
from benchmarks.experiments.best_of_n import ProblemSamples

SAMPLES = ProblemSamples("t/0", "0", [5, 7], [True, False], [True, False])

WITHOUT_JSON = {  # they print no table
    "chat",  # a conversation
    "models get", "models path", "models remove", "sandbox gc",  # do one thing, and print a line or a path
    "exercises show", "exercises export",  # print a problem, and write files
    "config set", "config unset", "config path", "threads remove", "man",  # change a setting or a run, and print a page
    "acp", "lsp", "mcp", "serve",  # speak a protocol
    "score", "editor install",  # `score --format json` prints spans; the other writes files
    "bench plot",  # writes a picture; `bench curve` prints its numbers
}  # fmt: skip


def test_a_command_that_prints_a_table_takes_json():
    lacking = {
        name for name, command in COMMANDS.items() if "--json" not in {o for p in command.params for o in p.opts}
    }
    assert lacking == WITHOUT_JSON


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save(byte_model(sharpness=8.0, context=600), folder)
    return folder


def printed(*command):
    """Run a command with --json and return the object that it prints."""
    result = dubito(*command, "--json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1, result.stdout
    return json.loads(result.stdout)


def test_tables_of_files_hold_the_same_numbers_as_json(tmp_path):
    run, samples = written(tmp_path / "run.jsonl", OUTCOME), written(tmp_path / "samples.jsonl", SAMPLES)
    (compared,) = printed("bench", "compare", run)["runs"]
    assert (compared["name"], compared["passed"], compared["costs"]["tokens"]) == ("run", 1, 10)
    first, second = printed("bench", "curve", run, samples)["curves"]
    assert [point["solved"] for point in first["points"]] == [point["solved"] for point in second["points"]] == [1] * 4
    (stated,) = printed("bench", "reliability", run)["reliability"]
    assert (stated["name"], stated["all"]["answers"], stated["all"]["auroc"]) == ("run", 1, None)


def test_the_list_of_experiments_is_json_too():
    names = [each["name"] for each in printed("bench", "experiment")["experiments"]]
    assert names[:2] == ["policies", "ablations"]


def test_commands_that_run_a_model_print_json_alone(model):
    few = ("--model", model, "--limit", 1, "--sandbox", "process", "--max-tokens", 8)
    assert printed("bench", "run", "exercises", *few)["problems"] == 1
    assert [row["n"] for row in printed("bench", "sample", "exercises", *few, "--samples", 2)["rows"]] == [1, 2]
    assert printed("bench", "pauses", "exercises", *few)["problems"] == 1
    timed = printed("bench", "speed", "--model", model, "--tokens", 16, "--rounds", 1, "--only", "policies")
    assert timed["measures"] and "seconds" in timed["seconds"] and timed["dtype"].startswith("float")


def test_a_learned_threshold_is_json_with_the_row_of_each_recipe(model, tmp_path):
    file = tmp_path / "t.json"
    words = ("--model", model, "--limit", 2, "--recipe", "budget=0.05", "--out", file)
    report = printed("calibrate", "threshold", *words)
    rows = {row["recipe"]: row for row in report["recipes"]}
    assert rows["budget=0.05"]["threshold"] == report["written"]["threshold"]
    assert json.loads(file.read_text())["thresholds"]["entropy"]["threshold"] == report["written"]["threshold"]
    sets = [word for name in ("exercises/calibration", "exercises/far") for word in ("--problems", name)]
    assert printed("calibrate", "threshold", *words, *sets)["tokens"] > report["tokens"]
    learned = json.loads(file.read_text())["thresholds"]["entropy"]
    assert learned["provenance"]["prompt_style"] == PROMPT_STYLES["completion"].describe()
    assert (learned["tasks"], learned["provenance"]["problems"]) == (4, ["exercises/calibration", "exercises/far"])


def test_an_error_is_an_object_where_json_is_asked_for():
    result = dubito("bench", "compare", "nowhere.jsonl", "--json")
    assert result.exit_code == 2 and json.loads(result.stdout)["exit_code"] == 2
