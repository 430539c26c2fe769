"""A GGUF file of any name becomes a folder, once, with the same logits, ends and chat template."""

import shutil
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gguf
import pytest
import torch
from gguf_file import CONTEXT, write_gguf
from platformdirs import user_state_path

from agent.cli import components
from agent.errors import ModelLoadError, StorageError
from agent.lm import open_lm
from agent.lm.hf.gguf import open_gguf
from agent.lm.names import digest_weights, find_model_folder, needs_conversion
from agent.lm.shelf import cache as cache_module
from agent.lm.shelf.cache import models_folder, partial_of, place_of
from agent.profile import profile_file

PROMPT = "def f(x):\n    return"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUBITO_MODELS", str(tmp_path / "cache"))
    return tmp_path / "cache"


def content(cache: Path) -> list[Path]:
    """Return what a cache holds besides locks."""
    return [path for path in cache.glob("*") if path.suffix != ".lock"]


@pytest.mark.parametrize("tied", [False, True])
def test_a_converted_model_has_exactly_the_logits_of_its_gguf_file(tmp_path, cache, tied):
    from transformers import AutoModelForCausalLM, GgufConfig

    file = write_gguf(tmp_path / "model.gguf", tied=tied)
    assert needs_conversion(str(file))
    model = open_lm(str(file), prompt_style="completion")
    assert not needs_conversion(str(file))
    direct = AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file=file.name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    ids = model.tokenizer.encode(PROMPT)
    with torch.inference_mode():
        expected = direct(torch.tensor([ids])).logits[0, -1].float()
    assert torch.equal(model.lm.model(torch.tensor([ids])).logits[0, -1].float(), expected)
    assert (model.lm.model.config.tie_word_embeddings, model.lm.context, model.dtype) == (tied, CONTEXT, "bfloat16")


def test_a_converted_model_ends_turns_and_texts_and_keeps_its_chat_template(tmp_path, cache):
    model = open_lm(str(write_gguf(tmp_path / "model.gguf")))
    assert model.prompt_style.chat
    assert model.tokenizer.end_ids == {256, 258}, "<|endoftext|> and <|im_end|>"
    assert bytes(model.tokenizer.encode(PROMPT)).decode("latin-1") == PROMPT, "one token a byte"
    assert [256 < token < 259 for token in model.tokenizer.chat("x")].count(True) == 3
    (folder,) = content(cache)
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_two_threads_convert_one_after_the_other_and_leave_the_reader_of_gguf_alone(tmp_path, cache):
    reader = gguf.GGUFReader
    files = [write_gguf(tmp_path / f"{tied}.gguf", tied=tied) for tied in (False, True)]
    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(open_gguf, files))
    assert gguf.GGUFReader is reader
    assert sorted(content(cache)) == sorted(folders)


def test_a_file_and_its_folder_have_one_digest_and_one_profile(tmp_path, cache):
    file = write_gguf(tmp_path / "any name")
    digest = digest_weights(str(file))
    folder = open_gguf(file)
    written = (folder / "model.safetensors").stat().st_mtime_ns
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert find_model_folder(str(file)) == folder == open_gguf(file)
    assert (folder / "model.safetensors").stat().st_mtime_ns == written, "converted once"
    assert {digest, *map(digest_weights, (str(file), str(folder), str(copy)))} == {digest} != {""}
    learned = profile_file(str(file), digest)
    learned.parent.mkdir(parents=True, exist_ok=True)
    learned.touch()
    assert profile_file(str(folder), digest) == learned
    learned.unlink()
    (copy / "model.safetensors").write_bytes(b"trained further")
    assert digest_weights(str(copy)) not in ("", digest)


def test_a_converted_file_opens_by_the_name_in_the_list_of_models(tmp_path, cache):
    file = write_gguf(tmp_path / "model.gguf")
    folder = open_gguf(file)
    for name in (folder.name, f"hf:{folder.name}"):
        assert find_model_folder(name) == folder
        components.check_model(name, "auto")
        model = open_lm(name, prompt_style="completion")
        assert (model.digest, model.dtype) == (digest_weights(str(file)), "bfloat16")
    with pytest.raises(ModelLoadError):
        open_lm("gguf-0123456789ab")


def test_a_file_is_hashed_once_until_it_changes(tmp_path, monkeypatch):
    hashed = list[Path]()
    monkeypatch.setattr(cache_module, "hash_file", lambda path: hashed.append(path) or f"{len(hashed):064}")
    file = write_gguf(tmp_path / "model.gguf")
    assert digest_weights(str(file)) == digest_weights(str(file)) == "0" * 12
    assert len(hashed) == 1
    file.write_bytes(file.read_bytes() + b"\0")
    digest_weights(str(file))
    assert len(hashed) == 2
    for memory in user_state_path("dubito").glob("sha256/*.json"):
        memory.write_text("[")
    digest_weights(str(file))
    assert len(hashed) == 3, "a damaged record is no record"


def test_a_download_that_nobody_needs_any_more_goes_when_the_users_own_copy_is_converted(tmp_path, cache):
    file = write_gguf(tmp_path / "model.gguf")
    cache.mkdir()
    partial_of(place_of(cache_module.hash_file(file))).write_bytes(b"GGUF")
    folder = open_gguf(file)
    assert content(cache) == [folder]


def test_files_beside_a_gguf_file_are_not_of_its_model(tmp_path, cache):
    file = write_gguf(tmp_path / "model.gguf")
    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{broken")
    (tmp_path / "chat_template.jinja").write_text("another")
    assert "another" not in (open_gguf(file) / "chat_template.jinja").read_text()


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda file: file.write_bytes(b"a text that is no model"), "is no GGUF file: it does not begin with GGUF"),
        (lambda file: file.write_bytes(b""), "is no GGUF file: it does not begin with GGUF"),
        (lambda file: file.write_bytes(file.read_bytes()[:-20_000]), "is cut off or damaged; download it again"),
        (lambda file: file.write_bytes(file.read_bytes()[:500]), "is cut off or damaged; download it again"),
        (lambda file: write_gguf(file, architecture="strange"), "architecture strange is not supported"),
    ],
)
def test_a_file_that_is_no_model_gets_one_sentence_and_leaves_the_cache_alone(tmp_path, cache, damage, sentence):
    file = write_gguf(tmp_path / "model.gguf")
    damage(file)
    with pytest.raises(ModelLoadError, match=sentence) as caught:
        open_lm(str(file))
    assert "\n" not in str(caught.value)
    assert content(cache) == []
    assert models_folder() == cache


def test_no_gguf_file_is_refused_before_anything_slow(tmp_path):
    (tmp_path / "model.gguf").write_text("a page that says 404")
    with pytest.raises(ModelLoadError, match="is no GGUF file"):
        components.check_model(str(tmp_path / "model.gguf"), "auto")


def test_a_full_disk_is_said_before_a_file_is_converted(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(1000))
    with pytest.raises(StorageError, match=r"GB are needed in .* and 0\.0 GB are free there; free some space"):
        open_gguf(write_gguf(tmp_path / "model.gguf"))
    assert content(cache) == []
