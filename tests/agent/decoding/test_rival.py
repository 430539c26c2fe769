"""The authors' own AdaDec, `adadec` 0.1.0 of the package index, is an oracle for `adadec-reference`.

Pauses and tokens are the same wherever both see the same numbers. What differs on purpose has a test that names it.
"""

import json
import re
from dataclasses import dataclass, replace
from itertools import islice
from types import SimpleNamespace

import pytest

pytest.importorskip("adadec", reason="needs adadec (pip install 'dubito[dev]')")

import torch
from adadec.generator import Generator
from chains import BatchedTableLM
from fakes import PROMPT

from agent.decoding import POLICIES, decode
from agent.decoding.stops import any_of, end_token
from agent.program.ends import End
from uncertainty.scores import entropy

pytestmark = pytest.mark.oracle

# What ends a rollout in the authors' code. Their main loop reads such patterns from a file, which the package lacks.
STOPS = [r"^[^ \t\n]", r"^[ \t]*\n[ \t]*\n[ \t]*\n[ \t]*\Z"]
PIECES = ["", "\n", "    ", " x", "def", "\n    z", "\n ", "\n\n"]  # the texts of a small vocabulary; 0 ends
MOST = 12  # tokens


class Authors(Generator):
    """Their generator, which notes the length of the ids at each pause."""

    lengths: list[int]

    def lookahead_scoring_function(self, decoded_prompt, logits, token_ids, *arguments, **options):
        self.lengths.append(len(token_ids))
        return super().lookahead_scoring_function(decoded_prompt, logits, token_ids, *arguments, **options)


def their_steps(model, tokenizer, prompt, threshold, folder, *, most=MOST):
    """Return the positions of their pauses among the tokens, and the tokens."""
    (folder / "stops.json").write_text(json.dumps(STOPS))
    options = {"entropy_threshold": threshold, "stop_words_file": str(folder / "stops.json")}
    authors, decoded = Authors(model, tokenizer, "m", decoding_mode="AdaFixL", **options), []
    authors.lengths = []
    decode_ids = tokenizer.decode

    def note_ids(*ids, **words):
        decoded.append(ids[0] if ids else words["token_ids"])
        return decode_ids(*ids, **words)

    tokenizer.decode = note_ids
    authors.generate(prompt, max_new_tokens=most)
    del tokenizer.decode
    start = tokenizer([prompt], return_tensors="pt").input_ids.shape[-1]
    return [length - start for length in authors.lengths], [int(each) for each in decoded[-1]][start:]


def our_steps(lm, ids, end_ids, text, threshold, *, policy="adadec-reference", most=MOST):
    """Return the same of ours. The authors look ahead beyond the most tokens, so no stop rule knows of them here."""
    chosen = POLICIES[policy]
    chosen = replace(chosen, gate=replace(chosen.gate, threshold=threshold))
    steps = list(islice(decode(lm, ids, chosen, stop=any_of(end_token(end_ids), at_a_stop), text=text), most))
    return [at for at, step in enumerate(steps) if step.pause], [step.token for step in steps]


def at_a_stop(completion):
    return End.END_OF_FUNCTION if any(re.search(each, completion.text, re.MULTILINE) for each in STOPS) else None


class Rows(dict):
    """Random distributions of the next token, each by the last two tokens."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def get(self, completion, default=None):
        if completion not in self:
            generator = torch.Generator().manual_seed(hash((self.seed, *completion[-2:])) % 2**31)
            logits = 2 * torch.randn(len(PIECES), generator=generator, dtype=torch.float64)
            self[completion] = logits.softmax(0).tolist()
        return self[completion]


@dataclass(frozen=True)
class Pieces:
    """The text of tokens: a piece each."""

    def feed(self, token):
        return self, PIECES[token]


class PieceTokenizer:
    """As much of a transformers tokenizer as the authors use: the prompt is one token."""

    eos_token_id, pad_token_id = 0, 99

    def __call__(self, text, **options):
        return SimpleNamespace(input_ids=torch.tensor([PROMPT]))

    def decode(self, ids, **options):
        return "P" + "".join(PIECES[token] for token in list(ids)[1:])

    def batch_decode(self, rows, **options):
        return [self.decode(row) for row in rows]


class TableModel:
    """As much of a transformers model as the authors use."""

    device = "cpu"

    def __init__(self, rows):
        self.rows = rows

    def __call__(self, input_ids, attention_mask):
        rows = [self.rows.get(tuple(ids[1:])) for ids in input_ids.tolist()]
        return SimpleNamespace(logits=torch.tensor(rows, dtype=torch.float64).log()[:, None])


def steps_of_both(seed, folder, policy):
    rows = Rows(seed)
    ours = our_steps(BatchedTableLM(rows, default=[1]), PROMPT, [0], Pieces(), 1.0, policy=policy)
    return ours, their_steps(TableModel(rows), PieceTokenizer(), "P", 1.0, folder)


def test_pauses_and_tokens_are_theirs_for_random_models(tmp_path):
    pauses = 0
    for seed in range(60):
        ours, theirs = steps_of_both(seed, tmp_path, "adadec-reference")
        assert ours == theirs, f"seed {seed}"
        pauses += len(theirs[0])
    assert pauses > 150, "a law that is hardly asked says nothing"


def test_adadec_itself_differs_where_rollouts_end(tmp_path):
    """A rollout that ended gets no further logprob, and an end token ends it: decision 5."""
    differing = [seed for seed in range(30) if len(set(map(str, steps_of_both(seed, tmp_path, "adadec")))) == 2]
    assert 5 < len(differing) < 25


def test_their_entropy_is_in_the_models_precision_and_ours_in_float32():
    logits = (2 * torch.randn(151_936, generator=torch.Generator().manual_seed(0))).bfloat16()
    exact = entropy(logits.double())
    assert entropy(logits) == pytest.approx(exact, abs=1e-3)
    assert abs(float(Generator(None, None, "m").calculate_entropy(logits)) - exact) > 1e-2


@pytest.mark.model
def test_pauses_and_tokens_are_theirs_for_the_embedded_model(tmp_path):
    from agent.lm import open_lm

    model = open_lm("models/tiny")
    model.lm.model.double()  # half precision flips near ties
    prompt = 'def total(xs: list[int]) -> int:\n    """Return the sum of the numbers in xs that are even."""'
    ids, own = model.tokenizer.encode(prompt), model.tokenizer.tokenizer
    own.add_special_tokens({"pad_token": "<a token that no model knows>"})
    ours = our_steps(model.lm, ids, model.tokenizer.end_ids, model.tokenizer.stream(ids), 0.3)
    assert ours == their_steps(model.lm.model, own, prompt, 0.3, tmp_path)
    assert len(ours[0]) > 1
