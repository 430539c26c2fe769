"""Int8 weights: what a layer computes, when `auto` takes them, and what is kept of the trial."""

from dataclasses import replace

import pytest
import torch
from architectures import make
from text_model import byte_model, save

from agent.errors import InvalidRequestError
from agent.lm import fidelity, open_lm
from agent.lm.fidelity import Fidelity, keep_fidelity, read_all, read_fidelity
from agent.lm.hf import backend, int8
from agent.lm.hf.int8 import Int8Linear, find_linear, has_int8, put_back, quantise, use_int8
from agent.lm.hf.model import HFLM
from agent.lm.hf.trial import try_int8
from agent.lm.names import digest_weights

TEXT = [(5 * i + 2) % 64 for i in range(30)]
GOOD = Fidelity("a model", 0.001, 0.99, 196)


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=str)
def linear(request):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torch.nn.Linear(64, 40).to(request.param)


def random_rows(linear, count):
    return torch.randn(count, 64, generator=torch.Generator().manual_seed(1)).to(linear.weight.dtype)


@torch.inference_mode()
def test_few_rows_and_many_rows_meet_the_same_weights(linear):
    layer, rows = Int8Linear(linear), random_rows(linear, 18)
    exact = rows.double() @ (layer.numbers.double() * layer.scale[:, None].double()).T + linear.bias.double()
    few = torch.cat([layer(rows[:8]), layer(rows[8:16]), layer(rows[16:])])
    rounding = 4 * torch.finfo(rows.dtype).eps * exact.abs().max()
    assert (few - exact).abs().max() <= rounding
    assert (layer(rows) - exact).abs().max() <= rounding
    assert layer(rows.view(3, 6, 64)).shape == (3, 6, 40)


@torch.inference_mode()
def test_a_row_gets_the_same_bits_whatever_few_rows_are_fed_with_it(linear):
    layer, rows = Int8Linear(linear), random_rows(linear, 8)
    alone = torch.cat([layer(row[None]) for row in rows])
    assert all(torch.equal(layer(rows[:count]), alone[:count]) for count in range(1, 9))


def test_numbers_times_scale_are_within_half_a_step_of_the_weights():
    weight = torch.randn(16, 32, generator=torch.Generator().manual_seed(0))
    weight[3] = 0.0
    numbers, scale = quantise(weight)
    assert ((numbers * scale[:, None] - weight).abs() <= 0.501 * scale[:, None]).all()
    assert numbers[3].tolist() == [0] * 32 and numbers.abs().amax(1).tolist() == [127] * 3 + [0] + [127] * 12


def test_weights_that_are_no_numbers_still_give_no_numbers(linear):
    with torch.no_grad():
        linear.weight[2, 5] = torch.nan
    assert Int8Linear(linear)(random_rows(linear, 1))[0, 2].isnan()


def test_linear_layers_change_and_come_back_and_embeddings_stay():
    model = make("qwen2").float()
    model.lm_head.weight = model.model.embed_tokens.weight  # tied
    expected, embedding = model.state_dict(), model.model.embed_tokens.weight.clone()
    layers = find_linear(model)
    use_int8(model)
    assert has_int8(model) and isinstance(model.lm_head, Int8Linear)
    assert type(model.model.layers[0].mlp.down_proj) is torch.nn.Linear, "the kernel reads past rows of 48 inputs"
    assert torch.equal(model.model.embed_tokens.weight, embedding)
    put_back(model, layers)
    assert not has_int8(model) and all(torch.equal(each, expected[name]) for name, each in model.state_dict().items())


def test_the_numbers_of_a_layer_move_and_count_with_it(linear):
    layer = Int8Linear(linear)
    assert dict(layer.named_buffers()).keys() == {"numbers", "scale"}
    assert {each.device.type for each in layer.to("meta").buffers()} == {"meta"}


def test_the_trial_keeps_int8_weights_that_come_near_enough():
    lm = HFLM(make("llama").float())
    seen = try_int8(lm, "near", TEXT)
    assert seen.suffices and seen.kl > 0 and (seen.model, seen.tokens) == ("near", 30)
    assert has_int8(lm.model) and lm.forwards == lm.token_rows == 0


@pytest.mark.parametrize("name", ["llama", "mamba"])
def test_the_trial_puts_back_what_int8_would_change(name):
    lm = HFLM(make(name).float())
    head = lm.model.lm_head if name == "llama" else lm.model.backbone.layers[0].mixer.in_proj
    with torch.no_grad():
        head.weight[:, 0] += 1e4  # one large weight a row leaves no numbers for the others
    before = lm.forward([TEXT], None, 0)
    assert not try_int8(lm, "far", TEXT).suffices
    assert not has_int8(lm.model) and torch.equal(lm.forward([TEXT], None, 0), before)


def test_a_model_that_cannot_compute_with_int8_weights_is_tried_once(monkeypatch):
    lm = HFLM(make("llama").float())
    monkeypatch.setattr(Int8Linear, "forward", lambda self, x: x.no_such_method())
    unable = try_int8(lm, "unable", TEXT)
    assert not unable.suffices and not has_int8(lm.model)
    keep_fidelity("unable", unable)
    assert read_fidelity("unable") == unable
    assert str(unable) == "unable: not used (it cannot compute with them)"


def test_another_kind_of_cpu_has_numbers_of_its_own(monkeypatch):
    keep_fidelity("shared", GOOD)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "ANOTHER")
    assert read_fidelity("shared") is None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of a small bf16 model of which nothing was measured yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    model = byte_model()
    save(model, tmp_path)
    model.lm.model.bfloat16().save_pretrained(tmp_path)
    return str(tmp_path)


@pytest.fixture
def large(monkeypatch):
    """Every model counts as large, and random weights, whose numbers are all in doubt, may differ more."""
    monkeypatch.setattr(fidelity, "MOST_KL", 0.1)
    monkeypatch.setattr(fidelity, "LEAST_AGREEMENT", 0.9)
    monkeypatch.setattr(backend, "FEWEST_PARAMETERS", 0)


def test_auto_takes_int8_for_a_large_bf16_model_and_asks_the_trial_once(folder, large, monkeypatch, caplog):
    caplog.set_level("INFO", "agent.lm")
    assert open_lm(folder).dtype == "int8"
    assert caplog.messages == ["trying int8 weights, once, which takes some seconds"]
    seen = read_fidelity(digest_weights(folder))
    assert seen is not None and seen.suffices and seen in read_all()
    monkeypatch.setattr(backend, "try_int8", None)  # a second trial would fail
    assert open_lm(folder).dtype == "int8" and open_lm(folder, weights="bf16").dtype == "bfloat16"
    keep_fidelity(digest_weights(folder), replace(seen, kl=1.0))
    assert open_lm(folder).dtype == "bfloat16"
    assert len(caplog.messages) == 1


def test_auto_leaves_small_models_and_other_dtypes_alone(folder, tmp_path, request):
    assert open_lm(folder).dtype == "bfloat16"
    request.getfixturevalue("large")
    save(byte_model(), tmp_path)
    assert open_lm(folder).dtype == "float32"


def test_int8_is_taken_where_it_is_asked_for(folder):
    assert open_lm(folder, weights="int8").dtype == "int8"
    assert open_lm("models/tiny", weights="int8").lm.prefill([1, 2]).logits.isfinite().all()


def test_int8_for_a_model_whose_layers_cannot_take_it_is_refused_in_one_sentence(folder, large, monkeypatch):
    monkeypatch.setattr(int8, "MULTIPLE", 10**6)
    assert open_lm(folder).dtype == "bfloat16"
    with pytest.raises(
        InvalidRequestError, match=r"^no layer of the model .* takes int8 weights, .* choose the weights"
    ):
        open_lm(folder, weights="int8")


def test_int8_on_a_gpu_is_refused_in_one_sentence(folder):
    with pytest.raises(InvalidRequestError, match=r"^int8 weights are for CPUs, and the device is 'cuda'; choose the"):
        open_lm(folder, device="cuda", weights="int8")


def test_what_was_measured_is_bounded_kept_and_measured_again_where_it_is_damaged():
    assert GOOD.suffices and not replace(GOOD, kl=0.002).suffices and not replace(GOOD, agreement=0.98).suffices
    assert not replace(GOOD, kl=float("nan")).suffices
    keep_fidelity("some weights", GOOD)
    assert read_fidelity("some weights") == GOOD and read_fidelity("other weights") is None
    for damaged in ("", "[]", "{", '{"model": 1}', '{"model": "a", "kl": NaN, "agreement": 1.0, "tokens": 3}'):
        fidelity._file("some weights").write_text(damaged)
        assert read_fidelity("some weights") is None
    assert str(GOOD) == "a model: used on CPUs (mean KL 1.0e-03, the same first token at 99.0% of 196)"
