"""Decoding policies for users of transformers: `model.generate(**inputs, custom_generate=adadec(threshold=1.0))`.

The call's own generation config, processors and stopping criteria decide everything else. A text ends at the latest
when the model's context is full. A streamer stays silent: transformers does not hand it to a `custom_generate`.

A logits processor may keep state, as those of grammars do: each branch of a lookahead gets a copy of it, but not of a
model or tokenizer in it. Each copy sees every token of its branch once, in order. A plain function must depend only on
its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from agent.custom_generate.processed import Processed
from agent.decoding.context import Policy
from agent.decoding.contrast import Contrast, Form
from agent.decoding.gates import Gate
from agent.decoding.loop import decode
from agent.decoding.policies import ADADEC, USCD
from agent.decoding.rerank import Rerank
from agent.decoding.samplers import Temperature
from agent.decoding.step import Completion
from agent.decoding.stops import StopRule
from agent.errors import DubitoError
from agent.lm.base import LM
from agent.lm.hf.model import HFLM
from uncertainty.scores import collision_of_deviation

Generate = Callable[..., Any]


def adadec(
    threshold: float = ADADEC.gate.threshold,
    *,
    width: int = 3,
    horizon: int = 5,
) -> Generate:
    """Return AdaDec (arXiv:2506.08980) for `custom_generate`: rerank by lookahead if the entropy is high.

    threshold: in nats; `dubito calibrate threshold` learns one for a model. width: candidates. horizon: tokens of a
    rollout.
    """
    resolver = Rerank(width, horizon)
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
    """Return USCD (arXiv:2409.05923) for `custom_generate`: contrast with a weaker prompt if the entropy is high.

    lame: token ids of the weaker prompt, one row for each row of the inputs; agent.program.lame writes it. threshold:
    collision entropy, in nats. deviation: the paper's bound on the standard deviation of the probabilities, instead of
    a threshold; its meaning depends on the vocabulary. form, weight, alpha: of the contrast. rerank: settles by
    lookahead what the contrast leaves in doubt; `Rerank()` is AdaDec's.
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
    """Return a policy in the form that `custom_generate` wants. The policy must look only at tokens, not at text.

    It decodes the rows of a batch one after another. Under `do_sample` the call's own temperature, top_p and so on
    replace the policy's sampler, and its gate sees the logits that they leave. Raises ValueError for beams, for a model
    with an encoder, for outputs and inputs that it does not support, and unless each row has one lame prompt.
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
        sampling, mask = generation_config.do_sample, kwargs.get("attention_mask")
        chosen = replace(policy, sampler=Temperature(1.0, top_p=1.0)) if sampling else policy
        most, rows = generation_config.max_length - input_ids.shape[1], []
        with _restored(model):
            plain = HFLM(model, pools=False)
            for number, row in enumerate(input_ids):
                ids = row.tolist() if mask is None else row[mask[number].bool()].tolist()
                lame_ids, room = None if lame is None else lame[number], _room(plain.context, len(ids), most)
                _check_lame(lame_ids or (), plain.context, room)
                lm, stop = _process(plain, logits_processor, row, ids, lame_ids), _stop(stopping_criteria, row, room)
                seed = int(torch.randint(2**31, ())) if sampling else 0
                tokens = [step.token for step in decode(lm, ids, chosen, stop=stop, lame_ids=lame_ids, seed=seed)]
                rows.append(torch.cat([row, row.new_tensor(tokens)]))
        pad = generation_config.pad_token_id
        padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=0 if pad is None else pad)
        return _as_dictionary(padded) if generation_config.return_dict_in_generate else padded

    return generate


@contextmanager
def _restored(model: Any) -> Iterator[None]:
    """Restore the training mode of each part of a model afterwards, and raise ValueError for a DubitoError."""
    modes = [(part, part.training) for part in model.modules()]
    try:
        yield
    except DubitoError as error:
        raise ValueError(str(error)) from error
    finally:
        for part, training in modes:
            part.training = training


def _process(plain: HFLM, processors: Any, row: Tensor, ids: list[int], lame: Sequence[int] | None) -> LM:
    """Return the model seen through the call's processors. row: the padding, then the ids."""
    if not processors:
        return plain
    return Processed(plain, processors, row[: len(row) - len(ids)].tolist(), (ids, ids if lame is None else lame))


def _room(context: int | None, prompt: int, most: int) -> int:
    """Return how many tokens may follow a prompt: `most`, or fewer if the context is full before."""
    return most if context is None else min(most, context - prompt)


def _check_lame(lame: Sequence[int], context: int | None, room: int) -> None:
    if context is not None and len(lame) + room > context:
        raise ValueError(
            f"a lame prompt has {len(lame)} tokens, {room} may follow it, and this model reads at most {context}; "
            "shorten the lame prompt or lower max_new_tokens"
        )


def _as_dictionary(sequences: Tensor) -> Any:
    from transformers.generation.utils import GenerateDecoderOnlyOutput

    return GenerateDecoderOnlyOutput(sequences=sequences)  # type: ignore[arg-type]  # the annotation means int64


def _refuse(model: Any, config: Any, inputs: dict[str, Any]) -> None:
    if model.config.is_encoder_decoder or config.num_beams > 1:
        raise ValueError("this decoding has one beam and a decoder alone; set num_beams=1, or choose another model")
    if config.output_scores or config.output_logits or config.output_attentions or config.output_hidden_states:
        raise ValueError("this decoding returns token ids alone; leave out output_scores and its like")
    if inputs.get("inputs_embeds") is not None:
        raise ValueError("this decoding reads token ids; give input_ids, not inputs_embeds")


def _stop(criteria: Any, row: Tensor, room: int) -> StopRule:
    def stop(completion: Completion) -> str | None:
        if len(completion.tokens) >= room:
            return "no room"
        ids = torch.cat([row, row.new_tensor(completion.tokens)])[None]
        return "stopping criterion" if completion.tokens and bool(criteria(ids, None).all()) else None

    return stop
