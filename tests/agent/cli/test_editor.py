"""`dubito editor install` adds what is missing and keeps every byte; where it cannot, it prints what to paste."""

import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from agent.files.jsonc import read_json
from agent.views.editor_setup import write_neovim_settings, write_vscode_tasks, write_zed_tasks

MINE = '\ufeff{\r\n  // mine\r\n  "version": "2.0.0",\r\n  "tasks": [\r\n    {"label": "ä"}, // last\r\n  ],\r\n}\r\n'


@pytest.fixture
def install(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*options):
        return CliRunner().invoke(app, ["editor", "install", *options])

    return run


def read(name):
    return read_json(Path(name).read_text(encoding="utf-8-sig"))


def test_a_project_without_tasks_gets_all_of_them(install):
    result = install("--vscode", "--zed", "--neovim")
    assert result.exit_code == 0 and result.stderr.count("wrote ") == 3, result.output
    tasks = read(".vscode/tasks.json")
    (command,) = {task["command"] for task in tasks["tasks"]}
    assert tasks == {"version": "2.0.0", "tasks": write_vscode_tasks(command)}
    assert command == "dubito" or Path(command).is_absolute()
    assert read(".zed/tasks.json") == write_zed_tasks(command)
    assert Path(".nvim.lua").read_text() == write_neovim_settings(command)


def test_a_task_names_the_whole_path_of_a_virtual_environment(install, monkeypatch):
    script = Path(sys.executable).parent / "dubito"
    monkeypatch.setattr(sys, "prefix", "/environment")
    monkeypatch.setattr(shutil, "which", lambda name: str(script))
    install("--vscode")
    assert {task["command"] for task in read(".vscode/tasks.json")["tasks"]} == {str(script)}


def test_a_task_names_what_is_installed_for_all_by_its_name(install, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dubito")
    install("--vscode")
    assert {task["command"] for task in read(".vscode/tasks.json")["tasks"]} == {"dubito"}


def test_what_a_person_has_stays_to_the_byte(install):
    Path(".vscode").mkdir()
    path = Path(".vscode/tasks.json")
    path.write_bytes(MINE.encode())
    assert install("--vscode").exit_code == 0
    written = path.read_bytes().decode()
    assert written.startswith(MINE[: MINE.index("  ],")]) and written.endswith("  ],\r\n}\r\n")
    assert [task["label"] for task in read(path)["tasks"]][:2] == ["ä", "dubito: score current file"]
    assert written.count("\n") == written.count("\r\n")


def test_a_second_time_changes_nothing_and_a_task_of_this_name_is_left_alone(install):
    install("--vscode", "--neovim")
    path = Path(".vscode/tasks.json")
    path.write_text(path.read_text().replace("silent", "always"))
    before = path.read_text()
    result = install("--vscode", "--neovim")
    assert (result.exit_code, path.read_text()) == (0, before)
    assert result.stderr.count("has it all already") == 2


@pytest.mark.parametrize("text", ["nonsense", '{"version": "2.0.0"}', '{"tasks": {}}', '{"tasks": [1]}', "[]"])
def test_a_file_that_tasks_do_not_fit_into_stays_and_the_tasks_are_printed(install, text):
    Path(".vscode").mkdir()
    Path(".vscode/tasks.json").write_text(text)
    result = install("--vscode")
    assert result.exit_code == 2 and Path(".vscode/tasks.json").read_text() == text
    assert read_json(result.stdout) and "put the tasks above into it yourself" in result.stderr


def test_another_neovim_file_stays_and_the_text_is_printed(install):
    Path(".nvim.lua").write_text("-- mine\n")
    result = install("--neovim")
    assert result.exit_code == 2 and Path(".nvim.lua").read_text() == "-- mine\n"
    assert result.stdout.startswith("-- Dubito in Neovim") and "stays as it is" in result.stderr


def test_what_cannot_be_read_or_written_is_refused_in_one_sentence(install):
    assert "no editor was named; choose --vscode" in install().stderr
    assert "'gone' is no folder" in install("--vscode", "--folder", "gone").stderr
    Path(".vscode").write_text("")
    result = install("--vscode")
    assert result.exit_code == 2 and "is no folder, and one was wanted there" in result.stderr
    Path(".zed").mkdir()
    Path(".zed/tasks.json").write_bytes(b"\xff")
    assert "is not UTF-8 text" in install("--zed").stderr


def test_a_command_in_the_project_is_named_by_its_place_there(install, monkeypatch):
    script = Path(".venv/bin/dubito").absolute()
    script.parent.mkdir(parents=True)
    script.touch()
    monkeypatch.setattr(sys, "executable", str(script.with_name("python")))
    install("--vscode")
    assert read(".vscode/tasks.json")["tasks"][0]["command"] == "${workspaceFolder}/.venv/bin/dubito"
