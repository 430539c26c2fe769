"""Stop rules: a rule sees the completion and returns the reason to stop, or None to go on.

Rules look only at text and counts, so they are the same inside a lookahead as outside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agent.decoding.step import Completion
from agent.program.ends import End
from agent.program.extraction.pieces import AnswerRules
from agent.program.stop_texts import find_margin_stop, find_stop_text
from agent.program.syntax import find_function_end

StopRule = Callable[[Completion], str | None]


def any_of(*rules: StopRule) -> StopRule:
    """Return a rule that stops with the first of these rules that has a reason."""
    return lambda completion: next((reason for rule in rules if (reason := rule(completion))), None)


def end_token(ids: Iterable[int]) -> StopRule:
    """Return a rule that stops at one of these tokens."""
    ends = frozenset(ids)
    return lambda completion: End.END_TOKEN if completion.tokens and completion.tokens[-1] in ends else None


def token_limit(max_tokens: int) -> StopRule:
    """Return a rule that stops after this many tokens."""
    return lambda completion: End.TOKEN_BUDGET if len(completion.tokens) >= max_tokens else None


def end_of_function(prompt: str) -> StopRule:
    """Return a rule that stops at the first line back at the margin: there the prompt's function is over."""
    return lambda completion: End.END_OF_FUNCTION if find_function_end(prompt, completion.text) is not None else None


def end_of_code_block(is_answer: Callable[[str], bool]) -> StopRule:
    """Return a rule that stops at the fence that closes a code block, once the answer holds the program."""

    def rule(completion: Completion) -> str | None:
        last = completion.text.rstrip()[-3:]
        return End.END_OF_BLOCK if last in ("```", "~~~") and is_answer(completion.text) else None

    return rule


def end_at_text(stops: Sequence[str]) -> StopRule:
    """Return a rule that stops at one of these texts. It reads only what the last token completes."""

    def rule(completion: Completion) -> str | None:
        at = find_stop_text(completion.text, stops, completion.last_start)
        return None if at is None else End.STOP_TEXT

    return rule


def end_at_margin(stops: tuple[str, ...], rules: AnswerRules) -> StopRule:
    """Return a rule that stops at a line behind the program that begins, at the margin, with one of these texts."""

    def rule(completion: Completion) -> str | None:
        at = find_margin_stop(completion.text, stops, rules, completion.last_start)
        return None if at is None else End.BEHIND_PROGRAM

    return rule
