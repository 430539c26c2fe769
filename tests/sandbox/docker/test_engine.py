"""Starting an engine: what a killed one left behind is not in the way."""

import os
import subprocess
import time
from pathlib import Path

from sandbox.docker.engine import forget_stale


def test_the_pid_file_of_a_process_that_is_something_else_is_removed(tmp_path):
    (tmp_path / "docker.pid").write_text(str(os.getpid()))
    forget_stale(tmp_path / "docker.pid", "dockerd")
    assert not (tmp_path / "docker.pid").exists()


def test_the_pid_file_of_a_running_engine_stays(tmp_path):
    (tmp_path / "docker.pid").write_text(str(os.getpid()))
    forget_stale(tmp_path / "docker.pid", Path("/proc/self/comm").read_text().strip())
    assert (tmp_path / "docker.pid").exists()


def test_the_pid_file_of_a_zombie_is_removed(tmp_path):
    with subprocess.Popen(["true"]) as ended:
        stat = Path(f"/proc/{ended.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
        (tmp_path / "docker.pid").write_text(str(ended.pid))
        forget_stale(tmp_path / "docker.pid", Path(f"/proc/{ended.pid}/comm").read_text().strip())
        assert not (tmp_path / "docker.pid").exists()


def test_a_pid_file_that_is_not_there_or_holds_no_number_is_no_trouble(tmp_path):
    forget_stale(tmp_path / "docker.pid", "dockerd")
    (tmp_path / "docker.pid").write_text("nonsense")
    forget_stale(tmp_path / "docker.pid", "dockerd")
    assert not (tmp_path / "docker.pid").exists()
