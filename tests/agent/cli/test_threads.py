"""`dubito threads`: named runs are listed, shown with the command that goes on with them, and removed."""

import json
import shlex
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from text_model import byte_model, save
from typer.testing import CliRunner

from agent.cli.app import app
from agent.errors import InvalidRequestError
from agent.program.task import Task
from agent.search.budget import Budget
from agent.search.frontier import SearchConfig
from agent.strategies import STRATEGIES, Search, StrategyOptions
from agent.views.text import format_code
from agent.views.threads import find_strategy_name, write_command
from agent.workflow.named_runs import RunState, check_same_run, find_state, list_runs, load_run
from agent.workflow.state import AgentState

PROMPT = 'def f(x: int) -> int:\n    """Add one.\n\n    >>> f(1)\n    2\n    """\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a random model, a prompt and a store of three runs: an old one, one that ended, one that waits."""
    folder = tmp_path_factory.mktemp("threads")
    save(byte_model(sharpness=8.0, context=400), folder / "model")
    (folder / "prompt.py").write_text(PROMPT)
    (folder / "tests.py").write_text("assert f(3) == 4\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        solve(folder, "Add one to x.", "--thread", "old one", "--seed", "2")
        ended = ["--file", f"{folder}/prompt.py", "--tests", f"{folder}/tests.py", "--thread", "mine", "--tau", "0.5"]
        solve(folder, *ended, "--budget", "programs=2,tokens=90")
        patch.setattr("rich.console.Console.input", interrupt)
        asked = solve(folder, "--task", "exercises/12", "--ask", "--threshold", "1.2", "--thread", "waits")
        assert asked.exit_code == 130 and '"""' in asked.output, "who is asked sees the request"
    return folder


@pytest.fixture
def store(place, tmp_path, monkeypatch):
    """A copy of the store, which a test may change."""
    (tmp_path / "dubito").mkdir()
    source = sqlite3.connect(place / "dubito" / "threads.sqlite")
    copy = sqlite3.connect(tmp_path / "dubito" / "threads.sqlite")
    source.backup(copy)
    source.close()
    copy.close()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "dubito" / "threads.sqlite"


def interrupt(*given):
    raise KeyboardInterrupt


def solve(place, *arguments):
    options = ["--model", f"{place}/model", "--sandbox", "process", "--max-tokens", "6", "--budget", "programs=2"]
    return CliRunner().invoke(app, ["solve", *options, *arguments])


def threads(*arguments, code=0):
    ended = CliRunner().invoke(app, ["threads", *arguments])
    assert ended.exit_code == code, ended.output
    return ended


def test_the_list_has_the_newest_run_first_with_its_state_size_and_request(store, place):
    lines = threads("list").stdout.splitlines()
    assert [line.split(",")[0] for line in lines[::2]] == [
        "waits  waits for an answer", "mine  ended", "old one  ended",
    ]  # fmt: skip
    assert lines[1].startswith("  exercises/12: def ") and lines[3].startswith(f"  {place}/prompt.py: def f("[:70])
    assert lines[5] == "  Add one to x."
    records = json.loads(threads("list", "--json").stdout)["threads"]
    assert [record["name"] for record in records] == ["waits", "mine", "old one"]
    written = [datetime.fromisoformat(record["written"]) for record in records]
    assert written == sorted(written, reverse=True) and written[0] <= datetime.now(UTC)
    connection = sqlite3.connect(store)
    for record in records:
        query = "SELECT sum(length(checkpoint) + length(metadata)) FROM checkpoints WHERE thread_id = ?"
        (checkpoints,) = connection.execute(query, (record["name"],)).fetchone()
        query = "SELECT coalesce(sum(length(value)), 0) FROM writes WHERE thread_id = ?"
        (writes,) = connection.execute(query, (record["name"],)).fetchone()
        assert record["bytes"] == checkpoints + writes
    connection.close()


def test_a_run_is_shown_with_its_request_its_programs_and_its_claim(store):
    said = threads("show", "mine").stdout
    assert '  def f(x: int) -> int:\n      """Add one.' in said
    assert "programs: 2\nprogram 1 ✗ " in said and "it ended: abstained\n" in said
    assert "FILE is the file of tests" in said
    record = json.loads(threads("show", "mine", "--json").stdout)
    assert record["standing"] == "abstained" and len(record["programs"]) == 2
    assert record["options"]["tau"] == 0.5 and record["search"]["budget"] == "programs=2,tokens=90,seconds=180.0"
    assert all(program["failures"][0]["sentence"] in said for program in record["programs"] if program["failures"])


def test_a_run_that_waits_shows_its_question(store):
    said = threads("show", "waits").stdout
    assert "programs: none yet" in said and "it asks: what comes next behind " in said and "Go on with:" in said
    record = json.loads(threads("show", "waits", "--json").stdout)
    assert record["standing"] is None and record["question"].startswith("what comes next")
    assert load_run("waits").run.state == RunState.WAITING


@pytest.mark.parametrize("name", ["old one", "mine", "waits"])
def test_the_command_that_is_shown_goes_on_with_the_run_whatever_is_set(name, store, place, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for setting in ("seed 9", "policy uscd", "strategy tree", "order blame", "max-tokens 9", "holes 1", "threshold 3"):
        assert CliRunner().invoke(app, ["config", "set", *setting.split()]).exit_code == 0
    words = shlex.split(json.loads(threads("show", name, "--json").stdout)["command"])
    words = [f"{place}/tests.py" if word == "FILE" else word for word in words]
    before = load_run(name).state
    ended = CliRunner().invoke(app, ["solve", "--sandbox", "process", *words[2:]], input="\n" * 99)
    assert "begun with another" not in ended.stderr and ended.exit_code in (0, 1, 4, 5), ended.output
    after = load_run(name).state
    assert after.answer is not None and (after == before) == (name != "waits")
    assert (after.task, after.config, after.identity) == (before.task, before.config, before.identity)


def test_a_run_that_goes_on_says_what_was_answered_and_show_lists_it(store, place, monkeypatch):
    answers = iter(["2"])

    def answer(*given):
        if (typed := next(answers, None)) is None:
            raise KeyboardInterrupt
        return typed

    monkeypatch.setattr("rich.console.Console.input", answer)
    words = shlex.split(json.loads(threads("show", "waits", "--json").stdout)["command"])[2:]
    (chosen,) = load_run("waits").question.candidates[1:2]
    assert CliRunner().invoke(app, ["solve", "--sandbox", "process", *words]).exit_code == 130
    answers = iter(["x + 1", "", "", ""])
    again = CliRunner().invoke(app, ["solve", "--sandbox", "process", *words])
    assert again.stderr.count("answered before: behind ") == 1
    shown = threads("show", "waits").stdout
    assert "answered:\n  behind " in shown and f": `{format_code(chosen.text)}`, and not `" in shown
    assert "x + 1', a text of your own" in shown
    assert len(json.loads(threads("show", "waits", "--json").stdout)["replies"]) >= 2


def test_a_removed_run_is_gone_and_said_and_a_wrong_name_removes_nothing(store):
    said = threads("remove", "old one", "mien", code=2).stderr
    assert said == "dubito: there is no run named 'mien'; did you mean mine?\n"
    assert len(list_runs()) == 3
    before = store.stat().st_size
    said = threads("remove", "mine", "old one", "mine").stderr.splitlines()
    assert [line.split(",")[0] for line in said] == ["removed mine  ended", "removed old one  ended"]
    assert [run.name for run in list_runs()] == ["waits"] and store.stat().st_size < before
    connection = sqlite3.connect(store)
    assert connection.execute("SELECT DISTINCT thread_id FROM writes").fetchall() == [("waits",)]
    connection.close()


@pytest.mark.parametrize("line", ["show nosuch", "remove nosuch"])
def test_without_a_store_there_is_no_run(line, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert threads("list").stdout.startswith("no run has a name yet")
    assert json.loads(threads("list", "--json").stdout) == {"threads": []}
    assert "there is no run named 'nosuch'; `dubito threads list` shows all" in threads(*line.split(), code=2).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_another_process_has_locked_or_that_is_broken_is_one_sentence(store, monkeypatch):
    monkeypatch.setattr("agent.workflow.named_runs._WAIT_SECONDS", 0)
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    for line in ("list", "show mine", "remove mine"):
        said = threads(*line.split(), code=3).stderr
        assert "another process writes there; try again" in said and said.count("\n") == 1
    other.execute("ROLLBACK")
    other.close()
    store.write_text("no database, but long enough to be taken for one " * 10)
    said = threads("list", code=3).stderr
    assert "file is not a database" in said and said.count("\n") == 1
    assert json.loads(threads("list", "--json", code=3).stdout)["exit_code"] == 3


def test_a_run_of_another_version_is_listed_and_can_be_removed_but_not_shown(store):
    connection = sqlite3.connect(store)
    connection.execute("UPDATE checkpoints SET type = 'msgpack' WHERE thread_id = 'mine'")
    connection.execute("UPDATE checkpoints SET checkpoint = '{}' WHERE thread_id = 'old one'")
    connection.commit()
    connection.close()
    assert [run.state for run in list_runs()] == [RunState.WAITING, RunState.FOREIGN, RunState.FOREIGN]
    for name in ("mine", "old one"):
        assert "holds no whole state of this version" in threads("show", name, code=2).stderr
    threads("remove", "mine", "old one")
    assert [run.name for run in list_runs()] == ["waits"]


@pytest.mark.parametrize(
    "name", [name for name, kind in STRATEGIES.items() if name == "once" or issubclass(kind, Search)]
)
def test_the_strategy_of_a_run_is_told_from_its_configuration(name):
    if name == "once":
        assert find_strategy_name(SearchConfig(Budget(programs=1), votes=1, mutants=0)) == "once"
        return
    strategy = STRATEGIES[name].from_options(StrategyOptions(programs=3, asks=name in ("tree", "adaptive")))
    assert find_strategy_name(strategy.config) == name
    command = write_command("x", AgentState(Task("Add.", name="your sentence"), strategy.config))
    assert command[:6] == ["dubito", "solve", "--thread", "x", "--strategy", name] and command[-2:] == ["--", "Add."]
    assert ("programs=3" in command) == (name in ("tree", "adaptive")) != ("--programs" in command)


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (["--strategy", "best-of", "--programs", "2"], "strategy and policy"),
        (["--budget", "programs=3,tokens=90"], "programs"),
        (["--budget", "programs=3,tokens=91"], "budget"),
        (["--budget", "programs=3,tokens=90", "--order", "blame"], "programs and order"),
        (["--order", "blame"], "order"),
        (["--seed", "7", "--tau", "0.2"], "tau and seed"),
        (["--max-tokens", "7"], "max-tokens"),
    ],
)
def test_a_thread_of_another_run_is_refused_by_the_options_that_differ_before_a_model_loads(
    other, named, store, place, monkeypatch
):
    monkeypatch.setattr("agent.lm.open.open_lm", lambda *given, **options: pytest.fail("the model was loaded"))
    begun = ["--file", f"{place}/prompt.py", "--tests", f"{place}/tests.py", "--thread", "mine", "--tau", "0.5"]
    budget = [] if "best-of" in other else ["--budget", "programs=2,tokens=90"]
    options = ["--model", f"{place}/model", "--sandbox", "process", "--max-tokens", "6", *budget]
    ended = CliRunner().invoke(app, ["solve", *options, *begun, *other])
    assert ended.exit_code == 2, ended.output
    assert f"the thread 'mine' was begun with another {named};" in ended.stderr, ended.stderr
    assert "loading" not in ended.stderr and "`dubito threads show mine`" in ended.stderr


def test_a_run_may_go_on_in_another_sandbox_and_its_command_names_the_one_it_had(store, place):
    assert "--sandbox process" in threads("show", "mine").stdout
    state = load_run("mine").state
    check_same_run(state, state.task, state.config, {**state.identity, "sandbox": "docker", "device": "cuda"}, "mine")
    with pytest.raises(InvalidRequestError, match="another seed"):
        check_same_run(state, state.task, state.config, {**state.identity, "seed": 9}, "mine")


def test_what_no_option_brings_back_is_not_promised_by_the_refusal(store):
    state = load_run("mine").state
    learned = replace(state.config, weights={"logprob": 1.0})
    for config, identity, other in (
        (learned, state.identity, "calibration"),
        (state.config, {**state.identity, "weights": "0123456789ab"}, "version of the model"),
    ):
        with pytest.raises(InvalidRequestError, match=f"another {other}; give it the same, or choose a new thread"):
            check_same_run(state, state.task, config, identity, "mine")


def test_a_run_that_was_cut_off_before_its_request_was_written_has_no_state(store):
    assert find_state("no such run") is None
    with sqlite3.connect(store) as connection:
        connection.execute(
            "UPDATE checkpoints SET checkpoint = ? WHERE thread_id = 'mine'", ('{"channel_values": {}}',)
        )
    assert find_state("mine") is None
