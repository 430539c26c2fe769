"""The embedded model is small, loads like any other, and solves exercises."""

import warnings
from contextlib import closing
from pathlib import Path

import pytest
import torch

from models.tokenizer import _SPECIAL

TINY = Path(__file__).parents[2] / "models" / "tiny"
pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(TINY)


@pytest.fixture(scope="module")
def model():
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32).eval()


def written(model, tokenizer, prompt, tokens=80):
    ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False)
    return tokenizer.decode(output[0, ids.shape[1] :], skip_special_tokens=True)


def test_it_fits_in_the_repository():
    assert sum(file.stat().st_size for file in TINY.iterdir()) <= 32 * 2**20


def test_it_is_a_llama_in_bfloat16_with_a_context_of_1024():
    from transformers import AutoModelForCausalLM

    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = AutoModelForCausalLM.from_pretrained(TINY)
    assert (model.dtype, model.config.model_type) == (torch.bfloat16, "llama")
    assert model.config.max_position_embeddings >= 1024 and model.config.tie_word_embeddings


@pytest.mark.parametrize(
    "text", ["", "\n\n\n", "def f(x):\n\treturn x  # naïve 漢字 🙂\r\n", "x = 1  \n    y", "<a> && ||"]
)
def test_its_tokenizer_returns_any_text_unchanged(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_its_special_tokens_are_qwens_names_and_it_needs_no_first_token(tokenizer, model):
    assert [len(tokenizer.encode(token)) for token in _SPECIAL] == [1] * len(_SPECIAL)
    assert tokenizer.bos_token is None and model.config.bos_token_id is None
    assert tokenizer.eos_token_id == tokenizer.pad_token_id == model.generation_config.eos_token_id


def test_it_writes_a_function_from_a_sentence(model, tokenizer):
    program = written(model, tokenizer, "# Return the sum of the squares of the numbers in a list that are even.")
    assert program.startswith("\ndef ")
    space = {}
    exec(program, space)
    (function,) = [value for name, value in space.items() if name != "__builtins__"]
    assert function([1, 2, 3, 4]) == 20


def test_it_solves_some_of_the_first_exercises(model, tokenizer):
    from benchmarks.exercises import make_problem
    from benchmarks.judging.checker import judge_program
    from sandbox import open_sandbox

    problems = [make_problem(f"exercises/{number}") for number in range(4)]
    with closing(open_sandbox("process")) as box:
        passed = [
            judge_program(box, each, each.prompt + written(model, tokenizer, each.prompt)).passed for each in problems
        ]
    assert sum(passed) >= 2, passed
