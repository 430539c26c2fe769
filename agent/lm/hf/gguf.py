"""Convert a GGUF file into a model's folder, once: afterwards it loads in seconds, as any other. Decodes nothing.

transformers reads the file, its tokenizer and its chat template, and turns quantised weights into numbers.
"""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import gguf
import torch

from agent.errors import ModelLoadError
from agent.files.access import explain_errors
from agent.lm.hf.load import explain_load_errors
from agent.lm.shelf.cache import (
    check_gguf,
    check_space,
    hash_file,
    identify_file,
    is_present,
    lock_place,
    place_of,
    remove_leftovers,
    write_origin,
)
from agent.messages import quote

_NAME = "model.gguf"
_END_KEYS = ("eos_token_id", "eot_token_id", "eom_token_id")  # of the file's tokenizer.ggml
_END_TEXTS = ("<|endoftext|>", "<|end_of_text|>")  # end texts beside what ends turns; files name one of both
_parsing = threading.Lock()  # held while the reader of the package gguf is replaced
_TEXT_BYTES = 50 * 10**6  # of tokenizer and configuration, at most


def open_gguf(file: Path) -> Path:
    """Return the folder of the model in a GGUF file; convert the file the first time.

    Raises ModelLoadError, StorageError.
    """
    check_gguf(file)
    folder = place_of(identify_file(file))
    if not is_present(folder):
        with lock_place(folder, wait=True):
            if not is_present(folder):
                convert_gguf(file, folder, source=str(file.absolute()))
            remove_leftovers(folder)  # of a download that nobody needs any more
    return folder


def convert_gguf(file: Path, folder: Path, *, source: str) -> None:
    """Convert a GGUF file into a folder, which is whole or absent. The caller holds the folder's lock.

    source: where the file comes from, in words. Raises ModelLoadError, StorageError.
    """
    check_gguf(file)
    remove_leftovers(folder)
    with (
        explain_errors(folder, "write"),
        _parse_once(),
        tempfile.TemporaryDirectory(prefix=f".{folder.name}.convert-", dir=folder.parent) as work,
    ):
        alone, out = Path(work, "in"), Path(work, "out")
        alone.mkdir()
        (alone / _NAME).symlink_to(file.absolute())  # files beside it are not of this model
        end_ids, numbers = _read_facts(file)
        check_space(folder.parent, 2 * numbers + _TEXT_BYTES)
        with explain_load_errors(f"convert the GGUF file {quote(file)}"):
            _convert(alone, out, end_ids)
        write_origin(out, hash_file(file), source=source)
        for path in out.iterdir():
            path.chmod(0o644)  # safetensors writes its files for their owner alone
        out.rename(folder)


@contextmanager
def _parse_once() -> Iterator[None]:
    """Let gguf parse a file once: transformers asks for it three times, and a long vocabulary takes seconds."""
    readers: dict[Path, gguf.GGUFReader] = {}

    def find_reader(path: str | Path) -> gguf.GGUFReader:
        target = Path(path).resolve()
        if target not in readers:
            readers[target] = parse(path)
        return readers[target]

    with _parsing:
        parse = gguf.GGUFReader
        gguf.GGUFReader = find_reader  # type: ignore[misc,assignment]
        try:
            yield
        finally:
            gguf.GGUFReader = parse  # type: ignore[misc]


def _read_facts(file: Path) -> tuple[list[int], int]:
    """Read which tokens end a text, and how many numbers the tensors hold. Raises ModelLoadError for a damaged file."""
    try:
        reader = gguf.GGUFReader(file)
        fields = [reader.get_field(f"tokenizer.ggml.{key}") for key in _END_KEYS]
        end_ids = [int(field.contents()) for field in fields if field]
        return end_ids, sum(int(tensor.n_elements) for tensor in reader.tensors)
    except (ValueError, IndexError, KeyError, OverflowError, MemoryError, TypeError) as error:
        raise ModelLoadError(f"the GGUF file {quote(file)} is cut off or damaged; download it again") from error


def _convert(source: Path, out: Path, end_ids: list[int]) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
    kind: Any = AutoModelForCausalLM
    options: dict[str, Any] = {"gguf_file": _NAME, "trust_remote_code": False}
    unpacked = GgufConfig(dequantize=True)  # weights left packed would compute other logits, by kernels of the hub
    with redirect_stderr(io.StringIO()):  # transformers draws a bar while it reads
        model, report = kind.from_pretrained(
            source, dtype=torch.bfloat16, quantization_config=unpacked, output_loading_info=True, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    missing = sorted(report["missing_keys"])
    if missing:
        raise ValueError(f"{len(missing)} tensors of its architecture are not in it ({missing[0]}, for one)")
    specials = {token.content: number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    ends = sorted({*end_ids, *(specials[text] for text in _END_TEXTS if text in specials)})
    model.generation_config.eos_token_id = ends or None
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
