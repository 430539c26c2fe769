"""Folders that are no sound model: each is refused in one sentence, at once, and nothing that lies there is run."""

import io
import json
import os
import pickle
import sys

import pytest
import torch
from architectures import ARCHITECTURES, make
from text_model import byte_model

from agent.errors import DeviceError, InvalidLogitsError, InvalidRequestError, ModelLoadError
from agent.lm.hf.backend import open_decoder
from agent.lm.hf.hub import MAX_TEMPLATE_BYTES
from agent.lm.open import open_lm

EXECUTED = "this was executed"
EVIL = f"raise SystemExit({EXECUTED!r})\n"


class Boom:
    def __reduce__(self):
        return eval, (f"exit({EXECUTED!r})",)


def changed(name, **entries):
    def change(folder):
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | entries))

    return change


def config(**entries):
    return changed("config.json", **entries)


def tokenizer(**entries):
    return changed("tokenizer_config.json", **entries)


def written(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def without(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def fifo(name):
    def make(folder):
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return make


def link(name, target):
    def make(folder):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def sparse(name, size):
    def make(folder):
        with (folder / name).open("wb") as file:
            file.truncate(size)

    return make


def truncated(folder):
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(5000)


def pickled(save):
    def make(folder):
        (folder / "model.safetensors").unlink()
        save({"x": Boom()}, folder / "pytorch_model.bin")

    return make


def dumped(value, file):
    file.write_bytes(pickle.dumps(value))


def with_weights(change):
    def make(folder):
        from safetensors.torch import load_file, save_file

        file = folder / "model.safetensors"
        weights = load_file(file)
        change(weights)
        save_file(weights, file, metadata={"format": "pt"})

    return make


def with_code(folder):
    (folder / "evil.py").write_text(EVIL)


def both(*changes):
    def make(folder):
        for change in changes:
            change(folder)

    return make


OWN_CODE = "brings its own Python code, and code of a model is never run"
CUSTOM = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
REFUSED = {
    "a new kind with code of its own": (both(with_code, config(auto_map=CUSTOM, model_type="evil_new")), OWN_CODE),
    "a tokenizer with code of its own": (
        both(with_code, tokenizer(auto_map={"AutoTokenizer": ["evil.T", "evil.T"]}, tokenizer_class="EvilTokenizer")),
        OWN_CODE,
    ),
    "a pickle that runs code": (pickled(dumped), "a pickle that holds more than numbers"),
    "a zipped pickle that runs code": (pickled(torch.save), "a pickle that holds more than numbers"),
    "attention from the hub": (config(_attn_implementation="evil/kernel"), "wants the kernel 'evil/kernel' of the hub"),
    "a fifo for weights": (fifo("more.safetensors"), "is no regular file"),
    "a device for weights": (link("more.safetensors", "/dev/zero"), "is no regular file"),
    "a fifo for the configuration": (fifo("config.json"), "is no regular file"),
    "a device for the tokenizer": (link("tokenizer.json", "/dev/zero"), "is no regular file"),
    "a fifo for a chat template": (fifo("chat_template.jinja"), "is no regular file"),
    "a link to nothing": (link("model.safetensors", "nowhere"), "No such file"),
    "a link to itself": (link("config.json", "config.json"), "symbolic links"),
    "a huge tokenizer": (sparse("tokenizer.json", 2**40), "wanted at most 134217728 in such a file"),
    "a huge chat template": (
        sparse("chat_template.jinja", MAX_TEMPLATE_BYTES + 1),
        "wanted at most 1048576 in such a file",
    ),
    "an empty configuration": (written("config.json", b""), "is empty"),
    "empty weights": (written("model.safetensors", b""), "is empty"),
    "no configuration": (without("config.json"), "it has no config.json"),
    "a list for a configuration": (written("config.json", b"[1]"), "Unrecognized model"),
    "brackets for a configuration": (written("config.json", b"[" * 100_000), "RecursionError"),
    "bytes for a configuration": (written("config.json", b"\xff\xfe"), "not a valid JSON file"),
    "no weights": (without("model.safetensors"), "no file named model.safetensors"),
    "weights that are cut off": (truncated, "SafetensorError"),
    "weights that are none": (written("model.safetensors", b"abc"), "SafetensorError"),
    "an encoder and decoder": (config(model_type="t5"), "Unrecognized configuration class"),
    "an encoder's configuration": (config(model_type="bert"), "tensors that its config.json asks for are not in"),
    "another architecture": (config(model_type="gpt2"), "tensors that its config.json asks for are not in"),
    "a layer without weights": (config(num_hidden_layers=3), "9 tensors that its config.json asks for are not in"),
    "a tensor that is missing": (
        with_weights(lambda weights: weights.pop("lm_head.weight")),
        "lm_head.weight, for one",
    ),
    "weights of another width": (config(hidden_size=64), "21 tensors have other sizes than its config.json says"),
    "more layers than asked for": (config(num_hidden_layers=1), "9 tensors of layers beyond those of its config.json"),
    "no layers": (config(num_hidden_layers=0), "asks for 0 layers"),
    "a million layers": (config(num_hidden_layers=10**6), "asks for 1000000 layers, and its weights are 21 tensors"),
    "terabytes of vocabulary": (config(vocab_size=2**31, hidden_size=2**20), "numbers, and its weights are"),
    "no head": (config(num_attention_heads=0), "ZeroDivisionError"),
    "a word for a size": (config(hidden_size="big"), "hidden_size"),
    "an unknown rotation": (config(rope_parameters={"rope_type": "evil"}), "KeyError 'evil'"),
    "an unknown activation": (config(hidden_act="evil"), "KeyError 'evil'"),
    "an unknown dtype": (config(dtype="evil"), "evil"),
    "control characters": (config(model_type="\x1b[2Jevil"), r"evil"),
    "bitsandbytes": (config(quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}), "install"),
    "gptq": (config(quantization_config={"quant_method": "gptq", "bits": 4}), "pip install"),
    "awq": (config(quantization_config={"quant_method": "awq", "bits": 4, "version": "gemm"}), "pip install"),
    "flash attention": (config(attn_implementation="flash_attention_2"), "package is missing|doesn't seem to be"),
    "quantization that is a list": (config(quantization_config=[1]), "AttributeError"),
    "shards in another place": (
        written("model.safetensors.index.json", b'{"weight_map": {"x": "../secret.safetensors"}}'),
        "names weights outside of the model's folder",
    ),
    "a tokenizer that is cut off": (written("tokenizer.json", b'{"version": "1.0", '), "cannot load the tokenizer"),
    "an empty object for a tokenizer": (written("tokenizer.json", b"{}"), "KeyError 'added_tokens'"),
    "a list for a tokenizer's configuration": (written("tokenizer_config.json", b"[]"), "AttributeError"),
    "a tokenizer's configuration alone": (without("tokenizer.json"), "cannot load the tokenizer"),
}


def loaded(folder):
    return open_lm(str(folder))


@pytest.mark.parametrize("name", REFUSED)
def test_a_folder_that_is_no_sound_model_is_refused_in_one_sentence(folder, name):
    change, reason = REFUSED[name]
    change(folder)
    with pytest.raises(ModelLoadError, match=reason) as error:
        loaded(folder)
    sentence = str(error.value)
    assert sentence.isprintable() and "trust_remote_code" not in sentence and len(sentence) < 700, sentence


def test_a_sound_folder_loads_with_or_without_tied_weights_and_shards(folder, tmp_path):
    opened = loaded(folder)
    assert (opened.lm.context, opened.prompt_style.name, opened.lm.forwards) == (64, "completion", 0)
    assert (opened.name, opened.device, opened.dtype, len(opened.digest)) == (str(folder), "cpu", "float32", 12)
    model = byte_model().lm.model.float()
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(tmp_path / "tied", max_shard_size="20KB")
    assert len(list((tmp_path / "tied").glob("*.safetensors"))) > 1
    assert open_decoder(str(tmp_path / "tied")).prefill([1, 2]).logits.shape == (257,)


def test_weights_that_are_a_harmless_pickle_load(folder):
    weights = loaded(folder).lm.model.state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    assert loaded(folder).tokenizer.encode("a") == [65]


def test_code_beside_a_known_kind_is_left_alone(folder):
    both(with_code, config(auto_map=CUSTOM))(folder)
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(EVIL)
    assert type(loaded(folder).lm.model).__module__ == "transformers.models.llama.modeling_llama"


def test_nothing_is_asked_and_nothing_is_run_whatever_standard_input_says(folder, monkeypatch, capfd):
    both(with_code, config(auto_map=CUSTOM, model_type="evil_new"))(folder)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n" * 50))
    with pytest.raises(ModelLoadError, match=OWN_CODE):
        loaded(folder)
    assert sys.stdin.read() == "y\n" * 50 and capfd.readouterr().out == ""


def test_a_model_without_a_tokenizer_decodes_ids_and_says_what_text_needs(folder):
    without("tokenizer.json", "tokenizer_config.json")(folder)
    assert open_decoder(str(folder)).prefill([1, 2]).ids == (1, 2)
    with pytest.raises(ModelLoadError, match="has no tokenizer beside it"):
        loaded(folder)


def test_a_tokenizer_of_another_model_is_refused(folder):
    with_weights(lambda weights: weights.update({n: weights[n][:50] for n in weights if weights[n].shape[0] == 257}))(
        folder
    )
    config(vocab_size=50)(folder)
    with pytest.raises(ModelLoadError, match=r"gives token \d+, and the model knows 50 tokens"):
        loaded(folder)


def test_a_text_that_the_model_has_no_tokens_for_is_said(folder):
    tokenizer = loaded(folder).tokenizer
    tokenizer.tokenizer.add_tokens(["<new>"])
    with pytest.raises(ModelLoadError, match="gives token 257, and the model knows 257 tokens"):
        tokenizer.encode("a <new> b")
    with pytest.raises(ModelLoadError, match="cannot put the text into the model's tokens"):
        tokenizer.encode(b"bytes")


def test_weights_that_give_no_numbers_are_the_machines_failure(folder):
    with_weights(lambda weights: weights["model.norm.weight"].fill_(float("nan")))(folder)
    with pytest.raises(InvalidLogitsError, match="the model gives NaN or infinite logits"):
        loaded(folder)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    ("family", "suffix"), [("Bert", "LMHeadModel"), ("Roberta", "ForCausalLM"), ("Electra", "ForCausalLM")]
)
def test_a_model_that_looks_ahead_is_no_decoder(tmp_path, family, suffix, dtype):
    import transformers

    torch.manual_seed(0)  # some random weights look ahead by less than half precision shows
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    configuration = getattr(transformers, f"{family}Config")
    for is_decoder in (False, True):
        model = getattr(transformers, family + suffix)(configuration(vocab_size=64, is_decoder=is_decoder, **sizes))
        for parameter in model.parameters():
            parameter.data.mul_(6.0 if parameter.dim() > 1 else 1.0)
        model.to(getattr(torch, dtype)).save_pretrained(tmp_path / str(is_decoder))
    with pytest.raises(ModelLoadError, match="depends on the tokens behind it, so it is no decoder"):
        open_decoder(str(tmp_path / "False"))
    assert open_decoder(str(tmp_path / "True")).prefill([1, 2]).ids == (1, 2)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
@pytest.mark.filterwarnings("ignore:this model's cache cannot be forked")
def test_every_kind_of_decoder_loads_in_the_dtypes_of_checkpoints(tmp_path, name):
    make(name).save_pretrained(tmp_path)
    for weights in ("fp32", "bf16", "int8"):
        assert open_decoder(str(tmp_path), weights=weights).prefill([1, 2]).logits.isfinite().all()


@pytest.mark.parametrize(
    ("device", "kind", "reason"),
    [
        ("nosuch", InvalidRequestError, "unknown device 'nosuch'"),
        ("cuda:x", InvalidRequestError, "unknown device 'cuda:x'"),
        ("meta", InvalidRequestError, "the device meta holds no numbers"),
        ("xla", DeviceError, "on the device 'xla'.*try the device cpu"),
        ("mps", DeviceError, "on the device 'mps'.*try the device cpu"),
    ],
)
def test_a_device_that_cannot_be_had_is_said(folder, device, kind, reason):
    with pytest.raises(kind, match=reason):
        open_lm(str(folder), device=device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without CUDA")
def test_cuda_where_there_is_none_is_the_machines_failure(folder):
    with pytest.raises(DeviceError, match="there is no CUDA here; try the device cpu"):
        open_lm(str(folder), device="cuda:0")


@pytest.mark.parametrize("weights", ["int4", "bool", "float8_e4m3fn", "nosuch", "load"])
def test_weights_of_another_kind_are_refused(folder, weights):
    with pytest.raises(
        InvalidRequestError, match=f"unknown weights '{weights}'; choose from auto, int8, bf16, fp16, fp32"
    ):
        open_lm(str(folder), weights=weights)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/nowhere/model", "there is no such folder"),
        ("./nowhere", "there is no such folder"),
        ("~nobody-of-that-name/model", "there is no such folder"),
        (__file__, "is a file, and a model is a folder"),
        ("a/b/c/d", "it is no hub id"),
        ("", "the name of a model is empty"),
        ("nul\0byte", "it is no hub id"),
        ("long/" + "x" * 5000, "it is no hub id"),
        ("/long/" + "x" * 5000, "there is no such folder"),
    ],
)
def test_a_name_that_is_no_model_is_said(name, reason):
    with pytest.raises(ModelLoadError, match=reason):
        loaded(name)


@pytest.mark.parametrize("ids", [{"a": 1}, [[1]], "</s>", 1.5])
def test_what_names_no_token_that_ends_texts_is_refused(folder, ids):
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": ids}))
    with pytest.raises(ModelLoadError):
        _ = loaded(folder).end_ids


def test_a_tokenizer_that_would_blow_texts_up_is_refused(folder):
    file = folder / "tokenizer.json"
    longer = {"type": "Replace", "pattern": {"Regex": "."}, "content": "a" * 90}
    tokenizer_json = json.loads(file.read_text())
    tokenizer_json["normalizer"] = {"type": "Sequence", "normalizers": [longer, longer]}
    file.write_text(json.dumps(tokenizer_json))
    with pytest.raises(ModelLoadError, match="makes a text up to 8100 times as long"):
        loaded(folder)
