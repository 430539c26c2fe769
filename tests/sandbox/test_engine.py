"""Starting an engine: what a killed one left behind is not in the way."""

import os
from pathlib import Path

from sandbox.engine import forget_stale


def test_the_pid_file_of_a_process_that_is_something_else_is_removed(tmp_path):
    (tmp_path / "docker.pid").write_text(str(os.getpid()))
    forget_stale(tmp_path / "docker.pid", "dockerd")
    assert not (tmp_path / "docker.pid").exists()


def test_the_pid_file_of_a_running_engine_stays(tmp_path):
    (tmp_path / "docker.pid").write_text(str(os.getpid()))
    forget_stale(tmp_path / "docker.pid", Path("/proc/self/comm").read_text().strip())
    assert (tmp_path / "docker.pid").exists()


def test_a_pid_file_that_is_not_there_or_holds_no_number_is_no_trouble(tmp_path):
    forget_stale(tmp_path / "docker.pid", "dockerd")
    (tmp_path / "docker.pid").write_text("nonsense")
    forget_stale(tmp_path / "docker.pid", "dockerd")
    assert not (tmp_path / "docker.pid").exists()
