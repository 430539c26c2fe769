"""Write what goes on at a cursor, while a person types: the rest of a line, or a block. Runs nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from agent.decoding.loop import decode
from agent.decoding.policies import POLICIES
from agent.decoding.step import Completion, Step
from agent.decoding.stops import any_of, end_token, token_limit
from agent.lm.base import Model
from agent.program.ends import End
from agent.program.fillings import find_misfit
from agent.program.holes import Hole
from agent.program.shown_code import ShownCode, show_code_around
from agent.workflow.fill import find_fim_mark, write_hole_prompt

_MOST_SHOWN = 512  # tokens of code around a cursor: a person waits for what is read
_MOST_WRITTEN = 64  # tokens
_LINES = 16  # the shown code begins at a line that stays the same for so many, so that the model need not read it again


def complete_inline(
    model: Model,
    source: str,
    offset: int,
    *,
    max_tokens: int = _MOST_WRITTEN,
    stop: Callable[[], bool] = lambda: False,
) -> str | None:
    """Return what the model would write at a place of a source, by fill-in-the-middle; None where it is nothing.

    On an empty line and behind a colon it is a block, else the rest of the line. The source need not be Python.
    offset: of the cursor, in characters. stop: is asked before each forward. None too for a model without
    fill-in-the-middle tokens, for code that holds such a token, and where `stop` became true.
    """
    place = _describe_place(source, offset)
    around = _show(model, source, place, max_tokens)
    if model.tokenizer.fim is None or find_fim_mark(model, around.before + around.after) or stop():
        return None
    prompt = write_hole_prompt(model, around.before, around.after)

    def ends(completion: Completion) -> str | None:
        is_over = "\n" in completion.text if place.margin is None else _misfits(place, completion.text, source)
        return "nothing else fits" if is_over or stop() else None

    rule = any_of(end_token(prompt.end_ids), ends, token_limit(max_tokens))
    stream = model.tokenizer.stream(prompt.ids)
    steps = list(decode(model.lm, prompt.ids, POLICIES["greedy"], stop=rule, text=stream))
    return None if stop() else _cut(place, steps, prompt.end_ids, source[offset:])


def _describe_place(source: str, offset: int) -> Hole:
    """Return a cursor as a hole: of statements on an empty line and behind a colon, else of the rest of the line."""
    before, rest = source[:offset].rpartition("\n")[2], source[offset:].partition("\n")[0]
    indent, margin = len(before) - len(before.lstrip()), None
    if not rest.strip():
        margin = indent if not before.strip() else indent + 1 if before.rstrip().endswith(":") else None
    return Hole(offset, offset, source.count("\n", 0, offset) + 1, margin=margin)


def _show(model: Model, source: str, place: Hole, max_tokens: int) -> ShownCode:
    window = model.lm.context
    room = _MOST_SHOWN if window is None else min(_MOST_SHOWN, window // 2 - max_tokens)
    around = show_code_around(source, place, lambda text: len(model.tokenizer.encode(text, continues=True)), room)
    spare = -(around.first_line - 1) % _LINES
    lines = around.before.split("\n")
    if not 0 < spare < len(lines):
        return around
    return replace(around, before="\n".join(lines[spare:]), first_line=around.first_line + spare)


def _misfits(place: Hole, text: str, source: str) -> bool:
    return find_misfit(place, text, source[place.end :]) is not None


def _cut(place: Hole, steps: Sequence[Step], end_ids: frozenset[int], after: str) -> str | None:
    """Return the part of a completion that fits at a place. after: the source behind it."""
    text = "".join(step.text for step in steps if step.token not in end_ids)
    if place.margin is None:
        text = text.partition("\n")[0]
        rest = after.partition("\n")[0]
        again = next((size for size in range(len(rest), 0, -1) if text.endswith(rest[:size])), 0)
        text = text[: len(text) - again]
    else:
        text = text[: find_misfit(place, text, after)].rstrip()
        if steps[-1].end == End.TOKEN_BUDGET and "\n" in text:
            text = text.rpartition("\n")[0]
    return text if text.strip() else None
