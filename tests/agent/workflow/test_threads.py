"""Named runs: one that ended takes little room, and only so many are kept."""

import sqlite3

from langgraph.graph import END, START, StateGraph

from agent.cli.doctor import check_parts
from agent.workflow import threads as module
from agent.workflow.threads import measure_threads, open_threads, prune, threads_file
from sandbox import SandboxError


def graph_of(saver):
    graph = StateGraph(dict)
    for name in ("a", "b", "c"):
        graph.add_node(name, lambda state: {"big": "x" * 50_000})
    graph.add_edge(START, "a")
    graph.add_edge("a", "b")
    graph.add_edge("b", "c")
    graph.add_edge("c", END)
    return graph.compile(checkpointer=saver)


def run(saver, thread):
    config = {"configurable": {"thread_id": thread}}
    graph_of(saver).invoke({"big": ""}, config, durability="sync")
    return graph_of(saver).get_state(config).values


def states(file, thread):
    connection = sqlite3.connect(file)
    (count,) = connection.execute("SELECT count(*) FROM checkpoints WHERE thread_id = ?", (thread,)).fetchone()
    connection.close()
    return count


def test_a_run_that_ended_keeps_its_last_state_alone(tmp_path):
    with open_threads(tmp_path) as saver:
        last = run(saver, "mine")
        run(saver, "other")
    file = tmp_path / "threads.sqlite"
    before = states(file, "mine"), file.stat().st_size
    with open_threads(tmp_path) as saver:
        prune(saver, "mine")
        assert graph_of(saver).get_state({"configurable": {"thread_id": "mine"}}).values == last
    assert before[0] > 3 and states(file, "mine") == 1 and states(file, "other") == before[0]
    assert file.stat().st_size < before[1]


def test_a_store_in_which_another_process_writes_is_left_as_it_is(tmp_path):
    with open_threads(tmp_path) as saver:
        last = run(saver, "mine")
        saver.conn.execute("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(tmp_path / "threads.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        prune(saver, "mine")
        other.execute("ROLLBACK")
        other.close()
        assert graph_of(saver).get_state({"configurable": {"thread_id": "mine"}}).values == last
        before = states(tmp_path / "threads.sqlite", "mine")
        prune(saver, "mine")
    assert before > 3 and states(tmp_path / "threads.sqlite", "mine") == 1


def test_only_the_newest_runs_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_RUNS", 3)
    with open_threads(tmp_path) as saver:
        for number in range(5):
            run(saver, f"run {number}")
            prune(saver, f"run {number}")
        (left,) = saver.conn.execute("SELECT group_concat(DISTINCT thread_id) FROM checkpoints").fetchone()
        (writes,) = saver.conn.execute("SELECT count(*) FROM writes WHERE thread_id < 'run 2'").fetchone()
    assert sorted(left.split(",")) == ["run 2", "run 3", "run 4"] and writes == 0


def test_the_size_of_named_runs_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert measure_threads() == (0, 0)
    with open_threads() as saver:
        run(saver, "mine")
    assert measure_threads() == (1, threads_file().stat().st_size)
    monkeypatch.setattr("sandbox.open_sandbox", lambda name: Works())
    monkeypatch.setattr("agent.cli.doctor._check_engine", lambda: iter(()))
    parts = {name: (state, hint) for name, state, hint in check_parts()}
    assert parts["threads"][0].startswith("1 of at most 100 runs, 0.")
    threads_file().write_text("no database, but long enough to be taken for one " * 10)
    parts = {name: (state, hint) for name, state, hint in check_parts()}
    assert parts["threads"][0] is None and "cannot be read" in parts["threads"][1]


def test_a_sandbox_that_fails_the_trial_is_a_missing_part_and_ends_no_diagnosis(tmp_path, monkeypatch):
    class Fails(Works):
        closed = False

        def run(self, program):
            raise SandboxError("docker is not answering")

        def close(self):
            Fails.closed = True

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("sandbox.open_sandbox", lambda name: Fails())
    monkeypatch.setattr("agent.cli.doctor._check_engine", lambda: iter(()))
    parts = {name: (state, hint) for name, state, hint in check_parts()}
    assert parts["sandbox"] == (None, "docker is not answering")
    assert "device" in parts and Fails.closed


class Works:
    """A sandbox in which a program passes."""

    passed = True

    def run(self, program):
        return self

    def close(self):
        pass
