"""The token loop: the only one in this project. It never stops by itself, and it never resolves a pause by itself."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

from agent.decoding.context import Place, Policy, Surroundings
from agent.decoding.prompt_lookup import Draft
from agent.decoding.step import Completion, Step
from agent.decoding.stops import StopRule
from agent.lm.base import LM
from agent.lm.text import TextStream


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
) -> Iterator[Step]:
    """Yield the steps of one completion, lazily: no forward is done for a step that nobody asks for.

    prompt_ids: at least one token id. text: `lm.stream_after(prompt_ids)` where steps should carry text. draft: guesses
    checked several a forward; steps and pauses are the same without it.
    """
    lame = None if lame_ids is None else tuple(lame_ids)
    around = Surroundings(lm, policy, stop, tuple(prompt_ids), lame, seed, draft)
    place = Place(lm.prefill(prompt_ids), Completion(stream=text))
    while place.end is None:
        place = yield from until_pause(around, place)
        if place.end is None:
            place = yield from resolved(around, place)


def until_pause(around: Surroundings, place: Place) -> Generator[Step, None, Place]:
    """Yield ordinary steps; return the place of the next pause, or of the end."""
    while place.end is None:
        for prefix, guess in around.ahead(place):
            place = Place(prefix, place.completion)
            reading = around.read(prefix.logits)
            if around.pauses_at(reading, place.completion):
                return place
            step, place = around.step(place, reading, around.chosen(prefix.logits, place))
            yield step
            if place.end is not None or step.token != guess:
                break
    return place


def resolved(around: Surroundings, place: Place) -> Generator[Step, None, Place]:
    """Yield the one or more steps that the policy's resolver commits at this pause; return the place after them."""
    return (yield from around.policy.resolver(around, place))
