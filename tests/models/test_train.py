"""A model is trained from nothing, and a killed run ends with the same weights as one that was not."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from models.corpus import Mix, WeightedText, documents
from models.packed import _shard
from models.recipe import Recipe
from models.run import TrainingRun
from models.tokenizer import _SPECIAL, read_tokenizer, train_tokenizer
from models.train import main, train

TINY = Recipe(documents=40, vocabulary=320, hidden=32, layers=1, heads=2, intermediate=32, context=512, rows=2, steps=6)
TEXTS = [
    "",
    " ",
    "\n\n",
    "def f(x):\n    return x\n\n\n",
    "\tif x:\r\n",
    "naïve — 漢字 🙂 \x00",
    "a  b   c    ",
    "12.5e-3",
    '    """',
]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_tokenizer((part.text for document in documents(1, 0, 200, Mix()) for part in document), 600, file)
    return read_tokenizer(file)


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives_a_round_trip(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_prompt_without_its_last_line_break_is_a_prefix_in_tokens(tokenizer):
    prompt, body = 'def f(x: int) -> int:\n    """Return x."""', "\n    for y in x:\n        return y\n"
    assert tokenizer.encode(prompt + body) == tokenizer.encode(prompt) + tokenizer.encode(body)


def test_special_tokens_are_single_and_end_is_end_and_padding(tokenizer):
    assert [len(tokenizer.encode(token)) for token in _SPECIAL] == [1] * len(_SPECIAL)
    assert tokenizer.eos_token == tokenizer.pad_token == "<|endoftext|>" and tokenizer.bos_token is None


def test_a_line_break_with_its_indentation_is_one_token(tokenizer):
    assert len(tokenizer.encode("\n    return")) == len(tokenizer.encode("\n        return")) == 2


def test_a_model_is_made_from_nothing_and_says_how(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    train(TINY, tmp_path / "model", tmp_path / "work")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "model")
    assert model.dtype == torch.bfloat16 and model.config.eos_token_id == tokenizer.eos_token_id
    origin = json.loads((tmp_path / "model" / "training.json").read_text())
    assert (origin["steps"], origin["seed"], origin["tokens"]) == (6, 1, 6 * 2 * 512)


def weights(run):
    return torch.cat([parameter.detach().flatten() for parameter in run.model.parameters()])


def test_a_killed_run_ends_in_the_same_weights(tmp_path):
    import numpy as np

    ids = np.random.default_rng(0).integers(0, 64, (12, 32))
    weights_of = np.ones(ids.shape, np.float32)
    whole = TrainingRun(TINY, 64, 0, tmp_path / "none")
    whole.train(ids, weights_of)

    first = TrainingRun(TINY, 64, 0, tmp_path / "checkpoint.pt")
    for _ in range(3):
        first.advance(ids, weights_of)
    first.save_checkpoint()
    second = TrainingRun(TINY, 64, 0, tmp_path / "checkpoint.pt")
    assert second.step == 3
    second.train(ids, weights_of)
    assert torch.equal(weights(whole), weights(second))


def test_the_command_line_names_every_option_of_the_recipe(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in text for name in Recipe.__slots__)


def test_on_cuda_a_recipe_has_a_hundred_times_the_text(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr(sys, "argv", ["train", "--help"])
    with pytest.raises(SystemExit):
        main()
    text = " ".join(capsys.readouterr().out.split())
    assert f"(default: {100 * Recipe().documents})" in text and f"(default: {100 * Recipe().rows})" in text


def test_a_folder_of_another_recipe_is_refused_and_left_alone(tmp_path):
    train(TINY, tmp_path / "model", tmp_path / "work")
    before = (tmp_path / "model" / "training.json").read_text()
    with pytest.raises(SystemExit, match="holds a run with steps 6; give the same again, or another --work"):
        train(replace(TINY, steps=7), tmp_path / "model", tmp_path / "work")
    assert (tmp_path / "model" / "training.json").read_text() == before


def test_a_document_longer_than_a_row_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "models.packed.documents", lambda *_: [[WeightedText("q " * 900)], *[[WeightedText("y = 1\n" * 60)]] * 3]
    )
    monkeypatch.setattr("models.packed.bpe.read_tokenizer", lambda _: read_tokenizer(tmp_path / "tokenizer.json"))
    train_tokenizer(["q y = 1"], 300, tmp_path / "tokenizer.json")
    ids, weights = _shard((TINY, tmp_path / "tokenizer.json", 0))
    tokenizer = read_tokenizer(tmp_path / "tokenizer.json")
    assert ids.shape == weights.shape and ids.shape[1] == TINY.context
    assert all("q" not in tokenizer.decode(row) for row in ids.tolist()) and len(ids) == 1
