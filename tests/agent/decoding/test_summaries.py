"""A model that summarises its distributions, as one on a GPU does, gets the same steps from every policy."""

from dataclasses import replace

import pytest
import torch
from chains import LAME, LAW, BatchedTableLM, Chain, Together, rows
from fakes import PROMPT
from hypothesis import given

from agent.decoding import POLICIES, decode
from agent.decoding.stops import any_of, end_token, token_limit
from agent.lm.forbidding import Forbidding
from uncertainty.scores import SCORES, summarise_logits


class SummarisingLM(BatchedTableLM):
    """A table whose prefixes and batches come with summaries."""

    def prefill(self, ids):
        prefix = super().prefill(ids)
        return replace(prefix, summary=summarise_logits(prefix.logits[None])[0])

    def branch(self, prefix, tokens):
        start, rows = self.forwards, [self.extend(prefix, (token,)) for token in tokens]
        self.forwards = start + 1
        return SummarisedRows(self, rows)


class SummarisedRows(Together):
    """Rows with summaries."""

    def __init__(self, lm, prefixes, parent=None):
        super().__init__(lm, prefixes, parent)
        self.summaries = summarise_logits(self.logits)

    def advance(self, tokens):
        start = self._lm.forwards
        rows = [self._lm.extend(prefix, (token,)) for prefix, token in zip(self._prefixes, tokens, strict=True)]
        self._lm.forwards = start + 1
        return SummarisedRows(self._lm, rows, parent=self)


@pytest.mark.parametrize("name", POLICIES)
@given(table=rows, lame=rows)
@LAW
def test_summaries_change_no_step(name, table, lame):
    stop = any_of(end_token({0}), token_limit(8))
    policy = replace(POLICIES[name], gate=replace(POLICIES[name].gate, threshold=0.6))
    plain, summarised = (
        list(decode(kind(Chain(table, lame), [1, 0, 0, 0]), PROMPT, policy, stop=stop, lame_ids=LAME))
        for kind in (BatchedTableLM, SummarisingLM)
    )
    assert [(s.token, s.end, s.pause and s.pause.chosen) for s in plain] == [
        (s.token, s.end, s.pause and s.pause.chosen) for s in summarised
    ]
    for one, other in zip(plain, summarised, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-9) and one.logprob == pytest.approx(other.logprob)


def test_a_forbidden_token_is_no_summary_of_what_is_left():
    table = {(): [1, 5, 2, 2]}
    stop = token_limit(1)
    for kind in (BatchedTableLM, SummarisingLM):
        lm = Forbidding(kind(table, [1, 0, 0, 0]), frozenset({PROMPT}), (1,))
        (step,) = decode(lm, PROMPT, POLICIES["greedy"], stop=stop)
        assert step.token == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_summary_is_what_the_scores_say(dtype):
    logits = (8 * torch.randn(5, 40, generator=torch.Generator().manual_seed(0))).to(dtype)
    logits[1, 3:9], logits[2, 7:9], logits[2, 20] = -torch.inf, 50.0, 50.0
    for row, summary in zip(logits, summarise_logits(logits), strict=True):
        assert summary.token == int(row.argmax())
        assert summary.entropy == pytest.approx(SCORES["entropy"](row), abs=1e-5)
        assert summary.margin == pytest.approx(SCORES["margin"](row), abs=1e-5)
        assert summary.logprob == pytest.approx(float(row.float().log_softmax(-1).max()), abs=1e-5)


@pytest.mark.parametrize("bad", [[torch.nan, 1.0], [torch.inf, 1.0], [-torch.inf, -torch.inf]])
def test_what_is_no_distribution_has_the_entropy_nan(bad):
    (summary,) = summarise_logits(torch.tensor([bad]))
    assert summary.entropy != summary.entropy
