"""Models that recall what another beside them was fed: the same numbers and counts, fewer forwards in truth."""

from dataclasses import replace

import pytest
import torch
from architectures import make

from agent.decoding import POLICIES, Gate, decode
from agent.decoding.policies import ADADEC
from agent.decoding.stops import budget
from agent.lm.hf.model import HFLM
from agent.lm.hf.recall import Recalled, RecallingLM

PROMPT = [(7 * i + 3) % 64 for i in range(20)]


class Counted:
    """Counts the forwards that a model really does."""

    def __init__(self, model) -> None:
        self.calls = 0
        model.register_forward_pre_hook(self)

    def __call__(self, module, arguments) -> None:
        self.calls += 1


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3"])
def test_what_was_fed_beside_is_recalled_with_the_same_tokens_and_counts(name):
    model, recalled = make(name), Recalled()
    doubtful = replace(ADADEC, gate=Gate("entropy", 1.0))
    told = []
    for policy in (POLICIES["greedy"], doubtful, POLICIES["greedy"]):
        alone, beside = HFLM(model), RecallingLM(HFLM(model), recalled)
        for lm in (alone, beside):
            lm.branch(lm.prefill(PROMPT[:2]), [1])  # so that the trials of the cache are over
        counts = [(lm.forwards, lm.token_rows) for lm in (alone, beside)]
        counted = Counted(model)
        runs = [list(decode(lm, PROMPT, policy, stop=budget(12))) for lm in (alone, beside)]
        assert [step.token for step in runs[0]] == [step.token for step in runs[1]]
        assert [step.logprob for step in runs[0]] == pytest.approx([step.logprob for step in runs[1]])
        spent = [(lm.forwards - f, lm.token_rows - r) for lm, (f, r) in zip((alone, beside), counts, strict=True)]
        assert spent[0] == spent[1]
        told.append((counted.calls - spent[0][0], spent[1][0]))  # what it really did, and what it counts
    (first, _), (second, counted_second), (third, _) = told
    if name == "gemma3":
        assert first == third and second == counted_second, "a window's cache cannot be cropped: nothing is recalled"
    else:
        assert third == 0 and second < counted_second, "what greedy was fed is not fed again"


def test_a_prefix_that_was_recalled_grows_and_branches_as_any_other():
    model, recalled = make("llama"), Recalled()
    first, second = (RecallingLM(HFLM(model), recalled) for _ in range(2))
    for lm in (first, second):
        lm.extend(lm.extend(lm.prefill(PROMPT), [5]), [6, 7])
    again, plain = second.prefill([*PROMPT, 5]), HFLM(model).prefill([*PROMPT, 5])
    assert torch.allclose(again.logits, plain.logits, atol=1e-9)
    rows = second.branch(again, [1, 2]).advance([3, 4]).select(1)
    slow = HFLM(model).prefill([*PROMPT, 5, 2, 4])
    assert torch.allclose(rows.logits, slow.logits, atol=1e-9)
    recalled.clear()
    assert torch.allclose(second.extend(rows, [9]).logits, HFLM(model).prefill([*slow.ids, 9]).logits, atol=1e-9)


def test_no_more_is_kept_than_there_is_room_for_and_nothing_changes():
    model, recalled = make("llama"), Recalled(most_bytes=4_000)
    first, second = (RecallingLM(HFLM(model), recalled) for _ in range(2))
    runs = [[s.token for s in decode(lm, PROMPT, POLICIES["greedy"], stop=budget(12))] for lm in (first, second)]
    assert runs[0] == runs[1] and first.forwards == second.forwards
    counted = Counted(model)
    [*decode(RecallingLM(HFLM(model), recalled), PROMPT, POLICIES["greedy"], stop=budget(12))]
    assert counted.calls > 6, "most was not recalled"


def test_what_finds_no_room_is_not_copied():
    recalled, place = Recalled(most_bytes=100), ((1, 2), 1)
    logits, layers = torch.zeros(4), [(torch.zeros(2), torch.zeros(2))]
    recalled.put(place, logits, layers)
    kept, ((keys, _),) = recalled.get(place)
    assert kept.data_ptr() != logits.data_ptr() and keys.data_ptr() != layers[0][0].data_ptr()

    class NotCopied(torch.Tensor):
        def clone(self, *arguments, **options):
            raise AssertionError("copied")

    recalled.put(((3,), 0), torch.zeros(1000).as_subclass(NotCopied), [])
    assert recalled.get(((3,), 0)) is None
    recalled.put(((4,), 0), torch.zeros(2), [])
    assert recalled.get(((4,), 0)) is not None, "what was too large takes no room"
