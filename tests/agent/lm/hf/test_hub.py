"""The name of a model, the digest of its weights, and refusals before anything is loaded."""

import json
import os

import pytest
from text_model import byte_model

from agent.cli import components
from agent.errors import InvalidLogitsError, InvalidRequestError, ModelLoadError
from agent.lm import open_lm
from agent.lm.names import digest_weights


def test_the_embedded_models_name_means_it_whatever_the_working_folder_holds(tmp_path, monkeypatch):
    known = digest_weights("models/tiny")
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "models" / "tiny" / "model.safetensors").write_bytes(b"others")
    monkeypatch.chdir(tmp_path)
    assert digest_weights("models/tiny") == known != ""
    assert digest_weights("./models/tiny") not in ("", known)
    assert components.read_profile("models/tiny") is not None
    components.check_model("models/tiny", "auto")
    with pytest.raises(ModelLoadError, match=r"'\./models/tiny' is no model: it has no config.json"):
        components.check_model("./models/tiny", "auto")


def test_the_digest_of_weights_reads_regular_files_alone(folder):
    known = digest_weights(str(folder))
    os.mkfifo(folder / "a.safetensors")
    (folder / "b.safetensors").symlink_to("/dev/zero")
    (folder / "c.safetensors").symlink_to("/proc/kmsg")
    (folder / "d.safetensors").symlink_to("nowhere")
    assert digest_weights(str(folder)) == known
    assert digest_weights("nobody/nothing") == digest_weights("nul\0byte") == digest_weights("x" * 5000) == ""


@pytest.mark.parametrize("name", ["profile.json", "zz.safetensors", "generation_config.json"])
def test_a_folder_that_would_hang_is_refused_before_anything_in_it_is_read(folder, name):
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    for ask in (components.read_profile, open_lm, lambda model: components.check_model(model, "auto")):
        with pytest.raises(ModelLoadError, match=f"{name}' is no regular file"):
            ask(str(folder))


def test_a_chat_template_that_does_not_work_is_said_when_the_model_is_loaded(folder):
    (folder / "chat_template.jinja").write_text("{% for m in messages %}{{ m.content }}")
    with pytest.raises(ModelLoadError, match="chat template cannot be rendered"):
        open_lm(str(folder))
    assert open_lm(str(folder), prompt_style="completion").prompt_style.chat is False
    with pytest.raises(InvalidRequestError, match="unknown prompt style 'turns'"):
        open_lm(str(folder), prompt_style="turns")


def test_a_missing_tokenizer_and_a_broken_one_are_told_apart(folder):
    (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "BPE"}}))
    with pytest.raises(ModelLoadError, match="cannot load the tokenizer of"):
        open_lm(str(folder))
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelLoadError, match="has no tokenizer beside it, and text is wanted"):
        open_lm(str(folder))


def test_a_model_that_gives_no_numbers_is_the_machines_failure(sound, folder):
    lm = byte_model(context=64).lm
    lm.model.float().model.norm.weight.data.fill_(float("nan"))
    lm.model.save_pretrained(folder)
    with pytest.raises(InvalidLogitsError, match="NaN or infinite logits"):
        open_lm(str(folder))
