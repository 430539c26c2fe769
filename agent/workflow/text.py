"""The text of completion tokens, and the program in it. Generates nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from agent.decoding.context import CodeRegion, everywhere
from agent.program import prompts
from agent.program.extraction.answers import extract_open_program
from agent.program.extraction.parts import ExtractedProgram
from agent.program.extraction.pieces import AnswerRules
from agent.program.extraction.regions import goes_on_with_code
from agent.program.extraction.thoughts import find_answer_start
from agent.program.task import Task
from agent.records import Attempt, Prompt
from agent.workflow.context import Context


def split_pieces(context: Context, prompt: Prompt, tokens: Sequence[int]) -> list[str]:
    """Return the text of each token of a completion."""
    stream = context.tokenizer.stream(prompt.ids)
    pieces = []
    for token in tokens:
        stream, piece = stream.feed(token)
        pieces.append(piece)
    return pieces


def read_text(context: Context, prompt: Prompt, tokens: Sequence[int]) -> str:
    """Return the text of a completion."""
    return "".join(split_pieces(context, prompt, tokens))


def rules_for(task: Task, prompt: Prompt) -> AnswerRules:
    """Return how an answer to this prompt is read."""
    return prompts.read_answer_rules(task.request, task.entry_point, prompt.opening, thinking=prompt.thinking)


def locate_program(context: Context, task: Task, prompt: Prompt, text: str) -> ExtractedProgram:
    """Find the program in the text of a completion."""
    return prompts.find_program(text, context.model.prompt_style, rules_for(task, prompt))


def read_open_program(context: Context, task: Task, prompt: Prompt, text: str) -> str:
    """Return the program that the text of a completion begins, so far."""
    if context.model.prompt_style.chat:
        return extract_open_program(text, rules_for(task, prompt)) or ""
    return locate_program(context, task, prompt, text).source(text)


def code_region(context: Context, task: Task, prompt: Prompt) -> CodeRegion:
    """Return where the policy may pause: in the code of a chat answer, and everywhere in a completion."""
    if not context.model.prompt_style.chat:
        return everywhere
    rules = rules_for(task, prompt)
    return lambda answer: goes_on_with_code(answer, rules)


def read_program(context: Context, task: Task, prompt: Prompt, tokens: Sequence[int]) -> str:
    """Return the program in a completion."""
    text = read_text(context, prompt, tokens)
    return locate_program(context, task, prompt, text).source(text)


def is_still_thinking(context: Context, prompt: Prompt, tokens: Sequence[int]) -> bool:
    """Whether a chat completion is a thought that has not ended."""
    if not context.model.prompt_style.chat:
        return False
    answer = prompt.opening + read_text(context, prompt, tokens)
    return find_answer_start(answer, thinking=prompt.thinking, has_opening=bool(prompt.opening)) is None


class TokenText(NamedTuple):
    """The answer of an attempt, and where its tokens stand."""

    answer: str
    starts: list[int]  # character of the answer at which each token begins
    places: list[int | None]  # character of the program at which it begins; None outside of it


def place_tokens(context: Context, task: Task, prompt: Prompt, attempt: Attempt) -> TokenText:
    """Return where the tokens of an attempt stand, in its answer and in its program."""
    pieces = split_pieces(context, prompt, attempt.tokens)
    answer, starts = "".join(pieces), [0, *accumulate(map(len, pieces))][: len(pieces)]
    location = locate_program(context, task, prompt, answer)
    known = location.source(answer) == attempt.program
    return TokenText(answer, starts, location.offsets(starts, len(answer)) if known else [None] * len(starts))
