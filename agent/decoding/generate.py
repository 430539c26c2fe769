"""Decoding policies for users of transformers: `model.generate(**inputs, custom_generate=adadec(threshold=1.0))`.

One import, no agent: the call's own generation config, processors and stopping criteria decide about everything else.
A streamer stays silent: transformers does not hand it to a `custom_generate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from agent.decoding.contrast import Contrast, Form
from agent.decoding.gates import Gate
from agent.decoding.loop import decode
from agent.decoding.policies import ADADEC, USCD, Policy
from agent.decoding.rerank import Ends, Rerank
from agent.decoding.samplers import Temperature
from agent.decoding.step import Completion
from agent.decoding.stops import StopRule
from agent.hf import HFLM
from agent.lm import LM, Batch, Prefix
from uncertainty.scores import collision_of_deviation

Generate = Callable[..., Any]


def adadec(
    threshold: float = ADADEC.gate.threshold,
    *,
    width: int = 3,
    horizon: int = 5,
    ends: Ends = "own",
    min_p: float = 0.0,
) -> Generate:
    """Return AdaDec (arXiv:2506.08980) for `custom_generate`: rerank by lookahead where the entropy is high.

    threshold: in nats; `dubito calibrate threshold` learns one for a model. width: candidates. horizon: tokens ahead.
    ends, min_p: of `Rerank`.
    """
    resolver = Rerank(width, horizon, ends=ends, min_p=min_p)
    return generate_by(replace(ADADEC, gate=Gate("entropy", threshold), resolver=resolver))


def uscd(
    lame: Sequence[int] | Sequence[Sequence[int]] | Tensor,
    *,
    threshold: float = USCD.gate.threshold,
    deviation: float | None = None,
    form: Form = "linear",
    weight: float = 0.7,
    alpha: float = 0.1,
    rerank: Rerank | None = None,
) -> Generate:
    """Return USCD (arXiv:2409.05923) for `custom_generate`: subtract what a weaker prompt says where all is not clear.

    lame: token ids of the weaker prompt, one row for each row of the inputs; `agent.prompts.lame` writes its text.
    threshold: collision entropy, in nats. deviation: instead of it, the paper's bound on the standard deviation of the
    probabilities, which means something else for each vocabulary. form, weight, alpha: of the contrast. rerank: settles
    by lookahead what the contrast leaves in doubt, as AdaDec does; `Rerank()` is AdaDec's.
    """
    rows: list[Any] = lame.tolist() if isinstance(lame, Tensor) else list(lame)
    lame_rows: list[list[int]] = [rows] if rows and isinstance(rows[0], int) else rows
    policy = replace(USCD, gate=Gate("collision", threshold), resolver=Contrast(form, weight, alpha, rerank=rerank))
    if deviation is None:
        return generate_by(policy, lame=lame_rows)

    def generate(model: Any, *args: Any, **options: Any) -> Any:
        bound = collision_of_deviation(deviation, model.config.get_text_config().vocab_size)
        return generate_by(replace(policy, gate=Gate("collision", bound)), lame=lame_rows)(model, *args, **options)

    return generate


def generate_by(policy: Policy, *, lame: Sequence[Sequence[int]] | None = None) -> Generate:
    """Return a policy that looks at tokens alone, not at text, in the form that `custom_generate` wants.

    Rows of a batch are decoded one after another. Under `do_sample` the policy's sampler gives way to the call's own
    temperature, top_p and so on, and its gate sees what they make of the logits. Raises ValueError for beams, for an
    encoder and decoder, for scores or inputs that it cannot give or take, and for other than one lame prompt a row.
    """

    def generate(
        model: Any,
        input_ids: Tensor,
        logits_processor: Any,
        stopping_criteria: Any,
        generation_config: Any,
        **kwargs: Any,
    ) -> Any:
        _refuse(model, generation_config, kwargs)
        if lame is not None and len(lame) != len(input_ids):
            raise ValueError(f"{len(lame)} lame prompts came for {len(input_ids)} rows of inputs; wanted one for each")
        drawn = replace(policy, sampler=Temperature(1.0, top_p=1.0)) if generation_config.do_sample else policy
        mask, training, rows = kwargs.get("attention_mask"), model.training, []
        plain = HFLM(model)
        _check_lame(lame or (), plain.context, generation_config.max_length - input_ids.shape[1])
        for number, row in enumerate(input_ids):
            ids = row.tolist() if mask is None else row[mask[number].bool()].tolist()
            padding = row[: len(row) - len(ids)].tolist()
            lm = Processed(plain, logits_processor, padding) if logits_processor else plain
            seed = int(torch.randint(2**31, ())) if generation_config.do_sample else 0
            weaker, stop = None if lame is None else lame[number], _stop(stopping_criteria, row)
            tokens = [step.token for step in decode(lm, ids, drawn, stop=stop, lame_ids=weaker, seed=seed)]
            rows.append(torch.cat([row, row.new_tensor(tokens)]))
        model.train(training)
        pad = generation_config.pad_token_id
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=0 if pad is None else pad)
        return _as_dictionary(padded) if generation_config.return_dict_in_generate else padded

    return generate


def _check_lame(lame: Sequence[Sequence[int]], context: int | None, new: int) -> None:
    longest = max(map(len, lame), default=0)
    if context is not None and longest + new > context:
        raise ValueError(
            f"a lame prompt has {longest} tokens, {new} may follow it, and this model reads at most {context}; "
            "shorten the lame prompt or lower max_new_tokens"
        )


def _as_dictionary(sequences: Tensor) -> Any:
    from transformers.generation.utils import GenerateDecoderOnlyOutput

    return GenerateDecoderOnlyOutput(sequences=sequences)  # type: ignore[arg-type]  # they mean int64


def _refuse(model: Any, config: Any, inputs: dict[str, Any]) -> None:
    if model.config.is_encoder_decoder or config.num_beams > 1:
        raise ValueError("this decoding has one beam and a decoder alone; set num_beams=1, or choose another model")
    if config.output_scores or config.output_logits or config.output_attentions or config.output_hidden_states:
        raise ValueError("this decoding returns token ids alone; leave out output_scores and its like")
    if inputs.get("inputs_embeds") is not None:
        raise ValueError("this decoding reads token ids; give input_ids, not inputs_embeds")


def _stop(criteria: Any, row: Tensor) -> StopRule:
    def stop(completion: Completion) -> str | None:
        ids = torch.cat([row, row.new_tensor(completion.tokens)])[None]
        return "stopping criterion" if completion.tokens and bool(criteria(ids, None).all()) else None

    return stop


class Processed:
    """A language model seen through the logits processors of a call, in lookaheads as outside of them.

    Its prefixes hold processed logits, and the model's own prefix where a cache would be. padding: ids that stand
    before each row and that the model does not see, but the processors count.
    """

    def __init__(self, lm: LM, processors: Any, padding: Sequence[int] = ()) -> None:
        self._lm, self._processors, self._padding = lm, processors, list(padding)

    @property
    def forwards(self) -> int:
        """Model calls."""
        return self._lm.forwards

    @property
    def token_rows(self) -> int:
        """Tokens fed, summed over rows."""
        return self._lm.token_rows

    def prefill(self, ids: Sequence[int]) -> Prefix:
        """Return the prefix of these ids."""
        return self.processed(self._lm.prefill(ids))

    def extend(self, prefix: Prefix, tokens: Sequence[int]) -> Prefix:
        """Append tokens in one forward; no tokens, no forward."""
        return self.processed(self._lm.extend(prefix.cache, tokens)) if tokens else prefix

    def branch(self, prefix: Prefix, tokens: Sequence[int]) -> Batch:
        """Append each of k tokens to a copy of the prefix."""
        rows = tuple((*prefix.ids, token) for token in tokens)
        return _ProcessedBatch(self, self._lm.branch(prefix.cache, tokens), rows)

    def trail(self, prefix: Prefix, tokens: Sequence[int]) -> Iterable[Prefix]:
        """Append tokens that may prove wrong; the prefix after each."""
        return map(self.processed, self._lm.trail(prefix.cache, tokens))

    def processed(self, raw: Prefix) -> Prefix:
        """Return a prefix of the model with the logits that the processors make of its own."""
        return Prefix(raw.ids, self.logits(raw.ids, raw.logits), raw)

    def logits(self, ids: Sequence[int], logits: Tensor) -> Tensor:
        """Return processed logits after these ids. [vocab]."""
        seen = torch.tensor([[*self._padding, *ids]], device=logits.device)
        made: Tensor = self._processors(seen, logits[None].clone())[0]
        return made


class _ProcessedBatch:
    def __init__(self, lm: Processed, batch: Batch, rows: tuple[tuple[int, ...], ...]) -> None:
        self._lm, self._batch, self._rows = lm, batch, rows
        self.depth = batch.depth
        self.logits = torch.stack([lm.logits(ids, logits) for ids, logits in zip(rows, batch.logits, strict=True)])

    def advance(self, tokens: Sequence[int]) -> _ProcessedBatch:
        rows = tuple((*ids, token) for ids, token in zip(self._rows, tokens, strict=True))
        return _ProcessedBatch(self._lm, self._batch.advance(tokens), rows)

    def select(self, row: int, drop: int = 0) -> Prefix:
        return self._lm.processed(self._batch.select(row, drop))
