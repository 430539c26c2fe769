"""The one token loop of the project. A stop rule ends it; a resolver settles its pauses."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from agent.decoding.context import (
    CodeRegion,
    DecodeContext,
    DecodeState,
    Policy,
    TracedPromptWriter,
    everywhere,
    trace_nothing,
)
from agent.decoding.prompt_lookup import Draft
from agent.decoding.step import Completion, Step
from agent.decoding.stops import StopRule
from agent.lm.base import LM, TextStream


def decode(
    lm: LM,
    prompt_ids: Sequence[int],
    policy: Policy,
    *,
    stop: StopRule,
    lame_ids: Sequence[int] | None = None,
    text: TextStream | None = None,
    seed: int = 0,
    draft: Draft | None = None,
    in_code: CodeRegion = everywhere,
    write_traced_prompt: TracedPromptWriter = trace_nothing,
    alternatives: int = 0,
) -> Iterator[Step]:
    """Yield the steps of one completion. It does no forward for a step that nobody asks for.

    prompt_ids: at least one token id. lame_ids: the weaker prompt that a contrast subtracts. text: give
    `tokenizer.stream(prompt_ids)` to get steps with text. draft: proposes tokens that one forward checks together;
    steps and pauses are the same without it. in_code: pauses happen only there. write_traced_prompt: runs
    the lines so far, for a policy that reads their trace. alternatives: how many of the likeliest other tokens a step
    carries. Raises ContextLengthError.
    """
    lame = None if lame_ids is None else tuple(lame_ids)
    context = DecodeContext(
        lm, policy, stop, tuple(prompt_ids), lame, seed, draft, in_code=in_code,
        write_traced_prompt=write_traced_prompt, alternatives=alternatives,
    )  # fmt: skip
    state = DecodeState(lm.prefill(prompt_ids), Completion(stream=text))
    while state.end is None:
        state = yield from decode_until_pause(context, state)
        if state.end is None:
            state = yield from resolve_pause(context, state)


def decode_until_pause(context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
    """Yield ordinary steps; return the state at the next pause, or at the end."""
    while state.end is None:
        for prefix, drafted in context.feed_with_draft(state):
            state = DecodeState(prefix, state.completion)
            distribution = context.score(prefix.logits, prefix.summary)
            if context.pauses_at(distribution, state.completion):
                return state
            step, state = context.commit(state, distribution, context.sample(prefix.logits, state, prefix.summary))
            yield step
            if state.end is not None or step.token != drafted:
                break
    return state


def resolve_pause(context: DecodeContext, state: DecodeState) -> Generator[Step, None, DecodeState]:
    """Yield the steps, at least one, that the policy's resolver commits at this pause; return the state after them."""
    return (yield from context.policy.resolver(context, state))
