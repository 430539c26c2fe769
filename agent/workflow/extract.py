"""The node `extract`: cut the program out of a finished answer, and mark as holes what is not to be trusted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from agent.messages import quote
from agent.program.charges import charge_code
from agent.program.hole_calibration import Guarantee
from agent.program.partial_text import write_partial
from agent.program.syntax import parse
from agent.program.wording import read_wording
from agent.records import Cost, DraftProgram, Fork
from agent.workflow.context import DEFAULT_TAU, Context, way_of_writing
from agent.workflow.state import AgentState
from agent.workflow.text import locate_program, split_pieces
from uncertainty.prediction_set import PartialProgram, partial_program


def extract_draft(context: Context, state: AgentState) -> AgentState:
    """Extract the program of the attempt in progress, with its holes and its forks, each with its line.

    A candidate that would only reword the program is no way to another one, and is dropped.
    """
    start, current = context.clock(), state.current
    pieces = split_pieces(context, state.prompt, current.tokens)
    text = "".join(pieces)
    location = locate_program(context, state.task, state.prompt, text)
    source = location.source(text)
    offsets = location.offsets([0, *accumulate(len(piece) for piece in pieces)][:-1], len(text))
    bounds = choose_hole_bounds(context, state)
    partial = _mark_holes(source, offsets, current.logprobs, bounds)
    lines = _lines_at(source, offsets)
    current = replace(
        current,
        forks=tuple(
            replace(fork, line=lines[fork.position], place=offsets[fork.position])
            for fork in _drop_rewordings(context, state, source, offsets)
        ),
        draft=DraftProgram(source, write_partial(source, partial.holes), partial.holes, bounds.guarantee),
    )
    return replace(state, current=current, cost=state.cost + Cost(seconds=context.clock() - start))


class HoleBounds(NamedTuple):
    """The bounds of an attempt's hole-set, and what they guarantee."""

    tau: float
    holes: int
    guarantee: Guarantee


def choose_hole_bounds(context: Context, state: AgentState) -> HoleBounds:
    """Choose the bounds of the attempt in progress: those asked for, else calibrated ones if they fit the attempt.

    A calibration is of programs that were written in one go, so it says nothing of branches and repairs.
    """
    calibration, missing = context.profile.holes, ""
    if context.tau is not None:
        missing = "tau was chosen by hand"
    elif calibration is None:
        other = context.profile.passed_over
        reason = f"{quote(other)} holds for other weights, and " if other else ""
        missing = f"{reason}no hole-sets were calibrated for this model; `dubito calibrate holes` does"
    elif state.current.edge is not None:
        missing = "it was not the first program, and the calibration is of first programs"
    elif other := calibration.way.describe_other(way_of_writing(context)):
        missing = f"the calibration is of {other}"
    elif (chosen := calibration.choose(context.max_holes)) is None:
        missing = f"nothing was shown for {context.max_holes} holes"
    elif other := calibration.find_other_source(state.task.name):
        return HoleBounds(chosen[1], chosen[0], Guarantee(missing=other))
    else:
        shown = Guarantee(
            1.0 - calibration.delta,
            1.0 - calibration.epsilon,
            str(calibration.origin.get("problems")),
            label=calibration.label,
        )
        return HoleBounds(chosen[1], chosen[0], shown)
    return HoleBounds(context.tau or DEFAULT_TAU, context.max_holes, Guarantee(missing=missing))


def _mark_holes(
    source: str, offsets: Sequence[int | None], logprobs: Sequence[float], bounds: HoleBounds
) -> PartialProgram:
    """Mark the holes of a program. What stands before the model's first character is the person's, and stays.

    offsets: where in the program each token begins; None for a token outside of it. logprobs: of each token, in nats.
    """
    inside = [(offset, -logprob) for offset, logprob in zip(offsets, logprobs, strict=True) if offset is not None]
    partial = partial_program(source, charge_code(source, inside), tau=bounds.tau, max_holes=bounds.holes)
    own = inside[0][0] if inside else 0  # where the model's part begins
    word = own + len(source[own:]) - len(source[own:].lstrip())
    for first in (word, own):
        holes = tuple((max(start, first), end) for start, end in partial.holes if end > first)
        if parse(write_partial(source, holes)) is not None:
            return replace(partial, holes=holes)
    return partial  # the model goes on inside of what is a hole


def _drop_rewordings(context: Context, state: AgentState, source: str, offsets: Sequence[int | None]) -> Iterator[Fork]:
    """Yield the forks without the candidates that would only reword the program, or what stands around it."""
    wording, forks = read_wording(source), {fork.position: fork for fork in state.current.forks}
    stream, is_inside = context.tokenizer.stream(state.prompt.ids), not source.strip()

    def leads_on(text: str, offset: int | None) -> bool:
        if offset is None:
            return is_inside and "`" not in text and "\n" not in text
        return not wording.is_reworded(offset, text)

    for position, (token, offset) in enumerate(zip(state.current.tokens, offsets, strict=True)):
        if fork := forks.get(position):
            texts = [stream.feed(each.token)[1] for each in fork.candidates]
            kept = tuple(
                replace(each, text=each.text or text)  # its own goes on with a rollout
                for each, text in zip(fork.candidates, texts, strict=True)
                if leads_on(text, offset)
            )
            if kept:
                yield replace(fork, candidates=kept)
        is_inside = is_inside or offset is not None
        stream, _ = stream.feed(token)


def _lines_at(source: str, offsets: Sequence[int | None]) -> list[int]:
    """Return the program's line, from 1, at which each token stands; outside of it, the line of the token before."""
    inside = [offset for offset in offsets if offset is not None]
    breaks = [at for at, character in enumerate(source) if character == "\n"]
    lines, line = list[int](), 1 + bisect_left(breaks, inside[0] if inside else 0)
    for offset in offsets:
        line = line if offset is None else 1 + bisect_left(breaks, offset)
        lines.append(line)
    return lines
