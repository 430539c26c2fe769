"""When a program is complete. A stop rule sees the completion and answers with a reason, or None to go on.

The rules look at text and counts only; they are the same inside a lookahead as outside.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Iterable

from agent.decoding.step import Completion
from agent.workflow.state import END_OF_BLOCK

END_TOKEN = "end token"
StopRule = Callable[[Completion], str | None]

# Python counts columns from a form feed on, and no column of a comment.
_CODE_AT_MARGIN = re.compile(r"\n(?:[ \t]*\f)*(?=[^\s)\]}#])")
_BLANK_LINES = re.compile(r"\n(?:[ \t\r]*\n){4}")
_DEEPER = dict.fromkeys("([{", 1) | dict.fromkeys(")]}", -1)


def any_of(*rules: StopRule) -> StopRule:
    """Stop with the first rule that has a reason."""
    return lambda completion: next((reason for rule in rules if (reason := rule(completion))), None)


def end_token(ids: Iterable[int]) -> StopRule:
    """Stop at a token that ends texts."""
    ends = frozenset(ids)
    return lambda completion: END_TOKEN if completion.tokens and completion.tokens[-1] in ends else None


def budget(max_tokens: int) -> StopRule:
    """Stop after this many tokens."""
    return lambda completion: "token budget" if len(completion.tokens) >= max_tokens else None


def end_of_function(prompt: str) -> StopRule:
    """Stop where the function that the prompt began is over: at the first line back at the margin."""
    return lambda completion: "end of function" if function_end(prompt, completion.text) is not None else None


def end_of_code_block(is_answer: Callable[[str], bool]) -> StopRule:
    """Stop at a fence that closes a code block, where a chat answer up to there holds the program."""

    def rule(completion: Completion) -> str | None:
        last = completion.text.rstrip()[-3:]
        return END_OF_BLOCK if last in ("```", "~~~") and is_answer(completion.text) else None

    return rule


def function_end(prompt: str, text: str) -> int | None:
    """Return where in `text` the function begun by `prompt` is over, or None while it goes on.

    A line of code at the margin ends it, with the comments above that line, unless it closes a bracket or stands inside
    a string; four blank lines outside of strings end it too (AdaDec's rules, arXiv:2506.08980). A prompt without an
    open function lets `text` begin one first.
    """
    blank = _outside(prompt, text, (match.start() for match in _BLANK_LINES.finditer(text)))
    begun = _opens_function(prompt)
    for match in _CODE_AT_MARGIN.finditer(text, 0, len(text) if blank is None else blank + 1):
        if not begun:
            begun = _has_indented_block(text[: match.start() + 1])
        if begun and _outside(prompt, text, (match.start(),)) is not None:
            return _outside(prompt, text, (*_comments_above(text, match.start()), match.start()))
    return blank


def _outside(prompt: str, text: str, places: Iterable[int]) -> int | None:
    """Return the first of these line breaks that stands outside of brackets and strings."""
    return next((at for at in places if not _inside_brackets_or_string(prompt + text[: at + 1])), None)


def _comments_above(text: str, end: int) -> list[int]:
    """Return the line breaks before the comments at the margin that stand right above a line, the topmost first."""
    places = list[int]()
    while (begin := text.rfind("\n", 0, end)) >= 0:
        line = text[begin + 1 : end].lstrip("\f")
        if line.strip() and not line.lstrip().startswith("#"):
            break
        if line.startswith("#"):
            places.insert(0, begin)
        end = begin
    return places


def _opens_function(prompt: str) -> bool:
    lines = [line for line in prompt.splitlines() if line.strip()]
    return bool(lines) and (lines[-1][0].isspace() or lines[-1].startswith(("def ", "class ", "async def ")))


def _has_indented_block(text: str) -> bool:
    try:
        return any(token.type == tokenize.INDENT for token in tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return False


def _inside_brackets_or_string(text: str) -> bool:
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.OP:  # from Python 3.12 on, a piece of an f-string's text is a token too
                depth += _DEEPER.get(token.string, 0)
    except tokenize.TokenError as error:
        # Below zero a bracket was closed that nobody opened, which Python 3.11 calls a multi-line statement too.
        return depth >= 0 and re.search("multi-line|triple-quoted", str(error)) is not None
    except SyntaxError:
        pass
    return False
