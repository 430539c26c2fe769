"""What every language model promises, whatever its backend: prefixes are values, and each fast path equals prefill."""

import math
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
import torch
from fakes import TableLM
from text_model import byte_model, save

from agent.decoding import POLICIES, Completion, DecodeState, Gate, decode, decode_until_pause
from agent.decoding.context import DecodeContext
from agent.decoding.loop import resolve_pause
from agent.decoding.stops import token_limit
from agent.errors import ContextLengthError, InvalidRequestError, ModelLoadError
from agent.lm import BACKENDS, open_lm
from agent.lm.base import Batch, Model, Prefix
from agent.lm.metered import Metered
from agent.lm.names import parse_spec

PROMPT = (9, 1, 2, 1, 3)
CHECKPOINTS = {
    "hf": lambda folder: save(byte_model(context=64), folder)
}  # backend -> writes a tiny random model into a folder
TOLERANCE = 1e-4


class RandomTable(dict):
    """Distributions over four tokens, drawn anew for each completion; the same for the same one."""

    def get(self, completion, default):
        weights = [0.05 + Random(f"{completion} {token}").random() for token in range(4)]
        return [weight / sum(weights) for weight in weights]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    places = {name: tmp_path_factory.mktemp(name) for name in BACKENDS}
    for name, place in places.items():
        CHECKPOINTS[name](place)
    return places


@pytest.fixture(params=BACKENDS)
def model(request, folders) -> Model:
    return open_lm(f"{request.param}:{folders[request.param]}")


@pytest.fixture(params=[*BACKENDS, "table", *(f"metered {name}" for name in (*BACKENDS, "table"))])
def make_lm(request, folders):
    """Return a function that opens the same model anew, with nothing stored."""
    kind = request.param.removeprefix("metered ")

    def opened():
        lm = TableLM(RandomTable(), [1.0]) if kind == "table" else open_lm(f"{kind}:{folders[kind]}").lm
        return lm if kind == request.param else Metered(lm, 1_000, math.inf, lambda: 0.0)

    return opened


@pytest.fixture
def lm(make_lm):
    return make_lm()


@pytest.fixture
def agrees(make_lm):
    """Return a function that asserts a prefix to be what a fresh model makes of its ids."""
    fresh = make_lm()

    def check(prefix: Prefix, ids) -> None:
        assert prefix.ids == tuple(ids)
        assert torch.allclose(prefix.logits, fresh.prefill(ids).logits, atol=TOLERANCE), ids

    return check


def test_logits_are_finite_and_one_for_each_token_of_the_vocabulary(lm):
    logits = lm.prefill(PROMPT).logits
    assert logits.dim() == 1 and logits.isfinite().all() and logits.dtype in (torch.float32, torch.float64)
    assert lm.extend(lm.prefill(PROMPT), [1]).logits.shape == logits.shape


def test_extending_equals_prefilling_the_longer_ids(lm, agrees):
    prefix = lm.prefill(PROMPT)
    agrees(lm.extend(prefix, [3]), [*PROMPT, 3])
    agrees(lm.extend(lm.extend(prefix, [0]), [2, 1, 1]), [*PROMPT, 0, 2, 1, 1])
    assert lm.extend(prefix, []) is prefix
    agrees(lm.prefill(PROMPT[:3]), PROMPT[:3])
    agrees(lm.prefill([*PROMPT[:3], 3, 3]), [*PROMPT[:3], 3, 3])


def test_branching_equals_extending_by_each_token(lm, agrees):
    batch: Batch = lm.branch(lm.prefill(PROMPT), [0, 1, 2])
    assert batch.depth == 1
    longer = batch.advance([3, 3, 1])
    assert longer.depth == 2
    for row, path in enumerate([(0, 3), (1, 3), (2, 1)]):
        agrees(Prefix((*PROMPT, *path), longer.logits[row]), [*PROMPT, *path])
        agrees(Prefix((*PROMPT, path[0]), batch.logits[row]), [*PROMPT, path[0]])


def test_a_selected_row_equals_prefilling_its_ids_and_grows_like_any_prefix(lm, agrees):
    batch = lm.branch(lm.prefill(PROMPT), [1, 2]).advance([3, 0]).advance([2, 2])
    for row, path in enumerate([(1, 3, 2), (2, 0, 2)]):
        for drop in range(3):
            kept = path[: 3 - drop]
            selected = batch.select(row, drop)
            agrees(selected, [*PROMPT, *kept])
            agrees(lm.extend(selected, [1, 3]), [*PROMPT, *kept, 1, 3])


def test_extending_by_each_draft_token_equals_extending_one_by_one(lm, agrees):
    prefixes = list(lm.extend_each(lm.prefill(PROMPT), [2, 3, 1]))
    for number, prefix in enumerate(prefixes, start=1):
        agrees(prefix, [*PROMPT, *(2, 3, 1)[:number]])
        agrees(lm.extend(prefix, [0, 1]), [*PROMPT, *(2, 3, 1)[:number], 0, 1])
    assert len(prefixes) == 3


def test_growing_leaves_the_parent_as_it_was(lm, agrees):
    prefix = lm.prefill(PROMPT)
    before = prefix.logits.clone()
    lm.extend(prefix, [1, 2])
    batch = lm.branch(prefix, [1, 2])
    first = batch.logits[0].clone()
    batch.advance([3, 3])
    batch.advance([0, 0]).select(1)
    list(lm.extend_each(prefix, [3, 3]))
    assert torch.equal(prefix.logits, before) and torch.equal(batch.logits[0], first)
    agrees(lm.extend(prefix, [0]), [*PROMPT, 0])
    agrees(batch.select(0), [*PROMPT, 1])


def test_counters_only_grow_and_nothing_fed_costs_nothing(lm):
    prefix = lm.prefill(PROMPT)
    counts = [(lm.forwards, lm.token_rows)]
    lm.extend(prefix, [])
    assert (lm.forwards, lm.token_rows) == counts[0] > (0, 0)
    for grow in (lambda: lm.extend(prefix, [1]), lambda: lm.branch(prefix, [1, 2]).advance([3, 3]),
                 lambda: list(lm.extend_each(prefix, [3, 2]))):  # fmt: skip
        grow()
        counts.append((lm.forwards, lm.token_rows))
    assert all(after[0] > before[0] and after[1] > before[1] for before, after in pairwise(counts))


def test_a_backend_counts_the_tokens_that_it_feeds(model):
    lm = model.lm
    prefix = lm.prefill(PROMPT)
    assert (lm.forwards, lm.token_rows) == (1, len(PROMPT)), "what a backend tries out is no cost of a run"
    lm.extend(prefix, [1, 2])
    assert (lm.forwards, lm.token_rows) == (2, len(PROMPT) + 2)
    lm.branch(prefix, [1, 2, 3])
    assert lm.token_rows == len(PROMPT) + 5


@pytest.mark.oracle
def test_a_resumed_run_goes_on_like_the_uninterrupted_one(make_lm):
    policy, stop = replace(POLICIES["adadec"], gate=Gate("entropy", 1.0)), token_limit(8)
    steps = list(decode(make_lm(), PROMPT, policy, stop=stop))
    assert any(step.pause for step in steps)
    for done in (1, 4, 7):
        lm, before = make_lm(), tuple(step.token for step in steps[:done])
        context = DecodeContext(lm, policy, stop, PROMPT)
        rest = resumed(context, DecodeState(lm.prefill((*PROMPT, *before)), Completion(before)))
        assert [step.token for step in rest] == [step.token for step in steps[done:]]


def resumed(context: DecodeContext, state: DecodeState):
    while state.end is None:
        state = yield from decode_until_pause(context, state)
        if state.end is None:
            state = yield from resolve_pause(context, state)


def test_no_tokens_and_too_many_are_refused(model):
    with pytest.raises(InvalidRequestError, match="at least one"):
        model.lm.prefill([])
    with pytest.raises(ContextLengthError, match="65 tokens and this model reads at most 64"):
        model.lm.prefill([1] * 65)
    with pytest.raises(ContextLengthError):
        model.lm.extend(model.lm.prefill([1] * 64), [1])


TEXTS = ["def f(x):\n    return x + 1\n", "é – ∑ 😀", "  two  spaces ", "\tx\r\n"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_stream_joins_to_the_text_that_was_encoded(model, text):
    prompt = model.tokenizer.encode("x = 1\n")
    stream, pieces = model.tokenizer.stream(prompt), []
    for token in model.tokenizer.encode(text, continues=True):
        stream, piece = stream.feed(token)
        pieces.append(piece)
    assert "".join(pieces) == text


def test_a_text_stream_is_a_value(model):
    first, second = model.tokenizer.encode("ab", continues=True)
    stream, _ = model.tokenizer.stream(model.tokenizer.encode("x")).feed(first)
    assert stream.feed(second)[1] == stream.feed(second)[1] == "b"


def test_a_tokenizer_knows_tokens_of_the_model_alone(model):
    vocabulary = len(model.lm.prefill(PROMPT).logits)
    assert all(0 <= token < vocabulary for token in {*model.tokenizer.encode("".join(TEXTS)), *model.tokenizer.end_ids})
    marks = model.tokenizer.fim or ()
    assert all(len(model.tokenizer.encode(mark, continues=True)) == 1 for mark in marks)


def test_a_model_states_plain_facts(model, folders):
    assert model.name in map(str, folders.values()) and model.device and len(model.digest) == 12
    assert (model.dtype, model.prompt_style.name) == ("float32", "completion")
    assert model.encode_prompt("ab") == model.tokenizer.encode("ab")
    with pytest.raises(ModelLoadError, match="chat template"):
        model.tokenizer.chat("ab")


def test_a_spec_names_a_backend_or_means_the_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse_spec("models/tiny") == parse_spec("hf:models/tiny") == ("hf", "models/tiny")
    for spec in (r"C:\models\tiny", "./gguf:x", "/models/a:b", "Qwen/Qwen3:main"):
        assert parse_spec(spec) == ("hf", spec)
    for backend in ("gguf", "vllm"):
        with pytest.raises(InvalidRequestError, match=f"no backend '{backend}'; choose from {', '.join(BACKENDS)}"):
            open_lm(f"{backend}:qwen2.5-coder-7b-q4_k_m.gguf")
    with pytest.raises(InvalidRequestError, match=r"^'hf:' names no model; write it behind the colon"):
        parse_spec("hf:")
    (tmp_path / "gguf:x").mkdir()
    assert parse_spec("gguf:x") == ("hf", "gguf:x"), "a folder of that very name"


def test_every_backend_has_a_checkpoint_to_be_tested_with():
    assert CHECKPOINTS.keys() == BACKENDS.keys()
