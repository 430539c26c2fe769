"""VS Code itself, in a headless browser, runs a task that `dubito editor install` writes, and shows its problems."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from chromium import BROWSER, Chromium
from typer.testing import CliRunner

from agent.cli.app import app
from agent.files.jsonc import read_json
from benchmarks import find_problem

CODE_SERVER = shutil.which("code-server")
pytestmark = [
    pytest.mark.model,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (CODE_SERVER and BROWSER), reason="needs code-server (npm install code-server) and chromium"
    ),
]
ROOT = Path(__file__).parents[2]
SETTINGS = {
    "task.allowAutomaticTasks": "on",
    "security.workspace.trust.enabled": False,
    "workbench.startupEditor": "none",
    "telemetry.telemetryLevel": "off",
}
_PROBLEM = find_problem("exercises/3")
RIGHT = f"{_PROBLEM.prompt}{_PROBLEM.canonical_solution}"
WRONG = RIGHT.replace("> 6", "< 6")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a project with the tasks, of which the watching one starts when the folder is opened."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "a project"
    folder.mkdir()
    assert CliRunner().invoke(app, ["editor", "install", "--vscode", "--folder", str(folder)]).exit_code == 0
    file = folder / ".vscode" / "tasks.json"
    tasks = read_json(file.read_text())
    (watching,) = [each for each in tasks["tasks"] if each.get("isBackground")]
    watching |= {"command": sys.executable, "args": ["-m", "agent", *watching["args"]]}  # this checkout's own
    watching["runOptions"] = {"runOn": "folderOpen"}
    file.write_text(json.dumps(tasks))
    return folder


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Return the address of a VS Code in the browser."""
    user = tmp_path / "data" / "User"
    user.mkdir(parents=True)
    (user / "settings.json").write_text(json.dumps(SETTINGS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = [
        "--auth",
        "none",
        "--bind-addr",
        address,
        "--user-data-dir",
        str(tmp_path / "data"),
        "--config",
        "/dev/null",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DUBITO_MODEL": "models/tiny"}
    server = subprocess.Popen(
        [CODE_SERVER, *options, "--disable-telemetry", "--disable-update-check"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(lambda: is_up(address), "the editor")
        yield f"http://{address}/"
    finally:
        server.terminate()
        server.wait(30)


def is_up(address):
    with suppress(URLError, ConnectionError):
        return urlopen(f"http://{address}/healthz", timeout=5).status == 200
    return False


def wait_for(holds, what):
    end = time.monotonic() + 240
    while not holds():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.5)


def test_problems_come_and_go_as_a_file_is_saved(project, editor):
    browser, file, saved = Chromium(), project / "a b.py", 0
    try:
        browser.call("Page.navigate", url=f"{editor}?folder={project}".replace(" ", "%20"))
        wait_for(lambda: read_counts(browser) == ["0", "0"], "the window")
        for text, wanted in ((WRONG, ["0", "1"]), (RIGHT, ["0", "0"])):
            counts = read_counts(browser)
            while counts != wanted:
                assert saved < 30, f"{counts} errors and warnings are shown, and not {wanted}"
                saved += 1
                file.write_text(f"{text}# version {saved}\n")  # once more: the task may only now have begun to watch
                time.sleep(8)
                counts = read_counts(browser)
    finally:
        browser.close()


def read_counts(browser):
    """Return how many errors and warnings the status bar shows."""
    return browser.evaluate("document.querySelector('#status\\\\.problems')?.innerText ?? ''").split()
