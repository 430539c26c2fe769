"""`dubito models`, and what `solve` and `doctor` say of real models."""

import json
import shutil
import sys

import fakes_shelf
import pytest
from typer.testing import CliRunner

from agent.cli.app import app
from agent.cli.doctor import PartState, check_parts
from agent.lm.shelf.entries import read_shelf

NAME = "qwen2.5-coder-0.5b"
DATA = b"a model" * 100


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBITO_MODELS", str(tmp_path))
    yield tmp_path
    read_shelf().pop(fakes_shelf.NAME, None)


def run(*words):
    return CliRunner().invoke(app, ["models", *words])


def put(shelf, name):
    """Put a folder that looks like a model onto the shelf."""
    (shelf / name).mkdir()
    (shelf / name / "config.json").write_text("{}")


def test_list_says_which_models_are_here_and_what_others_need(shelf):
    put(shelf, NAME)
    put(shelf, "gguf-0123456789ab")
    lines = run("list").stdout.splitlines()
    assert lines[0].startswith("· qwen2.5-coder-1.5b  Apache-2.0, 32,768 tokens of context, 1.1 GB to download, 3.6 GB")
    assert lines[2] == f"✓ {NAME}  Apache-2.0, 32,768 tokens of context, 0.0 GB here"
    assert lines[6].startswith("✓ gguf-0123456789ab")
    assert lines[-1] == f"Models live in {shelf} (DUBITO_MODELS moves them); get one with: dubito models get NAME"
    record = json.loads(run("list", "--json").stdout)
    assert {model["name"]: model["folder"] for model in record["models"]} == {
        "qwen2.5-coder-1.5b": None, NAME: str(shelf / NAME), "smollm2-135m": None,
        "gguf-0123456789ab": str(shelf / "gguf-0123456789ab"),
    }  # fmt: skip


def test_get_draws_its_stages_and_says_at_once_that_a_model_is_here(shelf, monkeypatch):
    monkeypatch.setitem(sys.modules, "agent.lm.hf.gguf", fakes_shelf.fake_conversion())
    opened = list[str]()
    monkeypatch.setattr("agent.lm.open.open_lm", opened.append)  # the fake's folder holds no model
    model = fakes_shelf.put_on_shelf(DATA)
    (shelf / f".{model.name}.gguf").write_bytes(DATA)
    first, second = run("get", model.name), run("get", model.name)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stderr.splitlines() == [
        "checking the sha256",
        "converting, once",
        "loading it once, to try int8 weights where they may be faster",
        f"toy-1b is here: {shelf / 'toy-1b'}; use it with: dubito solve --model toy-1b",
    ]
    assert opened == [str(shelf / "toy-1b")]
    assert second.stderr == f"toy-1b is here already: {shelf / 'toy-1b'}\n"
    assert run("path", model.name).stdout == f"{shelf / 'toy-1b'}\n"
    assert run("remove", model.name).exit_code == 0
    assert not (shelf / "toy-1b").exists()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("get", "qwen"), 2, "unknown model 'qwen'; choose from qwen2.5-coder-1.5b"),
        (("path", "gguf-0123456789ab"), 2, "unknown model 'gguf-0123456789ab'; choose from qwen2.5-coder-1.5b"),
        (("path", NAME), 2, f"{NAME} is on the shelf but not on this machine; get it with: dubito models get {NAME}"),
        (("remove", NAME), 2, f"'{NAME}' is not on this machine, so there is nothing to remove"),
    ],
)
def test_requests_that_cannot_be_carried_out_get_one_sentence(shelf, words, code, sentence):
    result = run(*words)
    assert result.exit_code == code
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_list_shows_has_a_path(shelf):
    for name in (NAME, "gguf-0123456789ab"):
        put(shelf, name)
        assert run("path", name).stdout == f"{shelf / name}\n"


@pytest.mark.parametrize("words", [("list",), ("get", NAME)])
def test_a_file_in_the_place_of_the_folder_is_said_with_its_variable(shelf, monkeypatch, words):
    (shelf / "file").touch()
    monkeypatch.setenv("DUBITO_MODELS", str(shelf / "file"))
    result = run(*words)
    assert result.exit_code == 2
    sentence = f"real models are kept in '{shelf / 'file'}', which is no folder; set DUBITO_MODELS to one"
    assert " ".join(result.stderr.split()) == f"dubito: {sentence}"


@pytest.mark.parametrize(
    ("name", "sentence"), [("no/such.gguf", "there is no file 'no/such.gguf'"), ("", "the name of a model is empty")]
)
def test_solve_says_what_is_wrong_with_the_name_of_a_model(shelf, name, sentence):
    result = CliRunner().invoke(app, ["solve", "Add two numbers.", "--model", name])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"dubito: {sentence}")


def test_get_without_room_is_the_machines_failure(shelf, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    result = run("get", NAME)
    assert result.exit_code == 3
    assert "1.9 GB are needed" in result.stderr


def test_solve_refuses_a_model_that_is_not_here_before_anything_slow(shelf):
    result = CliRunner().invoke(app, ["solve", "Add two numbers.", "--model", NAME])
    assert result.exit_code == 2
    assert f"get it with: dubito models get {NAME}" in result.stderr


def test_doctor_prints_one_json_object_of_the_same_checks(shelf, monkeypatch):
    monkeypatch.setattr("agent.cli.doctor.check_parts", lambda: iter([PartState("sandbox", None, "start one")]))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    assert result.exit_code == 3
    assert json.loads(result.stdout) == {"checks": [{"part": "sandbox", "state": None, "advice": "start one"}]}


def test_doctor_names_the_models_that_are_here(shelf):
    put(shelf, NAME)
    state = next(check.state for check in check_parts() if check.part == "real models")
    assert state == (
        f"{NAME} (0.0 GB) in {shelf}; not here qwen2.5-coder-1.5b, smollm2-135m (try: dubito models get NAME)"
    )


@pytest.mark.model
@pytest.mark.parametrize(("words", "says"), [(["--task", "exercises/130"], False), (["Return the sum of xs."], True)])
def test_the_embedded_model_says_that_it_knows_exercises_alone_where_the_request_is_none(words, says):
    result = CliRunner().invoke(
        app, ["solve", *words, "--sandbox", "process", "--strategy", "once", "--max-tokens", "4"]
    )
    lines = " ".join(result.stderr.split())
    assert "with models/tiny" in lines
    sentence = (
        f"models/tiny knows only the exercises it was trained on; get a real model with: dubito models get {NAME}"
    )
    assert (sentence in lines) is says
